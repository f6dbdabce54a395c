#include <config.h>
#include "host/ip_plan.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define STATE_MAGIC "neutrino-ip-plan 1"
#define STATE_MAX (1024 * 1024)

void
nt_ip_plan_clear(struct nt_ip_plan *plan)
{
    free(plan->steps);
    *plan = (struct nt_ip_plan){ 0 };
}

int
nt_ip_observe(struct nt_nl *nl, const struct nt_nl_link *link, struct nt_ip_facts *out)
{
    struct nt_ip_facts facts = { .index = link->index };

    ovs_strlcpy(facts.name, link->name, sizeof facts.name);
    int error = nt_nl_addrs(nl, link->index, &facts.addrs, &facts.n_addrs);
    if (!error) {
        error = nt_nl_routes(nl, link->index, &facts.routes, &facts.n_routes);
    }
    if (error) {
        nt_ip_facts_clear(&facts);
        return error;
    }
    *out = facts;
    return 0;
}

void
nt_ip_facts_clear(struct nt_ip_facts *facts)
{
    free(facts->addrs);
    free(facts->routes);
    *facts = (struct nt_ip_facts){ 0 };
}

static struct nt_ip_step *
add_step(struct nt_ip_plan *plan, enum nt_ip_op op)
{
    if (plan->n == plan->allocated) {
        plan->steps = x2nrealloc(plan->steps, &plan->allocated, sizeof *plan->steps);
    }

    struct nt_ip_step *step = &plan->steps[plan->n++];
    *step = (struct nt_ip_step){ .op = op };
    return step;
}

static void
add_addr_step(struct nt_ip_plan *plan, enum nt_ip_op op, const struct nt_nl_addr *addr)
{
    add_step(plan, op)->addr = *addr;
}

static void
add_route_step(struct nt_ip_plan *plan, enum nt_ip_op op, const struct nt_nl_route *route)
{
    add_step(plan, op)->route = *route;
}

static bool
is_global(const struct nt_nl_addr *addr)
{
    return addr->scope == RT_SCOPE_UNIVERSE;
}

/* The address as it is to be added: 'secondary' and a lease's end are the kernel's
 * and the DHCP client's business. */
static struct nt_nl_addr
addr_for(const struct nt_nl_addr *addr, const struct nt_ip_facts *from,
         const struct nt_ip_facts *to)
{
    struct nt_nl_addr copy = *addr;
    size_t len = strlen(from->name);

    copy.index = to->index;
    copy.flags &= IFA_F_NOPREFIXROUTE;
    if (!strncmp(addr->label, from->name, len) && addr->label[len] == ':') {
        snprintf(copy.label, sizeof copy.label, "%.*s%s", (int) sizeof copy.label - 1, to->name,
                 addr->label + len);
    } else {
        ovs_strlcpy(copy.label, to->name, sizeof copy.label);
    }
    return copy;
}

/* Whether the kernel made this route for one of the addresses, and will again. */
static bool
comes_with_address(const struct nt_ip_facts *facts, const struct nt_nl_route *route)
{
    if (route->protocol != RTPROT_KERNEL || route->gateway) {
        return false;
    }
    for (size_t i = 0; i < facts->n_addrs; i++) {
        const struct nt_nl_addr *addr = &facts->addrs[i];
        struct nt_cidr cidr = { .ip = addr->peer ? addr->peer : addr->local, .len = addr->len };

        if (!(addr->flags & IFA_F_NOPREFIXROUTE) && route->len == addr->len
            && route->dst == nt_cidr_network(&cidr) && route->metric == addr->metric) {
            return true;
        }
    }
    return false;
}

/* Adds 'op' for the routes, those without a gateway first: a gateway must be
 * reachable when its route comes. */
static void
add_route_steps(struct nt_ip_plan *plan, enum nt_ip_op op, const struct nt_ip_facts *facts,
                int index)
{
    for (int with_gateway = 0; with_gateway <= 1; with_gateway++) {
        for (size_t i = 0; i < facts->n_routes; i++) {
            struct nt_nl_route route = facts->routes[i];

            if ((route.gateway != 0) == with_gateway && !comes_with_address(facts, &route)) {
                route.index = index;
                add_route_step(plan, op, &route);
            }
        }
    }
}

/* Deletes from the end, so that no secondary address goes with its primary one. */
static void
add_deletions(struct nt_ip_plan *plan, const struct nt_ip_facts *facts)
{
    for (size_t i = facts->n_addrs; i-- > 0;) {
        if (is_global(&facts->addrs[i])) {
            add_addr_step(plan, NT_IP_ADDR_DEL, &facts->addrs[i]);
        }
    }
}

void
nt_ip_plan_move(const struct nt_ip_facts *from, const struct nt_ip_facts *to,
                struct nt_ip_plan *out)
{
    struct nt_ip_plan plan = { 0 };

