#include <config.h>

#include "host/ipset_table.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

static bool
is_ours(const char *name)
{
    return !strncmp(name, "nt4-", 4) || !strncmp(name, "nt6-", 4);
}

void
nt_ipset_name(const char *group_id, bool ipv6, char out[NT_IPSET_NAME_SIZE])
{
    snprintf(out, NT_IPSET_NAME_SIZE, "nt%c-%.27s", ipv6 ? '6' : '4', group_id);
}

void
nt_ipset_table_init(struct nt_ipset_table *t)
{
    shash_init(&t->sets);
}

void
nt_ipset_table_clear(struct nt_ipset_table *t)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &t->sets) {
        shash_destroy(node->data);
    }
    shash_destroy_free_data(&t->sets);
    nt_ipset_table_init(t);
}

void
nt_ipset_table_add(struct nt_ipset_table *t, const char *name, const char *address)
{
    struct shash *set = shash_find_data(&t->sets, name);

    if (!set) {
        set = xmalloc(sizeof *set);
        shash_init(set);
        shash_add(&t->sets, name, set);
    }
    if (address) {
        shash_add_once(set, address, NULL);
    }
}

static void
remove_set(struct nt_ipset_table *t, const char *name)
{
    struct shash *set = shash_find_and_delete(&t->sets, name);

    if (set) {
        shash_destroy(set);
        free(set);
    }
}

/* "create NAME ...", "add NAME ADDRESS ...", "del NAME ADDRESS", "destroy NAME". */
static void
take_line(struct nt_ipset_table *t, char *line)
{
    char *save = NULL;
    const char *verb = strtok_r(line, " ", &save);
    const char *name = strtok_r(NULL, " ", &save);
    const char *address = strtok_r(NULL, " ", &save);

    if (!verb || !name || !is_ours(name)) {
        return;
    }
    if (!strcmp(verb, "create")) {
        nt_ipset_table_add(t, name, NULL);
    } else if (!strcmp(verb, "destroy")) {
        remove_set(t, name);
    } else if (!strcmp(verb, "add") && address) {
        nt_ipset_table_add(t, name, address);
    } else if (!strcmp(verb, "del") && address) {
        struct shash *set = shash_find_data(&t->sets, name);

        if (set) {
            shash_find_and_delete(set, address);
        }
    }
}

void
nt_ipset_table_apply(struct nt_ipset_table *t, const char *commands)
{
    AUTO_FREE char *copy = xstrdup(commands);
    char *save = NULL;

    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        take_line(t, line);
    }
}

void
nt_ipset_table_parse(const char *text, struct nt_ipset_table *out)
{
    nt_ipset_table_init(out);
    nt_ipset_table_apply(out, text);
}

/* "VERB NAME ADDRESS" for each address of 'from' that is not in 'other'. */
static void
put_members(struct ds *out, const char *verb, const char *name, const struct shash *from,
            const struct shash *other)
{
    const struct shash_node **nodes = shash_sort(from);

    for (size_t i = 0; i < shash_count(from); i++) {
        if (!other || !shash_find(other, nodes[i]->name)) {
            ds_put_format(out, "%s %s %s\n", verb, name, nodes[i]->name);
        }
    }
    free(nodes);
}

static char *
take_text(struct ds *s)
{
    if (s->length) {
        return ds_steal_cstr(s);
    }
    ds_destroy(s);
    return NULL;
}

char *
nt_ipset_diff(const struct nt_ipset_table *installed, const struct nt_ipset_table *want)
{
    const struct shash_node **nodes = shash_sort(&want->sets);
    struct ds out = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < shash_count(&want->sets); i++) {
        const char *name = nodes[i]->name;
        const struct shash *old = shash_find_data(&installed->sets, name);
        const struct shash *new = nodes[i]->data;

        if (!old) {
            ds_put_format(&out, "create %s hash:net family %s\n", name,
                          name[2] == '6' ? "inet6" : "inet");
        } else {
            put_members(&out, "del", name, old, new);
        }
        put_members(&out, "add", name, new, old);
    }
    free(nodes);
    return take_text(&out);
}

char *
nt_ipset_leftovers(const struct nt_ipset_table *installed, const struct nt_ipset_table *want)
{
    const struct shash_node **nodes = shash_sort(&installed->sets);
    struct ds out = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < shash_count(&installed->sets); i++) {
        if (!shash_find(&want->sets, nodes[i]->name)) {
            ds_put_format(&out, "destroy %s\n", nodes[i]->name);
        }
    }
    free(nodes);
    return take_text(&out);
}
