/* What tests of the core share: a real database in a directory of its own, a clock
 * that stands still until moved, and a network to start from.  Only for tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "server/core/hosts.h"
#include "server/core/images.h"
#include "server/core/instances.h"
#include "server/core/ipam.h"
#include "server/core/networks.h"

struct core_test {
    struct nt_clock clock; /* First: the clock's functions get its address. */
    int64_t now;
    char dir[64];
    char url[128];
    struct store *store;
    struct nt_random *random;
    struct core_env env;
    struct changes changes;
    struct nt_err err;
    char image_id[NT_UUID_SIZE];
};

static inline int64_t
core_test_now(const struct nt_clock *clock)
{
    return ((const struct core_test *) (const void *) clock)->now;
}

/* cmocka's setup: an open database, in a transaction, with one image. */
static inline int
core_test_setup(void **state)
{
    struct core_test *t = xzalloc(sizeof *t);
    struct nt_image image = { .name = "cirros", .location = "/images/cirros" };

    t->clock.mono_ms = core_test_now;
    t->clock.wall_ms = core_test_now;
    t->now = INT64_C(1700000000000);
    strcpy(t->dir, "/tmp/nt-test-core-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    snprintf(t->url, sizeof t->url, "sqlite:///%s/db.sqlite", t->dir);
    t->random = nt_random_system();
    core_env_init(&t->env, &t->clock, t->random);
    assert_int_equal(store_open(t->url, &t->store, &t->err), 0);
    assert_int_equal(store_begin(t->store, &t->err), 0);
    assert_int_equal(image_put(t->store, &t->env, &image, &t->err), 0);
    strcpy(t->image_id, image.id);
    *state = t;
    return 0;
}

static inline int
core_test_teardown(void **state)
{
    struct core_test *t = *state;

    store_free(t->store);
    nt_random_free(t->random);
    changes_clear(&t->changes);
    assert_int_equal(nt_remove_tree(t->dir), 0);
    free(t);
    return 0;
}

#define CORE_TEST(name) cmocka_unit_test_setup_teardown(name, core_test_setup, core_test_teardown)

/* Success, with the reason when it is none. */
#define CORE_OK(t, expr)                             \
    do {                                             \
        if ((expr) < 0) {                            \
            fail_msg("%s: %s", #expr, (t)->err.msg); \
        }                                            \
    } while (0)

#define CORE_FAILS(t, want, expr)                \
    do {                                         \
        (t)->err = (struct nt_err){ 0 };         \
        assert_int_equal((expr), -1);            \
        assert_int_equal((t)->err.code, (want)); \
    } while (0)

static inline struct network_row
core_test_network(struct core_test *t, const char *name, const char *cidr)
{
    struct network_create wish = { .multi_host = -1 };
    struct network_row row;

    strcpy(wish.name, name);
    strcpy(wish.cidr, cidr);
    CORE_OK(t, network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
    return row;
}

static inline const char *
core_test_report(struct core_test *t, const char *host, const char *topic, bool start)
{
    static struct nt_report_state_result result;
    struct nt_report_state_args args = { .start_flag = start, .ram_mb = 4096, .vcpus = 2 };

    snprintf(args.host, sizeof args.host, "%s", host);
    snprintf(args.binary, sizeof args.binary, "neutrino-%s", topic);
    snprintf(args.topic, sizeof args.topic, "%s", topic);
    CORE_OK(t, host_report_state(t->store, &t->env, &args, &result, &t->err));
    return result.status;
}

/* An instance of m1.tiny on the given networks (n 0: all); returns its id in 'id'. */
static inline int
core_test_try_boot(struct core_test *t, const char *name, const struct instance_network *networks,
                   size_t n, char id[NT_UUID_SIZE])
{
    struct instance_create wish = {
        .name = name,
        .project_id = "demo",
        .user_id = "joe",
        .flavor_id = "1",
        .image_id = t->image_id,
        .networks = networks,
        .n_networks = n,
    };
    struct nt_instance instance;
    int rc = instance_create(t->store, &t->env, &wish, &instance, &t->changes, &t->err);

    if (!rc) {
        strcpy(id, instance.id);
        nt_instance_clear(&instance);
    }
    return rc;
}

static inline void
core_test_boot(struct core_test *t, const char *name, char id[NT_UUID_SIZE])
{
    CORE_OK(t, core_test_try_boot(t, name, NULL, 0, id));
}

/* The compute host's word. */
static inline int
core_test_tell(struct core_test *t, const char *id, const char *host, const char *vm_state)
{
    struct nt_update_instance_args args = { .power_state = 1 };

    snprintf(args.id, sizeof args.id, "%s", id);
    snprintf(args.host, sizeof args.host, "%s", host);
    snprintf(args.vm_state, sizeof args.vm_state, "%s", vm_state);
    if (!strcmp(vm_state, "error")) {
        strcpy(args.fault, "cannot start the guest");
    }
    return instance_report(t->store, &t->env, &args, &t->changes, &t->err);
}

static inline size_t
core_test_count(const struct core_test *t, enum change_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < t->changes.n; i++) {
        n += t->changes.at[i].kind == kind;
    }
    return n;
}