    for (size_t i = 0; i < from->n_addrs; i++) {
        if (is_global(&from->addrs[i])) {
            struct nt_nl_addr addr = addr_for(&from->addrs[i], from, to);
            add_addr_step(&plan, NT_IP_ADDR_ADD, &addr);
        }
    }
    add_route_steps(&plan, NT_IP_ROUTE_ADD, from, to->index);
    add_route_steps(&plan, NT_IP_ROUTE_DEL, from, from->index);
    add_deletions(&plan, from);
    *out = plan;
}

static bool
same_addr(const struct nt_nl_addr *a, const struct nt_nl_addr *b)
{
    return a->local == b->local && a->len == b->len;
}

void
nt_ip_plan_first(const struct nt_ip_facts *facts, const struct nt_nl_addr *wanted,
                 struct nt_ip_plan *out)
{
    struct nt_ip_plan plan = { 0 };
    const struct nt_nl_addr *first = NULL;

    *out = plan;
    for (size_t i = 0; i < facts->n_addrs && !first; i++) {
        if (is_global(&facts->addrs[i])) {
            first = &facts->addrs[i];
        }
    }
    if (first && same_addr(first, wanted) && first->broadcast == wanted->broadcast) {
        return;
    }

    add_deletions(&plan, facts);
    add_addr_step(&plan, NT_IP_ADDR_ADD, wanted);
    for (size_t i = 0; first && i < facts->n_addrs; i++) {
        if (is_global(&facts->addrs[i]) && !same_addr(&facts->addrs[i], wanted)) {
            struct nt_nl_addr addr = addr_for(&facts->addrs[i], facts, facts);
            add_addr_step(&plan, NT_IP_ADDR_ADD, &addr);
        }
    }
    if (first) {
        add_route_steps(&plan, NT_IP_ROUTE_ADD, facts, facts->index);
    }
    *out = plan;
}

static int
apply_step(struct nt_nl *nl, const struct nt_ip_step *step)
{
    int error;

    switch (step->op) {
    case NT_IP_ADDR_ADD:
        error = nt_nl_addr_add(nl, &step->addr);
        return error == -EEXIST ? 0 : error;
    case NT_IP_ADDR_DEL:
        error = nt_nl_addr_del(nl, &step->addr);
        return error == -EADDRNOTAVAIL ? 0 : error;
    case NT_IP_ROUTE_ADD:
        error = nt_nl_route_add(nl, &step->route);
        if (error == -ENETUNREACH && !step->route.onlink) {
            /* The gateway was reached by a way that is not moved. */
            struct nt_nl_route route = step->route;
            route.onlink = true;
            error = nt_nl_route_add(nl, &route);
        }
        return error == -EEXIST ? 0 : error;
    case NT_IP_ROUTE_DEL:
        error = nt_nl_route_del(nl, &step->route);
        return error == -ESRCH ? 0 : error;
    default:
        return -EINVAL;
    }
}

static bool
is_removal(const struct nt_ip_step *step)
{
    return step->op == NT_IP_ADDR_DEL || step->op == NT_IP_ROUTE_DEL;
}

static int
fail_step(const struct nt_ip_step *step, int error, struct nt_err *err)
{
    bool is_addr = step->op == NT_IP_ADDR_ADD || step->op == NT_IP_ADDR_DEL;
    struct nt_cidr cidr = {
        .ip = is_addr ? step->addr.local : step->route.dst,
        .len = is_addr ? step->addr.len : step->route.len,
    };
    char text[NT_CIDR_SIZE];

    nt_cidr_format(&cidr, text);
    return nt_fail_errno(err, -error, "cannot %s %s %s", is_removal(step) ? "delete" : "add",
                         is_addr ? "address" : "route", text);
}

int
nt_ip_plan_apply(struct nt_nl *nl, const struct nt_ip_plan *plan, struct nt_err *err)
{
    const struct nt_ip_step *failed = NULL;
    int failure = 0;

    /* After a failure the rest is still added, and nothing more is taken away: one
     * route too few is better than a host that nobody reaches. */
    for (size_t i = 0; i < plan->n; i++) {
        const struct nt_ip_step *step = &plan->steps[i];
        int error = failed && is_removal(step) ? 0 : apply_step(nl, step);

        if (error && !failed) {
            failed = step;
            failure = error;
        }
    }
    return failed ? fail_step(failed, failure, err) : 0;
}

