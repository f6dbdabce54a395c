#include <config.h>

#include "host/guard_plan.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "net/addr6.h"
#include "openvswitch/dynamic-string.h"

#define BASE NT_GUARD_BASE

/* Why a frame is refused: names of the host's counters. */

static const char *const reasons[] = {
    "source-MAC",          "tag",
    "ARP-sender-MAC",      "ARP-operation",
    "ARP-sender-address",  "DHCP-server",
    "DHCP-in-fragments",   "DHCP-hardware-address",
    "DHCP-client-address", "DHCP-rate",
    "IGMP-query",          "IP-options",
    "source-address",      "cut-short",
    "IPv6-router",         "MLD-query",
    "IPv6-source-address", "neighbour-discovery",
    "IPv6-cut-short",      "protocol",
};

/* The chains that hang in the bridge: their bodies, and what makes them.
 *
 * The first comes before the bridge's own look-up, so that it learns no forged
 * address either.  Frames to the addresses that bridges keep for themselves (LLDP,
 * LACP) pass only the second. */
static const struct base {
    const char *name, *body, *hook, *rule;
} bases[] = {
    { BASE,
      "type filter hook prerouting priority dstnat; policy accept;\n"
      "iifname vmap @ports\n",
      "type filter hook prerouting priority dstnat; policy accept;", "iifname vmap @ports" },
    { "reserved",
      "type filter hook input priority filter; policy accept;\n"
      "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 iifname vmap @ports\n",
      "type filter hook input priority filter; policy accept;",
      "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 iifname vmap @ports" },
};

static const struct base *
find_base(const char *name)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(bases); i++) {
        if (!strcmp(bases[i].name, name)) {
            return &bases[i];
        }
    }
    return NULL;
}

void
nt_guard_table_init(struct nt_guard_table *t)
{
    t->exists = false;
    shash_init(&t->chains);
    shash_init(&t->elements);
}

/* Takes 'body'. */
static struct nt_guard_chain *
chain_new(char *body)
{
    struct nt_guard_chain *chain = xzalloc(sizeof *chain);

    chain->n_refs = 1;
    chain->body = body;
    return chain;
}

static void
chain_drop(struct nt_guard_chain *chain)
{
    if (chain && !--chain->n_refs) {
        free(chain->body);
        free(chain);
    }
}

void
nt_guard_table_clear(struct nt_guard_table *t)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &t->chains) {
        chain_drop(node->data);
    }
    shash_destroy(&t->chains);
    shash_destroy(&t->elements);
    nt_guard_table_init(t);
}

void
nt_guard_table_forget(struct nt_guard_table *t, const char *chain)
{
    chain_drop(shash_find_and_delete(&t->chains, chain));
}

/* "FIELD != VALUE FIELD != VALUE", ascending.  Never "{ VALUE, VALUE }", here and below:
 * each such set has a number, which the kernel finds by reading all there are, so that
 * the thousandth guest would take many times what the first one does. */
static void
put_none_of(struct ds *body, const char *field, char **values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ds_put_format(body, "%s%s != %s", i ? " " : "", field, values[i]);
    }
}

static void
free_values(char **values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(values[i]);
    }
    free(values);
}

static int
compare_ip4(const void *a_, const void *b_)
{
    const uint32_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static int
compare_ip6(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct in6_addr));
}

/* What of a port the rules speak of: its addresses, ascending, each once. */
struct identity {
    char *mac;      /* "fa163e2ce8ec". */
    char *mac_text; /* "fa:16:3e:2c:e8:ec". */
    uint32_t *ip4;
    size_t n4;
    struct in6_addr *ip6; /* The first is not always the link-local one. */
    size_t n6;
};

