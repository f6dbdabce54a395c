#include <config.h>

#include "host/iptables_want.h"

#include <limits.h>
#include <string.h>

#include "base/hashing.h"
#include "base/mem.h"
#include "host/rules.h"
#include "openvswitch/dynamic-string.h"

/* The roles of every program of ours, so that one that is not running in this
 * process is still given its place. */
static const struct nt_iptables_owner known_roles[] = {
    { "nova-network", NT_IPTABLES_RANK_NETWORK },
    { "nova-compute", NT_IPTABLES_RANK_COMPUTE },
    { "nova-api", NT_IPTABLES_RANK_API },
};

/* From how many rules on a chain finds a text by its hash. */
#define MANY_RULES 16

/* A rule of a long chain, by its text, which the chain's list owns. */
struct text_node {
    struct hmap_node node;
    const char *text;
};

static const char *const families[] = { "inst-", "sg-", "float-" };

const char *
nt_iptables_table_name(enum nt_iptables_table table)
{
    static const char *const names[] = { "filter", "nat", "mangle" };

    return names[table];
}

struct nt_iptables_want *
nt_iptables_want_new(const char *comment)
{
    struct nt_iptables_want *want = xzalloc(sizeof *want);

    want->comment = nullable_xstrdup(comment);
    for (int i = 0; i < NT_IPTABLES_N_TABLES; i++) {
        shash_init(&want->tables[i].by_name);
    }
    return want;
}

struct nt_iptables_chain *
nt_iptables_chain_hold(struct nt_iptables_chain *chain)
{
    chain->n_refs++;
    return chain;
}

void
nt_iptables_chain_drop(struct nt_iptables_chain *chain)
{
    struct text_node *text;

    if (!chain || --chain->n_refs) {
        return;
    }
    HMAP_FOR_EACH_POP (text, node, &chain->texts) {
        free(text);
    }
    hmap_destroy(&chain->texts);
    for (size_t i = 0; i < chain->n_rules; i++) {
        free(chain->rules[i]);
    }
    free(chain->rules);
    free(chain->comment);
    free(chain->name);
    free(chain);
}

static void
table_deinit(struct nt_iptables_want_table *table)
{
    for (size_t i = 0; i < table->n_chains; i++) {
        nt_iptables_chain_drop(table->chains[i]);
    }
    for (size_t i = 0; i < table->n_hooks; i++) {
        free(table->hooks[i].chain);
        free(table->hooks[i].text);
    }
    free(table->chains);
    free(table->hooks);
    shash_destroy(&table->by_name);
}

void
nt_iptables_want_free(struct nt_iptables_want *want)
{
    if (!want) {
        return;
    }
    for (int i = 0; i < NT_IPTABLES_N_TABLES; i++) {
        table_deinit(&want->tables[i]);
    }
    free(want->owners);
    free(want->comment);
    free(want->top_regex);
    free(want->bottom_regex);
    free(want);
}

void
nt_iptables_want_top_regex(struct nt_iptables_want *want, const char *regex)
{
    free(want->top_regex);
    want->top_regex = regex && *regex ? xstrdup(regex) : NULL;
}

void
nt_iptables_want_bottom_regex(struct nt_iptables_want *want, const char *regex)
{
    free(want->bottom_regex);
    want->bottom_regex = regex && *regex ? xstrdup(regex) : NULL;
}

static bool
is_name_of(const char *prefix, const char *chain)
{
    size_t len = strlen(prefix);

    if (strncmp(chain, prefix, len) || chain[len] != '-' || !chain[len + 1]) {
        return false;
    }

    const char *name = chain + len + 1;

    for (size_t i = 0; i < NT_ARRAY_SIZE(families); i++) {
        if (!strncmp(name, families[i], strlen(families[i]))) {
            return true;
        }
    }
    return !strchr(name, '-');
}

