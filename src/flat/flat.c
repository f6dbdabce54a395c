#include <config.h>

#include "flat/flat.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "flat/model.h"
#include "flat/options.h"
#include "flat/plan.h"
#include "host/bridge.h"
#include "host/dhcp_release.h"
#include "host/dnsmasq.h"
#include "host/hosts_file.h"
#include "host/iptables.h"
#include "host/lease.h"
#include "host/link.h"
#include "host/sysctl.h"
#include "openvswitch/poll-loop.h"
#include "rpc/conductor.h"
#include "rpc/network.h"
#include "rpc/reporter.h"

NT_LOG_MODULE(flat);

#define CALL_TIMEOUT_MS 30000
#define RETRY_MS 1000
#define WATCH_INTERVAL_MS 10000
#define SAVE_DELAY_MS 50
#define MAX_SNAPSHOT (256 << 20)
#define METADATA_ADDRESS "169.254.169.254/32"

struct flat {
    struct flat_env env;
    struct flat_settings settings;
    struct flat_model model;
    char *snapshot_path, *leases_path, *socket_path, *spool_path;
    struct nt_iptables *iptables;
    struct nt_lease_server *leases;
    struct nt_rpc_service *service;
    struct nt_reporter *reporter;
    bool rules_changed;
    bool claimed;       /* Asked since it was last due; false again if that failed. */
    bool claim_pending; /* claim_networks is under way. */
    bool claim_stale;   /* An address changed after that: its answer may not know. */
    int64_t next_claim; /* Monotonic, as the rest. */
    int64_t next_watch;
    int64_t next_report; /* Of leases. */
    int64_t save_at;     /* INT64_MAX: the snapshot is what the model is. */
};

/* What runs for a network. */
struct service {
    struct nt_dnsmasq *dnsmasq; /* NULL until the bridge is right. */
    bool hosts_changed;
    char error[NT_ERR_SIZE]; /* Why the network is not served; empty: it is. */
};

static struct service *
service_of(const struct flat_network *network)
{
    return network->service;
}

static void
model_changed(struct flat *f)
{
    if (f->save_at == INT64_MAX) {
        f->save_at = nt_mono_ms(f->env.clock) + SAVE_DELAY_MS;
    }
}

static void
hosts_changed(struct flat *f, struct flat_network *network)
{
    service_of(network)->hosts_changed = true;
    model_changed(f);
}

/* Snapshot: the model for ourselves, the leases for the helper. */

static void
save(struct flat *f)
{
    AUTO_FREE char *text = flat_model_to_text(&f->model);
    struct ds leases = DS_EMPTY_INITIALIZER;
    int lease_time_s = nt_config_int(f->env.config, "dhcp_lease_time");
    const struct flat_network *network;
    struct nt_err err = { 0 };

    LIST_FOR_EACH (network, node, &f->model.networks) {
        for (size_t i = 0; i < network->view.n_entries; i++) {
            nt_lease_snapshot_line(&leases, network->view.number, lease_time_s,
                                   &network->view.entries[i]);
        }
    }
    if (nt_file_replace(f->snapshot_path, text, strlen(text), 0600, NULL, &err) < 0
        || nt_lease_snapshot_write(f->leases_path, ds_cstr(&leases), &err) < 0) {
        nt_error("snapshot not written; a restart without the server would miss changes", "why",
                 err.msg, NULL);
    }
    ds_destroy(&leases);
    f->save_at = INT64_MAX;
}

static void
load(struct flat *f)
{
    AUTO_FREE char *text = NULL;
    struct nt_err err = { 0 };
    int rc = nt_file_read(f->snapshot_path, MAX_SNAPSHOT, &text, NULL);
    struct flat_network *network;

    if (rc == -ENOENT) {
        return;
    }
    if (rc < 0) {
        nt_error("snapshot not readable", "file", f->snapshot_path, "why", ovs_strerror(-rc), NULL);
    } else if (flat_model_from_text(&f->model, text, &err) < 0) {
        nt_error("snapshot damaged, waiting for the server", "file", f->snapshot_path, "why",
                 err.msg, NULL);
    }
    LIST_FOR_EACH (network, node, &f->model.networks) {
        network->service = xzalloc(sizeof(struct service));
        service_of(network)->hosts_changed = true;
    }
}

/* Apply: links. */