static void
identity_init(struct identity *id, const struct nt_guard_port *port)
{
    struct nt_mac mac = { { 0 } };
    char text[NT_IP_SIZE];

    *id = (struct identity){ .mac_text = xstrdup(port->mac) };
    id->ip4 = xcalloc(port->n_addresses + 1, sizeof *id->ip4);
    id->ip6 = xcalloc(port->n_addresses6 + 1, sizeof *id->ip6);
    for (size_t i = 0; i < port->n_addresses; i++) {
        id->n4 += nt_ip4_parse(port->addresses[i], &id->ip4[id->n4]);
    }
    for (size_t i = 0; i < port->n_addresses6; i++) {
        id->n6 += nt_ip6_parse(port->addresses6[i], &id->ip6[id->n6]);
    }
    if (nt_mac_parse(port->mac, &mac)) {
        nt_ip6_link_local(&mac, text);
        id->n6 += nt_ip6_parse(text, &id->ip6[id->n6]);
    }
    id->mac = xasprintf("%02x%02x%02x%02x%02x%02x", mac.b[0], mac.b[1], mac.b[2], mac.b[3],
                        mac.b[4], mac.b[5]);
    qsort(id->ip4, id->n4, sizeof *id->ip4, compare_ip4);
    qsort(id->ip6, id->n6, sizeof *id->ip6, compare_ip6);
}

static void
identity_deinit(struct identity *id)
{
    free(id->mac);
    free(id->mac_text);
    free(id->ip4);
    free(id->ip6);
}

static void
put_no_ip4(struct ds *body, const struct identity *id)
{
    char **values = xcalloc(id->n4 + 1, sizeof *values);

    for (size_t i = 0; i < id->n4; i++) {
        values[i] = xmalloc(NT_IP4_SIZE);
        nt_ip4_format(id->ip4[i], values[i]);
    }
    put_none_of(body, "ip saddr", values, id->n4);
    free_values(values, id->n4);
}

static void
put_no_ip6(struct ds *body, const struct identity *id)
{
    char **values = xcalloc(id->n6 + 1, sizeof *values);

    for (size_t i = 0; i < id->n6; i++) {
        values[i] = xmalloc(NT_IP_SIZE);
        nt_ip6_format(&id->ip6[i], values[i]);
    }
    put_none_of(body, "ip6 saddr", values, id->n6);
    free_values(values, id->n6);
}

/* An address as nft prints raw bytes of a packet: without leading zeros. */
static char *
raw_ip6(const struct in6_addr *ip)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < 16; i++) {
        ds_put_format(&s, "%02x", ip->s6_addr[i]);
    }

    char *hex = ds_steal_cstr(&s);
    char *raw = xasprintf("0x%s", hex + MIN(strspn(hex, "0"), 31));
    free(hex);
    return raw;
}

/* The end of a rule that refuses: counted for its port, and for the host by a counter that
 * outlives the rule.  Each reason is in 'reasons'. */
static void
put_drop(struct ds *body, const char *match, const char *reason)
{
    ds_put_format(body, "%s counter counter name \"%s\" drop\n", match, reason);
}

/* ARP that announces somebody else's card or address; 0.0.0.0 only asks. */
static void
put_arp(struct ds *body, const struct identity *id)
{
    ds_put_format(body, "arp saddr ether != %s", id->mac_text);
    put_drop(body, "", "ARP-sender-MAC");
    put_drop(body, "arp operation != request arp operation != reply", "ARP-operation");
    ds_put_cstr(body, "arp operation request arp saddr ip 0.0.0.0 accept\n");
    for (size_t i = 0; i < id->n4; i++) {
        char ip[NT_IP4_SIZE];

        nt_ip4_format(id->ip4[i], ip);
        ds_put_format(body, "arp saddr ip %s accept\n", ip);
    }
    put_drop(body, "ether type arp", "ARP-sender-address");
}

/* Guests ask DHCP servers, for themselves and in moderation, and never answer.  What
 * a request says of its sender is at fixed places behind the UDP header: ciaddr at
 * 160 bits, chaddr at 288. */
