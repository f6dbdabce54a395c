/* A device that was asked for is in 'all' until the server knows, and in 'waiting' until a call
 * takes it along.  Its
 * 'wish' counts up with each devices_up() and devices_down(): an answer to an older one only
 * tells that the device is free to be reported again.  Of ups the last one is enough, but a down
 * is said also when the device is up again by then: who waits for the port to come back (nova)
 * hears of it only when it has gone.
 *
 * Two kinds of failure: a device that the server lists as failed is tried MAX_ATTEMPTS times,
 * since something is wrong with it; a call that fails is repeated for ever, since
 * something is wrong with the server.  Devices of a call that failed go into calls of half
 * the size, so that one the server cannot bear ends up alone. */
#include <config.h>

#include "agent/report/devices.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "rpc/neutron/plugin.h"
#include "rpc/patience.h"

NT_LOG_MODULE(devices);

#define MAX_CALLS 4
#define MAX_ATTEMPTS 5

/* After a broker came back all agents do: their reports are spread over so long. */
#define SPREAD_MS 2000

struct device {
    struct shash_node *by_id; /* Its name is the id. */
    struct ovs_list node;     /* In 'waiting' while 'is_waiting'. */
    bool is_up, refresh, is_waiting;
    bool owes_down; /* To be said before anything else. */
    uint64_t wish;
    uint64_t down_wish; /* The last one that was a down. */
    uint64_t call;      /* Number of the call that has it along; 0: none. */
    uint64_t sent_wish; /* What that one says. */
    bool sent_down;
    unsigned n_attempts; /* Refused by the server, in a row, for this wish. */
    unsigned n_failed;   /* Calls that failed, in a row. */
    int64_t not_before;
};

struct devices {
    struct devices_options o;
    struct nt_patience patience;
    struct shash all;
    struct ovs_list waiting; /* Oldest wish first. */
    unsigned n_calls;        /* In flight, of this connection. */
    unsigned connection;
    uint64_t last_call;
    bool is_connected;
    int64_t not_before; /* No call is made. */
    struct devices_stats stats;
};

/* A call in flight. */
struct call {
    struct devices *devices;
    uint64_t number;
    unsigned connection;
    struct nt_device_list_args args;
};

static void
wait_again(struct devices *d, struct device *device, int64_t not_before)
{
    if (!device->is_waiting) {
        ovs_list_push_back(&d->waiting, &device->node);
        device->is_waiting = true;
    }
    device->not_before = not_before;
}

static void
not_waiting(struct device *device)
{
    if (device->is_waiting) {
        ovs_list_remove(&device->node);
        device->is_waiting = false;
    }
}

/* What was on its way may never have arrived; saying it twice does no harm. */
static void
state_changed(void *d_, bool connected)
{
    struct devices *d = d_;
    struct shash_node *node;

    d->is_connected = connected;
    if (connected) {
        if (d->connection) {
            d->not_before = nt_mono_ms(d->o.clock) + nt_patience_draw_ms(d->o.random, SPREAD_MS);
        }
        d->connection++;
        d->n_calls = 0;
        SHASH_FOR_EACH (node, &d->all) {
            struct device *device = node->data;

            device->call = 0;
            device->n_failed = 0;
            wait_again(d, device, 0);
        }
    }
}

struct devices *
devices_new(const struct devices_options *o)
{
    struct devices *d = xzalloc(sizeof *d);

    d->o = *o;
    nt_patience_init(&d->patience, o->timeout_ms, o->max_timeout_ms);
    shash_init(&d->all);
    ovs_list_init(&d->waiting);
    nt_bus_on_state(o->bus, state_changed, d);
    return d;
}

void
devices_free(struct devices *d)
{
    if (d) {
        shash_destroy_free_data(&d->all);
        free(d);
    }
}

static void
forget(struct devices *d, struct device *device)
{
    not_waiting(device);
    shash_delete(&d->all, device->by_id);
    free(device);
}

static void
wish(struct devices *d, const char *id, bool up, bool refresh)
{
    struct device *device = shash_find_data(&d->all, id);

    if (strlen(id) >= sizeof((struct nt_device_name *) 0)->name) {
        return; /* None of neutron's. */
    }
    if (!device) {
        device = xzalloc(sizeof *device);
        device->by_id = shash_add(&d->all, id, device);
    }
    /* What was not answered yet may have asked for it. */
    device->refresh = up && (refresh || device->refresh);
    device->is_up = up;
    device->wish++;
    if (!up) {
        device->owes_down = true;
        device->down_wish = device->wish;
    }
    device->n_attempts = 0;
    device->n_failed = 0;
    wait_again(d, device, 0);
}