static int
apply_links(struct flat *f, const struct nt_network_view *view, struct nt_err *err)
{
    const char *flat = nt_config_str(f->env.config, "flat_interface");
    AUTO_FREE char *state = xasprintf(
        "%s/flat-move-%s.json", nt_config_str(f->env.config, "neutrino_state_path"), view->bridge);
    const struct nt_bridge_args bridge = {
        .bridge = view->bridge,
        .interface = *flat ? flat : view->bridge_interface,
        .state_file = state,
        .mtu = view->mtu,
        .keep_ip = f->settings.my_ip,
    };
    const struct nt_gateway_args gateway = {
        .bridge = view->bridge,
        .gateway = view->dhcp_server,
        .cidr = view->cidr,
        .state_file = state,
    };

    return nt_bridge_ensure(&bridge, err) < 0 || nt_gateway_ensure(&gateway, err) < 0 ? -1 : 0;
}

static int
apply_host(struct nt_err *err)
{
    return nt_forwarding_ensure(err) < 0
                   || nt_addr_ensure("lo", METADATA_ADDRESS, RT_SCOPE_LINK, err) < 0
               ? -1
               : 0;
}

/* Apply: dnsmasq. */

static int
start_dnsmasq(struct flat *f, struct flat_network *network, struct nt_err *err)
{
    const struct nt_config *config = f->env.config;
    const struct nt_network_view *view = &network->view;
    size_t n_servers = nt_config_n(config, "dns_server");
    const char **servers = xcalloc(n_servers + 1, sizeof *servers);

    for (size_t i = 0; i < n_servers; i++) {
        servers[i] = nt_config_item(config, "dns_server", i);
    }

    const struct nt_dnsmasq_conf conf = {
        .essex = f->settings.plan.golden,
        .networks_path = nt_config_str(config, "networks_path"),
        .bridge = view->bridge,
        .network_number = view->number,
        .label = view->name,
        .cidr = view->cidr,
        .gateway = view->gateway_ip,
        .dhcp_server = view->dhcp_server,
        .dhcp_start = view->dhcp_start,
        .domain = nt_config_str(config, "dhcp_domain"),
        .lease_time_s = nt_config_int(config, "dhcp_lease_time"),
        .config_file = nt_config_str(config, "dnsmasq_config_file"),
        .script = nt_config_str(config, "dhcpbridge"),
        .dns_servers = servers,
        .n_dns_servers = n_servers,
        .flagfile = nt_config_str(config, "dhcpbridge_flagfile"),
        .lease_socket = f->socket_path,
        .lease_spool = f->spool_path,
        .lease_snapshot = f->leases_path,
    };
    struct service *service = service_of(network);
    int rc = service->dnsmasq
                 ? nt_dnsmasq_set_conf(service->dnsmasq, &conf, err)
                 : nt_dnsmasq_new(f->env.children, f->env.clock, &conf, &service->dnsmasq, err);

    free(servers);
    return rc;
}

static void
entry_refused(void *network_, const struct nt_host_entry *entry, const struct nt_err *err)
{
    const struct flat_network *network = network_;

    nt_error("address not served", "network", network->view.id, "address", entry->address, "why",
             err->msg, NULL);
}

static void
apply_hosts(struct flat *f, struct flat_network *network)
{
    struct service *service = service_of(network);
    struct ds text = DS_EMPTY_INITIALIZER;

    nt_hosts_file_text(network->view.entries, network->view.n_entries,
                       nt_config_str(f->env.config, "dhcp_domain"), &text, entry_refused, network);
    nt_dnsmasq_set_hosts(service->dnsmasq, ds_cstr(&text));
    ds_destroy(&text);
    service->hosts_changed = false;
}

/* Brings one network to what its view says; tried again later when it fails. */
static void
apply_network(struct flat *f, struct flat_network *network)
{
    struct service *service = service_of(network);
    struct nt_err err = { 0 };

    if (apply_links(f, &network->view, &err) < 0 || start_dnsmasq(f, network, &err) < 0) {
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
        apply_hosts(f, network);
    }
}

static void
apply_all(struct flat *f)
{
    struct flat_network *network;
    struct nt_err err = { 0 };

    if (apply_host(&err) < 0) {
        nt_error("host not prepared for guests' traffic", "why", err.msg, NULL);
    }
    LIST_FOR_EACH (network, node, &f->model.networks) {
        apply_network(f, network);
    }
}

/* Apply: chains. */

