#include <config.h>

#include "host/bridge_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(bridge_rules);

#define TABLE "bridge neutrino-flat"
#define CHILD_LIMIT_MS 30000
#define RETRY_MS 2000

struct nt_bridge_rules {
    struct nt_children *children;
    const struct nt_clock *clock;
    struct nt_child *child; /* Under way. */
    char *want, *applying;
    bool is_settled; /* 'want' was seen in the kernel, or written. */
    int64_t retry_at;
};

static void
put_chain(struct ds *text, const char *chain, const char *priority)
{
    ds_put_format(text, "%s\tchain %s {\n\t\ttype filter hook %s priority %s; policy accept;\n",
                  text->length ? "\n" : "table " TABLE " {\n", chain, chain, priority);
}

static void
put_shared(struct ds *text, const struct nt_shared_gateway *shared, size_t n)
{
    put_chain(text, "input", "filter");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(text, "\t\tiifname \"%s\" arp daddr ip %s drop\n", shared[i].interface,
                      shared[i].address);
    }
    ds_put_cstr(text, "\t}\n");
    put_chain(text, "output", "filter");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(text, "\t\toifname \"%s\" arp saddr ip %s drop\n", shared[i].interface,
                      shared[i].address);
    }
    ds_put_cstr(text, "\t}\n");
    put_chain(text, "forward", "filter");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(text,
                      "\t\tiifname \"%s\" udp dport 67-68 drop\n"
                      "\t\toifname \"%s\" udp dport 67-68 drop\n",
                      shared[i].interface, shared[i].interface);
    }
    ds_put_cstr(text, "\t}\n");
}

static void
put_redirects(struct ds *text, const struct nt_bridge_redirect *redirects, size_t n)
{
    put_chain(text, "prerouting", "dstnat");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(text,
                      "\t\tip saddr %s ip daddr != %s ether daddr set %s meta pkttype set host\n",
                      redirects[i].fixed_address, redirects[i].cidr, redirects[i].mac);
    }
    ds_put_cstr(text, "\t}\n");
}

char *
nt_bridge_rules_text(const struct nt_bridge_want *want)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    if (want->n_shared) {
        put_shared(&text, want->shared, want->n_shared);
    }
    if (want->n_redirects) {
        put_redirects(&text, want->redirects, want->n_redirects);
    }
    if (text.length) {
        ds_put_cstr(&text, "}\n");
    }
    return ds_steal_cstr(&text);
}

struct nt_bridge_rules *
nt_bridge_rules_new(struct nt_children *children, const struct nt_clock *clock)
{
    struct nt_bridge_rules *g = xzalloc(sizeof *g);

    g->children = children;
    g->clock = clock;
    g->want = xstrdup("");
    return g;
}

void
nt_bridge_rules_free(struct nt_bridge_rules *g)
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
nt_bridge_rules_set(struct nt_bridge_rules *g, const struct nt_bridge_want *wanted)
{
    char *want = nt_bridge_rules_text(wanted);

    if (strcmp(want, g->want)) {
        g->is_settled = false;
    }
    free(g->want);
    g->want = want;
}

bool
nt_bridge_rules_is_settled(const struct nt_bridge_rules *g)
{
    return g->is_settled;
}

void
nt_bridge_rules_recheck(struct nt_bridge_rules *g)
{
    /* Where nothing is wanted nobody minds a table that somebody made. */
    if (*g->want) {
        g->is_settled = false;
    }
}

static void
fail(struct nt_bridge_rules *g, const struct nt_child_result *result)
{
    char why[200];

    g->retry_at = nt_mono_ms(g->clock) + RETRY_MS;
    if (*g->want) {
        nt_child_describe(result, why, sizeof why);
        nt_warn_rl("rules of the bridge not written", "table", TABLE, "why", why, NULL);
    } else {
        g->is_settled = true; /* No nft here, and no need of it. */
    }
}

static void
start(struct nt_bridge_rules *g, const char *const *argv, const char *input, nt_child_cb *cb)
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
            nt_warn_rl("rules of the bridge not written", "why", err.msg, NULL);
        }
    }
}

static void
applied(void *g_, const struct nt_child_result *result)
{
    struct nt_bridge_rules *g = g_;

    g->child = NULL;
    if (!nt_child_ok(result)) {
        fail(g, result);
    } else {
        g->is_settled = !strcmp(g->applying, g->want);
        nt_info("rules of the bridge written", NULL);
    }
    free(TAKE(g->applying));
}

static void
listed(void *g_, const struct nt_child_result *result)
{
    static const char *const nft[] = { "nft", "-f", "-", NULL };
    struct nt_bridge_rules *g = g_;
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
nt_bridge_rules_run(struct nt_bridge_rules *g)
{
    static const char *const list[] = { "nft",           "-s", "list", "table", "bridge",
                                        "neutrino-flat", NULL };

    if (!g->is_settled && !g->child && nt_mono_ms(g->clock) >= g->retry_at) {
        start(g, list, NULL, listed);
    }
}

void
nt_bridge_rules_wait(struct nt_bridge_rules *g)
{
    if (!g->is_settled && !g->child) {
        poll_timer_wait_until(g->retry_at);
    }
}
