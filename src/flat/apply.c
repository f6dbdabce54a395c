#include <config.h>

#include "flat/apply.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "flat/links.h"
#include "host/link.h"
#include "host/sysctl.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(flat_apply);

struct flat_ending {
    struct flat_ending *next;
    struct nt_dnsmasq *dnsmasq;
};

void
flat_service_add(struct flat_network *network)
{
    struct service *service = xzalloc(sizeof *service);

    service->hosts_changed = true;
    network->service = service;
}

void
flat_service_free(struct flat_network *network)
{
    struct service *service = service_of(network);

    nt_dnsmasq_free(service->dnsmasq);
    nt_ra_free(service->ra);
    free(service);
    network->service = NULL;
}

void
flat_service_end(struct flat_apply *a, struct flat_network *network)
{
    struct nt_dnsmasq *dnsmasq = TAKE(service_of(network)->dnsmasq);

    if (dnsmasq && !nt_dnsmasq_stop(dnsmasq)) {
        struct flat_ending *ending = xmalloc(sizeof *ending);

        *ending = (struct flat_ending){ a->ending, dnsmasq };
        a->ending = ending;
    } else {
        nt_dnsmasq_free(dnsmasq);
    }
    flat_service_free(network);
}

/* Those that have ended, or all. */
static void
forget_ended(struct flat_apply *a, bool all)
{
    struct flat_ending **at = &a->ending;

    while (*at) {
        struct flat_ending *ending = *at;

        if (all || nt_dnsmasq_stop(ending->dnsmasq)) {
            *at = ending->next;
            nt_dnsmasq_free(ending->dnsmasq);
            free(ending);
        } else {
            at = &ending->next;
        }
    }
}

void
flat_apply_deinit(struct flat_apply *a)
{
    forget_ended(a, true);
}

static int
apply_links(struct flat_apply *a, struct flat_network *network, struct nt_err *err)
{
    struct service *service = service_of(network);
    struct flat_links_found found;
    uint32_t ip;

    if (flat_links_ensure(a->dhcp.config, a->settings->my_ip, &network->view, &found, err) < 0) {
        return -1;
    }
    if (found.bridge && service->is_in_place) {
        nt_warn("bridge was changed by others, put right", "bridge", network->view.bridge, NULL);
        a->stats->bridge_repairs++;
    }
    if ((found.bridge || found.gateway) && service->dnsmasq) {
        nt_dnsmasq_retry(service->dnsmasq);
    }
    if (found.gateway && nt_ip4_parse(network->view.dhcp_server, &ip)) {
        flat_floating_announce(a->floating, network->view.bridge, ip);
    }
    service->is_in_place = true;
    return 0;
}

/* The IPv6 gateway address, and the advertisements that guests make theirs of. */
static int
apply_ipv6(struct flat_apply *a, struct flat_network *network, struct nt_err *err)
{
    const struct nt_network_view *view = &network->view;
    struct service *service = service_of(network);
    struct nt_ra_args args = { .interface = view->bridge, .mtu = view->mtu };

    if (!a->settings->plan.use_ipv6 || !*view->cidr_v6) {
        nt_ra_free(TAKE(service->ra));
        return 0;
    }
    if (!flat_ipv6_prefix(view, &args.prefix, &args.prefix_len)) {
        return nt_fail(err, NT_INVALID, "network %s: %s is not an IPv6 network", view->id,
                       view->cidr_v6);
    }
    args.not_auto = !strcmp(view->ipv6_backend, "account_identifier");
    if (flat_gateway_v6_ensure(view, err) < 0) {
        return -1;
    }
    if (service->ra && nt_ra_serves(service->ra, &args)) {
        return 0;
    }
    nt_ra_free(TAKE(service->ra));
    return nt_ra_new(&args, a->dhcp.clock, a->random, &service->ra, err);
}

static int
apply_host(struct flat_apply *a, struct nt_err *err)
{
    struct flat_host_found found;

    if (flat_host_ensure(a->settings->plan.use_ipv6, &found, err) < 0) {
        return -1;
    }
    if (a->host_in_place && (found.forwarding || found.metadata)) {
        nt_warn(found.forwarding ? "forwarding was switched off by others, on again"
                                 : "metadata address was taken away by others, put back",
                NULL);
        a->stats->sysctl_repairs += found.forwarding;
        a->stats->address_repairs += found.metadata;
    }
    a->host_in_place = true;
    return 0;
}

void
flat_apply_hosts(struct flat_apply *a, struct flat_network *network)
{
    struct service *service = service_of(network);

    flat_dhcp_put_hosts(&a->dhcp, &network->view, service->dnsmasq);
    service->hosts_changed = false;
}

void
flat_apply_network(struct flat_apply *a, struct flat_network *network)
{
    struct service *service = service_of(network);
    struct nt_err err = { 0 };

    if (network->view.shares_gateway && !nt_bridge_rules_is_settled(a->bridge_rules)) {
        a->waits_for_rules = true;
        return;
    }
    if (apply_links(a, network, &err) < 0
        || flat_dhcp_ensure(&a->dhcp, &network->view, &service->dnsmasq, &err) < 0) {
        if (strcmp(service->error, err.msg)) {
            nt_error("network not served", "network", network->view.id, "bridge",
                     network->view.bridge, "why", err.msg, NULL);
        }
        ovs_strlcpy(service->error, err.msg, sizeof service->error);
        return;
    }
    if (*service->error) {
        nt_info("network served again", "network", network->view.id, NULL);
    }
    *service->error = '\0';
    if (service->hosts_changed) {
        flat_apply_hosts(a, network);
    }
    if (apply_ipv6(a, network, &err) < 0) {
        nt_warn_rl("network not served by IPv6", "network", network->view.id, "why", err.msg, NULL);
    }
}

