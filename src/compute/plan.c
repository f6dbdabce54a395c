#include <config.h>

#include "compute/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "host/drops.h"
#include "host/rules.h"

#define PREFIX "nova-compute"

static void
plan_bridge(struct nt_iptables_want *want, const char *bridge)
{
    struct nt_iptables_chain *forward =
        nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-FORWARD");

    /* Frames between the bridge's ports; bridged traffic passes FORWARD too. */
    nt_iptables_rule_take(forward, nt_rule_from_interface(bridge, "ACCEPT"));
    nt_iptables_rule_take(forward, nt_rule_to_interface(bridge, "ACCEPT"));
}

/* Answers of the DHCP server: let in also when the network itself is not. */
static void
plan_dhcp_answers(struct nt_iptables_chain *chain, const struct nt_vif *vif)
{
    uint32_t server;

    if (nt_ip4_parse(vif->dhcp_server, &server)) {
        nt_iptables_rule_take(chain, nt_rule_accept_dhcp_server(server));
    }
}

/* Neighbours on the guest's own network. */
static void
plan_same_network(struct nt_iptables_chain *chain, const struct nt_vif *vif)
{
    struct nt_cidr cidr;

    if (nt_cidr_parse(vif->cidr, &cidr)) {
        nt_iptables_rule_take(chain, nt_rule_accept_from(&cidr));
    }
}

/* One rule in one family, from one source. */
static void
put_target(struct nt_iptables_chain *chain, const struct nt_security_rule *rule, bool ipv6,
           const char *source, const char *set, const char *target)
{
    bool is_icmp = !strncmp(rule->protocol, "icmp", 4);
    struct nt_rule_match match = {
        .proto = is_icmp           ? (ipv6 ? "icmpv6" : "icmp")
                 : *rule->protocol ? rule->protocol
                                   : NULL,
        .from = (int) rule->port_range_min,
        .to = (int) rule->port_range_max,
        .src_set = set,
    };
    struct nt_cidr cidr;

    if (source && ipv6) {
        match.src6 = source;
    } else if (source && nt_cidr_parse(source, &cidr)) {
        match.src = &cidr;
    }
    nt_iptables_rule_take(chain, nt_rule_match(&match, target));
}

static void
put_match(struct nt_iptables_chain *chain, const struct nt_security_rule *rule, bool ipv6,
          const char *source, const char *set)
{
    put_target(chain, rule, ipv6, source, set, "ACCEPT");
}

/* Members of a source group: one rule by their set, or one for each of them. */
static void
put_members(struct nt_iptables_chain *chain, const struct nt_security_rule *rule, bool ipv6,
            const struct plan_options *options)
{
    const struct nt_security_members *members =
        security_find_members(options->security, rule->remote_group_id);

    if (options->use_ipsets) {
        char set[NT_IPSET_NAME_SIZE];

        nt_ipset_name(rule->remote_group_id, ipv6, set);
        put_match(chain, rule, ipv6, NULL, set);
        return;
    }

    size_t n = !members ? 0 : ipv6 ? members->n_addresses6 : members->n_addresses4;
    const struct nt_ip_text *addresses = !members ? NULL
                                         : ipv6   ? members->addresses6
                                                  : members->addresses4;
    for (size_t i = 0; i < n; i++) {
        char source[NT_CIDR6_SIZE];

        snprintf(source, sizeof source, "%s/%d", addresses[i].text, ipv6 ? 128 : 32);
        put_match(chain, rule, ipv6, source, NULL);
    }
}

static bool
speaks_of(const struct nt_security_rule *rule, bool ipv6)
{
    return !*rule->ethertype || !strcmp(rule->ethertype, ipv6 ? "IPv6" : "IPv4");
}

/* What the guest's security groups let in; rules that several of them have, once. */
static void
plan_groups(struct nt_iptables_chain *chain, const struct nt_instance_view *view, bool ipv6,
            const struct plan_options *options)
{
    for (size_t i = 0; options->security && i < view->n_security_group_ids; i++) {
        const struct security_rules *group =
            security_find(options->security, view->security_group_ids[i].text);

        for (size_t j = 0; group && j < group->n; j++) {
            const struct nt_security_rule *rule = &group->rules[j];

            if (!speaks_of(rule, ipv6)) {
                continue;
            }
            if (*rule->remote_group_id) {
                put_members(chain, rule, ipv6, options);
            } else {
                put_match(chain, rule, ipv6,
                          *rule->remote_ip_prefix ? rule->remote_ip_prefix : NULL, NULL);
            }
        }
    }
}

