/* What a network host knows: its networks with their addresses and leases, and the
 * lease events the server has not confirmed yet.  Kept in a snapshot file, so that
 * the host serves on without the server.  No input or output but text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/network.h"
#include "openvswitch/list.h"
#include "rpc/conductor.h"

/* One entry of the network list; flat.c hangs its dnsmasq on it. */
struct flat_network {
    struct ovs_list node; /* In ascending numbers. */
    struct nt_network_view view;
    int n_missing; /* Answers of the server in a row that lacked it. */
    void *service; /* Owned by flat.c. */
};

struct lease_report {
    struct ovs_list node; /* In the order dnsmasq told. */
    bool is_release;
    bool is_sent; /* A call is under way. */
    int n_faults; /* Times the server had trouble of its own with it. */
    struct nt_lease_args args;
};

/* A floating address that is on an interface of this host, or may be: noted before it
 * is put there, forgotten after it is gone and its connections are ended. */
struct flat_applied {
    char address[NT_IP4_SIZE];
    char fixed_address[NT_IP4_SIZE];
    char interface[NT_IFNAME_SIZE];
    bool is_stale; /* Connections from before are still to be ended. */
};

struct flat_model {
    struct ovs_list networks; /* struct flat_network. */
    struct ovs_list reports;  /* struct lease_report. */
    size_t n_reports;
    struct flat_applied *applied; /* Owned; in any order. */
    size_t n_applied;
};

void flat_model_init(struct flat_model *);

/* Services must be gone. */
void flat_model_deinit(struct flat_model *);

struct flat_network *flat_model_network(const struct flat_model *, const char *id);
struct flat_network *flat_model_network_number(const struct flat_model *, int64_t number);

/* Takes over the server's view ('*view' is moved and emptied).  Lease facts of
 * entries with unconfirmed reports stay ours. */
struct flat_network *flat_model_put(struct flat_model *, struct nt_network_view *view);
void flat_model_remove(struct flat_model *, struct flat_network *);

/* The entry of an address, or NULL. */
struct nt_host_entry *flat_entry(const struct flat_network *, const char *address);

/* Adds the entry in its place, or replaces the one of that address; the lease of the
 * same MAC is kept. */
void flat_entry_put(struct flat_network *, const struct nt_host_entry *);

/* The guest is gone: the entry is no longer allocated, and removed if not leased.
 * Returns false when there was none of that MAC. */
bool flat_entry_unuse(struct flat_network *, const char *address, const char *mac);
void flat_entry_remove(struct flat_network *, struct nt_host_entry *);

/* The floating address among those the networks want, or NULL. */
const struct nt_floating_entry *flat_wanted_floating(const struct flat_model *,
                                                     const char *address);

/* Adds it in its place; it leaves the fixed address it was tied to. */
void flat_floating_put(struct flat_model *, struct flat_network *,
                       const struct nt_floating_entry *);

/* Takes it away; with 'fixed' (may be NULL) only if it is tied to that one.  Returns
 * false when there was nothing. */
bool flat_floating_remove(struct flat_model *, const char *address, const char *fixed);

struct flat_applied *flat_applied_find(const struct flat_model *, const char *address);
struct flat_applied *flat_applied_add(struct flat_model *, const char *address);
void flat_applied_remove(struct flat_model *, struct flat_applied *);

/* Appends a report; too many for one address are not kept: the last one counts. */
void flat_report_add(struct flat_model *, bool is_release, const struct nt_lease_args *);
void flat_report_remove(struct flat_model *, struct lease_report *);

/* The report did not get through: it is to be sent again, or is removed if a later
 * one of the same lease is there, which it must not follow. */
void flat_report_again(struct flat_model *, struct lease_report *);

/* The snapshot's text; the caller frees. */
char *flat_model_to_text(const struct flat_model *);

/* Fills an empty model.  Fails with NT_INVALID. */
NT_NODISCARD int flat_model_from_text(struct flat_model *, const char *text, struct nt_err *);