static void
put_dhcp(struct ds *body, const struct identity *id)
{
    put_drop(body, "udp sport 67", "DHCP-server");
    put_drop(body, "udp sport 547", "DHCP-server");
    put_drop(body, "ip frag-off & 16383 != 0 udp dport 67", "DHCP-in-fragments");
    ds_put_format(body, "udp dport 67 @th,288,48 != 0x%s", id->mac + MIN(strspn(id->mac, "0"), 11));
    put_drop(body, "", "DHCP-hardware-address");
    ds_put_cstr(body, "udp dport 67 ");

    char **values = xcalloc(id->n4 + 1, sizeof *values);
    values[0] = xstrdup("0x0");
    for (size_t i = 0; i < id->n4; i++) {
        values[i + 1] = xasprintf("0x%x", id->ip4[i]);
    }
    put_none_of(body, "@th,160,32", values, id->n4 + 1);
    free_values(values, id->n4 + 1);
    put_drop(body, "", "DHCP-client-address");
    put_drop(body, "udp dport 67 limit rate over 50/second burst 100 packets", "DHCP-rate");
}

/* None but "router alert" in reports of memberships. */
static void
put_ip4_options(struct ds *body)
{
    put_drop(body, "ip hdrlength != 5 ip protocol != igmp", "IP-options");
    put_drop(body, "ip hdrlength > 6", "IP-options");
    put_drop(body, "ip hdrlength 6 @nh,160,32 != 0x94040000", "IP-options");
}

/* From its own addresses, and the question for the first one.  A first fragment must
 * show what it is.  Which protocols get through is for the receiver's groups to say. */
static void
put_ip4(struct ds *body, const struct identity *id)
{
    put_drop(body, "ether type ip igmp type membership-query", "IGMP-query");
    put_ip4_options(body);
    ds_put_cstr(body, "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67"
                      " accept\n");
    if (!id->n4) {
        put_drop(body, "ether type ip", "source-address");
        return;
    }
    put_no_ip4(body, id);
    put_drop(body, "", "source-address");
    ds_put_cstr(body, "ip frag-off & 8191 != 0 accept\n"
                      "ip protocol != udp accept\n"
                      "ip protocol udp udp sport != 67 accept\n");
    put_drop(body, "ether type ip", "cut-short");
}

/* Neighbour discovery (RFC 4861): an advertisement is for an own address and names
 * the own card, a question names the own card, from within the link.  Lengths leave
 * room for exactly the one option that is looked at. */
static void
put_nd(struct ds *body, const struct identity *id)
{
    for (size_t i = 0; i < id->n6; i++) {
        AUTO_FREE char *ip = raw_ip6(&id->ip6[i]);

        ds_put_format(body,
                      "ip6 hoplimit 255 ip6 length 24 icmpv6 type nd-neighbor-advert"
                      " @th,64,128 %s accept\n"
                      "ip6 hoplimit 255 ip6 length 32 icmpv6 type nd-neighbor-advert"
                      " @th,64,128 %s @th,192,64 0x201%s accept\n",
                      ip, ip, id->mac);
    }
    ds_put_format(body,
                  "ip6 hoplimit 255 ip6 length 24 icmpv6 type nd-neighbor-solicit accept\n"
                  "ip6 hoplimit 255 ip6 length 32 icmpv6 type nd-neighbor-solicit"
                  " @th,192,64 0x101%s accept\n"
                  "ip6 hoplimit 255 ip6 length 8 icmpv6 type nd-router-solicit accept\n"
                  "ip6 hoplimit 255 ip6 length 16 icmpv6 type nd-router-solicit"
                  " @th,64,64 0x101%s accept\n",
                  id->mac, id->mac);
    put_drop(body, "icmpv6 type nd-router-solicit", "neighbour-discovery");
    put_drop(body, "icmpv6 type nd-neighbor-solicit", "neighbour-discovery");
    put_drop(body, "icmpv6 type nd-neighbor-advert", "neighbour-discovery");
}