/* The guest's own chain, with what comes first in it. */
static struct nt_iptables_chain *
begin_chain(struct nt_iptables_want *want, const char *name)
{
    struct nt_iptables_chain *chain = nt_iptables_chain(want, NT_IPTABLES_FILTER, name);

    /* Packets of no known connection, then all of known ones. */
    nt_iptables_rule(chain, NT_RULE_DROP_INVALID);
    nt_iptables_rule(chain, NT_RULE_ACCEPT_ESTABLISHED);
    nt_iptables_rule(chain, "-j " PREFIX "-provider");
    return chain;
}

static void
name_chain(const struct nt_instance_view *view, char name[NT_CHAIN_NAME_MAX + 1], char note[64])
{
    snprintf(name, NT_CHAIN_NAME_MAX + 1, PREFIX "-inst-%lld", (long long) view->number);
    snprintf(note, 64, "instance %s", view->id);
}

static void
plan_guest(struct nt_iptables_want *want, const struct guest *guest,
           const struct plan_options *options)
{
    const struct nt_instance_view *view = &guest->view;
    char name[NT_CHAIN_NAME_MAX + 1], note[64];

    name_chain(view, name, note);

    struct nt_iptables_chain *chain = begin_chain(want, name);
    struct nt_iptables_chain *local = nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-local");

    for (size_t i = 0; i < view->n_vifs; i++) {
        uint32_t ip;

        if (nt_ip4_parse(view->vifs[i].address, &ip)) {
            AUTO_FREE char *jump = nt_rule_jump_to_ip(ip, name);

            nt_iptables_rule_note(local, note, jump);
        }
    }
    for (size_t i = 0; i < view->n_vifs; i++) {
        plan_dhcp_answers(chain, &view->vifs[i]);
    }
    for (size_t i = 0; i < view->n_vifs && options->allow_same_net_traffic; i++) {
        plan_same_network(chain, &view->vifs[i]);
    }
    plan_groups(chain, view, false, options);
    nt_iptables_rule(chain, "-j " PREFIX "-sg-fallback");
}

static void
jump_to6(struct nt_iptables_want *want, const char *ip, const char *chain, const char *note)
{
    struct nt_iptables_chain *local = nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-local");
    AUTO_FREE char *jump = nt_rule_jump_to_ip6(ip, chain);

    nt_iptables_rule_note(local, note, jump);
}

/* Neighbours on the guest's own network, and on its link. */
static void
plan_same_network6(struct nt_iptables_chain *chain, const struct nt_vif *vif)
{
    char cidr[NT_CIDR6_SIZE];

    nt_iptables_rule(chain, "-s fe80::/64 -j ACCEPT");
    if (nt_cidr6_canon(vif->cidr_v6, cidr, NULL)) {
        nt_iptables_rule_take(chain, xasprintf("-s %s -j ACCEPT", cidr));
    }
}

/* Advertisements and errors of the router. */
static void
plan_router6(struct nt_iptables_chain *chain, const struct nt_vif *vif)
{
    struct in6_addr ip;

    if (nt_ip6_parse(vif->gateway_v6, &ip)) {
        char text[NT_IP_SIZE];

        nt_ip6_format(&ip, text);
        nt_iptables_rule_take(chain, xasprintf("-s %s/128 -p ipv6-icmp -j ACCEPT", text));
    }
}

