#include <config.h>

#include "flat/flat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "flat/apply.h"
#include "flat/floating.h"
#include "flat/leases.h"
#include "flat/metadata_proxy.h"
#include "flat/model.h"
#include "flat/options.h"
#include "flat/plan.h"
#include "host/dnsmasq.h"
#include "host/iptables.h"
#include "host/iptables_plan.h"
#include "host/lease.h"
#include "openvswitch/poll-loop.h"
#include "rpc/conductor.h"
#include "rpc/network.h"
#include "rpc/reporter.h"

NT_LOG_MODULE(flat);

#define CALL_TIMEOUT_MS 30000
#define RETRY_MS 1000
#define WATCH_INTERVAL_MS 7000 /* Damage by others is repaired within ten seconds. */
#define SAVE_DELAY_MS 50
#define SAVE_SHARE 5 /* Of the time, one part at most goes into the snapshot. */
#define MAX_SNAPSHOT (256 << 20)

struct flat {
    struct flat_env env;
    struct flat_settings settings;
    struct flat_model model;
    char *snapshot_path, *leases_path, *socket_path, *spool_path;
    struct nt_iptables *iptables;
    struct nt_iptables *ip6tables; /* NULL without IPv6. */
    struct leases *leases;
    struct metadata_proxy *metadata; /* NULL: the server is asked directly. */
    struct nt_rpc_service *service;
    struct nt_reporter *reporter;
    struct flat_floating floating;
    struct flat_stats stats;
    struct flat_apply apply;
    bool rules_changed;
    bool claimed;         /* Asked since it was last due; false again if that failed. */
    bool claim_pending;   /* claim_networks is under way. */
    unsigned claim_round; /* An answer to an earlier one does not count. */
    bool claim_stale;     /* An address changed after that: its answer may not know. */
    int64_t next_claim;   /* Monotonic, as the rest. */
    int64_t next_watch;
    int64_t save_at; /* INT64_MAX: the snapshot is what the model is. */
    int64_t save_delay_ms;
    bool save_failed;
    struct ovs_list changes; /* struct told, of this turn. */
};

static void
model_changed(struct flat *f)
{
    if (f->save_at == INT64_MAX) {
        f->save_at = nt_mono_ms(f->env.clock) + MAX(SAVE_DELAY_MS, f->save_delay_ms);
    }
}

static void
hosts_changed(struct flat *f, struct flat_network *network)
{
    service_of(network)->hosts_changed = true;
    metadata_proxy_look(f->metadata);
    model_changed(f);
}

/* Snapshot: the model for ourselves, the leases for the helper. */

static void
save(struct flat *f)
{
    AUTO_FREE char *text = flat_model_to_text(&f->model);
    struct ds leases = DS_EMPTY_INITIALIZER;
    int lease_time_s = nt_config_int(f->env.config, "dhcp_lease_time");
    int64_t start = nt_mono_ms(f->env.clock);
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

    /* A large one must not take all the time there is. */
    int64_t now = nt_mono_ms(f->env.clock);
    f->save_delay_ms = SAVE_SHARE * (now - start);
    f->save_failed = err.code;
    f->save_at = f->save_failed ? now + RETRY_MS : INT64_MAX;
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
        flat_service_add(network);
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
    flat_floating_planned(
        &f->floating, nt_iptables_set(f->iptables, flat_plan_chains(views, n, &f->settings.plan)));
    if (f->ip6tables) {
        nt_iptables_set(f->ip6tables, flat_plan_chains6(views, n, &f->settings.plan));
    }
    free(views);
    if (f->apply.bridge_rules) {
        flat_apply_bridge_rules(&f->apply);
    }
    f->rules_changed = false;
}

static void
on_chains_settled(void *f_, uint64_t generation, bool ok, const struct nt_err *err)
{
    struct flat *f = f_;

    if (!ok) {
        nt_error("chains not written", "why", err->msg, NULL);
    }
    flat_floating_settled(&f->floating, generation, ok, err);
}

static void
rules_changed(void *f_)
{
    struct flat *f = f_;

    f->rules_changed = true;
    model_changed(f);
}

/* Observe: networks. */

static void
drop_network(struct flat *f, struct flat_network *network)
{
    nt_info("network dropped", "network", network->view.id, "bridge", network->view.bridge, NULL);
    flat_service_end(&f->apply, network);
    flat_model_remove(&f->model, network);
    flat_floating_changed(&f->floating);
    rules_changed(f);
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
            flat_service_add(network);
            nt_info("network taken", "network", network->view.id, "name", network->view.name,
                    "bridge", network->view.bridge, "cidr", network->view.cidr, NULL);
        }
        hosts_changed(f, network);
    }
    flat_apply_all(&f->apply);
    flat_floating_changed(&f->floating);
    rules_changed(f);
    drop_missing(f);
    leases_release_unused(f->leases, true);
}

