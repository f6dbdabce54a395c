#include <config.h>

#include "host/iptables_save.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct loader {
    struct nt_iptables_state *state;
    struct nt_iptables_saved_table *table; /* NULL outside "*table" ... "COMMIT". */
    unsigned line;
    struct nt_err *err;
};

static int
bad_line(struct loader *l, const char *why)
{
    return nt_fail(l->err, NT_INVALID, "iptables text, line %u: %s", l->line, why);
}

struct nt_iptables_state *
nt_iptables_state_new(void)
{
    struct nt_iptables_state *state = xzalloc(sizeof *state);

    shash_init(&state->tables);
    return state;
}

static void
chain_clear(struct nt_iptables_saved_chain *chain)
{
    for (size_t i = 0; i < chain->n_rules; i++) {
        free(chain->rules[i].text);
    }
    chain->n_rules = 0;
}

static void
chain_free(struct nt_iptables_saved_chain *chain)
{
    chain_clear(chain);
    free(chain->rules);
    free(chain->name);
    free(chain);
}

void
nt_iptables_state_free(struct nt_iptables_state *state)
{
    if (!state) {
        return;
    }

    struct shash_node *node;

    SHASH_FOR_EACH (node, &state->tables) {
        struct nt_iptables_saved_table *table = node->data;

        for (size_t i = 0; i < table->n_chains; i++) {
            chain_free(table->chains[i]);
        }
        free(table->chains);
        shash_destroy(&table->by_name);
        free(table->name);
        free(table);
    }
    shash_destroy(&state->tables);
    free(state);
}

struct nt_iptables_saved_table *
nt_iptables_state_table(const struct nt_iptables_state *state, const char *name)
{
    return shash_find_data(&state->tables, name);
}

struct nt_iptables_saved_chain *
nt_iptables_saved_chain_find(const struct nt_iptables_saved_table *table, const char *name)
{
    return shash_find_data(&table->by_name, name);
}

static struct nt_iptables_saved_table *
table_get(struct nt_iptables_state *state, const char *name)
{
    struct nt_iptables_saved_table *table = nt_iptables_state_table(state, name);

    if (!table) {
        table = xzalloc(sizeof *table);
        table->name = xstrdup(name);
        shash_init(&table->by_name);
        shash_add(&state->tables, name, table);
    }
    return table;
}

static struct nt_iptables_saved_chain *
chain_declare(struct nt_iptables_saved_table *table, const char *name)
{
    struct nt_iptables_saved_chain *chain = nt_iptables_saved_chain_find(table, name);

    if (chain) {
        chain_clear(chain);
        return chain;
    }
    chain = xzalloc(sizeof *chain);
    chain->name = xstrdup(name);
    shash_add(&table->by_name, name, chain);
    if (table->n_chains == table->allocated) {
        table->chains = x2nrealloc(table->chains, &table->allocated, sizeof *table->chains);
    }
    table->chains[table->n_chains++] = chain;
    return chain;
}

static void
chain_remove(struct nt_iptables_saved_table *table, struct nt_iptables_saved_chain *chain)
{
    size_t i = 0;

    while (table->chains[i] != chain) {
        i++;
    }
    memmove(&table->chains[i], &table->chains[i + 1],
            (table->n_chains - i - 1) * sizeof *table->chains);
    table->n_chains--;
    shash_find_and_delete(&table->by_name, chain->name);
    chain_free(chain);
}

static void
rule_insert(struct nt_iptables_saved_chain *chain, size_t at, const char *text,
            const struct nt_iptables_counters *counters)
{
    if (chain->n_rules == chain->allocated) {
        chain->rules = x2nrealloc(chain->rules, &chain->allocated, sizeof *chain->rules);
    }

    struct nt_iptables_saved_rule *rule = &chain->rules[at];

    memmove(rule + 1, rule, (chain->n_rules - at) * sizeof *rule);
    chain->n_rules++;
    rule->text = xstrdup(text);
    rule->counters = *counters;
}

static int
rule_delete(struct loader *l, struct nt_iptables_saved_chain *chain, const char *text)
{
    for (size_t i = 0; i < chain->n_rules; i++) {
        struct nt_iptables_saved_rule *rule = &chain->rules[i];

        if (!strcmp(rule->text, text)) {
            free(rule->text);
            memmove(rule, rule + 1, (chain->n_rules - i - 1) * sizeof *rule);
            chain->n_rules--;
            return 0;
        }
    }
    return bad_line(l, "no such rule");
}

/* The kernel's own chains exist without being declared: what we feed to restore
 * names them before any save has shown them. */