static void
plan_rules(struct flat *f)
{
    const struct nt_network_view **views =
        xcalloc(ovs_list_size(&f->model.networks) + 1, sizeof *views);
    const struct flat_network *network;
    size_t n = 0;

    LIST_FOR_EACH (network, node, &f->model.networks) {
        views[n++] = &network->view;
    }
    nt_iptables_set(f->iptables, flat_plan_chains(views, n, &f->settings.plan));
    free(views);
    f->rules_changed = false;
}

static void
on_chains_settled(void *f_, uint64_t generation, bool ok, const struct nt_err *err)
{
    (void) f_;
    (void) generation;
    if (!ok) {
        nt_error("chains not written", "why", err->msg, NULL);
    }
}

/* Observe: lease events. */

static void
add_report(struct flat *f, const struct flat_network *network, const struct nt_lease_event *ev)
{
    struct nt_lease_args args = { .lease_expires = ev->expires_ms };

    ovs_strlcpy(args.host, f->env.host, sizeof args.host);
    ovs_strlcpy(args.network_id, network->view.id, sizeof args.network_id);
    ovs_strlcpy(args.address, ev->ip, sizeof args.address);
    ovs_strlcpy(args.mac, ev->mac, sizeof args.mac);
    ovs_strlcpy(args.hostname, ev->hostname, sizeof args.hostname);
    ovs_strlcpy(args.client_id, ev->client_id, sizeof args.client_id);
    flat_report_add(&f->model, ev->action == NT_LEASE_DEL, &args);
    model_changed(f);
}

static void
note_lease(struct nt_host_entry *entry, const struct nt_lease_event *ev)
{
    entry->leased = true;
    entry->lease_expires = ev->expires_ms;
    ovs_strlcpy(entry->lease_hostname, ev->hostname, sizeof entry->lease_hostname);
    ovs_strlcpy(entry->client_id, ev->client_id, sizeof entry->client_id);
}

static void
on_lease_event(void *f_, const struct nt_lease_event *ev)
{
    struct flat *f = f_;
    struct flat_network *network = flat_model_network_number(&f->model, ev->network_number);
    struct nt_host_entry *entry = network ? flat_entry(network, ev->ip) : NULL;

    if (!network) {
        nt_warn_rl("lease event of a network that is not here", "address", ev->ip, NULL);
        return;
    }
    nt_info(ev->action == NT_LEASE_ADD ? "lease" : "release", "network", network->view.name,
            "address", ev->ip, "mac", ev->mac, "name", *ev->hostname ? ev->hostname : NULL, NULL);
    if (entry && !strcmp(entry->mac, ev->mac)) {
        if (ev->action == NT_LEASE_ADD) {
            note_lease(entry, ev);
        } else {
            entry->leased = false;
            if (!entry->allocated) {
                flat_entry_remove(network, entry);
            }
        }
    }
    add_report(f, network, ev);
}

static void
list_leases(void *f_, int64_t network_number, struct ds *out)
{
    struct flat *f = f_;
    const struct flat_network *network = flat_model_network_number(&f->model, network_number);

    for (size_t i = 0; network && i < network->view.n_entries; i++) {
        nt_lease_list_line(out, &network->view.entries[i], nt_wall_ms(f->env.clock),
                           nt_config_int(f->env.config, "dhcp_lease_time"));
    }
}

static const struct nt_lease_server_ops lease_ops = { on_lease_event, list_leases };

/* Report: leases, in order, all that are not under way. */

struct report_call {
    struct flat *flat;
    struct lease_report *report;
};

static void
report_done(void *call_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct report_call *call = call_;
    struct flat *f = call->flat;

    if (err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT)) {
        flat_report_again(&f->model, call->report);
        f->next_report = nt_mono_ms(f->env.clock) + RETRY_MS;
    } else {
        if (err) {
            nt_warn("the server does not take a lease", "address", call->report->args.address,
                    "why", err->msg, NULL);
        }
        flat_report_remove(&f->model, call->report);
        model_changed(f);
    }
    free(call);
}

static void
run_reports(struct flat *f)
{
    struct lease_report *report;

    if (!nt_bus_is_connected(f->env.bus) || nt_mono_ms(f->env.clock) < f->next_report) {
        return;
    }
    LIST_FOR_EACH (report, node, &f->model.reports) {
        if (!report->is_sent) {
            struct report_call *call = xmalloc(sizeof *call);

            call->flat = f;
            call->report = report;
            report->is_sent = true;
            nt_rpc_call(f->env.bus,
                        NT_TO(&nt_conductor, NULL,
                              report->is_release ? "release_fixed_ip" : "lease_fixed_ip"),
                        &report->args, CALL_TIMEOUT_MS, report_done, call);
        }
    }
}

