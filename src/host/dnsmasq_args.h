/* What dnsmasq of one network is started with: argument list, environment, files.
 *
 * Pure functions of a configuration.  Every value that reaches dnsmasq is checked:
 * control characters, commas and the like are refused, not quoted, because dnsmasq
 * has no quoting.  Two forms of the argument list exist: 'essex' gives the one of the
 * 2012 release, in its order; otherwise the netmask and a tag come with the range,
 * the router option comes from a file, and the host's own /etc/hosts is not served. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* All strings are borrowed.  Paths are absolute. */
struct nt_dnsmasq_conf {
    bool essex;
    bool authoritative;        /* --dhcp-authoritative; not in the essex form. */
    bool hostsdir;             /* One file per guest, in a folder that dnsmasq watches. */
    bool own_opts;             /* The opts file's text is set later (nt_dnsmasq_set_opts()). */
    const char *program;       /* NULL: dnsmasq, looked for in PATH and /usr/sbin. */
    const char *networks_path; /* Directory of hosts, pid and opts file. */
    const char *bridge;        /* In the files' names. */
    int64_t network_number;    /* NETWORK_ID. */
    const char *label;         /* Tag of the range; unusual characters become '_'. */
    const char *cidr;          /* "10.0.0.0/24". */
    const char *gateway;       /* Router told to guests; NULL or empty: none. */
    const char *dhcp_server;   /* Address listened on. */
    const char *dhcp_start;    /* First address of the range. */
    const char *domain;        /* NULL or empty: none. */
    int lease_time_s;
    const char *config_file; /* NULL or empty: none, not even /etc/dnsmasq.conf. */
    const char *script;      /* The lease script; dnsmasq runs it by a shell. */
    const char *const *dns_servers;
    size_t n_dns_servers;     /* 0: those of the host's resolv.conf. */
    const char *flagfile;     /* FLAGFILE of the script; NULL: not set. */
    const char *lease_socket; /* The script's three, see host/lease_msg.h. */
    const char *lease_spool;
    const char *lease_snapshot;
};

/* Texts of one configuration; all owned. */
struct nt_dnsmasq_plan {
    char **argv; /* NULL-terminated; argv[0] is an absolute path. */
    char **env;  /* NULL-terminated additions, "NAME=VALUE". */
    char *hosts_file, *pid_file;
    char *hosts_dir;        /* NULL: dnsmasq reads the file itself. */
    char *opts_file, *opts; /* NULL: no such file, or its text is set later. */
    char *domain;           /* Empty: none. */
};

/* Fails with NT_INVALID, naming the value, or NT_NOT_FOUND without dnsmasq. */
NT_NODISCARD int nt_dnsmasq_plan_new(const struct nt_dnsmasq_conf *, struct nt_dnsmasq_plan **out,
                                     struct nt_err *);
void nt_dnsmasq_plan_free(struct nt_dnsmasq_plan *);
NT_AUTO(nt_dnsmasq_plan)

bool nt_dnsmasq_plan_equal(const struct nt_dnsmasq_plan *, const struct nt_dnsmasq_plan *);

/* How a running process, known by its /proc/PID/cmdline and /proc/PID/environ (NULL:
 * not readable), compares with the plan. */
enum nt_dnsmasq_match {
    NT_DNSMASQ_OTHER,   /* Not dnsmasq of this network: leave it alone. */
    NT_DNSMASQ_CHANGED, /* Of this network, but started otherwise. */
    NT_DNSMASQ_SAME,
};

struct nt_dnsmasq_proc {
    const char *cmdline;
    size_t cmdline_len;
    const char *environ;
    size_t environ_len;
};

enum nt_dnsmasq_match nt_dnsmasq_plan_match(const struct nt_dnsmasq_plan *,
                                            const struct nt_dnsmasq_proc *);
