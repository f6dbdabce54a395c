/* The compute role's model: its guests, and the parts that work on them.  Shared by
 * compute.c (phases, plan, apply, report) and observe.c (the server's word); nobody
 * else looks inside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "compute/compute.h"
#include "compute/config_drive.h"
#include "compute/driver.h"
#include "compute/guest.h"
#include "compute/rules.h"
#include "compute/security_sync.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "rpc/reporter.h"

struct compute {
    struct compute_env env;
    const char *instances_path;
    int filter_fd; /* Keeps others from switching the bridge's filter off; -1: not held. */
    char *security_path;
    struct driver *driver;
    struct config_drives *drives;
    struct rules *rules;
    struct security_sync *security;
    struct nt_rpc_service *service;
    struct hmap guests;    /* struct guest, by id. */
    uint64_t version;      /* Of the guest that changed last. */
    struct shash bridges;  /* Names, without data: ensured, or found at start. */
    bool rules_changed;    /* The plan is to be made again. */
    uint64_t plan;         /* Counts plans. */
    uint64_t settled_plan; /* The last one that got into the kernel as a whole. */
    int64_t planned_at;    /* Monotonic; of the last one. */
    bool synced;           /* The server's list was worked through. */
    bool sync_pending;     /* get_instances is under way. */
    unsigned sync_round;   /* An answer to an earlier one does not count. */
    struct nt_reporter *reporter;
    int64_t next_watch, next_sync; /* Monotonic. */
    struct nt_histogram start_seconds;
};

/* NULL: not here. */
struct guest *model_find(const struct compute *, const char *id);

/* Takes 'guest'. */
void model_add(struct compute *, struct guest *, enum guest_phase);

/* Its 'view' is another one: its rules are planned anew. */
void model_changed(struct compute *, struct guest *);

/* Writes the guest's record; that it cannot is logged. */
void model_save(struct compute *, const struct guest *);

/* The guest's next phase, to be reported. */
void model_set_phase(struct guest *, enum guest_phase);

/* Serves the bus and begins to report. */
void observe_start(struct compute *);
void observe_run(struct compute *);
void observe_wait(struct compute *);