/* Observe: networks. */

static void
drop_network(struct flat *f, struct flat_network *network)
{
    struct service *service = service_of(network);

    nt_info("network dropped", "network", network->view.id, "bridge", network->view.bridge, NULL);
    if (service->dnsmasq) {
        (void) nt_dnsmasq_stop(service->dnsmasq);
        nt_dnsmasq_free(service->dnsmasq);
    }
    free(service);
    flat_model_remove(&f->model, network);
    f->rules_changed = true;
    model_changed(f);
}

/* One smaller answer may be a restored database: a network goes at the second. */
static void
drop_missing(struct flat *f)
{
    struct flat_network *network;
    bool ask_again = false;

    LIST_FOR_EACH_SAFE (network, node, &f->model.networks) {
        if (network->n_missing == 1) {
            ask_again = true;
        } else if (network->n_missing > 1) {
            drop_network(f, network);
        }
    }
    if (ask_again) {
        f->claimed = false;
    }
}

static void
take_networks(struct flat *f, struct nt_networks_result *result)
{
    struct flat_network *network;

    LIST_FOR_EACH (network, node, &f->model.networks) {
        network->n_missing++;
    }
    for (size_t i = 0; i < result->n_networks; i++) {
        network = flat_model_put(&f->model, &result->networks[i]);
        if (!network->service) {
            network->service = xzalloc(sizeof(struct service));
            nt_info("network taken", "network", network->view.id, "name", network->view.name,
                    "bridge", network->view.bridge, "cidr", network->view.cidr, NULL);
        }
        hosts_changed(f, network);
        apply_network(f, network);
    }
    f->rules_changed = true;
    drop_missing(f);
}

static void
claim_done(void *f_, const void *result_, const struct nt_err *err)
{
    struct flat *f = f_;

    f->claim_pending = false;
    if (err) {
        nt_warn("networks not fetched", "why", err->msg, NULL);
        f->claimed = false;
        return;
    }

    /* The bus hands out a batch's requests before its answers, so this view may be
     * older than an address that is in the model already. */
    if (f->claim_stale) {
        f->claimed = false;
        f->next_claim = 0;
        return;
    }

    /* The views are moved into the model, so they must be ours. */
    const struct nt_networks_result *result = result_;
    struct nt_networks_result own = { NULL, result->n_networks };

    own.networks = xcalloc(own.n_networks + 1, sizeof *own.networks);
    for (size_t i = 0; i < own.n_networks; i++) {
        nt_fields_copy(nt_network_view_fields, &own.networks[i], &result->networks[i]);
    }
    take_networks(f, &own);
    free(own.networks);
}

static void
run_claim(struct flat *f)
{
    struct nt_claim_networks_args args = { .host = "" };

    /* Leases the server has not heard of go first, or its view would lack them. */
    if (f->claimed || f->claim_pending || f->model.n_reports || !nt_bus_is_connected(f->env.bus)
        || nt_mono_ms(f->env.clock) < f->next_claim) {
        return;
    }
    /* What becomes due while this one is under way is asked for again. */
    f->claimed = true;
    f->claim_pending = true;
    f->claim_stale = false;
    f->next_claim = nt_mono_ms(f->env.clock) + RETRY_MS;
    ovs_strlcpy(args.host, f->env.host, sizeof args.host);
    ovs_strlcpy(args.bridge, nt_config_str(f->env.config, "flat_network_bridge"),
                sizeof args.bridge);
    nt_rpc_call(f->env.bus, NT_TO(&nt_conductor, NULL, "claim_networks"), &args, CALL_TIMEOUT_MS,
                claim_done, f);
}

/* Observe: addresses. */

/* A request that is answered once dnsmasq has been told. */
struct told {
    struct flat *flat;
    struct nt_bus_request *req;
    struct nt_fixed_ip_args args;
    bool release;
};

static void
send_release(struct flat *f, const struct nt_fixed_ip_args *args)
{
    const struct flat_network *network = flat_model_network(&f->model, args->network_id);
    struct nt_dhcp_release release = { .xid = 0 };
    struct nt_err err = { 0 };

    if (!network || !nt_config_bool(f->env.config, "force_dhcp_release")) {
        return;
    }
    release.device = network->view.bridge;
    nt_random_bytes(f->env.random, "xid", &release.xid, sizeof release.xid);
    if (!nt_ip4_parse(network->view.dhcp_server, &release.server)
        || !nt_ip4_parse(args->entry.address, &release.ip)
        || !nt_mac_parse(args->entry.mac, &release.mac)) {
        return;
    }
    if (nt_dhcp_release_send(&release, &err) < 0) {
        nt_warn("lease not released; it ends by itself", "address", args->entry.address, "why",
                err.msg, NULL);
    }
}

