#include <config.h>

#include "cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/iptables_save.h"
#include "host/nft_walk.h"
#include "host/rule_walk.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"

/* Whose rules are in the way of what guests need.
 *
 * For each network, the packets that must get through are walked through every firewall
 * there is: both variants of iptables and the nftables of others.  A drop in a chain of
 * ours is meant; one in anybody else's is a finding. */

#define MAX_FINDINGS 8
#define METADATA_IP 0xa9fea9fe
#define SOMEWHERE_OUTSIDE 0xcb007101 /* 203.0.113.1 */

enum { NFT, LEGACY, N_VARIANTS };

static const char *const variant_names[N_VARIANTS] = { "iptables-nft", "iptables-legacy" };

struct rules {
    struct doctor *d;
    struct nt_iptables_state *variants[N_VARIANTS]; /* NULL: could not be read. */
    struct json *ruleset;                           /* NULL: there is no nft. */
    int own;                                        /* Variant that ours should be in. */
};

/* A packet that must get through, and the chains that see it. */
struct need {
    const char *check, *why;
    struct nt_walk_packet packet;
    const char *const *path; /* "TABLE CHAIN"s, in their order, NULL at the end. */
    const char *accept;      /* What would let it pass, behind "-I CHAIN". */
};

static const char *const input_path[] = { "raw PREROUTING", "mangle PREROUTING", "mangle INPUT",
                                          "filter INPUT",   "security INPUT",    NULL };
static const char *const output_path[] = { "raw OUTPUT",      "mangle OUTPUT",      "filter OUTPUT",
                                           "security OUTPUT", "mangle POSTROUTING", NULL };
static const char *const forward_path[] = { "raw PREROUTING",
                                            "mangle PREROUTING",
                                            "mangle FORWARD",
                                            "filter FORWARD",
                                            "security FORWARD",
                                            "mangle POSTROUTING",
                                            NULL };

/* Chains of ours: of a role's prefix, without a further '-' but for known kinds. */
static bool
is_ours(const char *chain)
{
    static const char *const roles[] = { "nova-network-", "nova-api-", "nova-compute-" };
    static const char *const kinds[] = { "inst-", "sg-", "float-" };

    if (!strcmp(chain, "nova-filter-top") || !strcmp(chain, "nova-postrouting-bottom")) {
        return true;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(roles); i++) {
        const char *name = chain + strlen(roles[i]);

        if (strncmp(chain, roles[i], strlen(roles[i]))) {
            continue;
        }
        for (size_t j = 0; j < NT_ARRAY_SIZE(kinds); j++) {
            if (!strncmp(name, kinds[j], strlen(kinds[j]))) {
                return true;
            }
        }
        return !strchr(name, '-');
    }
    return false;
}

static struct nt_iptables_state *
read_variant(int variant)
{
    AUTO_FREE char *program = xasprintf("%s-save", variant_names[variant]);
    const char *const argv[] = { program, NULL };
    AUTO_FREE char *text = doctor_run(argv);
    struct nt_iptables_state *state = nt_iptables_state_new();
    struct nt_err err;

    if (!text || nt_iptables_state_load(state, text, &err) < 0) {
        nt_iptables_state_free(state);
        return NULL;
    }
    return state;
}

/* The variant our programs use: the option, else what iptables of PATH is. */
static int
own_variant(const struct doctor *d)
{
    const char *option = nt_config_str(d->config, "iptables_variant");
    static const char *const argv[] = { "iptables", "--version", NULL };

    if (!strcmp(option, "auto")) {
        AUTO_FREE char *version = doctor_run(argv);

        return version && strstr(version, "legacy") ? LEGACY : NFT;
    }
    return !strcmp(option, "legacy") ? LEGACY : NFT;
}

/* Our own chains. */

static bool
has_ours(const struct nt_iptables_state *state)
{
    struct shash_node *node;

    if (!state) {
        return false;
    }
    SHASH_FOR_EACH (node, &state->tables) {
        const struct nt_iptables_saved_table *table = node->data;

        for (size_t i = 0; i < table->n_chains; i++) {
            if (is_ours(table->chains[i]->name)) {
                return true;
            }
        }
    }
    return false;
}