static void
put_ip6(struct ds *body, const struct identity *id)
{
    /* What would make it its neighbours' router, or the one who asks for members. */
    put_drop(body, "icmpv6 type nd-router-advert", "IPv6-router");
    put_drop(body, "icmpv6 type nd-redirect", "IPv6-router");
    put_drop(body, "icmpv6 type mld-listener-query", "MLD-query");
    /* Before it has an address: whether its own is free, memberships, where routers are. */
    for (size_t i = 0; i < id->n6; i++) {
        AUTO_FREE char *ip = raw_ip6(&id->ip6[i]);

        ds_put_format(body,
                      "ip6 saddr :: ip6 hoplimit 255 icmpv6 type nd-neighbor-solicit"
                      " @th,64,128 %s accept\n",
                      ip);
    }
    ds_put_cstr(body, "ip6 saddr :: icmpv6 type mld-listener-report accept\n"
                      "ip6 saddr :: icmpv6 type mld-listener-done accept\n"
                      "ip6 saddr :: icmpv6 type nd-router-solicit accept\n"
                      "ip6 saddr :: icmpv6 type mld2-listener-report accept\n");
    put_no_ip6(body, id);
    put_drop(body, "", "IPv6-source-address");
    put_nd(body, id);
    /* A first fragment must show what it is; the others cannot. */
    ds_put_cstr(body, "icmpv6 type != nd-router-advert accept\n"
                      "frag frag-off != 0 accept\n"
                      "meta l4proto != udp meta l4proto != ipv6-icmp accept\n"
                      "udp sport != 547 accept\n");
    put_drop(body, "ether type ip6", "IPv6-cut-short");
}

static char *
port_body(const struct nt_guard_port *port)
{
    struct ds body = DS_EMPTY_INITIALIZER;
    struct identity id;

    identity_init(&id, port);
    /* Frames that claim to come from somebody else's card. */
    ds_put_format(&body, "ether saddr != %s", port->mac);
    put_drop(&body, "", "source-MAC");
    /* Tagged frames: what follows would judge what is inside the tag. */
    put_drop(&body, "ether type 8021q", "tag");
    put_drop(&body, "ether type 8021ad", "tag");
    put_arp(&body, &id);
    put_dhcp(&body, &id);
    put_ip4(&body, &id);
    put_ip6(&body, &id);
    /* BPDU, LLDP and the like. */
    ds_put_cstr(&body, "counter counter name \"protocol\" drop\n");
    identity_deinit(&id);
    return ds_steal_cstr(&body);
}

static struct nt_guard_chain *
port_chain(const struct nt_guard_port *port, const struct nt_guard_table *before)
{
    struct nt_guard_chain *chain = before ? shash_find_data(&before->chains, port->ifname) : NULL;

    if (chain && !memcmp(&chain->port, port, sizeof *port)) {
        chain->n_refs++;
        return chain;
    }
    chain = chain_new(port_body(port));
    chain->port = *port;
    return chain;
}