static const struct nt_iptables_owner *
find_owner(const struct nt_iptables_owner *owners, size_t n, const char *chain)
{
    for (size_t i = 0; i < n; i++) {
        if (is_name_of(owners[i].prefix, chain)) {
            return &owners[i];
        }
    }
    return NULL;
}

bool
nt_iptables_owns(const struct nt_iptables_want *want, const char *chain)
{
    return find_owner(want->owners, want->n_owners, chain) != NULL;
}

unsigned
nt_iptables_key_of(const struct nt_iptables_want *want, const char *chain)
{
    if (!strcmp(chain, NT_IPTABLES_FILTER_TOP)) {
        return NT_IPTABLES_KEY_TOP;
    }
    if (!strcmp(chain, NT_IPTABLES_POSTROUTING_BOTTOM)) {
        return NT_IPTABLES_KEY_BOTTOM;
    }

    const struct nt_iptables_owner *owner = find_owner(want->owners, want->n_owners, chain);

    if (!owner) {
        owner = find_owner(known_roles, NT_ARRAY_SIZE(known_roles), chain);
    }
    return owner ? NT_IPTABLES_KEY_ROLE + owner->rank : UINT_MAX;
}

void
nt_iptables_role_claim(struct nt_iptables_want *want, const char *prefix, unsigned rank)
{
    struct nt_iptables_owner owner = { .rank = rank };

    ovs_strlcpy(owner.prefix, prefix, sizeof owner.prefix);
    for (size_t i = 0; i < want->n_owners; i++) {
        if (!strcmp(want->owners[i].prefix, owner.prefix)) {
            return;
        }
    }
    if (want->n_owners == want->allocated_owners) {
        want->owners = x2nrealloc(want->owners, &want->allocated_owners, sizeof *want->owners);
    }
    want->owners[want->n_owners++] = owner;
}

struct nt_iptables_chain *
nt_iptables_chain(struct nt_iptables_want *want, enum nt_iptables_table id, const char *name)
{
    struct nt_iptables_want_table *table = &want->tables[id];
    struct nt_iptables_chain *chain = shash_find_data(&table->by_name, name);

    if (chain) {
        return chain;
    }
    chain = xzalloc(sizeof *chain);
    chain->name = xstrdup(name);
    chain->comment = nullable_xstrdup(want->comment);
    hmap_init(&chain->texts);
    nt_iptables_chain_share(want, id, chain);
    return chain;
}

void
nt_iptables_chain_share(struct nt_iptables_want *want, enum nt_iptables_table id,
                        struct nt_iptables_chain *chain)
{
    struct nt_iptables_want_table *table = &want->tables[id];

    ovs_assert(nt_iptables_owns(want, chain->name));
    ovs_assert(strlen(chain->name) <= NT_CHAIN_NAME_MAX);
    ovs_assert(!shash_find(&table->by_name, chain->name));
    shash_add(&table->by_name, chain->name, chain);
    if (table->n_chains == table->allocated_chains) {
        table->chains = x2nrealloc(table->chains, &table->allocated_chains, sizeof *table->chains);
    }
    table->chains[table->n_chains++] = nt_iptables_chain_hold(chain);
}

/* One line of the restore input: a line break inside would be a second command. */
static char *
finish_text(const char *text, const char *comment)
{
    ovs_assert(!strpbrk(text, "\r\n"));

    AUTO_FREE char *canon = nt_rule_canon(text);

    return nt_rule_with_comment(canon, comment);
}

static void
note_text(struct nt_iptables_chain *chain, const char *text, uint32_t hash)
{
    struct text_node *new = xmalloc(sizeof *new);

    new->text = text;
    hmap_insert(&chain->texts, &new->node, hash);
}

static bool
has_rule(const struct nt_iptables_chain *chain, const char *text, uint32_t hash)
{
    const struct text_node *known;

    for (size_t i = 0; chain->n_rules <= MANY_RULES && i < chain->n_rules; i++) {
        if (!strcmp(chain->rules[i], text)) {
            return true;
        }
    }
    HMAP_FOR_EACH_WITH_HASH (known, node, hash, &chain->texts) {
        if (!strcmp(known->text, text)) {
            return true;
        }
    }
    return false;
}