/* A jump that must be there. */
struct hook {
    const char *table, *chain, *target;
    bool network; /* Else compute. */
};

static const struct hook hooks[] = {
    { "filter", "INPUT", "nova-network-INPUT", true },
    { "filter", "FORWARD", "nova-filter-top", true },
    { "filter", "FORWARD", "nova-network-FORWARD", true },
    { "nat", "PREROUTING", "nova-network-PREROUTING", true },
    { "nat", "POSTROUTING", "nova-network-POSTROUTING", true },
    { "nat", "POSTROUTING", "nova-postrouting-bottom", true },
    { "filter", "INPUT", "nova-compute-INPUT", false },
    { "filter", "FORWARD", "nova-filter-top", false },
    { "filter", "FORWARD", "nova-compute-FORWARD", false },
};

static const char *
target_of(const char *rule, char *target, size_t size)
{
    static const struct nt_walk_packet any = { .proto = "tcp", .ctstate = "NEW" };
    bool is_goto;

    (void) nt_walk_rule(rule, &any, target, size, &is_goto);
    return target;
}

/* Looks for the jump.  '*before' is the first rule of others above it, or NULL. */
static bool
find_hook(const struct nt_iptables_state *state, const struct hook *h, const char **before)
{
    const struct nt_iptables_saved_table *table = nt_iptables_state_table(state, h->table);
    const struct nt_iptables_saved_chain *chain =
        table ? nt_iptables_saved_chain_find(table, h->chain) : NULL;

    *before = NULL;
    for (size_t i = 0; chain && i < chain->n_rules; i++) {
        const char *rule = chain->rules[i].text;
        char target[64];

        if (!strcmp(target_of(rule, target, sizeof target), h->target)) {
            return nt_iptables_saved_chain_find(table, h->target) != NULL;
        }
        if (!is_ours(target) && !*before) {
            *before = rule;
        }
    }
    return false;
}

static void
check_hooks(struct rules *r)
{
    struct doctor *d = r->d;
    const struct nt_iptables_state *state = r->variants[r->own];
    bool is_top = *nt_config_str(d->config, "iptables_top_regex");

    for (size_t i = 0; i < NT_ARRAY_SIZE(hooks); i++) {
        const struct hook *h = &hooks[i];
        const char *owner = h->network ? "neutrino-flat" : "neutrino-compute";
        AUTO_FREE char *check = xasprintf("chains: %s %s in %s", h->table, h->target, h->chain);
        const char *before;

        /* On a host of both kinds the shared chain is looked for once. */
        bool is_again = d->is_network && !h->network && !strcmp(h->target, "nova-filter-top");
        if (is_again || (h->network ? !d->is_network : !d->is_compute)) {
            continue;
        }
        if (!find_hook(state, h, &before)) {
            doctor_say(d, check, DOCTOR_FAIL,
                       xasprintf("%s does not jump to %s (%s)", h->chain, h->target,
                                 variant_names[r->own]),
                       xasprintf("systemctl restart %s  # it repairs its chains by itself within "
                                 "10 s while it runs",
                                 owner));
        } else if (before && !is_top) {
            doctor_say(
                d, check, DOCTOR_WARN,
                xasprintf("a rule of others stands above ours: -A %s %s", h->chain, before),
                xasprintf("%s -t %s -D %s %s", variant_names[r->own], h->table, h->chain, before));
        } else {
            doctor_say(d, check, DOCTOR_OK, NULL, NULL);
        }
    }
}

static void
check_variants(struct rules *r)
{
    int other = r->own == NFT ? LEGACY : NFT;
    const char *name = variant_names[other];

    doctor_check(r->d, "iptables variants", !has_ours(r->variants[other]),
                 xasprintf("chains of ours are in %s, which is not in use: both filter", name),
                 xasprintf("%s-save -c | grep -v -e 'nova-network' -e 'nova-api' -e 'nova-compute' "
                           "-e 'nova-filter-top' -e 'nova-postrouting-bottom' | %s-restore -c",
                           name, name));
}

/* Others' rules. */

struct finding {
    bool found;
    char *problem, *fix;
    bool is_sure;
};

