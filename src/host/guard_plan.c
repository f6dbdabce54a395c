#include <config.h>

#include "host/guard_plan.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define BASE NT_GUARD_BASE

/* Before the bridge's own look-up, so that it learns no forged address either. */
static const char base_body[] = "type filter hook prerouting priority dstnat; policy accept;\n"
                                "iifname vmap @ports\n";

void
nt_guard_table_init(struct nt_guard_table *t)
{
    t->exists = false;
    shash_init(&t->chains);
    shash_init(&t->elements);
}

void
nt_guard_table_clear(struct nt_guard_table *t)
{
    shash_destroy_free_data(&t->chains);
    shash_destroy(&t->elements);
    nt_guard_table_init(t);
}

void
nt_guard_table_swap(struct nt_guard_table *a, struct nt_guard_table *b)
{
    bool exists = a->exists;

    a->exists = b->exists;
    b->exists = exists;
    shash_swap(&a->chains, &b->chains);
    shash_swap(&a->elements, &b->elements);
}

static char *
port_body(const struct nt_guard_port *port)
{
    struct ds body = DS_EMPTY_INITIALIZER;

    /* Frames that claim to come from somebody else's card. */
    ds_put_format(&body, "ether saddr != %s counter drop comment \"source MAC\"\n", port->mac);
    /* ARP that announces somebody else's card or address; 0.0.0.0 probes. */
    ds_put_format(&body, "arp saddr ether != %s counter drop comment \"ARP sender MAC\"\n",
                  port->mac);
    ds_put_cstr(&body, "arp saddr ip 0.0.0.0 accept\n");
    for (size_t i = 0; i < port->n_addresses; i++) {
        ds_put_format(&body, "arp saddr ip %s accept\n", port->addresses[i]);
    }
    ds_put_cstr(&body, "ether type arp counter drop comment \"ARP sender address\"\n");
    /* Answers of a DHCP or DHCPv6 server: guests only ask. */
    ds_put_cstr(&body, "udp sport { 67, 547 } counter drop comment \"DHCP server\"\n");
    /* IPv4 from its own addresses, and the question for the first one. */
    for (size_t i = 0; i < port->n_addresses; i++) {
        ds_put_format(&body, "ip saddr %s accept\n", port->addresses[i]);
    }
    ds_put_cstr(&body, "ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept\n"
                       "ether type ip counter drop comment \"source address\"\n");
    /* IPv6 that would make it its neighbours' router. */
    ds_put_cstr(&body, "icmpv6 type { nd-router-advert, nd-redirect } counter drop"
                       " comment \"IPv6 router\"\n"
                       "ether type ip6 accept\n");
    /* Tags, BPDU, LLDP and the like. */
    ds_put_cstr(&body, "counter drop comment \"protocol\"\n");
    return ds_steal_cstr(&body);
}

void
nt_guard_table_want(const struct nt_guard_port *ports, size_t n, struct nt_guard_table *out)
{
    nt_guard_table_init(out);
    out->exists = true;
    shash_add(&out->chains, BASE, xstrdup(base_body));
    for (size_t i = 0; i < n; i++) {
        if (shash_add_once(&out->elements, ports[i].ifname, NULL)) {
            shash_add(&out->chains, ports[i].ifname, port_body(&ports[i]));
        }
    }
}

/* Adds each 'quoted' name of a line of the map's elements that is mapped to its own
 * chain; another verdict counts as missing and is written again. */
static void
parse_elements(const char *line, struct nt_guard_table *out)
{
    const char *quote;

    while ((quote = strchr(line, '"'))) {
        size_t len = strcspn(quote + 1, "\"");
        AUTO_FREE char *name = xmemdup0(quote + 1, len);
        AUTO_FREE char *verdict = xasprintf("\" : jump %s", name);
        size_t n = strlen(verdict);

        line = quote + 1 + len;
        if (!strncmp(line, verdict, n) && !isalnum((unsigned char) line[n])) {
            shash_add_once(&out->elements, name, NULL);
        }
        line += *line != '\0';
    }
}

