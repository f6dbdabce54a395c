#include <config.h>

#include "flat/model.h"

#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"

/* The snapshot as a record. */
struct snapshot_report {
    bool is_release;
    struct nt_lease_args args;
};
struct snapshot {
    struct nt_network_view *networks;
    size_t n_networks;
    struct snapshot_report *reports;
    size_t n_reports;
    struct flat_applied *applied;
    size_t n_applied;
};

#define REPORT_AT(member) NT_AT(struct snapshot_report, args.member)

static const struct nt_field report_fields[] = {
    { "release", NT_F_BOOL, NT_AT(struct snapshot_report, is_release), NT_IN_RPC },
    { "host", NT_F_STR, REPORT_AT(host), NT_IN_RPC },
    { "network_id", NT_F_UUID, REPORT_AT(network_id), NT_IN_RPC | NT_REQUIRED },
    { "address", NT_F_IP4, REPORT_AT(address), NT_IN_RPC | NT_REQUIRED },
    { "mac", NT_F_MAC, REPORT_AT(mac), NT_IN_RPC | NT_REQUIRED },
    { "lease_expires", NT_F_TIME, REPORT_AT(lease_expires), NT_IN_RPC },
    { "hostname", NT_F_STR, REPORT_AT(hostname), NT_IN_RPC },
    { "client_id", NT_F_STR, REPORT_AT(client_id), NT_IN_RPC },
    { 0 },
};

static const struct nt_field applied_fields[] = {
    { "address", NT_F_IP4, NT_AT(struct flat_applied, address), NT_IN_RPC | NT_REQUIRED },
    { "fixed_address", NT_F_IP4, NT_AT(struct flat_applied, fixed_address), NT_IN_RPC },
    { "interface", NT_F_STR, NT_AT(struct flat_applied, interface), NT_IN_RPC },
    { "is_stale", NT_F_BOOL, NT_AT(struct flat_applied, is_stale), NT_IN_RPC },
    { 0 },
};

static const struct nt_field snapshot_fields[] = {
    NT_ARRAY_FIELD("networks", struct snapshot, networks, n_networks, nt_network_view_fields,
                   NT_IN_RPC),
    NT_ARRAY_FIELD("reports", struct snapshot, reports, n_reports, report_fields, NT_IN_RPC),
    NT_ARRAY_FIELD("applied", struct snapshot, applied, n_applied, applied_fields, NT_IN_RPC),
    { 0 },
};

void
flat_model_init(struct flat_model *m)
{
    ovs_list_init(&m->networks);
    ovs_list_init(&m->reports);
    m->n_reports = 0;
    m->applied = NULL;
    m->n_applied = 0;
}

void
flat_model_remove(struct flat_model *m, struct flat_network *network)
{
    (void) m;
    ovs_list_remove(&network->node);
    nt_network_view_clear(&network->view);
    free(network);
}

void
flat_report_remove(struct flat_model *m, struct lease_report *report)
{
    ovs_list_remove(&report->node);
    free(report);
    m->n_reports--;
}

void
flat_model_deinit(struct flat_model *m)
{
    struct flat_network *network;
    struct lease_report *report;

    LIST_FOR_EACH_SAFE (network, node, &m->networks) {
        flat_model_remove(m, network);
    }
    LIST_FOR_EACH_SAFE (report, node, &m->reports) {
        flat_report_remove(m, report);
    }
    free(m->applied);
}

struct flat_network *
flat_model_network(const struct flat_model *m, const char *id)
{
    struct flat_network *network;

    LIST_FOR_EACH (network, node, &m->networks) {
        if (!strcmp(network->view.id, id)) {
            return network;
        }
    }
    return NULL;
}

struct flat_network *
flat_model_network_number(const struct flat_model *m, int64_t number)
{
    struct flat_network *network;

    LIST_FOR_EACH (network, node, &m->networks) {
        if (network->view.number == number) {
            return network;
        }
    }
    return NULL;
}

static uint32_t
ip_of(const struct nt_host_entry *entry)
{
    uint32_t ip = 0;
    bool ok = nt_ip4_parse(entry->address, &ip);

    return ok ? ip : 0;
}

