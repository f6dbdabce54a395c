#include <config.h>

#include "host/iptables_plan.h"

#include <inttypes.h>
#include <limits.h>
#include <regex.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "host/rules.h"
#include "openvswitch/dynamic-string.h"

/* One table's commands, by kind, since one kind must come before the next. */
struct commands {
    struct ds declare, delete, add, flush, remove;
};

struct planner {
    const struct nt_iptables_want *want;
    const struct nt_iptables_want_table *table;
    const struct nt_iptables_saved_table *saved; /* NULL: the kernel has none. */
    struct commands commands;
    struct nt_iptables_plan *out;
};

/* A wanted line of a chain, and where it is in the installed one. */
struct line {
    const char *text;
    bool is_ours;
    int match; /* Index among the installed rules, or -1. */
};

struct lines {
    struct line *v;
    size_t n, allocated;
};

static void
commands_init(struct commands *c)
{
    *c = (struct commands){ DS_EMPTY_INITIALIZER, DS_EMPTY_INITIALIZER, DS_EMPTY_INITIALIZER,
                            DS_EMPTY_INITIALIZER, DS_EMPTY_INITIALIZER };
}

static void
lines_add(struct lines *lines, const char *text, bool is_ours)
{
    if (lines->n == lines->allocated) {
        lines->v = x2nrealloc(lines->v, &lines->allocated, sizeof *lines->v);
    }
    lines->v[lines->n++] = (struct line){ .text = text, .is_ours = is_ours, .match = -1 };
}

static void
put_counters(struct planner *p, const struct nt_iptables_saved_rule *old)
{
    struct nt_iptables_counters c = { 0 };

    if (old) {
        c = old->counters;
        p->out->needs_fresh = true;
    }
    ds_put_format(&p->commands.add, "[%" PRIu64 ":%" PRIu64 "] ", c.packets, c.bytes);
}

static void
put_append(struct planner *p, const char *chain, const char *text,
           const struct nt_iptables_saved_rule *old)
{
    put_counters(p, old);
    ds_put_format(&p->commands.add, "-A %s %s\n", chain, text);
    p->out->n_edits++;
}

/* 'at' counts from 0; 'n' rules are there already. */
static void
put_insert(struct planner *p, const char *chain, size_t at, size_t n, const char *text,
           const struct nt_iptables_saved_rule *old)
{
    if (at == n) {
        put_append(p, chain, text, old);
        return;
    }
    put_counters(p, old);
    ds_put_format(&p->commands.add, "-I %s %zu %s\n", chain, at + 1, text);
    p->out->n_edits++;
}

static void
put_delete(struct planner *p, const char *chain, const char *text)
{
    ds_put_format(&p->commands.delete, "-D %s %s\n", chain, text);
    p->out->n_edits++;
}

static void
put_declaration(struct planner *p, const char *chain)
{
    ds_put_format(&p->commands.declare, ":%s - [0:0]\n", chain);
    p->out->n_edits++;
}

static const struct nt_iptables_saved_chain *
saved_chain(const struct planner *p, const char *name)
{
    return p->saved ? nt_iptables_saved_chain_find(p->saved, name) : NULL;
}

/* Whether an installed line that is to go has a copy further up that stays: "-D"
 * would delete the wrong one. */
static bool
has_earlier_copy(const struct shash *heads, const struct lines *new, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (shash_find_data(heads, new->v[i].text)) {
            return true;
        }
    }
    return false;
}

/* Finds for each wanted line its installed copy.  Among equal lines the later ones
 * are kept, because "-D" deletes the first.  Returns the number of matches;
 * '*in_order' tells whether line by line editing gives the wanted order. */