static void
on_told(void *told_, const struct nt_err *err)
{
    struct told *told = told_;

    if (told->release) {
        /* Also without dnsmasq: the address must not be stuck. */
        send_release(told->flat, &told->args);
        nt_rpc_reply(&nt_network_host, told->req, NULL);
    } else if (err) {
        nt_bus_reply_fail(told->req, err);
    } else {
        nt_rpc_reply(&nt_network_host, told->req, NULL);
    }
    free(told);
}

static struct flat_network *
served_network(struct flat *f, const char *id, struct nt_err *err)
{
    struct flat_network *network = flat_model_network(&f->model, id);

    if (!network) {
        f->claimed = false;
        (void) nt_fail(err, NT_UNAVAILABLE, "host %s does not have network %s yet", f->env.host,
                       id);
        return NULL;
    }
    if (!service_of(network)->dnsmasq) {
        (void) nt_fail(err, NT_UNAVAILABLE, "host %s cannot serve network %s: %s", f->env.host, id,
                       service_of(network)->error);
        return NULL;
    }
    return network;
}

static void
change_entry(struct flat *f, const struct nt_fixed_ip_args *args, struct nt_bus_request *req,
             bool release)
{
    struct nt_err err = { 0 };
    struct flat_network *network = flat_model_network(&f->model, args->network_id);

    /* Also while the network cannot be served: the hosts file of later is right. */
    if (network) {
        if (release) {
            flat_entry_unuse(network, args->entry.address, args->entry.mac);
        } else {
            flat_entry_put(network, &args->entry);
        }
        hosts_changed(f, network);
        f->claim_stale = true;
    }
    if (!served_network(f, args->network_id, &err)) {
        nt_bus_reply_fail(req, &err);
        return;
    }
    apply_hosts(f, network);

    struct told *told = xmalloc(sizeof *told);
    *told = (struct told){ f, req, *args, release };
    nt_dnsmasq_when_told(service_of(network)->dnsmasq, on_told, told);
}

static void
handle_put(void *f, const void *args, struct nt_bus_request *req)
{
    change_entry(f, args, req, false);
}

static void
handle_delete(void *f, const void *args, struct nt_bus_request *req)
{
    change_entry(f, args, req, true);
}

static void
handle_networks_changed(void *f_, const void *args OVS_UNUSED, struct nt_bus_request *req)
{
    struct flat *f = f_;

    f->claimed = false;
    f->next_claim = 0;
    nt_rpc_reply(&nt_network_host, req, NULL);
}

static const struct nt_rpc_handler handlers[] = {
    { "put_fixed_ip", handle_put },
    { "delete_fixed_ip", handle_delete },
    { "networks_changed", handle_networks_changed },
    { 0 },
};

static void
on_bus_state(void *f_, bool connected)
{
    struct flat *f = f_;

    f->claimed = false;
    f->claim_pending = false;
    f->next_claim = f->next_report = 0;
    nt_reporter_now(f->reporter);
    nt_info(connected ? "server connected" : "server away", NULL);
}

static void
on_revived(void *f_)
{
    struct flat *f = f_;

    f->claimed = false;
}

/* What others on this host change is put right again. */
static void
run_watch(struct flat *f)
{
    int64_t now = nt_mono_ms(f->env.clock);

    if (now >= f->next_watch) {
        f->next_watch = now + WATCH_INTERVAL_MS;
        apply_all(f);
        nt_iptables_recheck(f->iptables);
    }
}

static void
run_networks(struct flat *f)
{
    struct flat_network *network;

    LIST_FOR_EACH (network, node, &f->model.networks) {
        if (service_of(network)->dnsmasq) {
            nt_dnsmasq_run(service_of(network)->dnsmasq);
        }
    }
}

static void
name_files(struct flat *f)
{
    const char *state = nt_config_str(f->env.config, "neutrino_state_path");

    f->snapshot_path = nt_path_join(state, "flat.json");
    f->leases_path = nt_path_join(state, "leases");
    f->socket_path = nt_path_join(state, "lease.sock");
    f->spool_path = nt_path_join(state, "lease-spool");
}