/* Takes 'full'. */
static void
add_rule(struct nt_iptables_chain *chain, char *full)
{
    uint32_t hash = chain->n_rules >= MANY_RULES ? hash_string(full, 0) : 0;

    if (has_rule(chain, full, hash)) {
        free(full);
        return;
    }
    if (chain->n_rules == chain->allocated) {
        chain->rules = x2nrealloc(chain->rules, &chain->allocated, sizeof *chain->rules);
    }
    for (size_t i = 0; chain->n_rules == MANY_RULES && i < MANY_RULES; i++) {
        note_text(chain, chain->rules[i], hash_string(chain->rules[i], 0));
    }
    if (chain->n_rules >= MANY_RULES) {
        note_text(chain, full, hash);
    }
    chain->rules[chain->n_rules++] = full;
}

void
nt_iptables_rule(struct nt_iptables_chain *chain, const char *text)
{
    add_rule(chain, finish_text(text, chain->comment));
}

void
nt_iptables_rule_take(struct nt_iptables_chain *chain, char *text)
{
    nt_iptables_rule(chain, text);
    free(text);
}

void
nt_iptables_rule_note(struct nt_iptables_chain *chain, const char *note, const char *text)
{
    AUTO_FREE char *comment = chain->comment ? xasprintf("%s: %s", chain->comment, note) : NULL;

    add_rule(chain, finish_text(text, comment));
}

void
nt_iptables_rule_again(struct nt_iptables_chain *chain, const char *finished)
{
    add_rule(chain, xstrdup(finished));
}

void
nt_iptables_hook(struct nt_iptables_want *want, enum nt_iptables_table id, const char *chain,
                 const char *text, unsigned key)
{
    struct nt_iptables_want_table *table = &want->tables[id];
    AUTO_FREE char *full = finish_text(text, want->comment);
    size_t at = 0;

    for (size_t i = 0; i < table->n_hooks; i++) {
        struct nt_iptables_hook *hook = &table->hooks[i];

        if (!strcmp(hook->chain, chain) && !strcmp(hook->text, full)) {
            return;
        }
        at = hook->key <= key ? i + 1 : at;
    }
    if (table->n_hooks == table->allocated_hooks) {
        table->hooks = x2nrealloc(table->hooks, &table->allocated_hooks, sizeof *table->hooks);
    }

    struct nt_iptables_hook *hook = &table->hooks[at];

    memmove(hook + 1, hook, (table->n_hooks - at) * sizeof *hook);
    table->n_hooks++;
    hook->chain = xstrdup(chain);
    hook->text = TAKE(full);
    hook->key = key;
}

/* The own chain PREFIX-NAME and, with 'from', the jump to it out of that chain. */
static void
add_own(struct nt_iptables_want *want, enum nt_iptables_table table,
        const struct nt_iptables_owner *owner, const char *name, const char *from)
{
    AUTO_FREE char *chain = xasprintf("%s-%s", owner->prefix, name);
    AUTO_FREE char *jump = xasprintf("-j %s", chain);

    nt_iptables_chain(want, table, chain);
    nt_iptables_hook(want, table, from, jump, NT_IPTABLES_KEY_ROLE + owner->rank);
}

static struct nt_iptables_owner
claim(struct nt_iptables_want *want, const char *prefix, unsigned rank)
{
    struct nt_iptables_owner owner = { .rank = rank };

    ovs_strlcpy(owner.prefix, prefix, sizeof owner.prefix);
    nt_iptables_role_claim(want, prefix, rank);
    return owner;
}

