#include <config.h>

#include "compute/rules.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "compute/plan.h"
#include "host/drops.h"
#include "host/ipset.h"
#include "host/iptables_options.h"
#include "host/iptables_plan.h"
#include "host/sysctl.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(rules);

#define IPSET_PAUSE_MS 60000

/* One family's chains. */
struct family {
    const char *name;
    struct nt_iptables *engine;
    struct plan_memo *memo;
    struct nt_iptables_want *pending; /* Owned; waits for its sets. */
    bool ok;                          /* What was set last is in the kernel. */
    char error[NT_ERR_SIZE];
};

struct rules {
    struct rules_env env;
    struct family ipv4, ipv6; /* ipv6.engine NULL: not filtered. */
    struct nt_guard *guard;
    struct nt_ipsets *ipsets;
    struct nt_drops *drops;
    struct nt_iptables_options options;
    struct nt_ipset_table sets; /* Of the plan, for rules_text(). */
    bool with_ipsets;           /* The plan names sets. */
    bool want_plan;
    bool to_sweep;            /* Sets may be left over. */
    int64_t ipsets_off_until; /* Monotonic; 0: they work. */
};

static bool
is_golden(const struct rules *rules)
{
    return !strcmp(nt_config_str(rules->env.config, "compat"), "essex");
}

static void
settled(struct family *f, bool ok, const struct nt_err *err)
{
    f->ok = ok && nt_iptables_is_settled(f->engine);
    ovs_strlcpy(f->error, ok ? "" : err->msg, sizeof f->error);
    if (!ok) {
        nt_error("guests' chains not written", "family", f->name, "why", err->msg, NULL);
    }
}

static void
on_settled(void *family, uint64_t generation OVS_UNUSED, bool ok, const struct nt_err *err)
{
    settled(family, ok, err);
}

/* Bridged IPv6 reaches the chains only when the kernel is told so. */
static bool
can_filter_ipv6(void)
{
    struct nt_err err = { 0 };

    if (access("/proc/sys/net/ipv6", F_OK) < 0) {
        return false;
    }
    if (nt_sysctl_ensure("net.bridge.bridge-nf-call-ip6tables", "1", &err) < 0) {
        nt_warn("guests' IPv6 is not filtered by security groups", "why", err.msg, NULL);
        return false;
    }
    return true;
}

int
rules_new(const struct rules_env *env, struct rules **out, struct nt_err *err)
{
    const char *locks = nt_config_str(env->config, "lock_path");
    AUTO_FREE char *lock4 = nt_path_join(locks, "iptables.lock");
    AUTO_FREE char *lock6 = nt_path_join(locks, "ip6tables.lock");
    enum nt_iptables_variant variant;

    if (!nt_iptables_variant_parse(nt_config_str(env->config, "iptables_variant"), &variant)) {
        return nt_fail(err, NT_INVALID, "%s: iptables_variant must be auto, nft or legacy",
                       nt_config_origin(env->config, "iptables_variant"));
    }

    AUTO(rules) rules = xzalloc(sizeof *rules);
    rules->env = *env;
    nt_ipset_table_init(&rules->sets);
    if (nt_iptables_options_read(env->config, &rules->options, err) < 0) {
        return -1;
    }
    rules->ipv4.name = "IPv4";
    rules->ipv4.memo = plan_memo_new();
    rules->ipv4.engine = nt_iptables_new(env->children, env->clock, variant, lock4);
    nt_iptables_on_settled(rules->ipv4.engine, on_settled, &rules->ipv4);
    rules->ipv6.name = "IPv6";
    rules->ipv6.memo = plan_memo_new();
    if ((!is_golden(rules) || nt_config_bool(env->config, "use_ipv6")) && can_filter_ipv6()) {
        rules->ipv6.engine = nt_ip6tables_new(env->children, env->clock, variant, lock6);
        nt_iptables_on_settled(rules->ipv6.engine, on_settled, &rules->ipv6);
    }
    rules->guard = nt_guard_new(env->children, env->clock);
    rules->ipsets = nt_ipsets_new(env->children, env->clock);
    rules->drops = nt_drops_new(env->children, nt_iptables_tool(variant, false),
                                rules->ipv6.engine ? nt_iptables_tool(variant, true) : NULL);
    *out = TAKE(rules);
    return 0;
}

