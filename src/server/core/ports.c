#include <config.h>

#include "server/core/ports.h"

#include <stdio.h>

#include "base/mem.h"

const struct table ports_table = {
    "ports",
    nt_port_fields,
    sizeof(struct nt_port),
    "id",
};

/* The range OpenStack gives guests: the fixed prefix and 23 random bits. */
static struct nt_mac
draw_mac(struct nt_random *random)
{
    struct nt_mac mac = { { 0xfa, 0x16, 0x3e } };

    nt_random_bytes(random, "mac", mac.b + 3, 3);
    mac.b[3] &= 0x7f;
    return mac;
}

static int
unique_mac(struct store *store, const struct core_env *env, char out[NT_MAC_SIZE],
           struct nt_err *err)
{
    for (int64_t i = 0; i < env->create_unique_mac_address_attempts; i++) {
        struct nt_mac mac = draw_mac(env->random);
        int64_t taken;

        nt_mac_format(&mac, out);

        int rc = store_get_int(store, &taken, err, "SELECT 1 FROM ports WHERE mac_address = ?", "t",
                               out);
        if (rc <= 0) {
            return rc;
        }
    }
    return nt_fail(err, NT_EXHAUSTED, "cannot find a MAC address that is not in use");
}

int
port_create(struct store *store, const struct core_env *env, const char *network_id,
            const struct nt_instance *instance, struct nt_port *out, struct nt_err *err)
{
    struct nt_port port = {
        .status = "BUILD",
        .device_owner = "compute:nova",
        .admin_state_up = true,
        .port_security_enabled = true,
        .created_at = core_now(env),
        .updated_at = core_now(env),
        .revision = 1,
    };

    if (unique_mac(store, env, port.mac_address, err) < 0) {
        return -1;
    }
    nt_random_uuid(env->random, port.id);
    ovs_strlcpy(port.network_id, network_id, sizeof port.network_id);
    ovs_strlcpy(port.device_id, instance->id, sizeof port.device_id);
    ovs_strlcpy(port.host, instance->host, sizeof port.host);

    if (store_get_int(store, &port.position, err, "SELECT COUNT(*) FROM ports WHERE device_id = ?",
                      "t", instance->id)
            < 0
        || row_insert(store, &ports_table, &port, err) < 0) {
        return -1;
    }
    *out = port;
    return 0;
}

int
port_get(struct store *store, const char *id, struct nt_port *out, struct nt_err *err)
{
    int rc = row_get(store, &ports_table, out, err, "WHERE id = ?", "t", id);

    return rc ? MIN(rc, 0) : nt_fail(err, NT_NOT_FOUND, "port %s could not be found", id);
}

int
ports_of_instance(struct store *store, const char *instance_id, struct rows *out,
                  struct nt_err *err)
{
    return row_list(store, &ports_table, out, err, "WHERE device_id = ? ORDER BY position", "t",
                    instance_id);
}

int
ports_set_status(struct store *store, const struct core_env *env, const char *instance_id,
                 const char *status, const char *host, struct nt_err *err)
{
    int n = store_do(store, err,
                     "UPDATE ports SET status = ?, host = ?, updated_at = ?,"
                     " revision = revision + 1 WHERE device_id = ?",
                     "ttit", status, host, core_now(env), instance_id);

    return MIN(n, 0);
}
