#include <config.h>

#include "net/instance.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DB NT_IN_DB
#define DB_RPC (NT_IN_DB | NT_IN_RPC)

const struct nt_field nt_flavor_fields[] = {
    { "id", NT_F_STR, NT_AT(struct nt_flavor, id), DB | NT_REQUIRED },
    { "name", NT_F_STR, NT_AT(struct nt_flavor, name), DB | NT_REQUIRED },
    { "ram_mb", NT_F_INT, NT_AT(struct nt_flavor, ram_mb), DB },
    { "vcpus", NT_F_INT, NT_AT(struct nt_flavor, vcpus), DB },
    { "disk_gb", NT_F_INT, NT_AT(struct nt_flavor, disk_gb), DB },
    { "ephemeral_gb", NT_F_INT, NT_AT(struct nt_flavor, ephemeral_gb), DB },
    { "swap_mb", NT_F_INT, NT_AT(struct nt_flavor, swap_mb), DB },
    { "is_public", NT_F_BOOL, NT_AT(struct nt_flavor, is_public), DB },
    { 0 },
};

const struct nt_field nt_image_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_image, id), DB | NT_REQUIRED },
    { "number", NT_F_INT, NT_AT(struct nt_image, number), DB },
    { "name", NT_F_STR, NT_AT(struct nt_image, name), DB | NT_REQUIRED },
    { "status", NT_F_STR, NT_AT(struct nt_image, status), DB },
    { "disk_format", NT_F_STR, NT_AT(struct nt_image, disk_format), DB },
    { "container_format", NT_F_STR, NT_AT(struct nt_image, container_format), DB },
    { "location", NT_F_STR, NT_AT(struct nt_image, location), DB },
    { "kernel", NT_F_STR, NT_AT(struct nt_image, kernel), DB },
    { "ramdisk", NT_F_STR, NT_AT(struct nt_image, ramdisk), DB },
    { "os_command_line", NT_F_STR, NT_AT(struct nt_image, os_command_line), DB },
    { "size", NT_F_INT, NT_AT(struct nt_image, size), DB },
    { "min_ram_mb", NT_F_INT, NT_AT(struct nt_image, min_ram_mb), DB },
    { "min_disk_gb", NT_F_INT, NT_AT(struct nt_image, min_disk_gb), DB },
    { "created_at", NT_F_TIME, NT_AT(struct nt_image, created_at), DB },
    { "updated_at", NT_F_TIME, NT_AT(struct nt_image, updated_at), DB },
    { 0 },
};

const struct nt_field nt_instance_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_instance, id), DB_RPC | NT_REQUIRED },
    { "number", NT_F_INT, NT_AT(struct nt_instance, number), DB_RPC },
    { "name", NT_F_STR, NT_AT(struct nt_instance, name), DB_RPC },
    { "hostname", NT_F_STR, NT_AT(struct nt_instance, hostname), DB_RPC },
    { "project_id", NT_F_STR, NT_AT(struct nt_instance, project_id), DB_RPC },
    { "user_id", NT_F_STR, NT_AT(struct nt_instance, user_id), DB_RPC },
    { "host", NT_F_STR, NT_AT(struct nt_instance, host), DB_RPC },
    { "evacuated_from", NT_F_STR, NT_AT(struct nt_instance, evacuated_from), DB_RPC },
    { "availability_zone", NT_F_STR, NT_AT(struct nt_instance, availability_zone), DB_RPC },
    { "vm_state", NT_F_STR, NT_AT(struct nt_instance, vm_state), DB_RPC },
    { "task_state", NT_F_STR, NT_AT(struct nt_instance, task_state), DB_RPC },
    { "power_state", NT_F_INT, NT_AT(struct nt_instance, power_state), DB_RPC },
    { "power_generation", NT_F_INT, NT_AT(struct nt_instance, power_generation), DB_RPC },
    { "flavor_id", NT_F_STR, NT_AT(struct nt_instance, flavor_id), DB_RPC },
    { "image_id", NT_F_UUID, NT_AT(struct nt_instance, image_id), DB_RPC },
    { "key_name", NT_F_STR, NT_AT(struct nt_instance, key_name), DB_RPC },
    { "key_data", NT_F_TEXT, NT_AT(struct nt_instance, key_data), DB, .max = 16384 },
    { "user_data", NT_F_TEXT, NT_AT(struct nt_instance, user_data), DB, .max = 65535 },
    { "metadata", NT_F_JSON, NT_AT(struct nt_instance, metadata), DB },
    { "reservation_id", NT_F_STR, NT_AT(struct nt_instance, reservation_id), DB_RPC },
    { "launch_index", NT_F_INT, NT_AT(struct nt_instance, launch_index), DB_RPC },
    { "config_drive", NT_F_BOOL, NT_AT(struct nt_instance, config_drive), DB_RPC },
    { "fault", NT_F_STR, NT_AT(struct nt_instance, fault), DB_RPC },
    { "created_at", NT_F_TIME, NT_AT(struct nt_instance, created_at), DB_RPC },
    { "updated_at", NT_F_TIME, NT_AT(struct nt_instance, updated_at), DB_RPC },
    { "launched_at", NT_F_TIME, NT_AT(struct nt_instance, launched_at), DB_RPC },
    { "revision", NT_F_INT, NT_AT(struct nt_instance, revision), DB_RPC },
    { 0 },
};