void
rules_free(struct rules *rules)
{
    if (rules) {
        nt_iptables_want_free(rules->ipv4.pending);
        nt_iptables_want_free(rules->ipv6.pending);
        plan_memo_free(rules->ipv4.memo);
        plan_memo_free(rules->ipv6.memo);
        nt_iptables_free(rules->ipv4.engine);
        nt_iptables_free(rules->ipv6.engine);
        nt_guard_free(rules->guard);
        nt_drops_free(rules->drops);
        nt_ipsets_free(rules->ipsets);
        nt_ipset_table_clear(&rules->sets);
        free(rules);
    }
}

static void
fill_port(const struct guest *guest, size_t i, struct nt_guard_port *port)
{
    const struct nt_vif *vif = &guest->view.vifs[i];

    ovs_strlcpy(port->ifname, guest->ifnames[i], sizeof port->ifname);
    ovs_strlcpy(port->mac, vif->mac, sizeof port->mac);
    ovs_strlcpy(port->addresses[0], vif->address, NT_IP4_SIZE);
    port->n_addresses = *vif->address != '\0';
    ovs_strlcpy(port->addresses6[0], vif->address_v6, NT_IP_SIZE);
    port->n_addresses6 = *vif->address_v6 != '\0';
}

static void
plan_guard(struct rules *rules, const struct rules_model *model)
{
    size_t n = 0;

    for (size_t i = 0; i < model->n_guests; i++) {
        n += model->guests[i]->view.n_vifs;
    }

    struct nt_guard_port *ports = xcalloc(n + 1, sizeof *ports);
    n = 0;
    for (size_t i = 0; i < model->n_guests; i++) {
        for (size_t j = 0; j < model->guests[i]->view.n_vifs; j++) {
            if (*model->guests[i]->ifnames[j]) {
                fill_port(model->guests[i], j, &ports[n++]);
            }
        }
    }
    nt_guard_set(rules->guard, ports, n);
    free(ports);
}

/* Takes 'want'. */
static void
set_pending(struct family *f, struct nt_iptables_want *want)
{
    nt_iptables_want_free(f->pending);
    f->pending = want;
    f->ok = false;
    *f->error = '\0';
}

static bool
ipsets_may_be_used(struct rules *rules)
{
    if (rules->ipsets_off_until && nt_mono_ms(rules->env.clock) >= rules->ipsets_off_until) {
        rules->ipsets_off_until = 0;
    }
    return !rules->ipsets_off_until && !is_golden(rules)
           && nt_config_bool(rules->env.config, "security_group_ipset");
}

void
rules_plan(struct rules *rules, const struct rules_model *m)
{
    struct plan_options options = {
        .golden = is_golden(rules),
        .allow_same_net_traffic = nt_config_bool(rules->env.config, "allow_same_net_traffic"),
        .use_ipsets = ipsets_may_be_used(rules),
        .connections = nt_config_int(rules->env.config, "guest_connections"),
        .drop = rules->options.drop,
        .top_regex = rules->options.top_regex,
        .bottom_regex = rules->options.bottom_regex,
        .security = m->security,
        .memo = rules->ipv4.memo,
    };
    struct nt_ipset_table sets;

    rules->want_plan = false;
    rules->with_ipsets = options.use_ipsets;
    rules->to_sweep = true;
    set_pending(&rules->ipv4,
                plan_chains(m->guests, m->n_guests, m->bridges, m->n_bridges, &options));
    if (rules->ipv6.engine) {
        options.memo = rules->ipv6.memo;
        set_pending(&rules->ipv6,
                    plan_chains6(m->guests, m->n_guests, m->bridges, m->n_bridges, &options));
    }
    nt_ipset_table_clear(&rules->sets);
    plan_sets(m->guests, m->n_guests, &options, &rules->sets);
    if (options.use_ipsets) {
        plan_sets(m->guests, m->n_guests, &options, &sets);
        nt_ipsets_set(rules->ipsets, &sets);
    }
    if (nt_config_bool(rules->env.config, "anti_spoofing")) {
        plan_guard(rules, m);
    }
}

bool
rules_want_plan(const struct rules *rules)
{
    return rules->want_plan;
}

static bool
family_is_settled(const struct family *f)
{
    return !f->engine || (!f->pending && f->ok);
}

bool
rules_are_settled(const struct rules *rules)
{
    return !rules->want_plan && family_is_settled(&rules->ipv4) && family_is_settled(&rules->ipv6)
           && nt_guard_is_settled(rules->guard)
           && (!rules->with_ipsets || nt_ipsets_is_ready(rules->ipsets));
}

