#include <config.h>

#include "server/notify/notify.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "rpc/compute.h"
#include "rpc/network.h"
#include "server/core/instances.h"
#include "server/core/ipam.h"
#include "server/core/networks.h"
#include "server/notify/boot_times.h"
#include "server/notify/floating.h"
#include "server/notify/security.h"

NT_LOG_MODULE(notify);

#define CALL_TIMEOUT_MS 10000
#define RETRY_MS 500
#define RETRY_STEP_MS 20 /* Between two looks at all boots: a burst may have thousands. */
#define BOOT_LIMIT_MS 30000
#define RELEASE_LIMIT_MS 60000

struct notify {
    struct store *reader;
    struct op_queue *ops;
    struct nt_bus *bus;
    const struct core_env *env;
    struct ovs_list boots;    /* struct boot. */
    struct ovs_list releases; /* struct release. */
    int64_t next_retry;       /* Of any address, monotonic; INT64_MAX: of none. */
    struct boot_times *boot_times;
    struct security_notify *security;
    struct notify_floating *floating;
};

/* One address a network host must know before the guest starts. */
struct boot_address {
    struct boot *boot;
    char host[NT_HOST_SIZE];
    struct nt_fixed_ip_args args;
    bool told;
    int64_t retry_at; /* Monotonic; 0: a call is under way. */
};

/* An instance between its commit and build_instance. */
struct boot {
    struct ovs_list node;
    struct notify *notify;
    char instance_id[NT_UUID_SIZE];
    char host[NT_HOST_SIZE]; /* Compute host. */
    int64_t deadline;
    struct boot_address *addresses;
    size_t n_addresses;
    size_t n_calls; /* Under way: the boot must not be freed. */
    char fault[NT_ERR_SIZE];
    char request_id[NT_REQUEST_ID_SIZE];
    int64_t check_at; /* Monotonic; the database could not be told; 0: no such trouble. */
    bool over;        /* Submitted to the database, in one way or the other, or: */
    bool cancelled;   /* The instance is gone; only answers are waited for. */
    bool is_evacuation;
};

/* An address that goes back. */
struct release {
    struct ovs_list node;
    struct notify *notify;
    char port_id[NT_UUID_SIZE];
    char host[NT_HOST_SIZE]; /* Network host. */
    struct nt_fixed_ip_args args;
    int64_t deadline;
    int64_t retry_at; /* Monotonic; 0: a call or the database has it. */
};

static void put_address(struct boot_address *);

static void
boot_free(struct boot *boot)
{
    ovs_list_remove(&boot->node);
    free(boot->addresses);
    free(boot);
}

static void
release_free(struct release *release)
{
    ovs_list_remove(&release->node);
    free(release);
}

static void
send_networks_changed(struct notify *notify, const char *reason)
{
    struct nt_networks_changed_args args = { .reason = "" };

    ovs_strlcpy(args.reason, reason, sizeof args.reason);
    nt_rpc_fanout(notify->bus, NT_TO(&nt_network_host, NULL, "networks_changed"), &args);
}

static void
send_build(struct notify *notify, const struct boot *boot)
{
    struct nt_build_instance_args args = { .instance.id = "" };
    struct nt_err err = { 0 };

    if (instance_view_load(notify->reader, boot->instance_id, &args.instance, &err) < 0) {
        nt_warn("instance vanished before it was built", "instance", boot->instance_id, "why",
                err.msg, NULL);
        return;
    }
    nt_rpc_cast(notify->bus, NT_TO(&nt_compute_host, boot->host, "build_instance"), &args);
    nt_info("instance to be built", "instance", boot->instance_id, "host", boot->host, NULL);
    nt_instance_view_clear(&args.instance);
}

static int
set_spawning(struct store *store, void *boot_, struct changes *out, struct nt_err *err)
{
    struct boot *boot = boot_;

    return instance_set_task(store, boot->notify->env, boot->instance_id, "spawning", out, err);
}

/* A disk that is full now may not be later; and the boot must end in one way or the
 * other. */
static bool
is_database_trouble(const struct nt_err *err)
{
    return err && (err->code == NT_UNAVAILABLE || err->code == NT_FAULT);
}

static void
boot_later(struct boot *boot)
{
    boot->over = false;
    boot->check_at = nt_mono_ms(boot->notify->env->clock) + RETRY_MS;
    boot->notify->next_retry = MIN(boot->notify->next_retry, boot->check_at);
}

