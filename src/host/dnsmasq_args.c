#include <config.h>

#include "host/dnsmasq_args.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "host/hosts_file.h"
#include "net/addr.h"

#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* ',' and '#' mean something to dnsmasq inside values, the rest to its shell. */
#define PATH_CHARS ALNUM "/._+-@:="

struct strings {
    char **v;
    size_t n, allocated;
};

static void __attribute__((format(printf, 2, 3))) add(struct strings *s, const char *fmt, ...)
{
    va_list args;

    if (s->n + 2 > s->allocated) {
        s->allocated = 2 * s->allocated + 24;
        s->v = xrealloc(s->v, s->allocated * sizeof *s->v);
    }
    va_start(args, fmt);
    s->v[s->n++] = xvasprintf(fmt, args);
    va_end(args);
    s->v[s->n] = NULL;
}

static bool
is_set(const char *s)
{
    return s && *s;
}

static int
check_path(const char *what, const char *path, struct nt_err *err)
{
    if (is_set(path) && (path[0] != '/' || strspn(path, PATH_CHARS) != strlen(path))) {
        return nt_fail(err, NT_INVALID,
                       "%s must be an absolute path of letters, digits and /._+-@:=", what);
    }
    return 0;
}

static int
check_ip(const char *what, const char *text, struct nt_err *err)
{
    uint32_t ip;

    if (!text || !nt_ip4_parse(text, &ip)) {
        return nt_fail(err, NT_INVALID, "%s is not an IPv4 address", what);
    }
    return 0;
}

/* Values of which one is missing or wrong are named by the option they come from. */
static int
check_conf(const struct nt_dnsmasq_conf *conf, struct nt_err *err)
{
    const struct {
        const char *what, *path;
        bool needed;
    } paths[] = {
        { "networks_path", conf->networks_path, true },
        { "dhcpbridge", conf->script, true },
        { "path of dnsmasq", conf->program, false },
        { "dnsmasq_config_file", conf->config_file, false },
        { "dhcpbridge_flagfile", conf->flagfile, false },
        { "lease socket", conf->lease_socket, false },
        { "lease spool", conf->lease_spool, false },
        { "lease snapshot", conf->lease_snapshot, false },
    };
    struct nt_cidr cidr;

    for (size_t i = 0; i < NT_ARRAY_SIZE(paths); i++) {
        if (paths[i].needed && !is_set(paths[i].path)) {
            return nt_fail(err, NT_INVALID, "%s is not set", paths[i].what);
        }
        if (check_path(paths[i].what, paths[i].path, err) < 0) {
            return -1;
        }
    }
    if (!is_set(conf->bridge) || strspn(conf->bridge, ALNUM "._-") != strlen(conf->bridge)) {
        return nt_fail(err, NT_INVALID, "bridge name is missing or has unusual characters");
    }
    if (is_set(conf->domain) && !nt_is_domain(conf->domain)) {
        return nt_fail(err, NT_INVALID, "dhcp_domain is not a domain name");
    }
    if (!conf->cidr || !nt_cidr_parse(conf->cidr, &cidr)) {
        return nt_fail(err, NT_INVALID, "network has no IPv4 range");
    }
    if (conf->lease_time_s < 1) {
        return nt_fail(err, NT_INVALID, "dhcp_lease_time must be above 0");
    }
    for (size_t i = 0; i < conf->n_dns_servers; i++) {
        if (check_ip("dns_server", conf->dns_servers[i], err) < 0) {
            return -1;
        }
    }
    if (is_set(conf->gateway) && check_ip("gateway", conf->gateway, err) < 0) {
        return -1;
    }
    return check_ip("dhcp_server", conf->dhcp_server, err) < 0
                   || check_ip("dhcp_start", conf->dhcp_start, err) < 0
               ? -1
               : 0;
}

