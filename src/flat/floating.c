#include <config.h>

#include "flat/floating.h"

#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "host/arp.h"
#include "host/link.h"
#include "openvswitch/poll-loop.h"
#include "wire/netlink/conntrack.h"

NT_LOG_MODULE(flat_floating);

#define ANNOUNCE_EVERY_MS 1000

struct request {
    struct ovs_list node; /* In the order they came. */
    struct nt_bus_request *req;
    struct nt_floating_ip_args args;
    bool is_put;
    uint64_t generation; /* Of the chains it waits for; 0: not planned yet. */
};

struct announcement {
    struct ovs_list node;
    char interface[NT_IFNAME_SIZE];
    uint32_t ip;
    int left;
    int64_t next; /* Monotonic. */
};

void
flat_floating_init(struct flat_floating *ff, const struct flat_floating_env *env)
{
    ff->env = *env;
    ff->bulk_generation = UINT64_MAX;
    ff->is_deployed = false;
    ovs_list_init(&ff->requests);
    ovs_list_init(&ff->announcements);
}

void
flat_floating_deinit(struct flat_floating *ff)
{
    struct request *request;
    struct announcement *a;

    LIST_FOR_EACH_POP (request, node, &ff->requests) {
        free(request);
    }
    LIST_FOR_EACH_POP (a, node, &ff->announcements) {
        free(a);
    }
}

void
flat_floating_announce(struct flat_floating *ff, const char *interface, uint32_t ip)
{
    if (ff->env.n_announcements) {
        struct announcement *a = xzalloc(sizeof *a);

        ovs_strlcpy(a->interface, interface, sizeof a->interface);
        a->ip = ip;
        a->left = ff->env.n_announcements;
        ovs_list_push_back(&ff->announcements, &a->node);
    }
}

static void
cidr_of(const char *address, char out[NT_CIDR_SIZE])
{
    snprintf(out, NT_CIDR_SIZE, "%s/32", address);
}

static void
take_off(const struct flat_applied *applied)
{
    char cidr[NT_CIDR_SIZE];
    struct nt_err err = { 0 };

    cidr_of(applied->address, cidr);
    if (nt_addr_delete(applied->interface, cidr, &err) < 0) {
        nt_error("floating address not taken away", "address", applied->address, "interface",
                 applied->interface, "why", err.msg, NULL);
    }
}

/* Addresses that nobody wants any more, or elsewhere, go at once: before their rules. */
static void
withdraw(struct flat_floating *ff)
{
    struct flat_model *m = ff->env.model;

    for (size_t i = 0; i < m->n_applied; i++) {
        struct flat_applied *applied = &m->applied[i];
        const struct nt_floating_entry *wanted = flat_wanted_floating(m, applied->address);
        const char *interface = wanted ? flat_floating_interface(wanted, ff->env.options) : NULL;

        if (*applied->interface && (!interface || strcmp(interface, applied->interface))) {
            take_off(applied);
            applied->interface[0] = '\0';
            applied->is_stale = true;
        } else if (!wanted || strcmp(wanted->fixed_address, applied->fixed_address)) {
            applied->is_stale = true;
        }
    }
}

void
flat_floating_changed(struct flat_floating *ff)
{
    ff->bulk_generation = UINT64_MAX;
    ff->is_deployed = false;
    withdraw(ff);
}

static void
add_request(struct flat_floating *ff, const struct nt_floating_ip_args *args,
            struct nt_bus_request *req, bool is_put)
{
    struct request *request = xzalloc(sizeof *request);

    request->req = req;
    request->args = *args;
    request->is_put = is_put;
    ovs_list_push_back(&ff->requests, &request->node);
    withdraw(ff);
    ff->env.plan(ff->env.aux);
}

/* Whether chains with this address are still on their way: it is not to be touched. */
static bool
is_pending(const struct flat_floating *ff, const char *address)
{
    const struct request *request;

    LIST_FOR_EACH (request, node, &ff->requests) {
        if (!strcmp(request->args.entry.address, address)) {
            return true;
        }
    }
    return false;
}

static int
check_interface(const struct flat_floating *ff, const struct nt_floating_entry *entry,
                struct nt_err *err)
{
    const char *name = flat_floating_interface(entry, ff->env.options);
    struct nt_nl_link link;

    return name ? nt_link_get(name, &link, err)
                : nt_fail(err, NT_NOT_FOUND,
                          "no interface: the address names none, and public_interface is not set");
}