static void
spawning_done(void *boot_, const struct nt_err *err)
{
    struct boot *boot = boot_;

    if (is_database_trouble(err)) {
        boot_later(boot);
        return;
    }
    if (err) {
        nt_info("boot given up", "instance", boot->instance_id, "why", err->msg, NULL);
    } else {
        send_build(boot->notify, boot);
        /* Its floating addresses: what was said at the beginning may have been said by nobody,
         * when this program ended there. */
        if (boot->is_evacuation) {
            send_networks_changed(boot->notify, change_kind_name(CHANGE_INSTANCE_EVACUATED));
        }
    }
    boot_free(boot);
}

static int
fail_boot(struct store *store, void *boot_, struct changes *out, struct nt_err *err)
{
    struct boot *boot = boot_;

    return instance_fail_boot(store, boot->notify->env, boot->instance_id, boot->fault, out, err);
}

static void
fail_boot_done(void *boot_, const struct nt_err *err)
{
    struct boot *boot = boot_;

    nt_warn("boot failed", "instance", boot->instance_id, "why", boot->fault, "database",
            err ? err->msg : "told", NULL);
    if (is_database_trouble(err)) {
        boot_later(boot);
        return;
    }
    boot_free(boot);
}

/* Goes on once nothing is under way: builds, fails, or waits for a retry. */
static void
boot_check(struct boot *boot)
{
    if (boot->cancelled && !boot->n_calls) {
        boot_free(boot);
        return;
    }
    if (boot->over || boot->n_calls) {
        return;
    }
    if (*boot->fault) {
        boot->over = true;
        op_submit(boot->notify->ops, fail_boot, boot, fail_boot_done, boot);
        return;
    }
    for (size_t i = 0; i < boot->n_addresses; i++) {
        if (!boot->addresses[i].told) {
            return;
        }
    }
    boot->over = true;
    op_submit(boot->notify->ops, set_spawning, boot, spawning_done, boot);
}

static void
put_address_reply(void *address_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct boot_address *address = address_;
    struct boot *boot = address->boot;
    int64_t now = nt_mono_ms(boot->notify->env->clock);
    bool again = err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT);

    boot->n_calls--;
    address->told = !err;
    if (again && now + RETRY_MS < boot->deadline) {
        address->retry_at = now + RETRY_MS;
        boot->notify->next_retry = MIN(boot->notify->next_retry, address->retry_at);
    } else if (err && !*boot->fault) {
        snprintf(boot->fault, sizeof boot->fault, "network host %s cannot serve %s: %s",
                 address->host, address->args.entry.address, err->msg);
    }
    boot_check(boot);
}

static void
put_address(struct boot_address *address)
{
    struct boot *boot = address->boot;

    if (!*address->host) {
        snprintf(boot->fault, sizeof boot->fault, "network %s has no network host",
                 address->args.network_id);
        return;
    }
    address->retry_at = 0;
    boot->n_calls++;
    nt_rpc_call(boot->notify->bus, NT_TO(&nt_network_host, address->host, "put_fixed_ip"),
                &address->args, CALL_TIMEOUT_MS, put_address_reply, address);
}

static struct boot *
boot_new(struct notify *notify, const char *instance_id, const char *host, size_t max_addresses)
{
    struct boot *boot = xzalloc(sizeof *boot);

    boot->notify = notify;
    ovs_strlcpy(boot->instance_id, instance_id, sizeof boot->instance_id);
    ovs_strlcpy(boot->host, host, sizeof boot->host);
    boot->deadline = nt_mono_ms(notify->env->clock) + BOOT_LIMIT_MS;
    ovs_strlcpy(boot->request_id, nt_log_request(), sizeof boot->request_id);
    boot->addresses = xcalloc(max_addresses ? max_addresses : 1, sizeof *boot->addresses);
    ovs_list_push_back(&notify->boots, &boot->node);
    return boot;
}

static void
boot_add(struct boot *boot, const char *network_id, const char *host,
         const struct nt_host_entry *entry)
{
    struct boot_address *address = &boot->addresses[boot->n_addresses++];

    address->boot = boot;
    ovs_strlcpy(address->host, host, sizeof address->host);
    ovs_strlcpy(address->args.network_id, network_id, sizeof address->args.network_id);
    address->args.entry = *entry;
}

static void
boot_start(struct boot *boot)
{
    for (size_t i = 0; i < boot->n_addresses; i++) {
        put_address(&boot->addresses[i]);
    }
    boot_check(boot);
}