void
nt_guard_table_want(const struct nt_guard_port *ports, size_t n,
                    const struct nt_guard_table *before, struct nt_guard_table *out)
{
    nt_guard_table_init(out);
    out->exists = true;
    for (size_t i = 0; i < NT_ARRAY_SIZE(bases); i++) {
        shash_add(&out->chains, bases[i].name, chain_new(xstrdup(bases[i].body)));
    }
    for (size_t i = 0; i < n; i++) {
        if (shash_add_once(&out->elements, ports[i].ifname, NULL)) {
            shash_add(&out->chains, ports[i].ifname, port_chain(&ports[i], before));
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
                chain_drop(shash_replace(&out->chains, chain, chain_new(xstrdup(ds_cstr(&body)))));
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

/* Does nothing to those that there are. */
static void
put_counters(struct ds *out)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(reasons); i++) {
        ds_put_format(out, "add counter " NT_GUARD_TABLE " %s\n", reasons[i]);
    }
}

static void
put_table(struct ds *out, bool exists)
{
    if (exists) {
        ds_put_cstr(out, "delete table " NT_GUARD_TABLE "\n");
    }
    ds_put_cstr(out, "add table " NT_GUARD_TABLE "\n"
                     "add map " NT_GUARD_TABLE " ports { type ifname : verdict; }\n");
    for (const struct base *b = bases; b < bases + NT_ARRAY_SIZE(bases); b++) {
        ds_put_format(out,
                      "add chain " NT_GUARD_TABLE " %s { %s }\n"
                      "add rule " NT_GUARD_TABLE " %s %s\n",
                      b->name, b->hook, b->name, b->rule);
    }
}

/* Names of a table, picked out of its many. */
struct names {
    const char **v;
    size_t n, allocated;
};

static void
names_add(struct names *names, const char *name)
{
    if (names->n == names->allocated) {
        names->v = x2nrealloc(names->v, &names->allocated, sizeof *names->v);
    }
    names->v[names->n++] = name;
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_, *const *b = b_;

    return strcmp(*a, *b);
}

static void
names_sort(struct names *names)
{
    if (names->n) {
        qsort(names->v, names->n, sizeof *names->v, compare_names);
    }
}

static const char *
body_of(const struct nt_guard_table *table, const char *name)
{
    const struct nt_guard_chain *chain = shash_find_data(&table->chains, name);

    return chain ? chain->body : NULL;
}

/* Chains that are shared are the same without a look at their text. */
static bool
has_body(const char *old, const char *body)
{
    return old == body || (old && !strcmp(old, body));
}

static void
put_chain(struct ds *out, const char *name, const char *old, const char *body)
{
    if (!old) {
        ds_put_format(out, "add chain " NT_GUARD_TABLE " %s\n", name);
    } else if (!has_body(old, body)) {
        ds_put_format(out, "flush chain " NT_GUARD_TABLE " %s\n", name);
    }
    if (!has_body(old, body)) {
        put_rules(out, name, body);
    }
}

static void
put_missing_chains(struct ds *out, const struct nt_guard_table *installed,
                   const struct nt_guard_table *want)
{
    struct names names = { 0 };
    const struct shash_node *node;
    bool has_rules = false;

    SHASH_FOR_EACH (node, &want->chains) {
        const struct nt_guard_chain *chain = node->data;
        bool differs = !has_body(body_of(installed, node->name), chain->body);

        if (!find_base(node->name) && (differs || !shash_find(&installed->elements, node->name))) {
            names_add(&names, node->name);
            has_rules |= differs;
        }
    }
    names_sort(&names);
    if (has_rules) {
        put_counters(out);
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.v[i];

        put_chain(out, name, body_of(installed, name), body_of(want, name));
        if (!shash_find(&installed->elements, name)) {
            put_element(out, "add", name);
        }
    }
    free(names.v);
}

/* What is in 'installed' and not in 'want', ascending. */
static struct names
leftovers(const struct shash *installed, const struct shash *want)
{
    struct names names = { 0 };
    const struct shash_node *node;

    SHASH_FOR_EACH (node, installed) {
        if (!shash_find(want, node->name)) {
            names_add(&names, node->name);
        }
    }
    names_sort(&names);
    return names;
}

static void
put_leftovers(struct ds *out, const struct nt_guard_table *installed,
              const struct nt_guard_table *want)
{
    struct names elements = leftovers(&installed->elements, &want->elements);
    struct names chains = leftovers(&installed->chains, &want->chains);

    for (size_t i = 0; i < elements.n; i++) {
        put_element(out, "delete", elements.v[i]);
    }
    for (size_t i = 0; i < chains.n; i++) {
        ds_put_format(out, "delete chain " NT_GUARD_TABLE " %s\n", chains.v[i]);
    }
    free(elements.v);
    free(chains.v);
}

static bool
bases_are_right(const struct nt_guard_table *installed)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(bases); i++) {
        const char *body = body_of(installed, bases[i].name);

        if (!body || strcmp(body, bases[i].body)) {
            return false;
        }
    }
    return installed->exists;
}

char *
nt_guard_diff(const struct nt_guard_table *installed, const struct nt_guard_table *want)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    if (!bases_are_right(installed)) {
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