static int
start(struct flat *f, struct nt_err *err)
{
    const struct nt_config *config = f->env.config;
    const struct nt_lease_server_opts lease_opts = { f->socket_path, f->spool_path };
    AUTO_FREE char *lock = nt_path_join(nt_config_str(config, "lock_path"), "iptables.lock");
    enum nt_iptables_variant variant;
    const struct nt_reporter_opts reporter = {
        .bus = f->env.bus,
        .clock = f->env.clock,
        .interval_ms = nt_config_int(config, "report_interval") * 1000,
        .host = f->env.host,
        .binary = "neutrino-flat",
        .topic = nt_network_host.topic,
        .revived = on_revived,
        .aux = f,
    };

    if (!nt_iptables_variant_parse(nt_config_str(config, "iptables_variant"), &variant)) {
        return nt_fail(err, NT_INVALID, "%s: iptables_variant must be auto, nft or legacy",
                       nt_config_origin(config, "iptables_variant"));
    }
    if (flat_settings_read(config, &f->settings, err) < 0
        || nt_mkdirs(nt_config_str(config, "neutrino_state_path"), 0755, err) < 0
        || nt_mkdirs(nt_config_str(config, "networks_path"), 0755, err) < 0) {
        return -1;
    }
    load(f);
    if (nt_lease_server_new(&lease_opts, &lease_ops, f, &f->leases, err) < 0) {
        return -1;
    }
    f->iptables = nt_iptables_new(f->env.children, f->env.clock, variant, lock);
    nt_iptables_on_settled(f->iptables, on_chains_settled, f);
    f->reporter = nt_reporter_new(&reporter);
    f->service = nt_rpc_serve(f->env.bus, &nt_network_host, f->env.host, handlers, f);
    nt_bus_on_state(f->env.bus, on_bus_state, f);
    f->rules_changed = true;
    apply_all(f);
    return 0;
}

int
flat_new(const struct flat_env *env, struct flat **out, struct nt_err *err)
{
    struct flat *f = xzalloc(sizeof *f);

    f->env = *env;
    f->save_at = INT64_MAX;
    f->next_watch = nt_mono_ms(env->clock) + WATCH_INTERVAL_MS;
    flat_model_init(&f->model);
    name_files(f);
    if (start(f, err) < 0) {
        flat_free(f);
        return -1;
    }
    *out = f;
    return 0;
}

void
flat_free(struct flat *f)
{
    struct flat_network *network;

    if (!f) {
        return;
    }
    if (f->save_at != INT64_MAX) {
        save(f);
    }
    LIST_FOR_EACH (network, node, &f->model.networks) {
        nt_dnsmasq_free(service_of(network)->dnsmasq);
        free(network->service);
    }
    flat_model_deinit(&f->model);
    nt_rpc_service_free(f->service);
    nt_reporter_free(f->reporter);
    nt_lease_server_free(f->leases);
    nt_iptables_free(f->iptables);
    flat_settings_clear(&f->settings);
    free(f->snapshot_path);
    free(f->leases_path);
    free(f->socket_path);
    free(f->spool_path);
    free(f);
}

void
flat_run(struct flat *f)
{
    nt_lease_server_run(f->leases);
    nt_reporter_run(f->reporter);
    run_reports(f);
    run_claim(f);
    run_watch(f);
    if (f->rules_changed) {
        plan_rules(f);
    }
    nt_iptables_run(f->iptables);
    run_networks(f);
    if (nt_mono_ms(f->env.clock) >= f->save_at) {
        save(f);
    }
}

void
flat_wait(struct flat *f)
{
    const struct flat_network *network;

    nt_lease_server_wait(f->leases);
    nt_reporter_wait(f->reporter);
    nt_iptables_wait(f->iptables);
    LIST_FOR_EACH (network, node, &f->model.networks) {
        if (service_of(network)->dnsmasq) {
            nt_dnsmasq_wait(service_of(network)->dnsmasq);
        }
    }
    poll_timer_wait_until(f->next_watch);
    if (f->save_at != INT64_MAX) {
        poll_timer_wait_until(f->save_at);
    }
    if (nt_bus_is_connected(f->env.bus)) {
        const struct lease_report *report;

        if (!f->claimed && !f->claim_pending && !f->model.n_reports) {
            poll_timer_wait_until(f->next_claim);
        }
        LIST_FOR_EACH (report, node, &f->model.reports) {
            if (!report->is_sent) {
                poll_timer_wait_until(f->next_report);
                break;
            }
        }
    }
    if (f->rules_changed) {
        poll_immediate_wake();
    }
}
