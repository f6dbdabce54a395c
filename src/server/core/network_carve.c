#include <config.h>

#include "server/core/network_carve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define MAX_NETWORKS 1024

/* What is cut, and into what. */
struct cut {
    struct nt_cidr range;
    int64_t n;
    unsigned len; /* Prefix of each. */
    int capped;
};

/* Smallest prefix whose networks hold 'size' addresses. */
static unsigned
prefix_for(int64_t size)
{
    unsigned len = 32;

    while (len > 0 && (INT64_C(1) << (32 - len)) < size) {
        len--;
    }
    return len;
}

static int
check_single(const struct network_create *wish, struct nt_err *err)
{
    const struct {
        const char *name, *text;
    } single[] = {
        { "id", wish->id },
        { "gateway", wish->gateway_ip },
        { "cidr_v6", wish->cidr_v6 },
        { "dhcp_server", wish->dhcp_server },
        { "gateway_v6", wish->gateway_v6 },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(single); i++) {
        if (*single[i].text) {
            return nt_fail(err, NT_INVALID, "network: %s can be given to one network only",
                           single[i].name);
        }
    }
    return 0;
}

static int
check_numbers(const struct network_carving *c, int64_t n, struct nt_err *err)
{
    if (n < 1 || n > MAX_NETWORKS) {
        return nt_fail(err, NT_INVALID, "network: num_networks must be 1 to %d", MAX_NETWORKS);
    }
    if (c->network_size && (c->network_size < 4 || c->network_size > INT64_C(1) << 24)) {
        return nt_fail(err, NT_INVALID, "network: network_size must be 4 to %d", 1 << 24);
    }
    return n > 1 ? check_single(&c->wish, err) : 0;
}

static int
plan_cut(const struct core_env *env, const struct network_carving *c, const char *range,
         struct cut *cut, struct nt_err *err)
{
    if (!nt_cidr_parse(range, &cut->range)) {
        return nt_fail(err, NT_INVALID, "network: cidr %s is not an IPv4 network", range);
    }
    cut->range.ip = nt_cidr_network(&cut->range);
    cut->n = c->num_networks ? c->num_networks : env->num_networks;
    if (check_numbers(c, cut->n, err) < 0) {
        return -1;
    }

    int64_t size = INT64_C(1) << (32 - cut->range.len);
    int64_t each = c->network_size ? c->network_size : size / cut->n;
    bool is_capped = !c->network_size && each > env->network_size
                     && (env->network_size_is_set || cut->n > 1 || !*c->wish.cidr);

    each = is_capped ? env->network_size : each;
    cut->len = prefix_for(each);
    cut->capped = is_capped ? (int) cut->len : 0;
    if (!c->network_size && !is_capped && cut->n > 1) {
        cut->len += (INT64_C(1) << (32 - cut->len)) > each; /* So that all fit. */
    }
    if (cut->len < cut->range.len || cut->n > size >> (32 - cut->len)) {
        return nt_fail(err, NT_INVALID,
                       "network: cidr %s does not hold %" PRId64 " networks of %" PRId64
                       " addresses",
                       range, cut->n, INT64_C(1) << (32 - cut->len));
    }
    return 0;
}

static int
has_network(struct store *store, const char *cidr, struct nt_err *err)
{
    int64_t one;

    return store_get_int(store, &one, err, "SELECT 1 FROM subnets WHERE cidr = ?", "t", cidr);
}

/* Several networks are told apart by a number. */
static int
name_wish(const struct cut *cut, size_t i, struct network_create *wish, struct nt_err *err)
{
    size_t len = strlen(wish->name);

    if (cut->n > 1 && len + 6 >= sizeof wish->name) {
        return nt_fail(err, NT_INVALID, "network: label is too long");
    }
    if (cut->n > 1) {
        snprintf(wish->name + len, sizeof wish->name - len, "_%zu", i);
    }
    return 0;
}

/* The next network, in the first subnet from '*ip' on that nobody has; none left: 1. */
static int
next_range(struct store *store, const struct cut *cut, uint64_t *ip, char out[NT_CIDR_SIZE],
           struct nt_err *err)
{
    uint64_t end = (uint64_t) cut->range.ip + (UINT64_C(1) << (32 - cut->range.len));

    while (*ip < end) {
        const struct nt_cidr subnet = { .ip = (uint32_t) *ip, .len = cut->len };
        char cidr[NT_CIDR_SIZE];

        nt_cidr_format(&subnet, cidr);
        *ip += UINT64_C(1) << (32 - cut->len);

        int rc = has_network(store, cidr, err);
        if (rc <= 0) {
            ovs_strlcpy(out, cidr, NT_CIDR_SIZE);
            return rc;
        }
    }
    return 1;
}

int
networks_carve(struct store *store, const struct core_env *env, const struct network_carving *c,
               struct network_carved *out, struct changes *changes, struct nt_err *err)
{
    const char *range = *c->wish.cidr ? c->wish.cidr : env->fixed_range;
    struct network_list list = { NULL, 0 };
    struct cut cut;

    if (!*c->wish.name) {
        return nt_fail(err, NT_INVALID, "network: label is missing");
    }
    if (!*range) {
        return nt_fail(err, NT_INVALID, "network: cidr is missing (and fixed_range is not set)");
    }
    if (plan_cut(env, c, range, &cut, err) < 0) {
        return -1;
    }
    list.at = xcalloc(cut.n, sizeof *list.at);

    int rc = 0;
    uint64_t ip = cut.range.ip;
    while (!rc && (int64_t) list.n < cut.n) {
        struct network_create wish = c->wish;

        rc = next_range(store, &cut, &ip, wish.cidr, err);
        if (rc > 0) {
            rc = nt_fail(err, NT_CONFLICT, "network: cidr %s already in use", range);
        } else if (!rc) {
            rc = name_wish(&cut, list.n, &wish, err) < 0
                         || network_create(store, env, &wish, &list.at[list.n], changes, err) < 0
                     ? -1
                     : 0;
            list.n += !rc;
        }
    }
    if (rc < 0) {
        network_list_clear(&list);
        return -1;
    }
    *out = (struct network_carved){ list, cut.capped };
    return 0;
}