void
nt_guard_table_parse(const char *text, struct nt_guard_table *out)
{
    AUTO_FREE char *copy = xstrdup(text);
    AUTO_FREE char *chain = NULL;
    struct ds body = DS_EMPTY_INITIALIZER;
    char *save = NULL;

    nt_guard_table_init(out);
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        line += strspn(line, " \t");
        if (!strncmp(line, "table ", 6)) {
            out->exists = true;
        } else if (!strncmp(line, "chain ", 6)) {
            free(chain);
            chain = xmemdup0(line + 6, strcspn(line + 6, " {"));
            ds_clear(&body);
        } else if (*line == '}') {
            if (chain) {
                free(shash_replace(&out->chains, chain, xstrdup(ds_cstr(&body))));
            }
            free(chain);
            chain = NULL;
        } else if (chain) {
            ds_put_format(&body, "%s\n", line);
        } else {
            parse_elements(line, out);
        }
    }
    ds_destroy(&body);
}

/* 'command' for every line of 'body'. */
static void
put_rules(struct ds *out, const char *chain, const char *body)
{
    while (*body) {
        size_t len = strcspn(body, "\n");

        ds_put_format(out, "add rule " NT_GUARD_TABLE " %s %.*s\n", chain, (int) len, body);
        body += len + (body[len] == '\n');
    }
}

static void
put_element(struct ds *out, const char *command, const char *name)
{
    ds_put_format(out, "%s element " NT_GUARD_TABLE " ports { \"%s\"", command, name);
    if (!strcmp(command, "add")) {
        ds_put_format(out, " : jump %s", name);
    }
    ds_put_cstr(out, " }\n");
}

static void
put_table(struct ds *out, bool exists)
{
    if (exists) {
        ds_put_cstr(out, "delete table " NT_GUARD_TABLE "\n");
    }
    ds_put_cstr(out, "add table " NT_GUARD_TABLE "\n"
                     "add map " NT_GUARD_TABLE " ports { type ifname : verdict; }\n"
                     "add chain " NT_GUARD_TABLE " " BASE
                     " { type filter hook prerouting priority dstnat; policy accept; }\n"
                     "add rule " NT_GUARD_TABLE " " BASE " iifname vmap @ports\n");
}

static void
put_missing_chains(struct ds *out, const struct nt_guard_table *installed,
                   const struct nt_guard_table *want)
{
    const struct shash_node **nodes = shash_sort(&want->chains);

    for (size_t i = 0; i < shash_count(&want->chains); i++) {
        const char *name = nodes[i]->name;
        const char *old = shash_find_data(&installed->chains, name);

        if (!strcmp(name, BASE)) {
            continue;
        }
        if (!old) {
            ds_put_format(out, "add chain " NT_GUARD_TABLE " %s\n", name);
        } else if (strcmp(old, nodes[i]->data)) {
            ds_put_format(out, "flush chain " NT_GUARD_TABLE " %s\n", name);
        }
        if (!old || strcmp(old, nodes[i]->data)) {
            put_rules(out, name, nodes[i]->data);
        }
        if (!shash_find(&installed->elements, name)) {
            put_element(out, "add", name);
        }
    }
    free(nodes);
}

static void
put_leftovers(struct ds *out, const struct nt_guard_table *installed,
              const struct nt_guard_table *want)
{
    const struct shash_node **elements = shash_sort(&installed->elements);
    const struct shash_node **chains = shash_sort(&installed->chains);

    for (size_t i = 0; i < shash_count(&installed->elements); i++) {
        if (!shash_find(&want->elements, elements[i]->name)) {
            put_element(out, "delete", elements[i]->name);
        }
    }
    for (size_t i = 0; i < shash_count(&installed->chains); i++) {
        if (!shash_find(&want->chains, chains[i]->name)) {
            ds_put_format(out, "delete chain " NT_GUARD_TABLE " %s\n", chains[i]->name);
        }
    }
    free(elements);
    free(chains);
}

char *
nt_guard_diff(const struct nt_guard_table *installed, const struct nt_guard_table *want)
{
    const char *base = shash_find_data(&installed->chains, BASE);
    struct ds out = DS_EMPTY_INITIALIZER;

    if (!installed->exists || !base || strcmp(base, base_body)) {
        struct nt_guard_table empty;

        nt_guard_table_init(&empty);
        put_table(&out, installed->exists);
        put_missing_chains(&out, &empty, want);
    } else {
        put_missing_chains(&out, installed, want);
        put_leftovers(&out, installed, want);
    }
    if (!out.length) {
        ds_destroy(&out);
        return NULL;
    }
    return ds_steal_cstr(&out);
}
