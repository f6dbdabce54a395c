/* The reader of iptables-save text and the plan made from it: whatever the kernel
 * is said to hold, applying the plan must leave nothing to do. */
#include <config.h>

#include "host/iptables_plan.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nt_iptables_want *
make_want(void)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);
    struct nt_iptables_chain *inst;

    nt_iptables_role_init(want, "nova-compute", NT_IPTABLES_RANK_COMPUTE);
    nt_iptables_role_claim(want, "nova-api", NT_IPTABLES_RANK_API);
    inst = nt_iptables_chain(want, NT_IPTABLES_FILTER, "nova-compute-inst-1");
    nt_iptables_rule(inst, "-s 10.0.0.0/24 -j ACCEPT");
    nt_iptables_rule(inst, "-j X");
    nt_iptables_rule(inst, "-j DROP");
    return want;
}

static void
converge(struct nt_iptables_state *state, const struct nt_iptables_want *want)
{
    struct nt_iptables_plan plan, again;

    if (nt_iptables_plan(state, want, &plan, NULL) < 0) {
        return;
    }
    if (plan.text && nt_iptables_state_load(state, plan.text, NULL) < 0) {
        abort();
    }
    if (nt_iptables_plan(state, want, &again, NULL) < 0 || again.text) {
        abort();
    }
    nt_iptables_plan_deinit(&plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmemdup0((const char *) data, size);
    AUTO(nt_iptables_state) state = nt_iptables_state_new();
    AUTO(nt_iptables_want) want = make_want();

    if (!nt_iptables_state_load(state, text, NULL)) {
        converge(state, want);
    }
    return 0;
}