void
nt_iptables_role_init_filter(struct nt_iptables_want *want, const char *prefix, unsigned rank)
{
    static const char *const filter[] = { "INPUT", "OUTPUT", "FORWARD" };
    const struct nt_iptables_owner owner = claim(want, prefix, rank);

    nt_iptables_hook(want, NT_IPTABLES_FILTER, "FORWARD", "-j " NT_IPTABLES_FILTER_TOP,
                     NT_IPTABLES_KEY_TOP);
    nt_iptables_hook(want, NT_IPTABLES_FILTER, "OUTPUT", "-j " NT_IPTABLES_FILTER_TOP,
                     NT_IPTABLES_KEY_TOP);
    add_own(want, NT_IPTABLES_FILTER, &owner, "local", NT_IPTABLES_FILTER_TOP);
    for (size_t i = 0; i < NT_ARRAY_SIZE(filter); i++) {
        add_own(want, NT_IPTABLES_FILTER, &owner, filter[i], filter[i]);
    }
}

void
nt_iptables_role_init(struct nt_iptables_want *want, const char *prefix, unsigned rank)
{
    static const char *const nat[] = { "PREROUTING", "OUTPUT", "POSTROUTING" };
    const struct nt_iptables_owner owner = claim(want, prefix, rank);

    nt_iptables_role_init_filter(want, prefix, rank);
    for (size_t i = 0; i < NT_ARRAY_SIZE(nat); i++) {
        add_own(want, NT_IPTABLES_NAT, &owner, nat[i], nat[i]);
    }
    nt_iptables_hook(want, NT_IPTABLES_NAT, "POSTROUTING", "-j " NT_IPTABLES_POSTROUTING_BOTTOM,
                     NT_IPTABLES_KEY_BOTTOM);
    add_own(want, NT_IPTABLES_NAT, &owner, "snat", NT_IPTABLES_POSTROUTING_BOTTOM);

    AUTO_FREE char *snat = xasprintf("%s-snat", owner.prefix);
    AUTO_FREE char *floating = xasprintf("%s-float-snat", owner.prefix);
    char *jump = xasprintf("-j %s", floating);

    nt_iptables_chain(want, NT_IPTABLES_NAT, floating);
    nt_iptables_rule_take(nt_iptables_chain(want, NT_IPTABLES_NAT, snat), jump);
}

void
nt_iptables_role_mangle(struct nt_iptables_want *want, const char *prefix, unsigned rank)
{
    const struct nt_iptables_owner owner = claim(want, prefix, rank);

    add_own(want, NT_IPTABLES_MANGLE, &owner, "POSTROUTING", "POSTROUTING");
}

static void
dump_table(const struct nt_iptables_want_table *table, struct ds *s)
{
    for (size_t i = 0; i < table->n_hooks; i++) {
        const struct nt_iptables_hook *hook = &table->hooks[i];

        ds_put_format(s, "hook %s %u %s\n", hook->chain, hook->key, hook->text);
    }
    for (size_t i = 0; i < table->n_chains; i++) {
        const struct nt_iptables_chain *chain = table->chains[i];

        ds_put_format(s, "chain %s\n", chain->name);
        for (size_t j = 0; j < chain->n_rules; j++) {
            ds_put_format(s, "    %s\n", chain->rules[j]);
        }
    }
}

char *
nt_iptables_want_dump(const struct nt_iptables_want *want)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < want->n_owners; i++) {
        ds_put_format(&s, "owner %s %u\n", want->owners[i].prefix, want->owners[i].rank);
    }
    for (int i = 0; i < NT_IPTABLES_N_TABLES; i++) {
        ds_put_format(&s, "*%s\n", nt_iptables_table_name(i));
        dump_table(&want->tables[i], &s);
    }
    return ds_steal_cstr(&s);
}

bool
nt_iptables_want_equal(const struct nt_iptables_want *a, const struct nt_iptables_want *b)
{
    AUTO_FREE char *a_text = nt_iptables_want_dump(a);
    AUTO_FREE char *b_text = nt_iptables_want_dump(b);

    return !strcmp(a_text, b_text);
}