void
devices_up(struct devices *d, const char *id, bool refresh)
{
    wish(d, id, true, refresh);
}

void
devices_down(struct devices *d, const char *id)
{
    wish(d, id, false, false);
}

/* Answers. */

/* What is to be said of it next. */
static bool
says_up(const struct device *device)
{
    return device->is_up && !device->owes_down;
}

/* The server was told that it is down, or cannot be: it may be told that it is up. */
static void
down_said(struct devices *d, struct device *device)
{
    device->owes_down = false;
    if (device->is_up) {
        device->n_attempts = 0;
        wait_again(d, device, 0);
    } else {
        forget(d, device);
    }
}

static void
give_up(struct devices *d, struct device *device)
{
    nt_warn_rl("device not taken by the server; not reported until it changes", "device",
               device->by_id->name, "state", says_up(device) ? "up" : "down", NULL);
    if (!says_up(device)) {
        down_said(d, device);
        return;
    }
    if (device->refresh && d->o.no_table) {
        d->o.no_table(d->o.aux, device->by_id->name);
    }
    forget(d, device);
}

static void
refused(struct devices *d, struct device *device)
{
    char attempts[16];

    d->stats.n_failed++;
    device->n_attempts++;
    if (device->n_attempts == MAX_ATTEMPTS) {
        give_up(d, device);
        return;
    }
    snprintf(attempts, sizeof attempts, "%u", device->n_attempts);
    nt_info_rl("device not taken by the server; reported again", "device", device->by_id->name,
               "state", says_up(device) ? "up" : "down", "attempts", attempts, NULL);
    wait_again(d, device,
               nt_mono_ms(d->o.clock) + nt_patience_pause_ms(d->o.random, device->n_attempts));
}

/* The device of that name, if the call that ended has it along. */
static struct device *
find_sent(const struct call *call, const char *id)
{
    struct device *device = shash_find_data(&call->devices->all, id);

    return device && device->call == call->number ? device : NULL;
}

/* 'taken': the server says that it knows now. */
static void
device_answered(const struct call *call, const char *id, bool taken)
{
    struct devices *d = call->devices;
    struct device *device = find_sent(call, id);

    if (!device) {
        return;
    }
    device->call = 0;
    if (taken) {
        *(device->sent_down ? &d->stats.n_down : &d->stats.n_up) += 1;
        if (device->sent_down && device->sent_wish >= device->down_wish) {
            device->owes_down = false;
        }
    }
    if (device->wish != device->sent_wish) {
        return; /* It is waiting again. */
    }
    device->n_failed = 0;
    if (!taken) {
        refused(d, device);
    } else if (device->sent_down) {
        down_said(d, device);
    } else {
        forget(d, device);
    }
}

static void
take_answer(const struct call *call, const struct nt_device_list_result *result)
{
    for (size_t i = 0; i < result->n_devices_up; i++) {
        device_answered(call, result->devices_up[i].name, true);
    }
    for (size_t i = 0; i < result->n_devices_down; i++) {
        device_answered(call, result->devices_down[i].device.name, true);
    }

    /* The rest is in the lists of failed ones, or in none. */
    for (size_t i = 0; i < call->args.n_devices_up; i++) {
        device_answered(call, call->args.devices_up[i].name, false);
    }
    for (size_t i = 0; i < call->args.n_devices_down; i++) {
        device_answered(call, call->args.devices_down[i].name, false);
    }
}

static void
device_failed(const struct call *call, const char *id)
{
    struct devices *d = call->devices;
    struct device *device = find_sent(call, id);

    if (device) {
        device->call = 0;
        if (device->wish == device->sent_wish) {
            device->n_failed++;
            wait_again(d, device,
                       nt_mono_ms(d->o.clock)
                           + nt_patience_pause_ms(d->o.random, device->n_failed));
        }
    }
}

static void
take_failure(const struct call *call, const struct nt_err *err)
{
    const struct nt_device_list_args *args = &call->args;
    char n[24];

    snprintf(n, sizeof n, "%zu", args->n_devices_up + args->n_devices_down);
    nt_warn_rl("devices not reported; tried again", "n", n, "why", err->msg, NULL);
    for (size_t i = 0; i < args->n_devices_up; i++) {
        device_failed(call, args->devices_up[i].name);
    }
    for (size_t i = 0; i < args->n_devices_down; i++) {
        device_failed(call, args->devices_down[i].name);
    }
}