const char *
rules_error(const struct rules *rules)
{
    if (rules->want_plan) {
        return NULL;
    }
    return *rules->ipv4.error   ? rules->ipv4.error
           : *rules->ipv6.error ? rules->ipv6.error
                                : nt_guard_error(rules->guard);
}

void
rules_recheck(struct rules *rules)
{
    nt_iptables_recheck(rules->ipv4.engine);
    if (rules->ipv6.engine) {
        struct nt_err err = { 0 };

        nt_iptables_recheck(rules->ipv6.engine);
        if (nt_sysctl_ensure("net.bridge.bridge-nf-call-ip6tables", "1", &err) < 0) {
            nt_error("guests' IPv6 is not filtered", "why", err.msg, NULL);
        }
    }
    nt_guard_recheck(rules->guard);
    nt_ipsets_recheck(rules->ipsets);
    nt_drops_read(rules->drops);
}

static const struct nt_iptables_want *
wanted(const struct family *f)
{
    return f->pending ? f->pending : nt_iptables_wanted(f->engine);
}

char *
rules_text(const struct rules *rules)
{
    struct ds out = DS_EMPTY_INITIALIZER;
    struct nt_ipset_table none;

    nt_ipset_table_init(&none);

    AUTO_FREE char *sets = nt_ipset_diff(&none, &rules->sets);
    AUTO_FREE char *chains = nt_iptables_plan_whole(wanted(&rules->ipv4));
    AUTO_FREE char *chains6 =
        rules->ipv6.engine ? nt_iptables_plan_whole(wanted(&rules->ipv6)) : NULL;
    AUTO_FREE char *guard = nt_guard_whole(rules->guard);

    nt_iptables_put_marked(&out, "ipset", sets);
    nt_iptables_put_marked(&out, "ip6", chains6);
    ds_put_format(&out, "%s# nft -f -\n%s", chains, guard ? guard : "");
    return ds_steal_cstr(&out);
}

const struct nt_iptables_stats *
rules_iptables_stats(const struct rules *rules)
{
    return nt_iptables_stats(rules->ipv4.engine);
}

const struct nt_iptables_stats *
rules_ip6tables_stats(const struct rules *rules)
{
    return rules->ipv6.engine ? nt_iptables_stats(rules->ipv6.engine) : NULL;
}

const struct nt_guard_stats *
rules_guard_stats(const struct rules *rules)
{
    return nt_guard_stats(rules->guard);
}

const struct nt_drops_table *
rules_drops(const struct rules *rules)
{
    return nt_drops_get(rules->drops);
}

static void
hand_over(struct family *f)
{
    if (f->pending) {
        nt_iptables_set(f->engine, TAKE(f->pending));
    }
}

static void
run_ipsets(struct rules *rules)
{
    nt_ipsets_run(rules->ipsets);
    if (rules->with_ipsets && nt_ipsets_error(rules->ipsets)) {
        nt_warn("source groups get one rule per member instead of a set", "why",
                nt_ipsets_error(rules->ipsets), NULL);
        rules->ipsets_off_until = nt_mono_ms(rules->env.clock) + IPSET_PAUSE_MS;
        rules->with_ipsets = false;
        rules->want_plan = true;
    }
}

void
rules_run(struct rules *rules)
{
    run_ipsets(rules);
    if (!rules->want_plan && (!rules->with_ipsets || nt_ipsets_is_ready(rules->ipsets))) {
        hand_over(&rules->ipv4);
        hand_over(&rules->ipv6);
    }
    nt_iptables_run(rules->ipv4.engine);
    if (rules->ipv6.engine) {
        nt_iptables_run(rules->ipv6.engine);
    }
    nt_guard_run(rules->guard);
    if (rules->to_sweep && rules->with_ipsets && family_is_settled(&rules->ipv4)
        && family_is_settled(&rules->ipv6)) {
        rules->to_sweep = false;
        nt_ipsets_sweep(rules->ipsets);
    }
}

void
rules_wait(struct rules *rules)
{
    nt_ipsets_wait(rules->ipsets);
    nt_iptables_wait(rules->ipv4.engine);
    if (rules->ipv6.engine) {
        nt_iptables_wait(rules->ipv6.engine);
    }
    nt_guard_wait(rules->guard);
    if (rules->want_plan
        || ((rules->ipv4.pending || rules->ipv6.pending)
            && (!rules->with_ipsets || nt_ipsets_is_ready(rules->ipsets)))) {
        poll_immediate_wake();
    }
}