static void
plan_guest6(struct nt_iptables_want *want, const struct guest *guest,
            const struct plan_options *options)
{
    const struct nt_instance_view *view = &guest->view;
    char name[NT_CHAIN_NAME_MAX + 1], note[64];

    name_chain(view, name, note);

    struct nt_iptables_chain *chain = begin_chain(want, name);

    for (size_t i = 0; i < view->n_vifs; i++) {
        struct in6_addr ip;
        struct nt_mac mac;
        char text[NT_IP_SIZE];

        if (nt_mac_parse(view->vifs[i].mac, &mac)) {
            nt_ip6_link_local(&mac, text);
            jump_to6(want, text, name, note);
        }
        if (nt_ip6_parse(view->vifs[i].address_v6, &ip)) {
            nt_ip6_format(&ip, text);
            jump_to6(want, text, name, note);
        }
    }

    /* Neighbours ask for each other's cards by packets that belong to no connection. */
    nt_iptables_rule(chain, NT_RULE_ACCEPT_ICMPV6("135"));
    nt_iptables_rule(chain, NT_RULE_ACCEPT_ICMPV6("136"));
    for (size_t i = 0; i < view->n_vifs && options->allow_same_net_traffic; i++) {
        plan_same_network6(chain, &view->vifs[i]);
    }
    for (size_t i = 0; i < view->n_vifs; i++) {
        plan_router6(chain, &view->vifs[i]);
    }
    plan_groups(chain, view, true, options);
    nt_iptables_rule(chain, "-j " PREFIX "-sg-fallback");
}

/* Hosts whose policy is DROP must still let a guest ask for its first address. */
static void
plan_dhcp_requests(struct nt_iptables_want *want)
{
    nt_iptables_rule(nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-INPUT"),
                     NT_RULE_DHCP_REQUEST);
    nt_iptables_rule(nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-FORWARD"),
                     NT_RULE_DHCP_REQUEST);
}

/* What the operator lets nobody have, whatever groups say. */
static void
plan_provider(struct nt_iptables_want *want, bool ipv6, const struct plan_options *options)
{
    struct nt_iptables_chain *chain =
        nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-provider");
    const struct security_rules *rules =
        options->security ? security_find(options->security, NT_PROVIDER_GROUP) : NULL;

    for (size_t i = 0; rules && i < rules->n; i++) {
        const struct nt_security_rule *rule = &rules->rules[i];

        if (speaks_of(rule, ipv6)) {
            put_target(chain, rule, ipv6, *rule->remote_ip_prefix ? rule->remote_ip_prefix : NULL,
                       NULL, "DROP");
        }
    }
}

/* A guest that holds too many connections gets no more: the host's table of them is one for
 * all.  The counting rule has a chain of its own, which does not change with the guests:
 * written again it would count from zero.  What a guest opens is told by its port, and
 * its address is its own (host/guard.h). */
static void
plan_connections(struct nt_iptables_want *want, bool ipv6, const struct plan_options *options)
{
    static const char *const from[] = { PREFIX "-local", PREFIX "-INPUT" };

    if (options->golden || !options->connections) {
        return;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(from); i++) {
        nt_iptables_rule(nt_iptables_chain(want, NT_IPTABLES_FILTER, from[i]),
                         "-m physdev --physdev-in vnet+ -m conntrack --ctstate NEW"
                         " -j " NT_DROPS_CHAIN);
    }
    nt_iptables_rule_take(nt_iptables_chain(want, NT_IPTABLES_FILTER, NT_DROPS_CHAIN),
                          xasprintf("-m connlimit --connlimit-above %lld --connlimit-mask %d"
                                    " --connlimit-saddr -j DROP",
                                    options->connections, ipv6 ? 128 : 32));
}

static void
plan_common(struct nt_iptables_want *want, const char *const *bridges, size_t n_bridges, bool ipv6,
            const struct plan_options *options)
{
    nt_iptables_want_top_regex(want, options->top_regex);
    nt_iptables_want_bottom_regex(want, options->bottom_regex);
    if (ipv6) {
        nt_iptables_role_init_filter(want, PREFIX, NT_IPTABLES_RANK_COMPUTE);
    } else {
        nt_iptables_role_init(want, PREFIX, NT_IPTABLES_RANK_COMPUTE);
    }
    plan_provider(want, ipv6, options);
    nt_iptables_rule_take(nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-sg-fallback"),
                          xasprintf("-j %s", options->drop ? options->drop : "DROP"));
    plan_connections(want, ipv6, options);
    for (size_t i = 0; i < n_bridges; i++) {
        plan_bridge(want, bridges[i]);
    }
}

typedef void plan_guest_fn(struct nt_iptables_want *, const struct guest *,
                           const struct plan_options *);

/* Plans each guest with 'plan', or takes what the memo has of it.  Which rules of the
 * common chain lead to a guest is seen by their number before and after. */
