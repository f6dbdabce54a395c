/* Versioned objects on their way: agents pull them (topic q-plugin), the server pushes
 * changes (fan-out to "neutron-vo-TYPE-VERSION", see nt_vo_topic()). */
#pragma once

#include "net/vo.h"
#include "rpc/method.h"

extern const struct nt_interface nt_neutron_resources;

/* One per type, in the order of nt_vo_types. */
#define NT_N_PUSHES 9
extern const struct nt_interface nt_neutron_pushes[NT_N_PUSHES];

/* The interface whose topic carries the changes of 'type', one of nt_vo_types. */
const struct nt_interface *nt_neutron_push(const struct nt_vo_type *type);

struct nt_vo_ref {
    struct nt_vo *vo; /* Owned. */
};

/* pull: NULL when there is none. */
struct nt_pull_args {
    char resource_type[64];
    char version[16];
    char resource_id[NT_UUID_SIZE];
};

/* bulk_pull: a field's values are alternatives, the fields must all fit.  Any number of
 * values is allowed. */
struct nt_filter {
    char field[64];
    struct nt_text *values;
    size_t n_values;
};
struct nt_bulk_pull_args {
    char resource_type[64];
    char version[16];
    struct nt_filter *filters;
    size_t n_filters;
};
struct nt_vo_list {
    struct nt_vo_ref *objects;
    size_t n_objects;
};

/* push: objects of one type. */
struct nt_push_args {
    struct nt_vo_ref *resource_list;
    size_t n_resource_list;
    char event_type[16]; /* updated (created too), deleted; created for sub-ports. */
};
