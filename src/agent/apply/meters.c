#include <config.h>

#include "agent/apply/meters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/hmap.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(meters);

/* Numbers above are the switch's own: limits of what it sends to controllers. */
#define MAX_METER UINT32_C(0xffff0000)

struct meter {
    struct hmap_node node;
    struct nt_meter wanted, installed; /* 'pps' 0: no meter, or not of ours. */
    bool is_there;
    bool is_told, is_newer; /* In the answer under way; changed since it was asked. */
};

/* Outlives the meters when these are freed first. */
struct request {
    struct meters *meters; /* NULL: they are. */
    unsigned connection;
    uint32_t id;
    bool is_delete;
};

struct meters {
    struct nt_switch *sw;
    const char *bridge;
    struct hmap all; /* struct meter, by number. */
    unsigned connection;
    struct request **requests;
    size_t n_requests, n_allocated;
    bool is_known, is_dirty, is_complete, is_refused;
    bool is_asking; /* The switch, for all of them... */
    bool has_lost;  /* ...and it has told that some are gone. */
};

struct meters *
meters_new(struct nt_switch *sw, const char *bridge)
{
    struct meters *m = xzalloc(sizeof *m);

    m->sw = sw;
    m->bridge = bridge;
    hmap_init(&m->all);
    return m;
}

void
meters_free(struct meters *m)
{
    struct meter *meter;

    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->n_requests; i++) {
        m->requests[i]->meters = NULL;
    }
    HMAP_FOR_EACH_SAFE (meter, node, &m->all) {
        hmap_remove(&m->all, &meter->node);
        free(meter);
    }
    hmap_destroy(&m->all);
    free(m->requests);
    free(m);
}

static struct meter *
get(struct meters *m, uint32_t id)
{
    struct meter *meter;

    HMAP_FOR_EACH_WITH_HASH (meter, node, id, &m->all) {
        if (meter->wanted.id == id) {
            return meter;
        }
    }
    meter = xzalloc(sizeof *meter);
    meter->wanted.id = meter->installed.id = id;
    hmap_insert(&m->all, &meter->node, id);
    return meter;
}

void
meters_want(struct meters *m, const struct nt_meter *want)
{
    get(m, want->id)->wanted = *want;
    m->is_dirty = true;
}

void
meters_complete(struct meters *m)
{
    if (!m->is_complete) {
        m->is_complete = m->is_dirty = true;
    }
}

bool
meters_are_refused(const struct meters *m)
{
    return m->is_refused;
}

/* --- requests ------------------------------------------------------------------------------- */

static struct request *
request_new(struct meters *m, uint32_t id)
{
    struct request *r = xzalloc(sizeof *r);

    r->meters = m;
    r->connection = m->connection;
    r->id = id;
    if (m->n_requests >= m->n_allocated) {
        m->requests = x2nrealloc(m->requests, &m->n_allocated, sizeof *m->requests);
    }
    m->requests[m->n_requests++] = r;
    return r;
}

/* Returns the meters if the request still concerns them. */
static struct meters *
request_end(struct request *r)
{
    struct meters *m = r->meters;
    bool is_old = !m || m->connection != r->connection;

    for (size_t i = 0; m && i < m->n_requests; i++) {
        if (m->requests[i] == r) {
            m->requests[i] = m->requests[--m->n_requests];
            break;
        }
    }
    free(r);
    return is_old ? NULL : m;
}

/* Without meters ports work as well, only without that limit. */
static void
refuse(struct meters *m, const char *why)
{
    if (!m->is_refused) {
        m->is_refused = true;
        nt_warn("packet rates are not limited: the switch has no meters", "bridge", m->bridge,
                "why", why, NULL);
    }
}

static void
tell_edit(const struct meters *m, const struct meter *meter)
{
    char id[16];

    snprintf(id, sizeof id, "%" PRIu32, meter->wanted.id);
    nt_info_rl("meter was changed by somebody else", "bridge", m->bridge, "meter", id, NULL);
}

static void
take_told(struct meters *m, struct meter *meter, const struct nt_meter *there)
{
    if (meter->is_newer) {
        return;
    }
    if (meter->is_there && meter->installed.pps != there->pps) {
        tell_edit(m, meter);
    }
    meter->installed = *there;
    meter->is_there = meter->is_told = true;
}

static void
meter_told(void *r_, const struct nt_meter *there)
{
    struct request *r = r_;

    if (r->meters && r->meters->connection == r->connection && there->id <= MAX_METER) {
        take_told(r->meters, get(r->meters, there->id), there);
    }
}