static size_t
match_lines(const struct nt_iptables_saved_chain *old, struct lines *new, bool *in_order)
{
    size_t lo = 0, old_hi = old->n_rules, new_hi = new->n;

    while (lo < old_hi && lo < new_hi && !strcmp(old->rules[lo].text, new->v[lo].text)) {
        new->v[lo].match = (int) lo;
        lo++;
    }
    while (old_hi > lo && new_hi > lo
           && !strcmp(old->rules[old_hi - 1].text, new->v[new_hi - 1].text)) {
        new->v[--new_hi].match = (int) --old_hi;
    }

    size_t n_matches = lo + (new->n - new_hi);
    size_t n_middle = old_hi - lo;

    *in_order = true;
    if (!n_middle) {
        return n_matches;
    }

    /* In the middle: per text a stack of installed indices, the last on top. */
    struct shash heads = SHASH_INITIALIZER(&heads);
    size_t *below = xcalloc(n_middle, sizeof *below);

    for (size_t i = lo; i < old_hi; i++) {
        void *head = shash_replace(&heads, old->rules[i].text, (void *) (uintptr_t) (i + 1));

        below[i - lo] = (size_t) (uintptr_t) head;
    }

    size_t last = old_hi;

    for (size_t i = new_hi; i-- > lo;) {
        struct shash_node *node = shash_find(&heads, new->v[i].text);
        size_t head = node ? (size_t) (uintptr_t) node->data : 0;

        if (!head) {
            continue;
        }
        node->data = (void *) (uintptr_t) below[head - 1 - lo];
        new->v[i].match = (int) (head - 1);
        *in_order = *in_order && head - 1 < last;
        last = head - 1;
        n_matches++;
    }
    *in_order = *in_order && !has_earlier_copy(&heads, new, lo);
    shash_destroy(&heads);
    free(below);
    return n_matches;
}

/* Deletes what has no match, then inserts what is missing, front to back, so that
 * each index is right when its turn comes. */
static void
edit_lines(struct planner *p, const struct nt_iptables_saved_chain *old, const struct lines *new,
           size_t n_kept)
{
    bool *kept = xcalloc(old->n_rules + 1, sizeof *kept);

    for (size_t i = 0; i < new->n; i++) {
        if (new->v[i].match >= 0) {
            kept[new->v[i].match] = true;
        }
    }
    for (size_t i = 0; i < old->n_rules; i++) {
        if (!kept[i]) {
            put_delete(p, old->name, old->rules[i].text);
        }
    }
    free(kept);

    size_t n = n_kept;

    for (size_t i = 0; i < new->n; i++) {
        if (new->v[i].match < 0) {
            put_insert(p, old->name, i, n++, new->v[i].text, NULL);
        }
    }
}

static void
redeclare(struct planner *p, const struct nt_iptables_saved_chain *old, const char *name,
          const struct lines *new)
{
    put_declaration(p, name);
    for (size_t i = 0; i < new->n; i++) {
        const struct line *line = &new->v[i];

        put_append(p, name, line->text, old && line->match >= 0 ? &old->rules[line->match] : NULL);
    }
}

static bool
is_installed(const struct nt_iptables_saved_chain *old, const struct nt_iptables_chain *chain)
{
    bool same = old && old->n_rules == chain->n_rules;

    for (size_t i = 0; same && i < chain->n_rules; i++) {
        same = !strcmp(old->rules[i].text, chain->rules[i]);
    }
    return same;
}

static void
plan_own_chain(struct planner *p, const struct nt_iptables_chain *chain)
{
    const struct nt_iptables_saved_chain *old = saved_chain(p, chain->name);
    struct lines new = { 0 };

    if (is_installed(old, chain)) {
        return;
    }
    for (size_t i = 0; i < chain->n_rules; i++) {
        lines_add(&new, chain->rules[i], true);
    }
    if (!old) {
        redeclare(p, NULL, chain->name, &new);
    } else {
        bool in_order;
        size_t n_kept = match_lines(old, &new, &in_order);
        size_t n_edits = (old->n_rules - n_kept) + (new.n - n_kept);

        if (!in_order || n_edits > new.n) {
            redeclare(p, old, chain->name, &new);
        } else if (n_edits) {
            edit_lines(p, old, &new, n_kept);
        }
    }
    free(new.v);
}

