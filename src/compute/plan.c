#include <config.h>

#include "compute/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
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

static void
plan_guest(struct nt_iptables_want *want, const struct guest *guest,
           const struct plan_options *options)
{
    const struct nt_instance_view *view = &guest->view;
    char name[NT_CHAIN_NAME_MAX + 1], note[64];

    snprintf(name, sizeof name, PREFIX "-inst-%lld", (long long) view->number);
    snprintf(note, sizeof note, "instance %s", view->id);

    struct nt_iptables_chain *chain = nt_iptables_chain(want, NT_IPTABLES_FILTER, name);
    struct nt_iptables_chain *local = nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-local");

    for (size_t i = 0; i < view->n_vifs; i++) {
        uint32_t ip;

        if (nt_ip4_parse(view->vifs[i].address, &ip)) {
            AUTO_FREE char *jump = nt_rule_jump_to_ip(ip, name);

            nt_iptables_rule_note(local, note, jump);
        }
    }

    /* Packets of no known connection, then all of known ones. */
    nt_iptables_rule(chain, NT_RULE_DROP_INVALID);
    nt_iptables_rule(chain, NT_RULE_ACCEPT_ESTABLISHED);
    nt_iptables_rule(chain, "-j " PREFIX "-provider");
    for (size_t i = 0; i < view->n_vifs; i++) {
        plan_dhcp_answers(chain, &view->vifs[i]);
    }
    for (size_t i = 0; i < view->n_vifs && options->allow_same_net_traffic; i++) {
        plan_same_network(chain, &view->vifs[i]);
    }
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

struct nt_iptables_want *
plan_chains(const struct guest *const *guests, size_t n_guests, const char *const *bridges,
            size_t n_bridges, const struct plan_options *options)
{
    struct nt_iptables_want *want =
        nt_iptables_want_new(options->golden ? NULL : "neutrino-compute");

    nt_iptables_role_init(want, PREFIX, NT_IPTABLES_RANK_COMPUTE);
    nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-provider");
    nt_iptables_rule(nt_iptables_chain(want, NT_IPTABLES_FILTER, PREFIX "-sg-fallback"), "-j DROP");
    for (size_t i = 0; i < n_bridges; i++) {
        plan_bridge(want, bridges[i]);
    }
    if (!options->golden && n_guests) {
        plan_dhcp_requests(want);
    }
    for (size_t i = 0; i < n_guests; i++) {
        plan_guest(want, guests[i], options);
    }
    return want;
}
