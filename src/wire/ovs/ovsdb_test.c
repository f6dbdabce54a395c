#include <config.h>

#include "wire/ovs/ovsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int
open_at(const char *remote, struct nt_ovsdb **out, struct nt_err *err)
{
    const struct nt_ovsdb_options options = { .remote = remote, .clock = nt_clock_system() };

    return nt_ovsdb_new(&options, out, err);
}

static void
wrong_remotes_are_named(void **state NT_UNUSED)
{
    static const char *const wrong[] = {
        "127.0.0.1:6640", "ptcp:6640", "tcp:localhost:6640", "tcp:", "ssl:127.0.0.1:6640", "",
    };
    struct nt_ovsdb *db = NULL;

    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        struct nt_err err = { 0 };

        assert_int_equal(open_at(wrong[i], &db, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_non_null(strstr(err.msg, wrong[i]));
        assert_null(db);
    }
}

/* Nobody is there: nothing is known, and nothing can be written. */
static void
without_a_server_all_is_refused(void **state NT_UNUSED)
{
    AUTO(nt_ovsdb) db = NULL;
    struct nt_err err = { 0 };
    const struct nt_ovs_port_want port = { .bridge = "b", .name = "p", .type = "internal" };
    const struct nt_ovs_bridge_want bridge = { .name = "b", .may_create = true };

    assert_int_equal(open_at("unix:/nonexistent/db.sock", &db, &err), 0);
    nt_ovsdb_run(db);
    assert_false(nt_ovsdb_is_ready(db));
    assert_int_equal(nt_ovsdb_connection(db), 0);
    assert_null(nt_ovsdb_bridge(db, "b"));
    assert_null(nt_ovsdb_iface_types(db)[0]);
    assert_string_equal(nt_ovsdb_switch_version(db), "");
    assert_false(nt_ovsdb_ensure_bridge(db, &bridge));
    assert_false(nt_ovsdb_ensure_port(db, &port));
    assert_false(nt_ovsdb_ensure_manager(db, "ptcp:6640:127.0.0.1", 1000));
    assert_true(nt_ovsdb_ensure_no_port(db, "p"));
    nt_ovsdb_commit(db);
    assert_false(nt_ovsdb_is_busy(db));
    assert_int_equal(nt_ovsdb_n_failed(db), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_remotes_are_named),
        cmocka_unit_test(without_a_server_all_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