void
flat_floating_handle_put(struct flat_floating *ff, struct flat_network *network,
                         const struct nt_floating_ip_args *args, struct nt_bus_request *req)
{
    struct nt_err err = { 0 };

    if (check_interface(ff, &args->entry, &err) < 0) {
        nt_warn("floating address refused", "address", args->entry.address, "why", err.msg, NULL);
        ff->env.stats->floating_refused++;
        nt_bus_reply_fail(req, &err);
        return;
    }
    flat_floating_put(ff->env.model, network, &args->entry);
    add_request(ff, args, req, true);
}

void
flat_floating_handle_delete(struct flat_floating *ff, const struct nt_floating_ip_args *args,
                            struct nt_bus_request *req)
{
    if (flat_floating_remove(ff->env.model, args->entry.address, args->entry.fixed_address)) {
        add_request(ff, args, req, false);
    } else {
        nt_rpc_reply(&nt_network_host, req, NULL);
    }
}

void
flat_floating_planned(struct flat_floating *ff, uint64_t generation)
{
    struct request *request;

    LIST_FOR_EACH (request, node, &ff->requests) {
        if (!request->generation) {
            request->generation = generation;
        }
    }
    if (ff->bulk_generation == UINT64_MAX) {
        ff->bulk_generation = generation;
    }
}

/* Connections that the address's former rules translated; those that could not be ended
 * are tried again with the next check. */
static void
end_connections(struct flat_floating *ff)
{
    struct flat_model *m = ff->env.model;

    for (size_t i = m->n_applied; i-- > 0;) {
        struct flat_applied *applied = &m->applied[i];
        uint32_t ip;
        size_t n = 0;

        if (!applied->is_stale || is_pending(ff, applied->address)) {
            continue;
        }
        if (nt_ip4_parse(applied->address, &ip)) {
            int error = nt_nl_conntrack_delete(ip, &n);

            if (error) {
                nt_warn("connections of a floating address not ended", "address", applied->address,
                        "why", ovs_strerror(-error), NULL);
                continue;
            }
            ff->env.stats->connections_ended += n;
        }
        applied->is_stale = false;
        if (!flat_wanted_floating(m, applied->address)) {
            nt_info("floating address gone", "address", applied->address, "fixed",
                    applied->fixed_address, NULL);
            flat_applied_remove(m, applied);
        }
    }
}

/* Notes what is about to be put onto an interface.  Returns whether that is news. */
static bool
note(struct flat_floating *ff, const struct nt_floating_entry *entry)
{
    const char *interface = flat_floating_interface(entry, ff->env.options);
    struct flat_applied *applied = flat_applied_find(ff->env.model, entry->address);

    interface = interface ? interface : "";
    if (!applied) {
        /* What went to the address before it was ours must not go on past the rules. */
        applied = flat_applied_add(ff->env.model, entry->address);
        applied->is_stale = true;
    } else if (!strcmp(applied->fixed_address, entry->fixed_address)
               && !strcmp(applied->interface, interface)) {
        return false;
    }
    ovs_strlcpy(applied->fixed_address, entry->fixed_address, sizeof applied->fixed_address);
    ovs_strlcpy(applied->interface, interface, sizeof applied->interface);
    return true;
}

static bool
note_all(struct flat_floating *ff)
{
    const struct flat_network *network;
    bool is_news = false;

    LIST_FOR_EACH (network, node, &ff->env.model->networks) {
        for (size_t i = 0; i < network->view.n_floating; i++) {
            const struct nt_floating_entry *entry = &network->view.floating[i];

            is_news |= !is_pending(ff, entry->address) && note(ff, entry);
        }
    }
    return is_news;
}

static int
put_on(struct flat_floating *ff, const struct nt_floating_entry *entry, bool is_repair,
       struct nt_err *err)
{
    const char *interface = flat_floating_interface(entry, ff->env.options);
    char cidr[NT_CIDR_SIZE];
    bool added = false;
    uint32_t ip;

    cidr_of(entry->address, cidr);
    if (check_interface(ff, entry, err) < 0
        || nt_addr_put(interface, cidr, RT_SCOPE_UNIVERSE, &added, err) < 0) {
        return -1;
    }
    if (added && is_repair) {
        nt_warn("floating address was taken away by others, put back", "address", entry->address,
                "interface", interface, NULL);
        ff->env.stats->address_repairs++;
    } else if (added) {
        nt_info("floating address in place", "address", entry->address, "fixed",
                entry->fixed_address, "interface", interface, NULL);
    }
    if (added && nt_ip4_parse(entry->address, &ip)) {
        flat_floating_announce(ff, interface, ip);
    }
    return 0;
}

