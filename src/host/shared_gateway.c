#include <config.h>

#include "host/shared_gateway.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(shared_gateway);

#define TABLE "bridge neutrino-shared"
#define CHILD_LIMIT_MS 30000
#define RETRY_MS 2000

struct nt_shared_gateway {
    struct nt_children *children;
    const struct nt_clock *clock;
    struct nt_child *child; /* Under way. */
    char *want, *applying;
    bool is_settled; /* 'want' was seen in the kernel, or written. */
    int64_t retry_at;
};

/* One line per network in each of three places a frame can pass. */
static const struct {
    const char *chain;
    const char *rules[2]; /* With the interface, then the address where it has one. */
    bool has_address;
} chains[] = {
    { "input", { "\t\tiifname \"%s\" arp daddr ip %s drop\n" }, true },
    { "output", { "\t\toifname \"%s\" arp saddr ip %s drop\n" }, true },
    { "forward",
      { "\t\tiifname \"%s\" udp dport 67-68 drop\n", "\t\toifname \"%s\" udp dport 67-68 drop\n" },
      false },
};

static void
put_rule(struct ds *text, const char *format, const struct nt_shared_gateway_rule *rule)
{
    const char *values[] = { rule->interface, rule->address };
    const char *rest = format;

    for (size_t i = 0; i < NT_ARRAY_SIZE(values) && strstr(rest, "%s"); i++) {
        size_t len = strstr(rest, "%s") - rest;

        ds_put_buffer(text, rest, len);
        ds_put_cstr(text, values[i]);
        rest += len + 2;
    }
    ds_put_cstr(text, rest);
}

char *
nt_shared_gateway_text(const struct nt_shared_gateway_rule *rules, size_t n)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t c = 0; n && c < NT_ARRAY_SIZE(chains); c++) {
        ds_put_format(&text,
                      "%s\tchain %s {\n\t\ttype filter hook %s priority filter; policy accept;\n",
                      c ? "\n" : "table " TABLE " {\n", chains[c].chain, chains[c].chain);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < NT_ARRAY_SIZE(chains[c].rules) && chains[c].rules[j]; j++) {
                put_rule(&text, chains[c].rules[j], &rules[i]);
            }
        }
        ds_put_cstr(&text, "\t}\n");
    }
    if (n) {
        ds_put_cstr(&text, "}\n");
    }
    return ds_steal_cstr(&text);
}

struct nt_shared_gateway *
nt_shared_gateway_new(struct nt_children *children, const struct nt_clock *clock)
{
    struct nt_shared_gateway *g = xzalloc(sizeof *g);

    g->children = children;
    g->clock = clock;
    g->want = xstrdup("");
    return g;
}

void
nt_shared_gateway_free(struct nt_shared_gateway *g)
{
    if (g) {
        if (g->child) {
            nt_child_forget(g->child);
        }
        free(g->want);
        free(g->applying);
        free(g);
    }
}

void
nt_shared_gateway_set(struct nt_shared_gateway *g, const struct nt_shared_gateway_rule *rules,
                      size_t n)
{
    char *want = nt_shared_gateway_text(rules, n);

    if (strcmp(want, g->want)) {
        g->is_settled = false;
    }
    free(g->want);
    g->want = want;
}

bool
nt_shared_gateway_is_settled(const struct nt_shared_gateway *g)
{
    return g->is_settled;
}

void
nt_shared_gateway_recheck(struct nt_shared_gateway *g)
{
    /* Where nothing is wanted nobody minds a table that somebody made. */
    if (*g->want) {
        g->is_settled = false;
    }
}

static void
fail(struct nt_shared_gateway *g, const struct nt_child_result *result)
{
    char why[200];

    g->retry_at = nt_mono_ms(g->clock) + RETRY_MS;
    if (*g->want) {
        nt_child_describe(result, why, sizeof why);
        nt_warn_rl("rules of a shared gateway not written", "table", TABLE, "why", why, NULL);
    } else {
        g->is_settled = true; /* No nft here, and no need of it. */
    }
}

static void
start(struct nt_shared_gateway *g, const char *const *argv, const char *input, nt_child_cb *cb)
{
    const struct nt_child_opts opts = {
        .argv = argv,
        .input = input,
        .input_len = input ? strlen(input) : 0,
        .timeout_ms = CHILD_LIMIT_MS,
    };
    struct nt_err err = { 0 };

    if (nt_child_start(g->children, &opts, cb, g, &g->child, &err) < 0) {
        g->child = NULL;
        g->retry_at = nt_mono_ms(g->clock) + RETRY_MS;
        g->is_settled = !*g->want;
        if (*g->want) {
            nt_warn_rl("rules of a shared gateway not written", "why", err.msg, NULL);
        }
    }
}

static void
applied(void *g_, const struct nt_child_result *result)
{
    struct nt_shared_gateway *g = g_;

    g->child = NULL;
    if (!nt_child_ok(result)) {
        fail(g, result);
    } else {
        g->is_settled = !strcmp(g->applying, g->want);
        nt_info("rules of shared gateways written", NULL);
    }
    free(TAKE(g->applying));
}

static void
listed(void *g_, const struct nt_child_result *result)
{
    static const char *const nft[] = { "nft", "-f", "-", NULL };
    struct nt_shared_gateway *g = g_;
    bool no_table = strstr(result->err_out, "No such file or directory");

    g->child = NULL;
    if (!nt_child_ok(result) && !no_table) {
        fail(g, result);
    } else if (!strcmp(no_table ? "" : result->out, g->want)) {
        g->is_settled = true;
    } else {
        AUTO_FREE char *input = xasprintf("table " TABLE "\ndelete table " TABLE "\n%s", g->want);

        g->applying = xstrdup(g->want);
        start(g, nft, input, applied);
    }
}

void
nt_shared_gateway_run(struct nt_shared_gateway *g)
{
    static const char *const list[] = { "nft", "-s", "list", "table", "bridge", "neutrino-shared",
                                        NULL };

    if (!g->is_settled && !g->child && nt_mono_ms(g->clock) >= g->retry_at) {
        start(g, list, NULL, listed);
    }
}

void
nt_shared_gateway_wait(struct nt_shared_gateway *g)
{
    if (!g->is_settled && !g->child) {
        poll_timer_wait_until(g->retry_at);
    }
}