static bool
is_shared(const char *chain)
{
    return !strcmp(chain, NT_IPTABLES_FILTER_TOP) || !strcmp(chain, NT_IPTABLES_POSTROUTING_BOTTOM);
}

static bool
has_hooks_in(const struct nt_iptables_want_table *table, const char *chain)
{
    for (size_t i = 0; i < table->n_hooks; i++) {
        if (!strcmp(table->hooks[i].chain, chain)) {
            return true;
        }
    }
    return false;
}

/* An own chain that nobody wants any more. */
static bool
is_leftover(const struct planner *p, const char *chain)
{
    return !shash_find(&p->table->by_name, chain) && nt_iptables_owns(p->want, chain);
}

/* A shared chain in which nothing stands but our own lines, and these go. */
static bool
shared_is_leftover(const struct planner *p, const char *name)
{
    const struct nt_iptables_saved_chain *chain = saved_chain(p, name);

    if (!chain || has_hooks_in(p->table, name)) {
        return false;
    }

    char target[NT_CHAIN_NAME_MAX + 1];

    for (size_t i = 0; i < chain->n_rules; i++) {
        if (!nt_rule_target(chain->rules[i].text, target, sizeof target)
            || !nt_iptables_owns(p->want, target)) {
            return false;
        }
    }
    return true;
}

/* Whether this line of a chain that is not ours is ours to place or to delete. */
static bool
line_is_ours(const struct planner *p, const struct nt_iptables_saved_chain *chain, const char *text,
             const char *target)
{
    if (is_shared(target)) {
        return shared_is_leftover(p, target)
               || (has_hooks_in(p->table, target) && has_hooks_in(p->table, chain->name)
                   && nt_rule_is_plain_jump(text, target));
    }
    if (!nt_iptables_owns(p->want, target)) {
        return false;
    }
    return chain->is_builtin || is_shared(chain->name) || has_hooks_in(p->table, chain->name)
           || is_leftover(p, target);
}

/* The hook's text.  The jump to a shared chain may have been written by another
 * program, with another comment: then that one will do. */
static const char *
hook_text(const struct nt_iptables_hook *hook, const struct nt_iptables_saved_chain *old)
{
    char target[NT_CHAIN_NAME_MAX + 1];

    if (!old || !nt_rule_target(hook->text, target, sizeof target) || !is_shared(target)) {
        return hook->text;
    }
    for (size_t i = old->n_rules; i-- > 0;) {
        if (nt_rule_is_plain_jump(old->rules[i].text, target)) {
            return old->rules[i].text;
        }
    }
    return hook->text;
}

/* Whether "-A CHAIN TEXT" matches from its start. */
static bool
line_matches(const regex_t *regex, const char *chain, const char *text)
{
    AUTO_FREE char *line = xasprintf("-A %s %s", chain, text);
    regmatch_t match;

    return !regexec(regex, line, 1, &match, 0) && !match.rm_so;
}

/* How many lines come before the first one that is to stay below ours. */
static size_t
count_raisable(const struct planner *p, const char *chain, const char *const *others, size_t n)
{
    regex_t regex;
    size_t i = 0;

    if (!p->want->bottom_regex || regcomp(&regex, p->want->bottom_regex, REG_EXTENDED)) {
        return n;
    }
    while (i < n && !line_matches(&regex, chain, others[i])) {
        i++;
    }
    regfree(&regex);
    return i;
}

/* Lines of others up to the last one that is to stay above ours come first of all. */
static void
raise_lines(const struct planner *p, const char *chain, const char *const *others, unsigned *keys,
            size_t n)
{
    size_t n_above = 0;
    regex_t regex;

    if (!p->want->top_regex || regcomp(&regex, p->want->top_regex, REG_EXTENDED)) {
        return;
    }
    n = count_raisable(p, chain, others, n);
    for (size_t i = 0; i < n; i++) {
        if (keys[i] == UINT_MAX && line_matches(&regex, chain, others[i])) {
            n_above = i + 1;
        }
    }
    memset(keys, 0, n_above * sizeof *keys);
    regfree(&regex);
}

