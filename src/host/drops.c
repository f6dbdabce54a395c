#include <config.h>

#include "host/drops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(drops);

#define CHILD_LIMIT_MS 30000

enum { NFT, IPTABLES, IP6TABLES, N_COMMANDS };

struct nt_drops {
    struct nt_children *children;
    struct nt_child *child; /* Under way. */
    size_t step;            /* Its command. */
    const char *argv[N_COMMANDS][8];
    size_t n_commands;
    struct nt_drops_table table, reading;
};

static void
add(struct nt_drops_table *t, const char *reason, uint64_t packets)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!strcmp(t->values[i].reason, reason)) {
            t->values[i].packets += packets;
            return;
        }
    }
    if (t->n < NT_DROPS_MAX) {
        ovs_strlcpy(t->values[t->n].reason, reason, sizeof t->values[0].reason);
        t->values[t->n++].packets = packets;
    }
}

void
nt_drops_parse_nft(const char *text, struct nt_drops_table *out)
{
    const char *at = text;
    char reason[32];
    uint64_t packets;

    /* "counter NAME {", then "packets N bytes N". */
    while ((at = strstr(at, "counter "))) {
        int n = 0;

        at += strlen("counter ");
        if (sscanf(at, "%31[A-Za-z0-9-] { packets %" SCNu64 "%n", reason, &packets, &n) == 2) {
            add(out, reason, packets);
        }
        at += n;
    }
}

void
nt_drops_parse_iptables(const char *text, struct nt_drops_table *out)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *saved = NULL;

    /* "-A CHAIN ... -c PACKETS BYTES -j DROP". */
    for (char *line = strtok_r(copy, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved)) {
        const char *count = strstr(line, " -c ");
        uint64_t packets;

        if (!strncmp(line, "-A ", 3) && count && sscanf(count, " -c %" SCNu64, &packets) == 1) {
            add(out, "connections", packets);
        }
    }
}

static void
add_iptables(struct nt_drops *d, const char *program)
{
    if (program) {
        const char *const argv[] = { program, "-w", "10", "-v", "-S", NT_DROPS_CHAIN, NULL };

        memcpy(d->argv[d->n_commands++], argv, sizeof argv);
    }
}

struct nt_drops *
nt_drops_new(struct nt_children *children, const char *iptables, const char *ip6tables)
{
    static const char *const nft[] = { "nft",    "list",           "counters", "table",
                                       "bridge", "neutrino-guard", NULL };
    struct nt_drops *d = xzalloc(sizeof *d);

    d->children = children;
    memcpy(d->argv[d->n_commands++], nft, sizeof nft);
    add_iptables(d, iptables);
    add_iptables(d, ip6tables);
    return d;
}

void
nt_drops_free(struct nt_drops *d)
{
    if (d) {
        if (d->child) {
            nt_child_forget(d->child);
        }
        free(d);
    }
}

const struct nt_drops_table *
nt_drops_get(const struct nt_drops *d)
{
    return &d->table;
}

const char *const *
nt_drops_command(const struct nt_drops *d, size_t i)
{
    return i < d->n_commands ? d->argv[i] : NULL;
}

void
nt_drops_parse(size_t i, const char *text, struct nt_drops_table *out)
{
    if (i == NFT) {
        nt_drops_parse_nft(text, out);
    } else {
        nt_drops_parse_iptables(text, out);
    }
}

static void start(struct nt_drops *);

/* A table or chain that is not there has dropped nothing. */
static void
done(void *d_, const struct nt_child_result *result)
{
    struct nt_drops *d = d_;

    d->child = NULL;
    if (nt_child_ok(result)) {
        nt_drops_parse(d->step, result->out, &d->reading);
    }
    d->step++;
    if (d->step < d->n_commands) {
        start(d);
    } else {
        d->table = d->reading;
    }
}

static void
start(struct nt_drops *d)
{
    const struct nt_child_opts opts = { .argv = d->argv[d->step], .timeout_ms = CHILD_LIMIT_MS };
    struct nt_err err = { 0 };

    if (nt_child_start(d->children, &opts, done, d, &d->child, &err) < 0) {
        d->child = NULL;
        nt_warn_rl("drops not counted", "why", err.msg, NULL);
    }
}

void
nt_drops_read(struct nt_drops *d)
{
    if (!d->child) {
        d->step = 0;
        d->reading.n = 0;
        start(d);
    }
}