static void
start_boot(struct notify *notify, const struct changes *changes, const struct change *created)
{
    struct boot *boot = boot_new(notify, created->instance_id, created->host, changes->n);

    for (size_t i = 0; i < changes->n; i++) {
        const struct change *c = &changes->at[i];

        if (c->kind == CHANGE_FIXED_IP_ALLOCATED && !strcmp(c->instance_id, created->instance_id)) {
            boot_add(boot, c->network_id, c->host, &c->entry);
        }
    }
    boot_start(boot);
}

/* The instance was deleted: another try would bring its addresses back on their
 * network hosts, when somebody else may have them already. */
static void
cancel_boot(struct notify *notify, const char *instance_id)
{
    struct boot *boot;

    LIST_FOR_EACH_SAFE (boot, node, &notify->boots) {
        if (!boot->over && !strcmp(boot->instance_id, instance_id)) {
            nt_info("boot given up", "instance", instance_id, "why", "it was deleted", NULL);
            boot->over = boot->cancelled = true;
            boot_check(boot);
        }
    }
}

static int
settle(struct store *store, void *release_, struct changes *out, struct nt_err *err)
{
    struct release *release = release_;

    return ipam_settle(store, release->notify->env, release->port_id, out, err);
}

static void
settle_done(void *release_, const struct nt_err *err)
{
    struct release *release = release_;

    if (err) {
        nt_warn("address not settled", "port", release->port_id, "why", err->msg, NULL);
    }
    release_free(release);
}

/* A host that is away hears of the address when it compares its leases with ours; one
 * that never does keeps it from being used again until its lease ends or the timeout
 * passes. */
static void
delete_address_reply(void *release_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct release *release = release_;
    int64_t retry_at = nt_mono_ms(release->notify->env->clock) + RETRY_MS;
    bool again = err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT);

    if (again && retry_at < release->deadline) {
        release->retry_at = retry_at;
        release->notify->next_retry = MIN(release->notify->next_retry, retry_at);
    } else if (err) {
        nt_warn("network host was not told of a released address", "port", release->port_id, "why",
                err->msg, NULL);
        release_free(release);
    } else {
        op_submit(release->notify->ops, settle, release, settle_done, release);
    }
}

static void
send_release(struct release *release)
{
    release->retry_at = 0;
    nt_rpc_call(release->notify->bus, NT_TO(&nt_network_host, release->host, "delete_fixed_ip"),
                &release->args, CALL_TIMEOUT_MS, delete_address_reply, release);
}

static void
start_release(struct notify *notify, const struct change *c)
{
    if (!*c->host) {
        return;
    }

    struct release *release = xzalloc(sizeof *release);
    release->notify = notify;
    release->deadline = nt_mono_ms(notify->env->clock) + RELEASE_LIMIT_MS;
    release->args.entry = c->entry;
    ovs_strlcpy(release->args.network_id, c->network_id, sizeof release->args.network_id);
    ovs_strlcpy(release->host, c->host, sizeof release->host);
    ovs_strlcpy(release->port_id, c->port_id, sizeof release->port_id);
    ovs_list_push_back(&notify->releases, &release->node);
    send_release(release);
}

static void
send_terminate(struct notify *notify, const struct change *c)
{
    struct nt_instance_args args = { .number = c->number };

    ovs_strlcpy(args.id, c->instance_id, sizeof args.id);
    nt_rpc_cast(notify->bus, NT_TO(&nt_compute_host, c->host, "terminate_instance"), &args);
}

/* A host that is away finds it in the list of its instances. */
static void
send_power(struct notify *notify, const struct change *c)
{
    static const struct {
        const char *task_state, *method;
        bool hard;
    } methods[] = {
        { "powering-off", "stop_instance", false },
        { "powering-on", "start_instance", false },
        { "rebooting", "reboot_instance", false },
        { "rebooting_hard", "reboot_instance", true },
    };
    struct nt_power_args args = { .number = c->number, .generation = c->generation };

    ovs_strlcpy(args.id, c->instance_id, sizeof args.id);
    for (size_t i = 0; i < NT_ARRAY_SIZE(methods); i++) {
        if (!strcmp(c->task_state, methods[i].task_state)) {
            args.hard = methods[i].hard;
            nt_rpc_cast(notify->bus, NT_TO(&nt_compute_host, c->host, methods[i].method), &args);
        }
    }
}