struct claim_call {
    struct flat *flat;
    unsigned round;
};

static void
claim_done(void *call_, const void *result_, const struct nt_err *err)
{
    struct claim_call *call = call_;
    struct flat *f = call->flat;
    bool is_late = call->round != f->claim_round;

    free(call);
    if (is_late) {
        return; /* Over a broker: it may know less than that of a later one. */
    }
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
    if (f->claimed || f->claim_pending || !leases_are_settled(f->leases)
        || !nt_bus_is_connected(f->env.bus) || nt_mono_ms(f->env.clock) < f->next_claim) {
        return;
    }

    struct claim_call *call = xmalloc(sizeof *call);
    *call = (struct claim_call){ f, f->claim_round };
    /* What becomes due while this one is under way is asked for again. */
    f->claimed = true;
    f->claim_pending = true;
    f->claim_stale = false;
    f->next_claim = nt_mono_ms(f->env.clock) + RETRY_MS;
    ovs_strlcpy(args.host, f->env.host, sizeof args.host);
    ovs_strlcpy(args.bridge, nt_config_str(f->env.config, "flat_network_bridge"),
                sizeof args.bridge);
    nt_rpc_call(f->env.bus, NT_TO(&nt_conductor, NULL, "claim_networks"), &args, CALL_TIMEOUT_MS,
                claim_done, call);
}

/* Observe: addresses. */

/* A request that is answered once dnsmasq has been told. */
struct told {
    struct ovs_list node; /* In flat->changes, until the end of the turn. */
    struct flat *flat;
    struct nt_bus_request *req;
    struct nt_fixed_ip_args args;
    char request_id[NT_REQUEST_ID_SIZE];
    bool release;
};

static void
on_told(void *told_, const struct nt_err *err)
{
    struct told *told = told_;

    nt_log_swap_request(told->request_id);
    nt_info(err             ? "address not served"
            : told->release ? "address released"
                            : "address served",
            "instance", told->args.entry.instance_id, "address", told->args.entry.address, "why",
            err ? err->msg : NULL, NULL);
    if (told->release) {
        /* Also without dnsmasq: the address must not be stuck. */
        leases_release(told->flat->leases, &told->args);
        nt_rpc_reply(&nt_network_host, told->req, NULL);
    } else if (err) {
        nt_bus_reply_fail(told->req, err);
    } else {
        nt_rpc_reply(&nt_network_host, told->req, NULL);
    }
    nt_log_swap_request(told->request_id);
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

    struct told *told = xmalloc(sizeof *told);
    *told = (struct told){ .flat = f, .req = req, .args = *args, .release = release };
    ovs_strlcpy(told->request_id, nt_log_request(), sizeof told->request_id);
    ovs_list_push_back(&f->changes, &told->node);
}

/* The text of all hosts is made once for all that a turn brought: its cost grows with
 * the network. */
