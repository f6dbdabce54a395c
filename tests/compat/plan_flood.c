/* Prints the flows of a vxlan network (tag 1, key 5220) with tunnels at ports 100, 101 and so
 * on, for a switch to be asked what becomes of a frame:  plan_flood N_TUNNELS */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "agent/plan/br_tun.h"
#include "base/mem.h"

int
main(int argc, char *argv[])
{
    size_t n = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    int64_t *ofports = xcalloc(n + 1, sizeof *ofports);
    struct plan plan;

    for (size_t i = 0; i < n; i++) {
        ofports[i] = 100 + (int64_t) i;
    }
    plan_init(&plan);
    plan_br_tun_network(&plan, &(struct plan_network) { .lvlan = 1,
                                                        .network_type = "vxlan",
                                                        .segmentation_id = 5220,
                                                        .br_tun = "br-tun",
                                                        .flood_ofports = ofports,
                                                        .n_flood_ofports = n });
    for (size_t i = 0; i < plan.n; i++) {
        puts(plan.lines[i].flow);
    }
    plan_deinit(&plan);
    free(ofports);
    return 0;
}
