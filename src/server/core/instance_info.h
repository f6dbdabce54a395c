/* What the doors and the compute hosts are told of an instance: read only. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "net/instance.h"
#include "store/store.h"

/* An instance with everything the doors tell of it. */
struct instance_address {
    char network_id[NT_UUID_SIZE];
    char network_name[NT_NAME_SIZE];
    char address[NT_IP_SIZE];
    char mac[NT_MAC_SIZE];
    int version;      /* 4 or 6. */
    bool is_floating; /* 'mac' is that of the link it is tied to. */
};
struct instance_info {
    struct nt_instance instance;
    struct nt_flavor flavor;            /* Empty id: gone since. */
    struct nt_image image;              /* The same. */
    struct instance_address *addresses; /* IPv4 in the order of its ports, IPv6 the same,
                                         * floating ones last. */
    size_t n_addresses;
    char (*security_groups)[NT_NAME_SIZE];
    size_t n_security_groups;
};

void instance_info_clear(struct instance_info *);
NT_NODISCARD int instance_info_load(struct store *, const char *project_id, const char *id,
                                    struct instance_info *out, struct nt_err *);

/* The instance that uses a fixed address now; the metadata service's question.
 * Fails with NT_NOT_FOUND. */
NT_NODISCARD int instance_id_by_address(struct store *, const char *address, char id[NT_UUID_SIZE],
                                        struct nt_err *);

/* The same for an instance that was read already; 'instance' is moved into '*out'
 * (zeroed), also on failure. */
NT_NODISCARD int instance_info_fill(struct store *, struct nt_instance *instance,
                                    struct instance_info *out, struct nt_err *);

/* A link of an instance, as its port is. */
struct instance_interface {
    char port_id[NT_UUID_SIZE], network_id[NT_UUID_SIZE], subnet_id[NT_UUID_SIZE];
    char mac[NT_MAC_SIZE], address[NT_IP4_SIZE];
    char status[16]; /* ACTIVE or DOWN. */
};

/* In their order; the caller frees '*out'.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int instance_interfaces(struct store *, const char *project_id, const char *id,
                                     struct instance_interface **out, size_t *n, struct nt_err *);

/* As its compute host must build it.  Release with nt_instance_view_clear(). */
NT_NODISCARD int instance_view_load(struct store *, const char *id, struct nt_instance_view *out,
                                    struct nt_err *);

/* All instances of a compute host, in the order they were created; those whose
 * addresses are not served yet (task networking) or that failed are left out,
 * those to be deleted are in.  Release each view, then the array. */
NT_NODISCARD int instance_views_of_host(struct store *, const char *host,
                                        struct nt_instance_view **out, size_t *n, struct nt_err *);