/* What the answer did not tell is not there. */
static void
forget_untold(struct meters *m)
{
    struct meter *meter;

    HMAP_FOR_EACH (meter, node, &m->all) {
        if (meter->is_there && !meter->is_told && !meter->is_newer) {
            tell_edit(m, meter);
            meter->is_there = false;
            m->has_lost = true;
        }
        meter->is_told = meter->is_newer = false;
    }
}

static void
all_told(void *r_, const struct nt_err *err)
{
    struct meters *m = request_end(r_);

    if (m) {
        m->is_asking = false;
    }
    if (m && err && err->code != NT_UNAVAILABLE) {
        refuse(m, err->msg);
    } else if (m && !err) {
        forget_untold(m);
        m->is_known = m->is_dirty = true;
    }
}

/* Somebody else was at that meter: it is there, or is not. */
static bool
is_surprise(const char *why)
{
    return strstr(why, "METER_EXISTS") || strstr(why, "UNKNOWN_METER");
}

static void
changed(void *r_, const struct nt_err *err)
{
    struct request *r = r_;
    uint32_t id = r->id;
    bool is_delete = r->is_delete;
    struct meters *m = request_end(r);

    if (!m || !err || err->code == NT_UNAVAILABLE || is_delete) {
        return;
    }
    if (is_surprise(err->msg)) {
        meters_doubt(m);
    } else {
        get(m, id)->is_there = false;
        refuse(m, err->msg);
    }
}

/* --- a turn --------------------------------------------------------------------------------- */

static void
ask(struct meters *m)
{
    struct request *r = request_new(m, 0);
    const struct nt_switch_meters to = { meter_told, all_told, r };
    struct meter *meter;
    struct nt_err err;

    m->is_asking = true;
    HMAP_FOR_EACH (meter, node, &m->all) {
        meter->is_told = meter->is_newer = false;
    }
    if (nt_switch_meters(m->sw, m->bridge, &to, &err) < 0) {
        all_told(r, &err);
    }
}

void
meters_doubt(struct meters *m)
{
    if (m->is_known && !m->is_asking) {
        ask(m);
    }
}

static void
change(struct meters *m, enum nt_meter_command command, const struct nt_meter *meter)
{
    struct request *r = request_new(m, meter->id);
    struct nt_meter_mod mod = { .command = command, .meter = *meter, .done = changed, .aux = r };
    struct nt_err err;

    r->is_delete = command == NT_METER_DELETE;
    if (nt_switch_meter(m->sw, m->bridge, &mod, &err) < 0) {
        changed(r, &err);
    }
}

/* The userspace datapath makes the burst the rate where none is given, and tells it so. */
static uint32_t
burst_of(const struct nt_meter *meter)
{
    return meter->burst ? meter->burst : meter->pps;
}

static bool
is_so(const struct meter *meter)
{
    return meter->installed.pps == meter->wanted.pps
           && burst_of(&meter->installed) == burst_of(&meter->wanted);
}

/* Returns whether what others had removed is there again. */
static bool
follow(struct meters *m, bool may_remove)
{
    struct meter *meter;
    bool is_back = m->has_lost;

    m->is_dirty = m->has_lost = false;
    HMAP_FOR_EACH_SAFE (meter, node, &m->all) {
        if (meter->wanted.pps && !m->is_refused) {
            if (!meter->is_there || !is_so(meter)) {
                change(m, meter->is_there ? NT_METER_MODIFY : NT_METER_ADD, &meter->wanted);
                meter->is_newer = true;
            }
            meter->is_there = true;
            meter->installed = meter->wanted;
        } else if (!meter->wanted.pps && meter->is_there) {
            if (!m->is_complete || !may_remove) {
                m->is_dirty = true;
                continue;
            }
            change(m, NT_METER_DELETE, &meter->installed);
            meter->is_there = false;
        }
        if (!meter->wanted.pps && !meter->is_there) {
            hmap_remove(&m->all, &meter->node);
            free(meter);
        }
    }
    return is_back;
}

static void
see_connection(struct meters *m, unsigned connection)
{
    struct meter *meter;

    m->connection = connection;
    m->is_known = m->is_refused = m->is_asking = m->has_lost = false;
    HMAP_FOR_EACH (meter, node, &m->all) {
        meter->is_there = false;
    }
    if (connection) {
        ask(m);
    }
}

bool
meters_run(struct meters *m, bool may_remove)
{
    unsigned connection = nt_switch_connection(m->sw, m->bridge);

    if (connection != m->connection) {
        see_connection(m, connection);
    }
    return m->is_known && m->is_dirty && follow(m, may_remove);
}

void
meters_wait(struct meters *m)
{
    if (nt_switch_connection(m->sw, m->bridge) != m->connection) {
        poll_immediate_wake();
    }
}