static bool
read_boot_id(char boot_id[64])
{
    AUTO_FREE char *text = NULL;
    size_t len;

    if (nt_file_read("/proc/sys/kernel/random/boot_id", 63, &text, &len)) {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    ovs_strlcpy(boot_id, text, 64);
    return true;
}

static void
put_step(struct ds *ds, const struct nt_ip_step *step, const char *dev)
{
    if (step->op == NT_IP_ADDR_ADD) {
        const struct nt_nl_addr *a = &step->addr;
        ds_put_format(ds, "addr %s %u %u %u %u %u %u %u %s\n", dev, a->local, a->peer, a->broadcast,
                      a->len, a->scope, a->flags, a->metric, a->label[0] ? a->label : dev);
    } else if (step->op == NT_IP_ROUTE_ADD) {
        const struct nt_nl_route *r = &step->route;
        ds_put_format(ds, "route %s %u %u %u %u %u %u %u %u %u %d\n", dev, r->dst, r->len,
                      r->gateway, r->source, r->metric, r->mtu, r->scope, r->protocol, r->tos,
                      r->onlink);
    }
}

static int
write_state(struct nt_nl *nl, const struct nt_ip_plan *plan, const char *path, struct nt_err *err)
{
    char boot_id[64] = "";
    struct ds ds = DS_EMPTY_INITIALIZER;
    int error = 0;

    read_boot_id(boot_id);
    ds_put_format(&ds, "%s %s\n", STATE_MAGIC, boot_id);
    for (size_t i = 0; i < plan->n && !error; i++) {
        const struct nt_ip_step *step = &plan->steps[i];
        struct nt_nl_link link;

        if (is_removal(step)) {
            continue;
        }
        error = nt_nl_link_get_index(
            nl, step->op == NT_IP_ADDR_ADD ? step->addr.index : step->route.index, &link);
        if (!error) {
            put_step(&ds, step, link.name);
        }
    }

    int result = error ? nt_fail_errno(err, -error, "cannot note the addresses in %s", path)
                       : nt_file_replace(path, ds_cstr(&ds), ds.length, 0600, NULL, err);
    ds_destroy(&ds);
    return result;
}

int
nt_ip_plan_apply_safely(struct nt_nl *nl, const struct nt_ip_plan *plan, const char *state_file,
                        struct nt_err *err)
{
    if (!plan->n) {
        return 0;
    }
    if (state_file && write_state(nl, plan, state_file, err) < 0) {
        return -1;
    }
    if (nt_ip_plan_apply(nl, plan, err) < 0) {
        return -1;
    }
    nt_ip_finish(state_file);
    return 0;
}

/* Reads one line of a state file.  False when it is not one of ours. */
static bool
parse_step(const char *line, char dev[NT_NL_NAME_SIZE], struct nt_ip_step *step)
{
    struct nt_nl_addr *a = &step->addr;
    struct nt_nl_route *r = &step->route;
    unsigned len, scope, protocol, tos, onlink;

    *step = (struct nt_ip_step){ .op = NT_IP_ADDR_ADD };
    if (sscanf(line, "addr %15s %u %u %u %u %u %u %u %15s", dev, &a->local, &a->peer, &a->broadcast,
               &len, &scope, &a->flags, &a->metric, a->label)
        == 9) {
        a->len = (uint8_t) len;
        a->scope = (uint8_t) scope;
        return len <= 32;
    }

    step->op = NT_IP_ROUTE_ADD;
    if (sscanf(line, "route %15s %u %u %u %u %u %u %u %u %u %u", dev, &r->dst, &len, &r->gateway,
               &r->source, &r->metric, &r->mtu, &scope, &protocol, &tos, &onlink)
        == 11) {
        r->len = (uint8_t) len;
        r->scope = (uint8_t) scope;
        r->protocol = (uint8_t) protocol;
        r->tos = (uint8_t) tos;
        r->onlink = onlink != 0;
        return len <= 32;
    }
    return false;
}

static int
resume_line(struct nt_nl *nl, const char *line, struct nt_err *err)
{
    char dev[NT_NL_NAME_SIZE];
    struct nt_ip_step step;
    struct nt_nl_link link;

    if (!parse_step(line, dev, &step) || nt_nl_link_get(nl, dev, &link)) {
        return 0;
    }
    step.addr.index = step.route.index = link.index;

    int error = apply_step(nl, &step);
    return error ? fail_step(&step, error, err) : 0;
}

int
nt_ip_resume(struct nt_nl *nl, const char *state_file, struct nt_err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    int error = state_file ? nt_file_read(state_file, STATE_MAX, &text, &len) : -ENOENT;

    if (error == -ENOENT) {
        return 0;
    }
    if (error) {
        return nt_fail_errno(err, -error, "cannot read %s", state_file);
    }

    char boot_id[64] = "";
    char *save = NULL;
    read_boot_id(boot_id);
    AUTO_FREE char *head = xasprintf("%s %s", STATE_MAGIC, boot_id);
    char *line = strtok_r(text, "\n", &save);
    if (!line || strcmp(line, head)) {
        return 0;
    }
    while ((line = strtok_r(NULL, "\n", &save))) {
        if (resume_line(nl, line, err) < 0) {
            return nt_err_context(err, "cannot finish %s", state_file);
        }
    }
    return 0;
}

void
nt_ip_finish(const char *state_file)
{
    if (state_file) {
        (void) unlink(state_file);
    }
}