static void
run_changes(struct flat *f)
{
    struct told *told;

    LIST_FOR_EACH_POP (told, node, &f->changes) {
        struct nt_err err = { 0 };
        struct flat_network *network = served_network(f, told->args.network_id, &err);

        if (!network) {
            nt_bus_reply_fail(told->req, &err);
            free(told);
            continue;
        }
        if (service_of(network)->hosts_changed) {
            flat_apply_hosts(&f->apply, network);
        }
        nt_dnsmasq_when_told(service_of(network)->dnsmasq, on_told, told);
    }
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
handle_put_floating(void *f_, const void *args_, struct nt_bus_request *req)
{
    struct flat *f = f_;
    const struct nt_floating_ip_args *args = args_;
    struct flat_network *network = flat_model_network(&f->model, args->network_id);
    struct nt_err err = { 0 };

    f->claim_stale = true;
    if (network) {
        flat_floating_handle_put(&f->floating, network, args, req);
        return;
    }
    f->claimed = false;
    (void) nt_fail(&err, NT_UNAVAILABLE, "host %s does not have network %s yet", f->env.host,
                   args->network_id);
    nt_bus_reply_fail(req, &err);
}

static void
handle_delete_floating(void *f_, const void *args, struct nt_bus_request *req)
{
    struct flat *f = f_;

    f->claim_stale = true;
    flat_floating_handle_delete(&f->floating, args, req);
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
    { "put_floating_ip", handle_put_floating },
    { "delete_floating_ip", handle_delete_floating },
    { "networks_changed", handle_networks_changed },
    { 0 },
};

/* Compares leases and fetches networks anew, also when answers are still to come. */
static void
fetch_again(struct flat *f)
{
    f->claimed = false;
    f->claim_pending = false;
    f->next_claim = 0;
    f->claim_round++;
    leases_restart(f->leases);
}

static void
on_bus_state(void *f_, bool connected)
{
    struct flat *f = f_;

    fetch_again(f);
    nt_reporter_now(f->reporter);
    nt_info(connected ? "server connected" : "server away", NULL);
}

static void
on_revived(void *f_)
{
    struct flat *f = f_;

    fetch_again(f);
}

/* What others on this host change is put right again. */
static void
run_watch(struct flat *f)
{
    int64_t now = nt_mono_ms(f->env.clock);

    if (now >= f->next_watch) {
        f->next_watch = now + WATCH_INTERVAL_MS;
        flat_apply_all(&f->apply);
        nt_iptables_recheck(f->iptables);
        if (f->ip6tables) {
            nt_iptables_recheck(f->ip6tables);
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

static void
leases_changed(void *f)
{
    model_changed(f);
}

static void
save_now(void *f)
{
    save(f);
}

static void
init_floating(struct flat *f)
{
    const struct nt_config *config = f->env.config;
    const struct flat_floating_env env = {
        .model = &f->model,
        .options = &f->settings.plan,
        .clock = f->env.clock,
        .stats = &f->stats,
        .n_announcements = nt_config_bool(config, "send_arp_for_ha")
                               ? nt_config_int(config, "send_arp_for_ha_count")
                               : 0,
        .plan = rules_changed,
        .save = save_now,
        .aux = f,
    };

    flat_floating_init(&f->floating, &env);
}

static void
init_apply(struct flat *f)
{
    f->apply = (struct flat_apply){
        .dhcp = {
            .config = f->env.config,
            .children = f->env.children,
            .clock = f->env.clock,
            .golden = f->settings.plan.golden,
            .socket_path = f->socket_path,
            .spool_path = f->spool_path,
            .leases_path = f->leases_path,
        },
        .settings = &f->settings,
        .model = &f->model,
        .floating = &f->floating,
        .stats = &f->stats,
        .random = f->env.random,
        .bridge_rules = nt_bridge_rules_new(f->env.children, f->env.clock),
    };
}

static bool
is_serving(const struct flat_network *network)
{
    const struct nt_dnsmasq *dnsmasq = service_of(network)->dnsmasq;

    return dnsmasq && nt_dnsmasq_is_ready(dnsmasq);
}

static int
start_leases(struct flat *f, struct nt_err *err)
{
    const struct leases_options options = {
        .model = &f->model,
        .config = f->env.config,
        .clock = f->env.clock,
        .random = f->env.random,
        .bus = f->env.bus,
        .host = f->env.host,
        .socket_path = f->socket_path,
        .spool_path = f->spool_path,
        .changed = leases_changed,
        .is_serving = is_serving,
        .aux = f,
    };

    return leases_new(&options, &f->leases, err);
}

static int
start_metadata(struct flat *f, struct nt_err *err)
{
    const struct metadata_proxy_options options = {
        .config = f->env.config,
        .clock = f->env.clock,
        .model = &f->model,
        .listen = f->settings.plan.metadata_host,
        .port = f->settings.plan.metadata_port,
    };

    return metadata_proxy_new(&options, &f->metadata, err);
}

static int
start(struct flat *f, struct nt_err *err)
{
    const struct nt_config *config = f->env.config;
    AUTO_FREE char *lock = nt_path_join(nt_config_str(config, "lock_path"), "iptables.lock");
    AUTO_FREE char *lock6 = nt_path_join(nt_config_str(config, "lock_path"), "ip6tables.lock");
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
        || nt_mkdirs(nt_config_str(config, "lock_path"), 0755, err) < 0
        || nt_mkdirs(nt_config_str(config, "networks_path"), 0755, err) < 0) {
        return -1;
    }
    load(f);
    init_apply(f);
    flat_floating_changed(&f->floating);
    if (start_leases(f, err) < 0) {
        return -1;
    }
    f->iptables = nt_iptables_new(f->env.children, f->env.clock, variant, lock);
    nt_iptables_on_settled(f->iptables, on_chains_settled, f);
    if (f->settings.plan.use_ipv6) {
        f->ip6tables = nt_ip6tables_new(f->env.children, f->env.clock, variant, lock6);
    }
    f->reporter = nt_reporter_new(&reporter);
    leases_release_unused(f->leases, false);
    if (start_metadata(f, err) < 0) {
        return -1;
    }
    f->service = nt_rpc_serve(f->env.bus, &nt_network_host, f->env.host, handlers, f);
    nt_bus_on_state(f->env.bus, on_bus_state, f);
    f->rules_changed = true;
    flat_apply_all(&f->apply);
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
    ovs_list_init(&f->changes);
    init_floating(f);
    name_files(f);
    if (start(f, err) < 0) {
        flat_free(f);
        return -1;
    }
    *out = f;
    return 0;
}

int
flat_plan_text(const struct flat_env *env, char **out, struct nt_err *err)
{
    AUTO(flat) f = xzalloc(sizeof *f);

    f->env = *env;
    f->save_at = INT64_MAX;
    flat_model_init(&f->model);
    ovs_list_init(&f->changes);
    init_floating(f);
    name_files(f);
    if (flat_settings_read(env->config, &f->settings, err) < 0) {
        return -1;
    }
    load(f);
    f->iptables = nt_iptables_new(env->children, env->clock, NT_IPTABLES_AUTO, "");
    if (f->settings.plan.use_ipv6) {
        f->ip6tables = nt_ip6tables_new(env->children, env->clock, NT_IPTABLES_AUTO, "");
    }
    plan_rules(f);

    AUTO_FREE char *chains = nt_iptables_plan_whole(nt_iptables_wanted(f->iptables));
    AUTO_FREE char *chains6 =
        f->ip6tables ? nt_iptables_plan_whole(nt_iptables_wanted(f->ip6tables)) : xstrdup("");
    struct ds text = DS_EMPTY_INITIALIZER;

    nt_iptables_put_marked(&text, "ip6", chains6);
    ds_put_cstr(&text, chains);
    *out = ds_steal_cstr(&text);
    return 0;
}

void
flat_get_facts(const struct flat *f, struct flat_facts *out)
{
    const struct flat_network *network;

    *out =
        (struct flat_facts){ .model = &f->model,
                             .iptables = nt_iptables_stats(f->iptables),
                             .bus = f->env.bus,
                             .stats = &f->stats,
                             .n_leases = leases_n_given(f->leases),
                             .n_releases = leases_n_ended(f->leases),
                             .n_releases_waiting = leases_n_releases_waiting(f->leases),
                             .metadata = f->metadata ? metadata_proxy_stats(f->metadata) : NULL };
    LIST_FOR_EACH (network, node, &f->model.networks) {
        const struct nt_dnsmasq *dnsmasq = service_of(network)->dnsmasq;

        if (dnsmasq) {
            nt_dnsmasq_add_stats(dnsmasq, &out->dnsmasq);
            out->n_dnsmasq_ready += nt_dnsmasq_is_ready(dnsmasq);
        }
    }
}

void
flat_free(struct flat *f)
{
    struct flat_network *network;
    struct told *told;

    if (!f) {
        return;
    }
    if (f->save_at != INT64_MAX) {
        save(f);
    }
    LIST_FOR_EACH (network, node, &f->model.networks) {
        flat_service_free(network);
    }
    flat_apply_deinit(&f->apply);
    LIST_FOR_EACH_POP (told, node, &f->changes) {
        free(told);
    }
    nt_bridge_rules_free(f->apply.bridge_rules);
    flat_floating_deinit(&f->floating);
    flat_model_deinit(&f->model);
    nt_rpc_service_free(f->service);
    nt_reporter_free(f->reporter);
    leases_free(f->leases);
    metadata_proxy_free(f->metadata);
    nt_iptables_free(f->iptables);
    nt_iptables_free(f->ip6tables);
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
    nt_reporter_run(f->reporter);
    leases_run(f->leases, f->save_at == INT64_MAX || f->save_failed);
    run_changes(f);
    metadata_proxy_run(f->metadata);
    run_claim(f);
    run_watch(f);
    if (f->rules_changed) {
        plan_rules(f);
    }
    flat_floating_run(&f->floating);
    nt_iptables_run(f->iptables);
    if (f->ip6tables) {
        nt_iptables_run(f->ip6tables);
    }
    flat_apply_run(&f->apply);
    if (nt_mono_ms(f->env.clock) >= f->save_at) {
        save(f);
    }
}

void
flat_wait(struct flat *f)
{
    nt_reporter_wait(f->reporter);
    nt_iptables_wait(f->iptables);
    if (f->ip6tables) {
        nt_iptables_wait(f->ip6tables);
    }
    flat_floating_wait(&f->floating);
    metadata_proxy_wait(f->metadata);
    flat_apply_wait(&f->apply);
    poll_timer_wait_until(f->next_watch);
    if (f->save_at != INT64_MAX) {
        poll_timer_wait_until(f->save_at);
    }
    leases_wait(f->leases, f->save_at == INT64_MAX);
    if (nt_bus_is_connected(f->env.bus) && !f->claimed && !f->claim_pending
        && leases_are_settled(f->leases)) {
        poll_timer_wait_until(f->next_claim);
    }
    if (f->rules_changed) {
        poll_immediate_wake();
    }
}