static void
set_finding(struct finding *f, bool is_sure, char *problem, char *fix)
{
    if (f->found && (f->is_sure || !is_sure)) {
        free(problem);
        free(fix);
        return;
    }
    free(f->problem);
    free(f->fix);
    *f = (struct finding){ true, problem, fix, is_sure };
}

static void
look_in_chain(const struct rules *r, int variant, const char *place, const struct need *need,
              struct finding *f)
{
    const char *chain = strchr(place, ' ') + 1;
    AUTO_FREE char *table = xmemdup0(place, chain - place - 1);
    const char *program = variant_names[variant];
    struct nt_walk_verdict v;

    nt_walk_chain(nt_iptables_state_table(r->variants[variant], table), chain, &need->packet, &v);
    if (v.result != NT_WALK_STOP || is_ours(v.chain)) {
        return;
    }
    if (v.rule) {
        set_finding(f, v.is_sure,
                    xasprintf("%s %s: %s, chain %s of table %s: -A %s %s", need->why,
                              v.is_sure ? "dropped" : "may be dropped", program, v.chain, table,
                              v.chain, v.rule),
                    xasprintf("%s -t %s -D %s %s", program, table, v.chain, v.rule));
    } else {
        set_finding(
            f, v.is_sure,
            xasprintf("%s %s: %s, policy DROP of chain %s of table %s", need->why,
                      v.is_sure ? "dropped" : "may be dropped", program, v.chain, table),
            xasprintf("%s -t %s -I %s %s -j ACCEPT", program, table, v.chain, need->accept));
    }
}