/* The addresses of a boot, read back from the networks' views. */
static int
resume_boot(struct notify *notify, const struct nt_instance *instance, struct nt_err *err)
{
    struct network_list networks = { 0 };

    if (network_list_load(notify->reader, NULL, &networks, err) < 0) {
        return -1;
    }

    struct boot *boot = boot_new(notify, instance->id, instance->host, networks.n * 8);
    int rc = 0;

    boot->is_evacuation = *instance->evacuated_from;
    for (size_t i = 0; i < networks.n && !rc; i++) {
        struct nt_network_view view = { .id = "" };

        rc = network_view_load(notify->reader, networks.at[i].network.id, &view, err);
        for (size_t j = 0; !rc && j < view.n_entries; j++) {
            if (view.entries[j].allocated && !strcmp(view.entries[j].instance_id, instance->id)
                && boot->n_addresses < networks.n * 8) {
                boot_add(boot, view.id, view.multi_host ? instance->host : view.host,
                         &view.entries[j]);
            }
        }
        nt_network_view_clear(&view);
    }
    network_list_clear(&networks);
    if (rc) {
        boot_free(boot);
        return rc;
    }
    nt_info("boot taken up again", "instance", instance->id, NULL);
    boot_start(boot);
    return 0;
}

/* A network host that has heard of it already does the same again. */
static int
resume_releases(struct notify *notify, struct nt_err *err)
{
    struct changes changes = CHANGES_INITIALIZER;
    int rc = ipam_unused(notify->reader, &changes, err);

    for (size_t i = 0; !rc && i < changes.n; i++) {
        nt_info("release taken up again", "address", changes.at[i].entry.address, NULL);
        start_release(notify, &changes.at[i]);
    }
    changes_clear(&changes);
    return rc;
}

/* Its addresses are what it has; a network host of its own takes up its floating ones. */
static void
start_evacuation(struct notify *notify, const struct change *c)
{
    struct nt_instance instance;
    struct nt_err err = { 0 };

    if (instance_get(notify->reader, NULL, c->instance_id, &instance, &err) < 0) {
        nt_error("evacuation not started; a restart of this program takes it up", "instance",
                 c->instance_id, "why", err.msg, NULL);
        return;
    }
    if (resume_boot(notify, &instance, &err) < 0) {
        nt_error("evacuation not started; a restart of this program takes it up", "instance",
                 c->instance_id, "why", err.msg, NULL);
    }
    nt_instance_clear(&instance);
    send_networks_changed(notify, change_kind_name(c->kind));
}

static void
on_changes(void *notify_, const struct changes *changes)
{
    struct notify *notify = notify_;

    for (size_t i = 0; i < changes->n; i++) {
        const struct change *c = &changes->at[i];

        boot_times_change(notify->boot_times, c, nt_mono_ms(notify->env->clock));
        nt_info("change", "kind", change_kind_name(c->kind), "instance",
                *c->instance_id ? c->instance_id : NULL, "network",
                *c->network_id ? c->network_id : NULL, "address",
                *c->entry.address ? c->entry.address : NULL, "host", *c->host ? c->host : NULL,
                "state", *c->vm_state ? c->vm_state : NULL, NULL);
        switch (c->kind) {
        case CHANGE_INSTANCE_CREATED:
            start_boot(notify, changes, c);
            break;
        case CHANGE_INSTANCE_DELETING:
            send_terminate(notify, c);
            break;
        case CHANGE_INSTANCE_POWER:
            send_power(notify, c);
            break;
        case CHANGE_INSTANCE_EVACUATED:
            start_evacuation(notify, c);
            break;
        case CHANGE_INSTANCE_DELETED:
            cancel_boot(notify, c->instance_id);
            break;
        case CHANGE_FIXED_IP_UNUSED:
            start_release(notify, c);
            break;
        case CHANGE_NETWORK_CREATED:
        case CHANGE_NETWORK_UPDATED:
        case CHANGE_NETWORK_DELETED:
            send_networks_changed(notify, change_kind_name(c->kind));
            break;
        case CHANGE_INSTANCE_GROUPS:
        case CHANGE_SECURITY_RULES:
        case CHANGE_SECURITY_MEMBERS:
            security_notify_add(notify->security, c);
            break;
        case CHANGE_FLOATING_IP_ASSOCIATED:
        case CHANGE_FLOATING_IP_DISASSOCIATED:
            notify_floating_change(notify->floating, c);
            break;
        case CHANGE_NETWORK_CLAIMED:
        case CHANGE_FIXED_IP_ALLOCATED:
        case CHANGE_FIXED_IP_LEASED:
        case CHANGE_FIXED_IP_FREED:
        case CHANGE_INSTANCE_UPDATED:
        default:
            break;
        }
    }
}

