/* neutrino doctor: looks at this host, says what is wrong and what would put it right.
 *
 * Changes nothing and asks nobody but the server.  Each check adds one row; a check that
 * does not concern this host adds none.  doctor.c has the command and what concerns every
 * host, doctor_net.c links and services, doctor_rules.c firewalls, doctor_drops.c
 * what guests were refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/config.h"
#include "net/network.h"

struct cli_table;

/* What a guest's traffic passes on this host. */
struct doctor_network {
    char bridge[NT_IFNAME_SIZE];
    char interface[NT_IFNAME_SIZE]; /* Its port towards other hosts; empty: none. */
    char cidr[NT_CIDR_SIZE];
    char dhcp_server[NT_IP4_SIZE]; /* The address on the bridge. */
    uint32_t guest;                /* Some guest's address. */
};

struct doctor {
    const struct nt_config *config;
    struct cli_table *table;
    bool is_network, is_compute, is_server; /* Which programs belong here. */
    struct doctor_network *networks;        /* Owned. */
    size_t n_networks;
    size_t n_failed;
};

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

/* Adds a row.  Takes 'problem' and 'fix', which may be NULL. */
void doctor_say(struct doctor *, const char *check, enum doctor_state, char *problem, char *fix);

/* A row that is ok, or DOCTOR_FAIL with the rest. */
#define doctor_check(d, check, ok, problem, fix)        \
    ((ok) ? doctor_say(d, check, DOCTOR_OK, NULL, NULL) \
          : doctor_say(d, check, DOCTOR_FAIL, problem, fix))

void doctor_links(struct doctor *);
void doctor_services(struct doctor *);
void doctor_rules(struct doctor *);
void doctor_drops(struct doctor *);

/* The first line of a small file; NULL: not readable.  The caller frees. */
char *doctor_read(const char *path);

/* The output of a child, or NULL.  The caller frees. */
char *doctor_run(const char *const *argv);