/* Not where guests of this host pass the bridge, and not in 2012. */
static void
apply_bridge_filter(struct flat_apply *a)
{
    const struct nt_config *config = a->dhcp.config;
    const struct flat_network *network;
    bool changed = false, has_guests = false;
    struct nt_err err = { 0 };

    LIST_FOR_EACH (network, node, &a->model->networks) {
        has_guests |= network->view.multi_host || flat_has_guests(config, &network->view);
    }
    if (a->dhcp.golden || has_guests || ovs_list_is_empty(&a->model->networks)) {
        return;
    }
    if (nt_bridge_filter_off(nt_config_str(config, "lock_path"), &changed, &err) < 0) {
        nt_warn_rl("bridged packets still pass the chains of this host", "why", err.msg, NULL);
    }
    a->stats->sysctl_repairs += changed && a->filter_is_off;
    a->filter_is_off |= changed;
}

/* Guests whose router is elsewhere: with a floating address they leave by this host. */
static size_t
plan_redirects(const struct flat_network *network, struct nt_bridge_redirect *out)
{
    const struct nt_network_view *view = &network->view;
    bool is_external = *view->gateway_ip && strcmp(view->gateway_ip, view->dhcp_server);
    struct nt_nl_link bridge;

    if (!is_external || !view->n_floating || nt_link_get(view->bridge, &bridge, NULL) < 0) {
        return 0;
    }
    for (size_t i = 0; i < view->n_floating; i++) {
        ovs_strlcpy(out[i].fixed_address, view->floating[i].fixed_address,
                    sizeof out[i].fixed_address);
        ovs_strlcpy(out[i].cidr, view->cidr, sizeof out[i].cidr);
        nt_mac_format(&bridge.mac, out[i].mac);
    }
    return view->n_floating;
}

void
flat_apply_bridge_rules(struct flat_apply *a)
{
    const struct flat_network *network;
    size_t n_networks = 0, n_floating = 0;

    LIST_FOR_EACH (network, node, &a->model->networks) {
        n_networks++;
        n_floating += network->view.n_floating;
    }

    AUTO_FREE struct nt_shared_gateway *shared = xcalloc(n_networks + 1, sizeof *shared);
    AUTO_FREE struct nt_bridge_redirect *redirects = xcalloc(n_floating + 1, sizeof *redirects);
    struct nt_bridge_want want = { .shared = shared, .redirects = redirects };

    LIST_FOR_EACH (network, node, &a->model->networks) {
        const char *interface = flat_interface(a->dhcp.config, &network->view);

        if (network->view.shares_gateway && *interface) {
            struct nt_shared_gateway *rule = &shared[want.n_shared++];

            ovs_strlcpy(rule->interface, interface, sizeof rule->interface);
            ovs_strlcpy(rule->address, network->view.dhcp_server, sizeof rule->address);
        }
        if (!a->dhcp.golden) {
            want.n_redirects += plan_redirects(network, &redirects[want.n_redirects]);
        }
    }
    nt_bridge_rules_set(a->bridge_rules, &want);
}

void
flat_apply_all(struct flat_apply *a)
{
    struct flat_network *network;
    struct nt_err err = { 0 };

    if (apply_host(a, &err) < 0) {
        nt_error("host not prepared for guests' traffic", "why", err.msg, NULL);
    }
    /* Before the address of a gateway is here: other hosts on the wire have it too. */
    flat_apply_bridge_rules(a);
    nt_bridge_rules_recheck(a->bridge_rules);
    LIST_FOR_EACH (network, node, &a->model->networks) {
        flat_apply_network(a, network);
    }
    apply_bridge_filter(a);
    flat_floating_check(a->floating);
}

void
flat_apply_run(struct flat_apply *a)
{
    struct flat_network *network;

    nt_bridge_rules_run(a->bridge_rules);
    if (a->waits_for_rules && nt_bridge_rules_is_settled(a->bridge_rules)) {
        a->waits_for_rules = false;
        LIST_FOR_EACH (network, node, &a->model->networks) {
            flat_apply_network(a, network);
        }
    }
    LIST_FOR_EACH (network, node, &a->model->networks) {
        struct service *service = service_of(network);

        if (service->dnsmasq) {
            nt_dnsmasq_run(service->dnsmasq);
        }
        if (service->ra) {
            nt_ra_run(service->ra);
        }
    }
    for (struct flat_ending *e = a->ending; e; e = e->next) {
        nt_dnsmasq_run(e->dnsmasq);
    }
    forget_ended(a, false);
}

void
flat_apply_wait(const struct flat_apply *a)
{
    const struct flat_network *network;

    nt_bridge_rules_wait(a->bridge_rules);
    if (a->waits_for_rules && nt_bridge_rules_is_settled(a->bridge_rules)) {
        poll_immediate_wake();
    }
    LIST_FOR_EACH (network, node, &a->model->networks) {
        struct service *service = service_of(network);

        if (service->dnsmasq) {
            nt_dnsmasq_wait(service->dnsmasq);
        }
        if (service->ra) {
            nt_ra_wait(service->ra);
        }
    }
    for (const struct flat_ending *e = a->ending; e; e = e->next) {
        nt_dnsmasq_wait(e->dnsmasq);
    }
}