static void
call_ended(void *call_, const void *result, const struct nt_err *err)
{
    struct call *call = call_;
    struct devices *d = call->devices;

    if (call->connection == d->connection) {
        d->n_calls--;
    }
    nt_patience_note(&d->patience, err);
    if (err) {
        take_failure(call, err);
    } else {
        take_answer(call, result);
    }
    free(call->args.devices_up);
    free(call->args.devices_down);
    free(call);
}

/* Reports. */

static size_t
batch_with(const struct devices *d, const struct device *device)
{
    return MAX(1, d->o.batch >> MIN(device->n_failed, 16));
}

/* Whether 'device' may go into a call that has 'n' along already.  The tables of all that are
 * in a call with refresh_tunnels are sent again, so only those that ask for it are. */
static bool
fits(const struct devices *d, const struct device *device, bool refresh, size_t n)
{
    return (!says_up(device) || device->refresh == refresh) && n < batch_with(d, device);
}

static void
put_into(struct call *call, struct device *device)
{
    struct nt_device_list_args *args = &call->args;
    bool up = says_up(device);
    struct nt_device_name *name =
        up ? &args->devices_up[args->n_devices_up++] : &args->devices_down[args->n_devices_down++];

    ovs_strlcpy(name->name, device->by_id->name, sizeof name->name);
    not_waiting(device);
    device->call = call->number;
    device->sent_wish = device->wish;
    device->sent_down = !up;
}

/* The first device that waits says what the call is like; NULL: nothing is to be sent. */
static struct call *
collect(struct devices *d, int64_t now)
{
    struct call *call = NULL;
    struct device *device, *next;
    size_t n = 0, batch = SIZE_MAX;

    LIST_FOR_EACH_SAFE (device, next, node, &d->waiting) {
        if (device->not_before > now || device->call) {
            continue;
        }
        if (!call) {
            call = xzalloc(sizeof *call);
            call->devices = d;
            call->number = ++d->last_call;
            call->connection = d->connection;
            call->args.devices_up = xcalloc(MAX(1, d->o.batch), sizeof *call->args.devices_up);
            call->args.devices_down = xcalloc(MAX(1, d->o.batch), sizeof *call->args.devices_down);
            call->args.refresh_tunnels = says_up(device) && device->refresh;
        }
        if (fits(d, device, call->args.refresh_tunnels, n) && n < batch) {
            batch = MIN(batch, batch_with(d, device));
            put_into(call, device);
            n++;
        }
    }
    return call;
}

static void
send_call(struct devices *d, struct call *call)
{
    struct nt_device_list_args *args = &call->args;

    snprintf(args->agent_id, sizeof args->agent_id, "ovs-agent-%s", d->o.host);
    ovs_strlcpy(args->host, d->o.host, sizeof args->host);
    d->n_calls++;
    d->stats.n_calls++;
    nt_rpc_call(d->o.bus, NT_TO(&nt_neutron_plugin, NULL, "update_device_list"), args,
                d->patience.timeout_ms, call_ended, call);
}

void
devices_run(struct devices *d)
{
    int64_t now = nt_mono_ms(d->o.clock);
    struct call *call;

    while (d->is_connected && now >= d->not_before && d->n_calls < MAX_CALLS
           && (call = collect(d, now))) {
        send_call(d, call);
    }
}

void
devices_wait(struct devices *d)
{
    const struct device *device;

    if (!d->is_connected || d->n_calls >= MAX_CALLS) {
        return;
    }
    LIST_FOR_EACH (device, node, &d->waiting) {
        if (!device->call) {
            poll_timer_wait_until(MAX(device->not_before, d->not_before));
        }
    }
}

size_t
devices_n_waiting(const struct devices *d)
{
    return shash_count(&d->all);
}

bool
devices_is_settled(const struct devices *d)
{
    return shash_is_empty(&d->all);
}

bool
devices_is_due(const struct devices *d)
{
    const struct device *device;
    int64_t now = nt_mono_ms(d->o.clock);

    LIST_FOR_EACH (device, node, &d->waiting) {
        if (d->is_connected && !device->call && device->not_before <= now) {
            return true;
        }
    }
    return false;
}

void
devices_cap_timeout(struct devices *d, int64_t timeout_ms)
{
    nt_patience_cap(&d->patience, timeout_ms);
}

const struct devices_stats *
devices_stats(const struct devices *d)
{
    return &d->stats;
}