/* Index of the first entry whose address is not below 'ip'. */
static size_t
lower_bound(const struct nt_network_view *view, uint32_t ip)
{
    size_t low = 0, high = view->n_entries;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (ip_of(&view->entries[mid]) < ip) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

struct nt_host_entry *
flat_entry(const struct flat_network *network, const char *address)
{
    const struct nt_network_view *view = &network->view;
    uint32_t ip;

    if (!nt_ip4_parse(address, &ip)) {
        return NULL;
    }

    size_t i = lower_bound(view, ip);
    return i < view->n_entries && ip_of(&view->entries[i]) == ip ? &view->entries[i] : NULL;
}

static void
copy_lease(struct nt_host_entry *to, const struct nt_host_entry *from)
{
    to->leased = from->leased;
    to->lease_expires = from->lease_expires;
    memcpy(to->lease_hostname, from->lease_hostname, sizeof to->lease_hostname);
    memcpy(to->client_id, from->client_id, sizeof to->client_id);
}

void
flat_entry_put(struct flat_network *network, const struct nt_host_entry *entry)
{
    struct nt_network_view *view = &network->view;
    struct nt_host_entry *old = flat_entry(network, entry->address);
    struct nt_host_entry new = *entry;

    if (old) {
        if (!strcmp(old->mac, entry->mac)) {
            copy_lease(&new, old);
        }
        *old = new;
        return;
    }

    size_t i = lower_bound(view, ip_of(entry));
    view->entries = xrealloc(view->entries, (view->n_entries + 1) * sizeof *view->entries);
    memmove(&view->entries[i + 1], &view->entries[i],
            (view->n_entries - i) * sizeof *view->entries);
    view->entries[i] = new;
    view->n_entries++;
}

void
flat_entry_remove(struct flat_network *network, struct nt_host_entry *entry)
{
    struct nt_network_view *view = &network->view;
    size_t i = entry - view->entries;

    memmove(entry, entry + 1, (view->n_entries - i - 1) * sizeof *entry);
    view->n_entries--;
}

bool
flat_entry_unuse(struct flat_network *network, const char *address, const char *mac)
{
    struct nt_host_entry *entry = flat_entry(network, address);

    if (!entry || strcmp(entry->mac, mac)) {
        return false;
    }
    entry->allocated = false;
    if (!entry->leased) {
        flat_entry_remove(network, entry);
    }
    return true;
}

static struct nt_floating_entry *
find_floating(const struct nt_network_view *view, const char *address)
{
    for (size_t i = 0; i < view->n_floating; i++) {
        if (!strcmp(view->floating[i].address, address)) {
            return &view->floating[i];
        }
    }
    return NULL;
}

const struct nt_floating_entry *
flat_wanted_floating(const struct flat_model *m, const char *address)
{
    const struct flat_network *network;

    LIST_FOR_EACH (network, node, &m->networks) {
        const struct nt_floating_entry *entry = find_floating(&network->view, address);

        if (entry) {
            return entry;
        }
    }
    return NULL;
}

void
flat_floating_put(struct flat_model *m, struct flat_network *network,
                  const struct nt_floating_entry *entry)
{
    struct nt_network_view *view = &network->view;
    uint32_t ip = 0, other;
    size_t i = 0;

    (void) flat_floating_remove(m, entry->address, NULL);
    if (!nt_ip4_parse(entry->address, &ip)) {
        return;
    }
    while (i < view->n_floating && nt_ip4_parse(view->floating[i].address, &other) && other < ip) {
        i++;
    }
    view->floating = xrealloc(view->floating, (view->n_floating + 1) * sizeof *view->floating);
    memmove(&view->floating[i + 1], &view->floating[i],
            (view->n_floating - i) * sizeof *view->floating);
    view->floating[i] = *entry;
    view->n_floating++;
}

bool
flat_floating_remove(struct flat_model *m, const char *address, const char *fixed)
{
    struct flat_network *network;

    LIST_FOR_EACH (network, node, &m->networks) {
        struct nt_network_view *view = &network->view;
        struct nt_floating_entry *entry = find_floating(view, address);

        if (entry && (!fixed || !strcmp(entry->fixed_address, fixed))) {
            size_t i = entry - view->floating;

            memmove(entry, entry + 1, (view->n_floating - i - 1) * sizeof *entry);
            view->n_floating--;
            return true;
        }
    }
    return false;
}

struct flat_applied *
flat_applied_find(const struct flat_model *m, const char *address)
{
    for (size_t i = 0; i < m->n_applied; i++) {
        if (!strcmp(m->applied[i].address, address)) {
            return &m->applied[i];
        }
    }
    return NULL;
}

struct flat_applied *
flat_applied_add(struct flat_model *m, const char *address)
{
    m->applied = xrealloc(m->applied, (m->n_applied + 1) * sizeof *m->applied);

    struct flat_applied *applied = &m->applied[m->n_applied++];
    memset(applied, 0, sizeof *applied);
    ovs_strlcpy(applied->address, address, sizeof applied->address);
    return applied;
}

void
flat_applied_remove(struct flat_model *m, struct flat_applied *applied)
{
    *applied = m->applied[--m->n_applied];
}

static bool
is_same_lease(const struct nt_lease_args *a, const struct nt_lease_args *b)
{
    return !strcmp(a->network_id, b->network_id) && !strcmp(a->address, b->address)
           && !strcmp(a->mac, b->mac);
}

/* The latest report of the entry's lease, or NULL. */
static const struct lease_report *
find_report(const struct flat_model *m, const char *network_id, const struct nt_host_entry *entry)
{
    const struct lease_report *report, *latest = NULL;

    LIST_FOR_EACH (report, node, &m->reports) {
        if (!strcmp(report->args.network_id, network_id)
            && !strcmp(report->args.address, entry->address)
            && !strcmp(report->args.mac, entry->mac)) {
            latest = report;
        }
    }
    return latest;
}

/* What dnsmasq told us and the server does not know yet beats the server's view. */
static void
keep_unconfirmed_leases(const struct flat_model *m, const struct flat_network *network,
                        struct nt_network_view *view)
{
    size_t n = 0;

    for (size_t i = 0; m->n_reports && i < view->n_entries; i++) {
        struct nt_host_entry *entry = &view->entries[i];
        const struct nt_host_entry *old = flat_entry(network, entry->address);
        const struct lease_report *report = find_report(m, view->id, entry);

        if (report && old && !strcmp(old->mac, entry->mac)) {
            copy_lease(entry, old);
        } else if (report && report->is_release) {
            entry->leased = false;
        }
        if (entry->allocated || entry->leased) {
            view->entries[n++] = *entry;
        }
    }
    view->n_entries = m->n_reports ? n : view->n_entries;
}

struct flat_network *
flat_model_put(struct flat_model *m, struct nt_network_view *view)
{
    struct flat_network *network = flat_model_network(m, view->id);

    if (network) {
        keep_unconfirmed_leases(m, network, view);
        nt_network_view_clear(&network->view);
    } else {
        struct flat_network *next;

        network = xzalloc(sizeof *network);
        LIST_FOR_EACH (next, node, &m->networks) {
            if (next->view.number > view->number) {
                break;
            }
        }
        ovs_list_insert(next ? &next->node : &m->networks, &network->node);
    }
    network->view = *view;
    network->n_missing = 0;
    memset(view, 0, sizeof *view);
    return network;
}

void
flat_report_add(struct flat_model *m, bool is_release, const struct nt_lease_args *args)
{
    struct lease_report *old;

    LIST_FOR_EACH_SAFE (old, node, &m->reports) {
        if (!old->is_sent && is_same_lease(&old->args, args)) {
            flat_report_remove(m, old);
        }
    }

    struct lease_report *report = xzalloc(sizeof *report);
    report->is_release = is_release;
    report->args = *args;
    ovs_list_push_back(&m->reports, &report->node);
    m->n_reports++;
}

void
flat_report_again(struct flat_model *m, struct lease_report *report)
{
    const struct lease_report *later = report;

    report->is_sent = false;
    LIST_FOR_EACH_CONTINUE(later, node, &m->reports)
    {
        if (is_same_lease(&later->args, &report->args)) {
            flat_report_remove(m, report);
            return;
        }
    }
}

char *
flat_model_to_text(const struct flat_model *m)
{
    struct snapshot snapshot = { 0 };
    const struct flat_network *network;
    const struct lease_report *report;

    snapshot.networks = xcalloc(ovs_list_size(&m->networks) + 1, sizeof *snapshot.networks);
    snapshot.reports = xcalloc(m->n_reports + 1, sizeof *snapshot.reports);
    LIST_FOR_EACH (network, node, &m->networks) {
        snapshot.networks[snapshot.n_networks++] = network->view;
    }
    LIST_FOR_EACH (report, node, &m->reports) {
        snapshot.reports[snapshot.n_reports].is_release = report->is_release;
        snapshot.reports[snapshot.n_reports++].args = report->args;
    }

    snapshot.applied = m->applied;
    snapshot.n_applied = m->n_applied;

    struct json *json = nt_fields_json(snapshot_fields, NT_IN_RPC, &snapshot);
    char *text = json_to_string(json, JSSF_SORT);

    json_destroy(json);
    free(snapshot.networks);
    free(snapshot.reports);
    return text;
}

int
flat_model_from_text(struct flat_model *m, const char *text, struct nt_err *err)
{
    struct json *json = json_from_string(text);
    struct snapshot snapshot = { 0 };
    int rc = nt_fields_parse(snapshot_fields, NT_IN_RPC, json, "snapshot", &snapshot, err);

    json_destroy(json);
    for (size_t i = 0; !rc && i < snapshot.n_networks; i++) {
        flat_model_put(m, &snapshot.networks[i]);
    }
    for (size_t i = 0; !rc && i < snapshot.n_reports; i++) {
        flat_report_add(m, snapshot.reports[i].is_release, &snapshot.reports[i].args);
    }
    for (size_t i = 0; !rc && i < snapshot.n_applied; i++) {
        *flat_applied_add(m, snapshot.applied[i].address) = snapshot.applied[i];
    }
    nt_fields_clear(snapshot_fields, &snapshot);
    return rc;
}