static void
plan_guests(struct nt_iptables_want *want, const struct guest *const *guests, size_t n_guests,
            const struct plan_options *options, plan_guest_fn *plan)
{
    struct nt_iptables_chain *local = nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-local");
    const struct security *security = options->security;
    const struct plan_memo_key key = {
        .golden = options->golden,
        .allow_same_net_traffic = options->allow_same_net_traffic,
        .use_ipsets = options->use_ipsets,
        .groups_version = security ? security->groups_version : 0,
        .members_version = security && !options->use_ipsets ? security->members_version : 0,
    };

    if (options->memo) {
        plan_memo_begin(options->memo, &key);
    }
    for (size_t i = 0; i < n_guests; i++) {
        const struct plan_part *part =
            options->memo ? plan_memo_find(options->memo, guests[i]->version) : NULL;
        size_t n_before = local->n_rules;

        if (part && !shash_find(&want->tables[NT_IPTABLES_FILTER].by_name, part->chain->name)) {
            nt_iptables_chain_share(want, NT_IPTABLES_FILTER, part->chain);
            for (size_t j = 0; j < part->n_jumps; j++) {
                nt_iptables_rule_again(local, part->jumps[j]);
            }
            continue;
        }
        plan(want, guests[i], options);
        if (options->memo) {
            char name[NT_CHAIN_NAME_MAX + 1], note[64];

            name_chain(&guests[i]->view, name, note);
            plan_memo_put(options->memo, guests[i]->version,
                          nt_iptables_chain(want, NT_IPTABLES_FILTER, name),
                          local->rules + n_before, local->n_rules - n_before);
        }
    }
    if (options->memo) {
        plan_memo_end(options->memo);
    }
}

struct nt_iptables_want *
plan_chains(const struct guest *const *guests, size_t n_guests, const char *const *bridges,
            size_t n_bridges, const struct plan_options *options)
{
    struct nt_iptables_want *want =
        nt_iptables_want_new(options->golden ? NULL : "neutrino-compute");

    plan_common(want, bridges, n_bridges, false, options);
    if (!options->golden && n_guests) {
        plan_dhcp_requests(want);
    }
    plan_guests(want, guests, n_guests, options, plan_guest);
    return want;
}

struct nt_iptables_want *
plan_chains6(const struct guest *const *guests, size_t n_guests, const char *const *bridges,
             size_t n_bridges, const struct plan_options *options)
{
    struct nt_iptables_want *want =
        nt_iptables_want_new(options->golden ? NULL : "neutrino-compute");

    plan_common(want, bridges, n_bridges, true, options);
    plan_guests(want, guests, n_guests, options, plan_guest6);
    return want;
}

static void
plan_set(struct nt_ipset_table *out, const char *group_id, const struct plan_options *options)
{
    const struct nt_security_members *members = security_find_members(options->security, group_id);
    char set4[NT_IPSET_NAME_SIZE], set6[NT_IPSET_NAME_SIZE];

    nt_ipset_name(group_id, false, set4);
    nt_ipset_name(group_id, true, set6);
    if (shash_find(&out->sets, set4)) {
        return;
    }
    nt_ipset_table_add(out, set4, NULL);
    nt_ipset_table_add(out, set6, NULL);
    for (size_t i = 0; members && i < members->n_addresses4; i++) {
        nt_ipset_table_add(out, set4, members->addresses4[i].text);
    }
    for (size_t i = 0; members && i < members->n_addresses6; i++) {
        nt_ipset_table_add(out, set6, members->addresses6[i].text);
    }
}

void
plan_sets(const struct guest *const *guests, size_t n_guests, const struct plan_options *options,
          struct nt_ipset_table *out)
{
    nt_ipset_table_init(out);
    for (size_t i = 0; options->security && options->use_ipsets && i < n_guests; i++) {
        const struct nt_instance_view *view = &guests[i]->view;

        for (size_t j = 0; j < view->n_security_group_ids; j++) {
            const struct security_rules *group =
                security_find(options->security, view->security_group_ids[j].text);

            for (size_t k = 0; group && k < group->n; k++) {
                if (*group->rules[k].remote_group_id) {
                    plan_set(out, group->rules[k].remote_group_id, options);
                }
            }
        }
    }
}