static bool
is_builtin_name(const char *name)
{
    static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
                                         "POSTROUTING" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Cuts the next word off '*pos', in place; NULL at the end. */
static char *
cut_word(char **pos)
{
    char *p = *pos;

    while (*p == ' ') {
        p++;
    }
    if (!*p) {
        return NULL;
    }

    char *end = p + strcspn(p, " ");

    *pos = *end ? end + 1 : end;
    *end = '\0';
    return p;
}

static bool
is_chain_name(const char *name)
{
    for (; *name; name++) {
        if (!isgraph((unsigned char) *name)) {
            return false;
        }
    }
    return true;
}

static int
load_declaration(struct loader *l, char *p)
{
    char *name = cut_word(&p);
    char *policy = cut_word(&p);

    if (!l->table || !name || !policy || !is_chain_name(name)) {
        return bad_line(l, "a chain declaration was expected");
    }
    if (strcmp(policy, "-") && !is_builtin_name(name)) {
        return bad_line(l, "only the kernel's own chains have a policy");
    }

    struct nt_iptables_saved_chain *chain = chain_declare(l->table, name);
    chain->is_builtin = strcmp(policy, "-") != 0;
    chain->policy_drops = !strcmp(policy, "DROP");
    return 0;
}

/* "[packets:bytes] "; absent counters are zero. */
static int
load_counters(struct loader *l, char **pos, struct nt_iptables_counters *out)
{
    *out = (struct nt_iptables_counters){ 0 };
    if (**pos != '[') {
        return 0;
    }

    char *end;

    out->packets = strtoull(*pos + 1, &end, 10);
    if (*end != ':') {
        return bad_line(l, "counters were expected");
    }
    out->bytes = strtoull(end + 1, &end, 10);
    if (end[0] != ']' || end[1] != ' ') {
        return bad_line(l, "counters were expected");
    }
    *pos = end + 2;
    return 0;
}

static int
load_insert(struct loader *l, struct nt_iptables_saved_chain *chain, char *p,
            const struct nt_iptables_counters *counters)
{
    size_t at = 0;

    if (isdigit((unsigned char) *p)) {
        char *end;
        unsigned long number = strtoul(p, &end, 10);

        if (number < 1 || number > chain->n_rules + 1 || (*end && *end != ' ')) {
            return bad_line(l, "no such rule number");
        }
        at = number - 1;
        p = *end ? end + 1 : end;
    }
    rule_insert(chain, at, p, counters);
    return 0;
}

static int
load_command(struct loader *l, char *p)
{
    struct nt_iptables_counters counters;

    if (!l->table) {
        return bad_line(l, "a table was expected");
    }
    if (load_counters(l, &p, &counters) < 0) {
        return -1;
    }

    char *command = cut_word(&p);
    char *name = cut_word(&p);

    if (!command || !name || command[0] != '-' || !command[1] || command[2]) {
        return bad_line(l, "a rule was expected");
    }

    struct nt_iptables_saved_chain *chain = nt_iptables_saved_chain_find(l->table, name);

    if (!chain && is_builtin_name(name)) {
        chain = chain_declare(l->table, name);
        chain->is_builtin = true;
    }
    if (!chain) {
        return bad_line(l, "a rule of a chain that was not declared");
    }
    switch (command[1]) {
    case 'A':
        rule_insert(chain, chain->n_rules, p, &counters);
        return 0;
    case 'I':
        return load_insert(l, chain, p, &counters);
    case 'D':
        return rule_delete(l, chain, p);
    case 'F':
        chain_clear(chain);
        return 0;
    case 'X':
        if (chain->is_builtin || chain->n_rules) {
            return bad_line(l, "this chain cannot be removed");
        }
        chain_remove(l->table, chain);
        return 0;
    default:
        return bad_line(l, "unknown command");
    }
}

/* iptables-nft-save says in a remark which tables it cannot show; taking such a
 * table for empty would make us build everything twice. */
static void
load_remark(struct loader *l, char *p)
{
    static const char start[] = "# Table `";

    if (strncmp(p, start, sizeof start - 1)) {
        return;
    }
    p += sizeof start - 1;

    char *quote = strchr(p, '\'');

    if (quote && strstr(quote, "incompatible")) {
        *quote = '\0';
        table_get(l->state, p)->is_foreign = true;
    }
}

static int
load_line(struct loader *l, char *line)
{
    size_t len = strlen(line);

    while (len && line[len - 1] == ' ') {
        line[--len] = '\0';
    }
    switch (line[0]) {
    case '\0':
        return 0;
    case '#':
        load_remark(l, line);
        return 0;
    case '*':
        if (!line[1]) {
            return bad_line(l, "a table without a name");
        }
        l->table = table_get(l->state, line + 1);
        return 0;
    case ':':
        return load_declaration(l, line + 1);
    default:
        if (!strcmp(line, "COMMIT")) {
            l->table = NULL;
            return 0;
        }
        return load_command(l, line);
    }
}

int
nt_iptables_state_load(struct nt_iptables_state *state, const char *text, struct nt_err *err)
{
    struct loader l = { .state = state, .err = err };
    AUTO_FREE char *copy = xstrdup(text);
    char *next = copy;

    while (next && *next) {
        char *line = next;

        l.line++;
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        if (load_line(&l, line) < 0) {
            return -1;
        }
    }
    return l.table ? bad_line(&l, "the last table is not complete") : 0;
}