/* The lines of others in their order, ours put between them by key. */
static void
merge_hooks(const struct planner *p, const struct nt_iptables_saved_chain *old, const char *name,
            struct lines *out)
{
    size_t n_old = old ? old->n_rules : 0;
    unsigned *keys = xcalloc(n_old + 1, sizeof *keys);
    const char **others = xcalloc(n_old + 1, sizeof *others);
    size_t n_others = 0, next = 0;

    for (size_t i = 0; i < n_old; i++) {
        const char *text = old->rules[i].text;
        char target[NT_CHAIN_NAME_MAX + 1];
        bool has_target = nt_rule_target(text, target, sizeof target);

        if (has_target && line_is_ours(p, old, text, target)) {
            continue;
        }
        keys[n_others] = has_target ? nt_iptables_key_of(p->want, target) : UINT_MAX;
        others[n_others++] = text;
    }
    raise_lines(p, name, others, keys, n_others);

    for (size_t i = 0; i < p->table->n_hooks; i++) {
        const struct nt_iptables_hook *hook = &p->table->hooks[i];

        if (strcmp(hook->chain, name)) {
            continue;
        }
        while (next < n_others && keys[next] <= hook->key) {
            lines_add(out, others[next++], false);
        }
        lines_add(out, hook_text(hook, old), true);
    }
    while (next < n_others) {
        lines_add(out, others[next++], false);
    }
    free(keys);
    free(others);
}

/* All our lines out, all our lines in again, with their counters. */
static void
replace_ours(struct planner *p, const struct nt_iptables_saved_chain *old, const struct lines *new)
{
    size_t n = 0;

    for (size_t i = 0; i < old->n_rules; i++) {
        const char *text = old->rules[i].text;
        char target[NT_CHAIN_NAME_MAX + 1];

        if (nt_rule_target(text, target, sizeof target) && line_is_ours(p, old, text, target)) {
            put_delete(p, old->name, text);
        } else {
            n++;
        }
    }
    for (size_t i = 0; i < new->n; i++) {
        const struct line *line = &new->v[i];

        if (line->is_ours) {
            put_insert(p, old->name, i, n++, line->text,
                       line->match >= 0 ? &old->rules[line->match] : NULL);
        }
    }
}

/* A built-in, shared or foreign chain.  'old' NULL: one that is still missing. */
static void
plan_common_chain(struct planner *p, const struct nt_iptables_saved_chain *old, const char *name)
{
    struct lines new = { 0 };
    size_t n_edits_before = p->out->n_edits;

    merge_hooks(p, old, name, &new);
    if (!old && is_shared(name)) {
        redeclare(p, NULL, name, &new);
    } else if (!old) {
        for (size_t i = 0; i < new.n; i++) {
            put_append(p, name, new.v[i].text, NULL);
        }
    } else {
        bool in_order;
        size_t n_kept = match_lines(old, &new, &in_order);

        if (!in_order) {
            replace_ours(p, old, &new);
        } else if (n_kept < new.n || n_kept < old->n_rules) {
            edit_lines(p, old, &new, n_kept);
        }
    }
    if (p->out->n_edits != n_edits_before) {
        p->out->needs_fresh = true;
    }
    free(new.v);
}

static void
put_removal(struct planner *p, const char *chain)
{
    ds_put_format(&p->commands.flush, "-F %s\n", chain);
    ds_put_format(&p->commands.remove, "-X %s\n", chain);
    p->out->n_edits++;
}

static void
plan_saved_chains(struct planner *p)
{
    for (size_t i = 0; p->saved && i < p->saved->n_chains; i++) {
        const struct nt_iptables_saved_chain *chain = p->saved->chains[i];

        if (!chain->is_builtin && is_shared(chain->name) && shared_is_leftover(p, chain->name)) {
            put_removal(p, chain->name);
            p->out->needs_fresh = true;
        } else if (!chain->is_builtin && nt_iptables_owns(p->want, chain->name)) {
            if (is_leftover(p, chain->name)) {
                put_removal(p, chain->name);
            }
        } else {
            plan_common_chain(p, chain, chain->name);
        }
    }
}

