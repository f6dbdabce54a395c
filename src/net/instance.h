/* Instances, and what they are made from: flavors and images. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/network.h"
#include "net/security_group.h"

struct nt_flavor {
    char id[64];             /* "1". */
    char name[NT_NAME_SIZE]; /* "m1.tiny". */
    int64_t ram_mb, vcpus, disk_gb, ephemeral_gb, swap_mb;
    bool is_public;
};

struct nt_image {
    char id[NT_UUID_SIZE];
    int64_t number; /* EC2's ami-%08x. */
    char name[NT_NAME_SIZE];
    char status[16]; /* "active". */
    char disk_format[16], container_format[16];
    char location[NT_NAME_SIZE]; /* What the driver boots: a file's path. */
    /* Of virtual machines: files booted directly; empty: the disk's own loader. */
    char kernel[NT_NAME_SIZE], ramdisk[NT_NAME_SIZE];
    char os_command_line[NT_NAME_SIZE];
    int64_t size, min_ram_mb, min_disk_gb;
    int64_t created_at, updated_at;
};

struct nt_instance {
    char id[NT_UUID_SIZE];
    int64_t number;          /* Small integer; instance-%08x, inst-%d, i-%08x. */
    char name[NT_NAME_SIZE]; /* Display name. */
    char hostname[64];
    char project_id[NT_NAME_SIZE], user_id[NT_NAME_SIZE];
    char host[NT_HOST_SIZE];           /* Compute host; empty until scheduled. */
    char evacuated_from[NT_HOST_SIZE]; /* The host that was lost, until it runs again. */
    char availability_zone[64];
    char vm_state[16];        /* building, active, stopped, error, deleted. */
    char task_state[32];      /* scheduling, networking, spawning, deleting, powering-off,
                               * powering-on, rebooting, rebooting_hard, or empty. */
    int64_t power_state;      /* 0 no state, 1 running, 4 shut down. */
    int64_t power_generation; /* Counts what was asked of its power: reports of a compute host
                               * that has not heard of the last one do not end its task. */
    char flavor_id[64];
    char image_id[NT_UUID_SIZE];
    char key_name[NT_NAME_SIZE];
    char *key_data;          /* Owned. */
    char *user_data;         /* Owned; base64, as the API got it. */
    struct json *metadata;   /* Owned; object of texts, or NULL. */
    char reservation_id[16]; /* "r-xxxxxxxx". */
    int64_t launch_index;
    bool config_drive;
    char fault[512]; /* Why it is in error; empty otherwise. */
    int64_t created_at, updated_at, launched_at;
    int64_t revision;
};

extern const struct nt_field nt_flavor_fields[];
extern const struct nt_field nt_image_fields[];
extern const struct nt_field nt_instance_fields[];

/* One link of an instance as its compute host must build it. */
struct nt_vif {
    char port_id[NT_UUID_SIZE];
    char network_id[NT_UUID_SIZE];
    char network_name[NT_NAME_SIZE];
    char mac[NT_MAC_SIZE];
    char address[NT_IP4_SIZE];
    char cidr[NT_CIDR_SIZE]; /* Of the subnet. */
    char gateway_ip[NT_IP4_SIZE];
    char dhcp_server[NT_IP4_SIZE];
    char bridge[NT_IFNAME_SIZE];
    char bridge_interface[NT_IFNAME_SIZE];
    bool multi_host;
    int64_t mtu;
    char address_v6[NT_IP_SIZE]; /* Made of the MAC; empty: only the link-local one. */
    char cidr_v6[NT_CIDR6_SIZE];
    char gateway_v6[NT_IP_SIZE];
};

/* An instance as its compute host sees it: all it needs without the server. */
struct nt_instance_view {
    char id[NT_UUID_SIZE];
    int64_t number;
    char name[NT_NAME_SIZE];
    char hostname[64];
    char vm_state[16];
    char task_state[32];
    int64_t power_generation;
    int64_t ram_mb, vcpus, disk_gb;
    bool config_drive; /* Was asked for. */
    char image_name[NT_NAME_SIZE];
    char image_location[NT_NAME_SIZE];
    char image_format[16]; /* "raw", "qcow2"; of the file at image_location. */
    char image_kernel[NT_NAME_SIZE], image_ramdisk[NT_NAME_SIZE];
    char image_command_line[NT_NAME_SIZE];
    int64_t revision;
    struct nt_vif *vifs; /* Owned. */
    size_t n_vifs;
    struct nt_uuid_text *security_group_ids; /* Owned. */
    size_t n_security_group_ids;
};

extern const struct nt_field nt_vif_fields[];
extern const struct nt_field nt_instance_view_fields[];

void nt_instance_clear(struct nt_instance *);
void nt_instance_view_clear(struct nt_instance_view *);

/* The host name nova gives a display name (specification of the hosts line): blanks and '_' become
 * '-', other characters than letters, digits, '.' and '-' go, lower case, outer
 * '.' and '-' cut.  Longer than 63: first 2 characters, '-', last 60.  Empty:
 * "host-10-0-0-2" from 'address' (may be NULL: "host"). */
void nt_hostname_from_name(const char *name, const char *address, char out[64]);