const struct nt_field nt_vif_fields[] = {
    { "port_id", NT_F_UUID, NT_AT(struct nt_vif, port_id), NT_IN_RPC | NT_REQUIRED },
    { "network_id", NT_F_UUID, NT_AT(struct nt_vif, network_id), NT_IN_RPC | NT_REQUIRED },
    { "network_name", NT_F_STR, NT_AT(struct nt_vif, network_name), NT_IN_RPC },
    { "mac", NT_F_MAC, NT_AT(struct nt_vif, mac), NT_IN_RPC | NT_REQUIRED },
    { "address", NT_F_IP4, NT_AT(struct nt_vif, address), NT_IN_RPC | NT_REQUIRED },
    { "cidr", NT_F_CIDR, NT_AT(struct nt_vif, cidr), NT_IN_RPC | NT_REQUIRED },
    { "gateway_ip", NT_F_IP4, NT_AT(struct nt_vif, gateway_ip), NT_IN_RPC },
    { "dhcp_server", NT_F_IP4, NT_AT(struct nt_vif, dhcp_server), NT_IN_RPC },
    { "bridge", NT_F_STR, NT_AT(struct nt_vif, bridge), NT_IN_RPC | NT_REQUIRED },
    { "bridge_interface", NT_F_STR, NT_AT(struct nt_vif, bridge_interface), NT_IN_RPC },
    { "multi_host", NT_F_BOOL, NT_AT(struct nt_vif, multi_host), NT_IN_RPC },
    { "mtu", NT_F_INT, NT_AT(struct nt_vif, mtu), NT_IN_RPC },
    { "address_v6", NT_F_STR, NT_AT(struct nt_vif, address_v6), NT_IN_RPC },
    { "cidr_v6", NT_F_STR, NT_AT(struct nt_vif, cidr_v6), NT_IN_RPC },
    { "gateway_v6", NT_F_STR, NT_AT(struct nt_vif, gateway_v6), NT_IN_RPC },
    { 0 },
};

const struct nt_field nt_instance_view_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_instance_view, id), NT_IN_RPC | NT_REQUIRED },
    { "number", NT_F_INT, NT_AT(struct nt_instance_view, number), NT_IN_RPC | NT_REQUIRED, 1,
      INT32_MAX },
    { "name", NT_F_STR, NT_AT(struct nt_instance_view, name), NT_IN_RPC },
    { "hostname", NT_F_STR, NT_AT(struct nt_instance_view, hostname), NT_IN_RPC },
    { "vm_state", NT_F_STR, NT_AT(struct nt_instance_view, vm_state), NT_IN_RPC },
    { "task_state", NT_F_STR, NT_AT(struct nt_instance_view, task_state), NT_IN_RPC },
    { "power_generation", NT_F_INT, NT_AT(struct nt_instance_view, power_generation), NT_IN_RPC },
    { "ram_mb", NT_F_INT, NT_AT(struct nt_instance_view, ram_mb), NT_IN_RPC },
    { "vcpus", NT_F_INT, NT_AT(struct nt_instance_view, vcpus), NT_IN_RPC },
    { "disk_gb", NT_F_INT, NT_AT(struct nt_instance_view, disk_gb), NT_IN_RPC },
    { "config_drive", NT_F_BOOL, NT_AT(struct nt_instance_view, config_drive), NT_IN_RPC },
    { "image_name", NT_F_STR, NT_AT(struct nt_instance_view, image_name), NT_IN_RPC },
    { "image_location", NT_F_STR, NT_AT(struct nt_instance_view, image_location), NT_IN_RPC },
    { "image_format", NT_F_STR, NT_AT(struct nt_instance_view, image_format), NT_IN_RPC },
    { "image_kernel", NT_F_STR, NT_AT(struct nt_instance_view, image_kernel), NT_IN_RPC },
    { "image_ramdisk", NT_F_STR, NT_AT(struct nt_instance_view, image_ramdisk), NT_IN_RPC },
    { "image_command_line", NT_F_STR, NT_AT(struct nt_instance_view, image_command_line),
      NT_IN_RPC },
    { "revision", NT_F_INT, NT_AT(struct nt_instance_view, revision), NT_IN_RPC },
    NT_ARRAY_FIELD("vifs", struct nt_instance_view, vifs, n_vifs, nt_vif_fields, NT_IN_RPC),
    NT_ARRAY_FIELD("security_group_ids", struct nt_instance_view, security_group_ids,
                   n_security_group_ids, nt_uuid_text_fields, NT_IN_RPC),
    { 0 },
};

void
nt_instance_clear(struct nt_instance *instance)
{
    nt_fields_clear(nt_instance_fields, instance);
}

void
nt_instance_view_clear(struct nt_instance_view *view)
{
    nt_fields_clear(nt_instance_view_fields, view);
}

static bool
is_edge(char c)
{
    return c == '.' || c == '-';
}

void
nt_hostname_from_name(const char *name, const char *address, char out[64])
{
    char buf[NT_NAME_SIZE];
    size_t n = 0;

    for (; *name && n < sizeof buf - 1; name++) {
        unsigned char c = *name;

        if (c == ' ' || c == '_') {
            buf[n++] = '-';
        } else if (isascii(c) && (isalnum(c) || is_edge(c))) {
            buf[n++] = tolower(c);
        }
    }
    while (n && is_edge(buf[n - 1])) {
        n--;
    }

    size_t start = 0;
    while (start < n && is_edge(buf[start])) {
        start++;
    }

    const char *s = buf + start;
    n -= start;
    if (!n) {
        snprintf(out, 64, "host%s%s", address ? "-" : "", address ? address : "");
        for (char *p = out; *p; p++) {
            *p = *p == '.' ? '-' : *p;
        }
    } else if (n > 63) {
        snprintf(out, 64, "%.2s-%.60s", s, s + n - 60);
    } else {
        snprintf(out, 64, "%.*s", (int) n, s);
    }
}