/* Chains with hooks of ours that the kernel does not hold yet: shared ones, and
 * built-in ones of a table that nobody used so far. */
static void
plan_missing_hosts(struct planner *p)
{
    for (size_t i = 0; i < p->table->n_hooks; i++) {
        const char *chain = p->table->hooks[i].chain;
        bool is_first = true;

        for (size_t j = 0; j < i && is_first; j++) {
            is_first = strcmp(p->table->hooks[j].chain, chain) != 0;
        }
        if (is_first && !saved_chain(p, chain)) {
            plan_common_chain(p, NULL, chain);
        }
    }
}

static void
collect(struct planner *p, const char *table, struct ds *out)
{
    struct ds *const parts[] = { &p->commands.declare, &p->commands.delete, &p->commands.add,
                                 &p->commands.flush, &p->commands.remove };
    size_t length = 0;

    for (size_t i = 0; i < NT_ARRAY_SIZE(parts); i++) {
        length += parts[i]->length;
    }
    if (length) {
        ds_put_format(out, "*%s\n", table);
        for (size_t i = 0; i < NT_ARRAY_SIZE(parts); i++) {
            ds_put_buffer(out, parts[i]->string ? parts[i]->string : "", parts[i]->length);
        }
        ds_put_cstr(out, "COMMIT\n");
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(parts); i++) {
        ds_destroy(parts[i]);
    }
}

static void
plan_table(const struct nt_iptables_state *installed, const struct nt_iptables_want *want,
           enum nt_iptables_table id, struct nt_iptables_plan *out, struct ds *text)
{
    struct planner p = {
        .want = want,
        .table = &want->tables[id],
        .saved = nt_iptables_state_table(installed, nt_iptables_table_name(id)),
        .out = out,
    };

    commands_init(&p.commands);
    for (size_t i = 0; i < p.table->n_chains; i++) {
        plan_own_chain(&p, p.table->chains[i]);
    }
    plan_missing_hosts(&p);
    plan_saved_chains(&p);
    collect(&p, nt_iptables_table_name(id), text);
}

void
nt_iptables_plan_deinit(struct nt_iptables_plan *plan)
{
    free(plan->text);
    *plan = (struct nt_iptables_plan){ 0 };
}

int
nt_iptables_plan(const struct nt_iptables_state *installed, const struct nt_iptables_want *want,
                 struct nt_iptables_plan *out, struct nt_err *err)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < NT_IPTABLES_N_TABLES; i++) {
        const char *name = nt_iptables_table_name(i);
        const struct nt_iptables_saved_table *saved = nt_iptables_state_table(installed, name);

        if (saved && saved->is_foreign && want->tables[i].n_chains) {
            return nt_fail(err, NT_UNSUPPORTED,
                           "cannot edit iptables table %s: it holds nftables rules that iptables "
                           "cannot show",
                           name);
        }
    }

    *out = (struct nt_iptables_plan){ 0 };
    for (int i = 0; i < NT_IPTABLES_N_TABLES; i++) {
        plan_table(installed, want, i, out, &text);
    }
    out->text = text.length ? ds_steal_cstr(&text) : NULL;
    ds_destroy(&text);
    return 0;
}

char *
nt_iptables_plan_whole(const struct nt_iptables_want *want)
{
    AUTO(nt_iptables_state) empty = nt_iptables_state_new();
    struct nt_iptables_plan plan = { .text = NULL };
    struct nt_err err = { 0 };
    int rc = nt_iptables_plan(empty, want, &plan, &err);
    char *text = xstrdup(!rc && plan.text ? plan.text : "");

    nt_iptables_plan_deinit(&plan);
    return text;
}

void
nt_iptables_put_marked(struct ds *out, const char *mark, const char *text)
{
    while (text && *text) {
        int len = (int) strcspn(text, "\n");

        ds_put_format(out, "#%s %.*s\n", mark, len, text);
        text += len + (text[len] == '\n');
    }
}