struct notify *
notify_new(struct store *reader, struct op_queue *ops, struct nt_bus *bus,
           const struct core_env *env)
{
    struct notify *notify = xzalloc(sizeof *notify);

    notify->reader = reader;
    notify->ops = ops;
    notify->bus = bus;
    notify->env = env;
    notify->boot_times = boot_times_new();
    notify->security = security_notify_new(reader, bus, env);
    notify->floating = notify_floating_new(ops, bus, env);
    notify->next_retry = INT64_MAX;
    ovs_list_init(&notify->boots);
    ovs_list_init(&notify->releases);
    op_queue_on_changes(ops, on_changes, notify);
    return notify;
}

struct notify_floating *
notify_get_floating(struct notify *notify)
{
    return notify->floating;
}

const struct boot_times *
notify_get_boot_times(const struct notify *notify)
{
    return notify->boot_times;
}

/* After the bus and the operations are freed: nobody calls back any more. */
void
notify_free(struct notify *notify)
{
    if (notify) {
        struct boot *boot;
        struct release *release;

        LIST_FOR_EACH_SAFE (boot, node, &notify->boots) {
            boot_free(boot);
        }
        LIST_FOR_EACH_SAFE (release, node, &notify->releases) {
            release_free(release);
        }
        boot_times_free(notify->boot_times);
        security_notify_free(notify->security);
        notify_floating_free(notify->floating);
        free(notify);
    }
}

int
notify_resume(struct notify *notify, struct nt_err *err)
{
    const struct instance_filter filter = { .vm_state = "building" };
    struct rows rows = { 0 };
    int rc = instance_list(notify->reader, &filter, &rows, err);

    for (size_t i = 0; !rc && i < rows.n; i++) {
        const struct nt_instance *instance = ROW(struct nt_instance, &rows, i);

        if (!strcmp(instance->task_state, "networking")) {
            rc = resume_boot(notify, instance, err);
        }
    }
    rows_clear(&rows);
    return rc ? rc : resume_releases(notify, err);
}

/* True if 'at' has come; otherwise it is waited for (0: it never comes). */
static bool
is_due(struct notify *notify, int64_t at, int64_t now)
{
    if (at > now) {
        notify->next_retry = MIN(notify->next_retry, at);
    }
    return at && at <= now;
}

static void
put_address_again(struct boot_address *address)
{
    struct boot *boot = address->boot;

    nt_log_swap_request(boot->request_id);
    put_address(address);
    nt_log_swap_request(boot->request_id);
}

static void
check_again(struct boot *boot)
{
    char request_id[NT_REQUEST_ID_SIZE];

    /* The boot may be over and gone afterwards. */
    ovs_strlcpy(request_id, boot->request_id, sizeof request_id);
    nt_log_swap_request(request_id);
    boot->check_at = 0;
    boot_check(boot);
    nt_log_swap_request(request_id);
}

static void
retry_boot(struct boot *boot, int64_t now)
{
    if (is_due(boot->notify, boot->check_at, now)) {
        check_again(boot);
        return;
    }
    for (size_t i = 0; i < boot->n_addresses && !boot->over; i++) {
        if (is_due(boot->notify, boot->addresses[i].retry_at, now)) {
            put_address_again(&boot->addresses[i]);
        }
    }
}

void
notify_run(struct notify *notify)
{
    int64_t now = nt_mono_ms(notify->env->clock);
    struct boot *boot;
    struct release *release;

    security_notify_run(notify->security);
    if (now < notify->next_retry) {
        return;
    }
    notify->next_retry = INT64_MAX;
    LIST_FOR_EACH_SAFE (boot, node, &notify->boots) {
        retry_boot(boot, now);
    }
    LIST_FOR_EACH (release, node, &notify->releases) {
        if (is_due(notify, release->retry_at, now)) {
            send_release(release);
        }
    }
    notify->next_retry = MAX(notify->next_retry, now + RETRY_STEP_MS);
}

void
notify_wait(struct notify *notify)
{
    security_notify_wait(notify->security);
    if (notify->next_retry != INT64_MAX) {
        poll_timer_wait_until(notify->next_retry);
    }
}
