/* Instances: from the wish to the row, its states, and its end.
 *
 * vm_state/task_state, in order:
 *
 *     building/networking   created: host chosen, ports and addresses claimed
 *     building/spawning     its addresses are served; the compute host is told
 *     active/               the compute host says it runs
 *     (any)/powering-off and other tasks of its power: instance_power.h
 *     stopped/              it was stopped, or ended by itself
 *     error/                with the reason in 'fault'; a failed boot keeps no address
 *     (any)/deleting        somebody wants it gone; the compute host is told
 *     no row                the guest is gone; its addresses are free or wait for their
 *                           lease to end
 *
 * Writers run inside an operation (server/op.h).  Readers of one instance take the
 * asking project, NULL for an administrator; another project's is NT_NOT_FOUND. */
#pragma once

#include "base/err.h"
#include "net/instance.h"
#include "rpc/conductor.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "server/core/instance_info.h" /* IWYU pragma: export */
#include "store/row.h"

struct json;

extern const struct table instances_table; /* struct nt_instance */

/* Appends a change of it, for the core's own files. */
void instance_add_change(struct changes *, enum change_kind, const struct nt_instance *);

struct instance_network {
    char network_id[NT_UUID_SIZE];
    char address[NT_IP4_SIZE]; /* Empty: any. */
};

/* A wish; everything is borrowed for the call. */
struct instance_create {
    const char *name; /* Required. */
    const char *project_id, *user_id;
    const char *flavor_id, *image_id;
    const char *availability_zone; /* NULL, "nova", or "nova:HOST". */
    const char *key_name;          /* One of the user's key pairs; NULL: none. */
    const char *user_data;         /* Base64; NULL: none. */
    const struct json *metadata;   /* Object of texts, or NULL. */
    const char *reservation_id;    /* NULL: a fresh one; shared by min_count > 1. */
    int64_t launch_index;
    bool config_drive;
    const struct instance_network *networks; /* With n_networks 0: every network. */
    size_t n_networks;
    bool no_networks;                   /* "networks": "none". */
    const char *const *security_groups; /* Names; with n 0: "default". */
    size_t n_security_groups;
};

/* Creates the row with ports and addresses, on a chosen host.
 * Without a fitting host the instance is created in error, without addresses, with
 * the reason as its fault (success; change INSTANCE_UPDATED only), as clients of the
 * compute API expect.  Fails with NT_INVALID (no name; network, image, flavor, group,
 * key pair or address that is not there: the message names it), NT_CONFLICT (wanted
 * address in use), NT_EXHAUSTED (no free address, or a quota); then nothing is left
 * behind.
 * Changes: FIXED_IP_ALLOCATED for each address, then INSTANCE_CREATED. */
NT_NODISCARD int instance_create(struct store *, const struct core_env *,
                                 const struct instance_create *, struct nt_instance *out,
                                 struct changes *, struct nt_err *);

/* Release '*out' with nt_instance_clear().  Fails with NT_NOT_FOUND. */
NT_NODISCARD int instance_get(struct store *, const char *project_id, const char *id,
                              struct nt_instance *out, struct nt_err *);

/* By id, else by number, else by name; a name several have is NT_CONFLICT. */
NT_NODISCARD int instance_find(struct store *, const char *project_id, const char *what,
                               struct nt_instance *out, struct nt_err *);

/* NULL members do not filter. */
struct instance_filter {
    const char *project_id;
    const char *name; /* Part of the name, any case. */
    const char *vm_state;
    const char *host;
    const char *flavor_id, *image_id;
    const char *address; /* Exact fixed address. */
    const char *marker;  /* Id of the last one of the page before. */
    size_t limit;        /* 0: all. */
};

/* Newest first (struct nt_instance).  Fails with NT_INVALID when the marker is not
 * there. */
NT_NODISCARD int instance_list(struct store *, const struct instance_filter *, struct rows *out,
                               struct nt_err *);

/* Building: the next task ("spawning").  Fails with NT_NOT_FOUND, or NT_CONFLICT
 * when it is not building any more (then do not go on).  Change: INSTANCE_UPDATED. */
NT_NODISCARD int instance_set_task(struct store *, const struct core_env *, const char *id,
                                   const char *task_state, struct changes *, struct nt_err *);

/* The guest's password, encrypted by itself and stored through the metadata service;
 * NULL: none.  The caller frees.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int instance_password(struct store *, const char *project_id, const char *id,
                                   char **out, struct nt_err *);

#define INSTANCE_PASSWORD_MAX 1020

/* Stores it.  Fails with NT_INVALID (too long, or no plain text), NT_CONFLICT (there is
 * one already), NT_NOT_FOUND. */
NT_NODISCARD int instance_set_password(struct store *, const char *id, const char *password,
                                       struct nt_err *);
NT_NODISCARD int instance_clear_password(struct store *, const char *project_id, const char *id,
                                         struct nt_err *);

/* What a compute host reports.  "deleted" ends the instance; error while building is
 * a failed boot; a report of an instance that is gone is ignored unless its
 * vm_state is not "deleted": then NT_NOT_FOUND, so that the host ends the guest.
 * Fails with NT_FORBIDDEN when the instance is another host's. */
NT_NODISCARD int instance_report(struct store *, const struct core_env *,
                                 const struct nt_update_instance_args *, struct changes *,
                                 struct nt_err *);

/* The boot failed: error with 'fault', all addresses and ports given back.  Nothing
 * happens to an instance that is gone or not building.
 * Changes: FIXED_IP_UNUSED (and FREED) for each address, then INSTANCE_UPDATED. */
NT_NODISCARD int instance_fail_boot(struct store *, const struct core_env *, const char *id,
                                    const char *fault, struct changes *, struct nt_err *);

/* Somebody wants it gone.  With no guest anywhere (no host, or never told to build) it
 * ends at once, and with one on a host that has been silent for service_down_time: that
 * guest is ended when its host returns.  Again is fine.  Fails with NT_NOT_FOUND.
 * Changes: INSTANCE_DELETING, or those of instance_end(). */
NT_NODISCARD int instance_delete(struct store *, const struct core_env *, const char *project_id,
                                 const char *id, struct changes *, struct nt_err *);

/* The guest is gone: the row goes, addresses as in ipam_unuse().  No such instance
 * is fine.  Changes: FIXED_IP_UNUSED (and FREED), then INSTANCE_DELETED. */
NT_NODISCARD int instance_end(struct store *, const struct core_env *, const char *id,
                              struct changes *, struct nt_err *);
