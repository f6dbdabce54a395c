/* Trunk ports: one link that carries several networks to a guest. */
#pragma once

#include "net/vo.h"

extern const struct nt_vo_type nt_vo_trunk_type, nt_vo_sub_port_type;

struct nt_vo_sub_port {
    struct nt_vo vo;
    char port_id[NT_UUID_SIZE];
    char trunk_id[NT_UUID_SIZE];
    char segmentation_type[16]; /* vlan. */
    int64_t segmentation_id;
};

struct nt_vo_trunk {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *project_id, *name;
    char port_id[NT_UUID_SIZE]; /* The parent. */
    bool admin_state_up;
    char status[16];
    struct nt_vo_sub_port *sub_ports;
    size_t n_sub_ports;
    struct nt_vo_standard standard;
};