/* The rule as nft prints it.  The caller frees. */
static char *
nft_rule_text(const struct nt_nft_finding *n)
{
    const char *const argv[] = {
        "nft", "-a", "list", "chain", n->family, n->table, n->chain, NULL
    };
    AUTO_FREE char *out = doctor_run(argv);
    AUTO_FREE char *mark = xasprintf(" # handle %lld", n->handle);
    char *save = NULL;

    for (char *line = out ? strtok_r(out, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *end = strstr(line, mark);

        if (end && !end[strlen(mark)]) {
            *end = '\0';
            return xstrdup(line + strspn(line, " \t"));
        }
    }
    return xasprintf("rule with handle %lld", n->handle);
}

static void
look_in_nft(const struct rules *r, const char *hook, const struct need *need, struct finding *f)
{
    struct nt_nft_finding found[MAX_FINDINGS];
    size_t n = nt_nft_walk(r->ruleset, hook, &need->packet, found, MAX_FINDINGS);

    for (size_t i = 0; i < n; i++) {
        const struct nt_nft_finding *at = &found[i];
        const char *bridge = need->packet.in ? need->packet.in : need->packet.out;
        AUTO_FREE char *text = at->rule ? nft_rule_text(at) : xstrdup("policy drop");
        char *fix = !strcmp(at->table, "firewalld")
                        ? xasprintf("firewall-cmd --permanent --zone=trusted --add-interface=%s && "
                                    "firewall-cmd --reload",
                                    bridge)
                    : at->rule ? xasprintf("nft delete rule %s %s %s handle %lld", at->family,
                                           at->table, at->chain, at->handle)
                               : xasprintf("nft add chain %s %s %s '{ policy accept ; }'",
                                           at->family, at->table, at->chain);

        set_finding(f, at->is_sure,
                    xasprintf("%s %s: nftables, chain %s of table %s %s: %s", need->why,
                              at->is_sure ? "dropped" : "may be dropped", at->chain, at->family,
                              at->table, text),
                    fix);
    }
}

static void
check_need(struct rules *r, const char *bridge, const struct need *need)
{
    struct finding f = { .found = false };
    AUTO_FREE char *check = xasprintf("firewall of %s: %s", bridge, need->check);
    static const char *const input_hooks[] = { "prerouting", "input", NULL };
    static const char *const output_hooks[] = { "output", "postrouting", NULL };
    static const char *const forward_hooks[] = { "prerouting", "forward", "postrouting", NULL };
    const char *const *nft_hooks = need->path == input_path    ? input_hooks
                                   : need->path == output_path ? output_hooks
                                                               : forward_hooks;

    for (int v = 0; v < N_VARIANTS; v++) {
        for (size_t i = 0; r->variants[v] && need->path[i]; i++) {
            look_in_chain(r, v, need->path[i], need, &f);
        }
    }
    for (size_t i = 0; r->ruleset && nft_hooks[i]; i++) {
        look_in_nft(r, nft_hooks[i], need, &f);
    }
    doctor_say(r->d, check,
               !f.found    ? DOCTOR_OK
               : f.is_sure ? DOCTOR_FAIL
                           : DOCTOR_WARN,
               f.problem, f.fix);
}

/* Somebody else's DNAT, ACCEPT or REDIRECT may take the metadata requests. */
static void
check_redirect(struct rules *r, const char *bridge, const struct nt_walk_packet *packet)
{
    AUTO_FREE char *check = xasprintf("firewall of %s: metadata redirect", bridge);
    bool ours = false;

    for (int v = 0; v < N_VARIANTS; v++) {
        const struct nt_iptables_saved_table *nat =
            r->variants[v] ? nt_iptables_state_table(r->variants[v], "nat") : NULL;
        struct nt_walk_verdict verdict;

        nt_walk_chain(nat, "PREROUTING", packet, &verdict);
        if (!verdict.rule) {
            continue;
        }
        if (!is_ours(verdict.chain)) {
            doctor_say(
                r->d, check, DOCTOR_FAIL,
                xasprintf("another rule takes metadata requests: %s, chain %s of table nat: "
                          "-A %s %s",
                          variant_names[v], verdict.chain, verdict.chain, verdict.rule),
                xasprintf("%s -t nat -D %s %s", variant_names[v], verdict.chain, verdict.rule));
            return;
        }
        ours = true;
    }
    doctor_check(r->d, check, ours,
                 xstrdup("no rule leads 169.254.169.254 to the metadata service"),
                 xstrdup("systemctl restart neutrino-flat"));
}

static void
check_network_host(struct rules *r, const struct doctor_network *n)
{
    const struct nt_config *config = r->d->config;
    const char *outside = nt_config_str(config, "public_interface");
    const char *bridge = n->bridge;
    uint32_t gateway = 0, metadata = 0;
    uint16_t metadata_port = nt_config_int(config, "metadata_port");
    bool ok = nt_ip4_parse(n->dhcp_server, &gateway)
              && nt_ip4_parse(nt_config_str(config, "metadata_host"), &metadata);
    bool metadata_is_here =
        metadata == 0x7f000001
        || !strcmp(nt_config_str(config, "metadata_host"), nt_config_str(config, "my_ip"));
    AUTO_FREE char *accept_dhcp = xasprintf("-i %s -p udp --dport 67", bridge);
    AUTO_FREE char *accept_answer = xasprintf("-o %s -p udp --sport 67", bridge);
    AUTO_FREE char *accept_dns = xasprintf("-i %s -p udp --dport 53", bridge);
    AUTO_FREE char *accept_metadata = xasprintf("-i %s -p tcp --dport %u", bridge, metadata_port);
    AUTO_FREE char *accept_out = xasprintf("-i %s", bridge);
    AUTO_FREE char *accept_back = xasprintf("-o %s", bridge);
    const struct need needs[] = {
        { "DHCP requests",
          "guests' DHCP requests are",
          { .in = bridge,
            .proto = "udp",
            .dst = UINT32_MAX,
            .sport = 68,
            .dport = 67,
            .ctstate = "NEW",
            .is_broadcast = true },
          input_path,
          accept_dhcp },
        { "DHCP answers",
          "DHCP answers to guests are",
          { .out = bridge,
            .proto = "udp",
            .src = gateway,
            .dst = n->guest,
            .sport = 67,
            .dport = 68,
            .ctstate = "ESTABLISHED" },
          output_path,
          accept_answer },
        { "DNS",
          "guests' DNS requests are",
          { .in = bridge,
            .proto = "udp",
            .src = n->guest,
            .dst = gateway,
            .sport = 40000,
            .dport = 53,
            .ctstate = "NEW",
            .is_local_dst = true },
          input_path,
          accept_dns },
        { "metadata",
          "guests' metadata requests are",
          { .in = bridge,
            .out = metadata_is_here ? NULL : outside,
            .proto = "tcp",
            .src = n->guest,
            .dst = metadata,
            .sport = 40000,
            .dport = metadata_port,
            .ctstate = "NEW",
            .is_local_dst = metadata_is_here },
          metadata_is_here ? input_path : forward_path,
          accept_metadata },
        { "traffic out",
          "guests' packets to the outside are",
          { .in = bridge,
            .out = outside,
            .proto = "tcp",
            .src = n->guest,
            .dst = SOMEWHERE_OUTSIDE,
            .sport = 40000,
            .dport = 443,
            .ctstate = "NEW" },
          forward_path,
          accept_out },
        { "traffic back",
          "answers to guests from the outside are",
          { .in = outside,
            .out = bridge,
            .proto = "tcp",
            .src = SOMEWHERE_OUTSIDE,
            .dst = n->guest,
            .sport = 443,
            .dport = 40000,
            .ctstate = "ESTABLISHED" },
          forward_path,
          accept_back },
    };
    struct nt_walk_packet request = { .in = bridge,
                                      .proto = "tcp",
                                      .src = n->guest,
                                      .dst = METADATA_IP,
                                      .sport = 40000,
                                      .dport = 80,
                                      .ctstate = "NEW",
                                      .is_local_dst = true };

    for (size_t i = 0; ok && i < NT_ARRAY_SIZE(needs); i++) {
        check_need(r, bridge, &needs[i]);
    }
    check_redirect(r, bridge, &request);
}

/* Bridged frames pass FORWARD, with the bridge as both interfaces. */
static void
check_compute_host(struct rules *r, const struct doctor_network *n)
{
    const char *bridge = n->bridge;
    uint32_t gateway = 0;
    AUTO_FREE char *accept = xasprintf("-i %s", bridge);
    bool has_gateway = nt_ip4_parse(n->dhcp_server, &gateway);
    const struct need needs[] = {
        { "bridged DHCP requests",
          "guests' DHCP requests are",
          { .in = bridge,
            .out = bridge,
            .proto = "udp",
            .dst = UINT32_MAX,
            .sport = 68,
            .dport = 67,
            .ctstate = "NEW",
            .is_broadcast = true,
            .is_bridged = true },
          forward_path,
          accept },
        { "bridged DHCP answers",
          "DHCP answers to guests are",
          { .in = bridge,
            .out = bridge,
            .proto = "udp",
            .src = gateway,
            .dst = n->guest,
            .sport = 67,
            .dport = 68,
            .ctstate = "ESTABLISHED",
            .is_bridged = true },
          forward_path,
          accept },
        { "bridged traffic",
          "guests' packets are",
          { .in = bridge,
            .out = bridge,
            .proto = "tcp",
            .src = n->guest,
            .dst = SOMEWHERE_OUTSIDE,
            .sport = 40000,
            .dport = 443,
            .ctstate = "NEW",
            .is_bridged = true },
          forward_path,
          accept },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(needs); i++) {
        if (i != 1 || (has_gateway && n->guest)) {
            check_need(r, bridge, &needs[i]);
        }
    }
}

void
doctor_rules(struct doctor *d)
{
    static const char *const nft[] = { "nft", "-a", "-j", "list", "ruleset", NULL };
    struct rules r = { .d = d };

    if (!d->is_network && !d->is_compute) {
        return;
    }

    AUTO_FREE char *text = doctor_run(nft);
    r.ruleset = text ? json_from_string(text) : NULL;
    r.own = own_variant(d);
    for (int v = 0; v < N_VARIANTS; v++) {
        r.variants[v] = read_variant(v);
    }
    if (!r.variants[r.own]) {
        doctor_say(d, "chains", DOCTOR_FAIL,
                   xasprintf("%s-save does not work here", variant_names[r.own]),
                   xstrdup("apt-get install iptables"));
    } else {
        check_hooks(&r);
        check_variants(&r);
    }
    for (size_t i = 0; i < d->n_networks; i++) {
        if (d->is_network) {
            check_network_host(&r, &d->networks[i]);
        }
        if (d->is_compute) {
            check_compute_host(&r, &d->networks[i]);
        }
    }
    for (int v = 0; v < N_VARIANTS; v++) {
        nt_iptables_state_free(r.variants[v]);
    }
    json_destroy(r.ruleset);
}
