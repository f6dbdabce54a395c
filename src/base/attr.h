/* Attributes and ownership macros.
 *
 * AUTO(thing) declares a 'struct thing *' local that thing_free() releases when
 * the block ends; thing.h says NT_AUTO(thing) once, after thing_free()'s
 * prototype.  Give ownership up with TAKE(x), which yields x and leaves NULL. */
#pragma once

#include <stdlib.h>

#define NT_NODISCARD __attribute__((warn_unused_result))
#define NT_UNUSED __attribute__((unused))
#define NT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NT_SENTINEL __attribute__((sentinel))

#define NT_AUTO(type)                               \
    static inline void type##_auto(struct type **p) \
    {                                               \
        type##_free(*p);                            \
    }

#define AUTO(type) __attribute__((cleanup(type##_auto))) struct type *

#define TAKE(x)               \
    ({                        \
        __typeof__(x) x_ = x; \
        (x) = NULL;           \
        x_;                   \
    })

static inline void
nt_free_auto(void *p)
{
    free(*(void **) p);
}

/* AUTO_FREE char *text = NULL;  released by free(). */
#define AUTO_FREE __attribute__((cleanup(nt_free_auto)))

#define NT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
