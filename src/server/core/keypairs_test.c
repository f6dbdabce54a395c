#include <config.h>

#include "server/core/keypairs.h"

#include "server/core/core_test.h"

#define KEY \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJk9KEaE/kUJc4eDZE5/fiYa/tqWMEc+sd5JLiSIUqhN joe@host"

static int
add(struct core_test *t, const char *user, const char *name, const char *key)
{
    const struct keypair_wish wish = { user, name, key, "demo" };
    struct keypair made;
    int rc = keypair_create(t->store, &t->env, &wish, &made, &t->err);

    if (!rc) {
        keypair_clear(&made);
    }
    return rc;
}

static void
a_key_comes_back_in_one_line_with_its_fingerprint(void **state)
{
    struct core_test *t = *state;
    struct keypair read;

    CORE_OK(t, add(t, "joe", "mine", KEY "\r\n"));
    CORE_OK(t, keypair_get(t->store, "joe", "mine", &read, &t->err));
    assert_string_equal(read.public_key, KEY);
    assert_string_equal(read.fingerprint, "79:f8:17:06:f0:6f:3e:5a:7f:a7:1f:aa:d2:85:9c:7d");
    assert_string_equal(read.type, "ssh");
    assert_int_equal(read.number, 1);
    keypair_clear(&read);
}

static void
names_are_each_users_own(void **state)
{
    struct core_test *t = *state;
    struct keypair read;
    struct rows rows;

    CORE_OK(t, add(t, "joe", "b", KEY));
    CORE_OK(t, add(t, "joe", "a", KEY));
    CORE_OK(t, add(t, "ann", "a", KEY));
    CORE_FAILS(t, NT_CONFLICT, add(t, "joe", "a", KEY));
    CORE_FAILS(t, NT_NOT_FOUND, keypair_get(t->store, "ann", "b", &read, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, keypair_delete(t->store, "ann", "b", &t->err));

    CORE_OK(t, keypair_list(t->store, "joe", &rows, &t->err));
    assert_int_equal(rows.n, 2);
    assert_string_equal(ROW(const struct keypair, &rows, 0)->name, "a");
    rows_clear(&rows);
    CORE_OK(t, keypair_delete(t->store, "joe", "a", &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, keypair_get(t->store, "joe", "a", &read, &t->err));
    CORE_OK(t, keypair_get(t->store, "ann", "a", &read, &t->err));
    keypair_clear(&read);
}

static void
wrong_names_and_keys_are_refused(void **state)
{
    static const char *const names[] = { "",     " a",  "a ",    "a/b", "a\nb",
                                         "a\tb", "<b>", "\"x\"", "a;b", "\xc3\xa4" };
    struct core_test *t = *state;
    char name[NT_NAME_SIZE + 1];

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        CORE_FAILS(t, NT_INVALID, add(t, "joe", names[i], KEY));
    }
    memset(name, 'x', sizeof name);
    name[NT_NAME_SIZE] = '\0';
    CORE_FAILS(t, NT_INVALID, add(t, "joe", name, KEY));
    name[NT_NAME_SIZE - 1] = '\0';
    CORE_OK(t, add(t, "joe", name, KEY));
    CORE_OK(t, add(t, "joe", "joe@host 1.a_b-c", KEY));
    CORE_FAILS(t, NT_INVALID, add(t, "joe", "bad", "ssh-rsa AAAA"));
    CORE_FAILS(t, NT_INVALID, add(t, "joe", "two", KEY "\n" KEY));
}

static void
the_projects_quota_holds_for_each_user(void **state)
{
    struct core_test *t = *state;

    t->env.quotas[QUOTA_KEY_PAIRS] = 1;
    CORE_OK(t, add(t, "joe", "a", KEY));
    CORE_FAILS(t, NT_EXHAUSTED, add(t, "joe", "b", KEY));
    assert_non_null(strstr(t->err.msg, "key_pairs"));
    CORE_OK(t, add(t, "ann", "a", KEY));
    CORE_OK(t, keypair_delete(t->store, "joe", "a", &t->err));
    CORE_OK(t, add(t, "joe", "b", KEY));
}

/* A boot by user 'user'; the instance is cleared. */
static int
boot(struct core_test *t, const char *user, const char *key_name)
{
    const struct instance_create wish = {
        .name = "vm",
        .project_id = "demo",
        .user_id = user,
        .flavor_id = "1",
        .image_id = t->image_id,
        .key_name = key_name,
    };
    struct nt_instance made;
    int rc = instance_create(t->store, &t->env, &wish, &made, &t->changes, &t->err);

    if (!rc) {
        assert_string_equal(made.key_data, KEY);
        nt_instance_clear(&made);
    }
    return rc;
}

static void
a_boot_takes_only_the_users_own_key(void **state)
{
    struct core_test *t = *state;

    CORE_OK(t, add(t, "joe", "mine", KEY));
    CORE_OK(t, boot(t, "joe", "mine"));
    CORE_FAILS(t, NT_INVALID, boot(t, "joe", "other"));
    CORE_FAILS(t, NT_INVALID, boot(t, "ann", "mine"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_key_comes_back_in_one_line_with_its_fingerprint),
        CORE_TEST(names_are_each_users_own),
        CORE_TEST(wrong_names_and_keys_are_refused),
        CORE_TEST(the_projects_quota_holds_for_each_user),
        CORE_TEST(a_boot_takes_only_the_users_own_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