static void
put_on_all(struct flat_floating *ff, bool is_repair)
{
    const struct flat_network *network;

    LIST_FOR_EACH (network, node, &ff->env.model->networks) {
        for (size_t i = 0; i < network->view.n_floating; i++) {
            const struct nt_floating_entry *entry = &network->view.floating[i];
            struct nt_err err = { 0 };

            if (!is_pending(ff, entry->address) && put_on(ff, entry, is_repair, &err) < 0) {
                nt_warn_rl("floating address not in place", "address", entry->address, "why",
                           err.msg, NULL);
            }
        }
    }
}

/* The chains are right: now connections and addresses. */
static void
deploy(struct flat_floating *ff)
{
    size_t n_before = ff->env.model->n_applied;
    bool is_news = note_all(ff);

    if (is_news) {
        ff->env.save(ff->env.aux);
    }
    end_connections(ff);
    put_on_all(ff, false);
    if (is_news || ff->env.model->n_applied != n_before) {
        ff->env.save(ff->env.aux);
    }
}

/* 'err' NULL: the chains are in the kernel. */
static void
answer(struct flat_floating *ff, struct request *request, const struct nt_err *err)
{
    const struct nt_floating_entry *entry = &request->args.entry;
    const struct nt_floating_entry *wanted = flat_wanted_floating(ff->env.model, entry->address);
    bool is_current = wanted && !strcmp(wanted->fixed_address, entry->fixed_address);
    struct nt_err own = { 0 };

    if (request->is_put && is_current && !err && put_on(ff, entry, false, &own) < 0) {
        err = &own;
    }
    if (!err) {
        ff->env.stats->floating_put += request->is_put;
        nt_rpc_reply(&nt_network_host, request->req, NULL);
    } else {
        ff->env.stats->floating_refused += request->is_put;
        nt_bus_reply_fail(request->req, err);
        if (request->is_put && is_current) {
            (void) flat_floating_remove(ff->env.model, entry->address, NULL);
            withdraw(ff);
            ff->env.plan(ff->env.aux);
        }
    }
    free(request);
}

void
flat_floating_settled(struct flat_floating *ff, uint64_t generation, bool ok,
                      const struct nt_err *err)
{
    struct ovs_list due = OVS_LIST_INITIALIZER(&due);
    struct request *request;

    if (ok && generation < ff->bulk_generation) {
        return; /* The next time it is settled covers these as well. */
    }
    LIST_FOR_EACH_SAFE (request, node, &ff->requests) {
        if (request->generation && request->generation <= generation) {
            ovs_list_remove(&request->node);
            ovs_list_push_back(&due, &request->node);
        }
    }
    if (ok && (!ff->is_deployed || !ovs_list_is_empty(&due))) {
        ff->is_deployed = true;
        deploy(ff);
    }
    LIST_FOR_EACH_POP (request, node, &due) {
        answer(ff, request, ok ? NULL : err);
    }
}

void
flat_floating_check(struct flat_floating *ff)
{
    if (ff->is_deployed) {
        size_t n_before = ff->env.model->n_applied;

        end_connections(ff);
        if (ff->env.model->n_applied != n_before) {
            ff->env.save(ff->env.aux);
        }
        put_on_all(ff, true);
    }
}

void
flat_floating_run(struct flat_floating *ff)
{
    int64_t now = nt_mono_ms(ff->env.clock);
    struct announcement *a;

    LIST_FOR_EACH_SAFE (a, node, &ff->announcements) {
        struct nt_err err = { 0 };

        if (a->next > now) {
            continue;
        }
        if (nt_arp_announce(a->interface, a->ip, &err) < 0) {
            nt_warn_rl("address not announced", "interface", a->interface, "why", err.msg, NULL);
        }
        a->next = now + ANNOUNCE_EVERY_MS;
        if (!--a->left) {
            ovs_list_remove(&a->node);
            free(a);
        }
    }
}

void
flat_floating_wait(const struct flat_floating *ff)
{
    const struct announcement *a;

    LIST_FOR_EACH (a, node, &ff->announcements) {
        poll_timer_wait_until(a->next);
    }
}
