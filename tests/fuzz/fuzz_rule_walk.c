/* Any bytes as iptables-save's text and, if they are JSON, as nft's: a packet's walk
 * through them ends, and what it names is there. */
#include <config.h>

#include "host/rule_walk.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "host/nft_walk.h"
#include "openvswitch/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct nt_walk_packet packet = {
    .in = "br100",
    .out = "eth1",
    .proto = "udp",
    .src = 0x0a000002,
    .dst = 0xffffffff,
    .sport = 68,
    .dport = 67,
    .ctstate = "NEW",
};

static void
walk_nft(const char *text)
{
    struct json *json = json_from_string(text);
    struct nt_nft_finding found[4];
    size_t n = nt_nft_walk(json, "input", &packet, found, 4);

    for (size_t i = 0; i < n; i++) {
        if (!found[i].chain || (!found[i].rule && found[i].handle != -1)) {
            abort();
        }
    }
    json_destroy(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmemdup0((const char *) data, size);
    AUTO(nt_iptables_state) state = nt_iptables_state_new();
    struct nt_walk_verdict verdict;

    if (size && *text == '{') {
        walk_nft(text);
    } else if (!nt_iptables_state_load(state, text, NULL)) {
        nt_walk_chain(nt_iptables_state_table(state, "filter"), "INPUT", &packet, &verdict);
        if (verdict.result == NT_WALK_STOP && !verdict.chain) {
            abort();
        }
    }
    return 0;
}
