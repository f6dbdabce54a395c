/* What cppcheck is told instead of libopenvswitch's headers, whose loop macros it
 * cannot follow: each loop gives its variable a value that may also be NULL. */
#define NT_EACH(NODE, FROM) for ((NODE) = nt_any(FROM); (NODE) != NULL; (NODE) = nt_any(NODE))
#define HMAP_FOR_EACH(NODE, MEMBER, HMAP) NT_EACH(NODE, HMAP)
#define HMAP_FOR_EACH_SAFE(NODE, ...) NT_EACH(NODE, NODE)
#define HMAP_FOR_EACH_POP(NODE, MEMBER, HMAP) NT_EACH(NODE, HMAP)
#define HMAP_FOR_EACH_WITH_HASH(NODE, MEMBER, HASH, HMAP) NT_EACH(NODE, HMAP)
#define HMAP_FOR_EACH_IN_BUCKET(NODE, MEMBER, HASH, HMAP) NT_EACH(NODE, HMAP)
#define SHASH_FOR_EACH(NODE, SHASH) NT_EACH(NODE, SHASH)
#define SHASH_FOR_EACH_SAFE(NODE, ...) NT_EACH(NODE, NODE)
#define LIST_FOR_EACH(NODE, MEMBER, LIST) NT_EACH(NODE, LIST)
#define LIST_FOR_EACH_SAFE(NODE, ...) NT_EACH(NODE, NODE)
#define LIST_FOR_EACH_POP(NODE, MEMBER, LIST) NT_EACH(NODE, LIST)
#define CONTAINER_OF(POINTER, STRUCT, MEMBER) ((STRUCT *) nt_any(POINTER))
#define VLOG_DEFINE_THIS_MODULE(NAME) extern int nt_module_##NAME;
#define BUILD_ASSERT(EXPR) ((void) 0)
#define BUILD_ASSERT_DECL(EXPR) extern int nt_build_assert;
#define OVS_REQUIRES(...)
#define OVS_UNUSED
#define OVS_NOT_REACHED() abort()
#define NL_ATTR_FOR_EACH(NODE, LEFT, ATTRS, SIZE)                                     \
    for ((LEFT) = (SIZE), (NODE) = nt_any(ATTRS); (NODE) != NULL; (NODE) = nt_any(NODE))
#define SSET_FOR_EACH(NAME, SSET) NT_EACH(NAME, SSET)
#define SMAP_FOR_EACH(NODE, SMAP) NT_EACH(NODE, SMAP)