/* The path that the process table will show. */
static char *
find_program(const char *program)
{
    AUTO_FREE char *dirs = NULL;
    const char *path = getenv("PATH");
    char *save = NULL;

    if (is_set(program)) {
        return xstrdup(program);
    }
    dirs = xasprintf("%s:/usr/sbin:/sbin", is_set(path) ? path : "/usr/bin");
    for (char *dir = strtok_r(dirs, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
        char *candidate = nt_path_join(dir, "dnsmasq");

        if (candidate[0] == '/' && !access(candidate, X_OK)) {
            return candidate;
        }
        free(candidate);
    }
    return NULL;
}

static uint64_t
n_addresses(const char *text)
{
    struct nt_cidr cidr = { .len = 32 };

    return nt_cidr_parse(text, &cidr) ? UINT64_C(1) << (32 - cidr.len) : 0;
}

static void
add_hosts_arg(struct strings *s, const struct nt_dnsmasq_plan *plan)
{
    if (plan->hosts_dir) {
        add(s, "--dhcp-hostsdir=%s", plan->hosts_dir);
    } else {
        add(s, "--dhcp-hostsfile=%s", plan->hosts_file);
    }
}

static void
add_essex_args(struct strings *s, const struct nt_dnsmasq_conf *conf,
               const struct nt_dnsmasq_plan *plan)
{
    add(s, "--strict-order");
    add(s, "--bind-interfaces");
    add(s, "--conf-file=%s", conf->config_file ? conf->config_file : "");
    if (*plan->domain) {
        add(s, "--domain=%s", plan->domain);
    }
    add(s, "--pid-file=%s", plan->pid_file);
    add(s, "--listen-address=%s", conf->dhcp_server);
    add(s, "--except-interface=lo");
    add(s, "--dhcp-range=%s,static,%ds", conf->dhcp_start, conf->lease_time_s);
    add(s, "--dhcp-lease-max=%" PRIu64, n_addresses(conf->cidr));
    add_hosts_arg(s, plan);
    add(s, "--dhcp-script=%s", conf->script);
    add(s, "--leasefile-ro");
    if (conf->n_dns_servers) {
        add(s, "-h");
        add(s, "-R");
    }
    for (size_t i = 0; i < conf->n_dns_servers; i++) {
        add(s, "--server=%s", conf->dns_servers[i]);
    }
    if (plan->opts_file) {
        add(s, "--dhcp-optsfile=%s", plan->opts_file);
    }
}

/* A tag is a word of dnsmasq's; a label is anything. */
static char *
tag_of(const struct nt_dnsmasq_conf *conf)
{
    char *tag = is_set(conf->label) ? xstrdup(conf->label)
                                    : xasprintf("network-%" PRId64, conf->network_number);

    for (char *p = tag; *p; p++) {
        if (!strchr(ALNUM "_.-", *p)) {
            *p = '_';
        }
    }
    return tag;
}

static void
add_args(struct strings *s, const struct nt_dnsmasq_conf *conf, const struct nt_dnsmasq_plan *plan)
{
    AUTO_FREE char *tag = tag_of(conf);
    struct nt_cidr cidr = { .len = 32 };
    char netmask[NT_IP4_SIZE];

    if (nt_cidr_parse(conf->cidr, &cidr)) {
        nt_ip4_format(nt_cidr_netmask(&cidr), netmask);
    }
    add(s, "--strict-order");
    add(s, "--bind-interfaces");
    add(s, "--conf-file=%s", conf->config_file ? conf->config_file : "");
    add(s, "--pid-file=%s", plan->pid_file);
    add(s, "--dhcp-optsfile=%s", plan->opts_file);
    add(s, "--listen-address=%s", conf->dhcp_server);
    add(s, "--except-interface=lo");
    add(s, "--dhcp-range=set:%s,%s,static,%s,%ds", tag, conf->dhcp_start, netmask,
        conf->lease_time_s);
    add(s, "--dhcp-lease-max=%" PRIu64, n_addresses(conf->cidr));
    add_hosts_arg(s, plan);
    add(s, "--dhcp-script=%s", conf->script);
    add(s, "--no-hosts");
    add(s, "--leasefile-ro");
    if (*plan->domain) {
        add(s, "--domain=%s", plan->domain);
    }
    if (conf->n_dns_servers) {
        add(s, "--no-resolv");
    }
    for (size_t i = 0; i < conf->n_dns_servers; i++) {
        add(s, "--server=%s", conf->dns_servers[i]);
    }
    if (conf->authoritative) {
        add(s, "--dhcp-authoritative");
    }
}

static void
add_env(struct strings *s, const struct nt_dnsmasq_conf *conf)
{
    const struct {
        const char *name, *value;
    } vars[] = {
        { "FLAGFILE", conf->flagfile },
        { "NEUTRINO_LEASE_SOCKET", conf->lease_socket },
        { "NEUTRINO_LEASE_SPOOL", conf->lease_spool },
        { "NEUTRINO_LEASE_SNAPSHOT", conf->lease_snapshot },
    };

    add(s, "NETWORK_ID=%" PRId64, conf->network_number);
    for (size_t i = 0; i < NT_ARRAY_SIZE(vars); i++) {
        if (is_set(vars[i].value)) {
            add(s, "%s=%s", vars[i].name, vars[i].value);
        }
    }
}

static char *
file_of(const struct nt_dnsmasq_conf *conf, const char *suffix)
{
    AUTO_FREE char *name = xasprintf("nova-%s.%s", conf->bridge, suffix);

    return nt_path_join(conf->networks_path, name);
}

int
nt_dnsmasq_plan_new(const struct nt_dnsmasq_conf *conf, struct nt_dnsmasq_plan **out,
                    struct nt_err *err)
{
    if (check_conf(conf, err) < 0) {
        return -1;
    }

    AUTO_FREE char *program = find_program(conf->program);
    if (!program) {
        return nt_fail(err, NT_NOT_FOUND, "dnsmasq is not installed: not in PATH");
    }

    struct nt_dnsmasq_plan *plan = xzalloc(sizeof *plan);
    struct strings argv = { NULL, 0, 0 }, env = { NULL, 0, 0 };

    plan->hosts_file = file_of(conf, "conf");
    plan->pid_file = file_of(conf, "pid");
    plan->domain = xstrdup(conf->domain ? conf->domain : "");
    plan->hosts_dir = conf->hostsdir ? file_of(conf, "hosts.d") : NULL;
    plan->opts_file = conf->essex && !conf->own_opts ? NULL : file_of(conf, "opts");
    add(&argv, "%s", program);
    if (conf->essex) {
        add_essex_args(&argv, conf, plan);
    } else {
        /* The option without a value keeps dnsmasq from offering itself. */
        plan->opts = conf->own_opts          ? NULL
                     : is_set(conf->gateway) ? xasprintf("3,%s", conf->gateway)
                                             : xstrdup("3");
        add_args(&argv, conf, plan);
    }
    add_env(&env, conf);
    plan->argv = argv.v;
    plan->env = env.v;
    *out = plan;
    return 0;
}

static void
strings_free(char **v)
{
    for (size_t i = 0; v && v[i]; i++) {
        free(v[i]);
    }
    free(v);
}

void
nt_dnsmasq_plan_free(struct nt_dnsmasq_plan *plan)
{
    if (plan) {
        strings_free(plan->argv);
        strings_free(plan->env);
        free(plan->hosts_file);
        free(plan->pid_file);
        free(plan->hosts_dir);
        free(plan->opts_file);
        free(plan->opts);
        free(plan->domain);
        free(plan);
    }
}

static bool
strings_equal(char *const *a, char *const *b)
{
    size_t i = 0;

    while (a[i] && b[i] && !strcmp(a[i], b[i])) {
        i++;
    }
    return !a[i] && !b[i];
}

bool
nt_dnsmasq_plan_equal(const struct nt_dnsmasq_plan *a, const struct nt_dnsmasq_plan *b)
{
    return strings_equal(a->argv, b->argv) && strings_equal(a->env, b->env)
           && !strcmp(a->opts ? a->opts : "", b->opts ? b->opts : "");
}

static bool
same_cmdline(char *const *argv, const char *cmdline, size_t len)
{
    for (size_t i = 0; argv[i]; i++) {
        size_t n = strlen(argv[i]) + 1;

        if (n > len || memcmp(argv[i], cmdline, n)) {
            return false;
        }
        cmdline += n;
        len -= n;
    }
    return !len;
}

static bool
has_environment(char *const *env, const char *text, size_t len)
{
    for (size_t i = 0; env[i]; i++) {
        size_t n = strlen(env[i]) + 1;
        const char *p = text;
        const char *end = text + len;

        while (p < end && ((size_t) (end - p) < n || memcmp(p, env[i], n))) {
            p += strnlen(p, end - p) + 1;
        }
        if (p >= end) {
            return false;
        }
    }
    return true;
}

enum nt_dnsmasq_match
nt_dnsmasq_plan_match(const struct nt_dnsmasq_plan *plan, const struct nt_dnsmasq_proc *proc)
{
    const char *hosts = strrchr(plan->hosts_file, '/') + 1;
    const char *pid = strrchr(plan->pid_file, '/') + 1;

    /* The pid file is named in both ways of serving hosts. */
    if (!memmem(proc->cmdline, proc->cmdline_len, hosts, strlen(hosts))
        && !memmem(proc->cmdline, proc->cmdline_len, pid, strlen(pid))) {
        return NT_DNSMASQ_OTHER;
    }
    if (!same_cmdline(plan->argv, proc->cmdline, proc->cmdline_len)
        || (proc->environ && !has_environment(plan->env, proc->environ, proc->environ_len))) {
        return NT_DNSMASQ_CHANGED;
    }
    return NT_DNSMASQ_SAME;
}
