#include <config.h>

#include "server/core/keypairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/core/quotas.h"

static const struct nt_field fields[] = {
    { "user_id", NT_F_STR, NT_AT(struct keypair, user_id), NT_IN_DB },
    { "name", NT_F_STR, NT_AT(struct keypair, name), NT_IN_DB },
    { "number", NT_F_INT, NT_AT(struct keypair, number), NT_IN_DB },
    { "type", NT_F_STR, NT_AT(struct keypair, type), NT_IN_DB },
    { "fingerprint", NT_F_STR, NT_AT(struct keypair, fingerprint), NT_IN_DB },
    { "public_key", NT_F_TEXT, NT_AT(struct keypair, public_key), NT_IN_DB, .max = NT_SSH_KEY_MAX },
    { "created_at", NT_F_TIME, NT_AT(struct keypair, created_at), NT_IN_DB },
    { 0 },
};

const struct table keypairs_table = {
    "keypairs",
    fields,
    sizeof(struct keypair),
    "number",
};

void
keypair_clear(struct keypair *keypair)
{
    nt_fields_clear(fields, keypair);
}

int
keypair_check_name(const char *name, struct nt_err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789@._- ";
    size_t len = strlen(name);

    if (!len || len >= NT_NAME_SIZE) {
        return nt_fail(err, NT_INVALID, "keypair.name must have 1 to %d characters",
                       NT_NAME_SIZE - 1);
    }
    if (name[strspn(name, allowed)] || name[0] == ' ' || name[len - 1] == ' ') {
        return nt_fail(err, NT_INVALID,
                       "keypair.name may have letters, digits, '@', '.', '_', '-', and blanks "
                       "inside");
    }
    return 0;
}

static int
fail_if_there(struct store *store, const struct keypair_wish *wish, struct nt_err *err)
{
    int64_t there;
    int rc =
        store_get_int(store, &there, err, "SELECT 1 FROM keypairs WHERE user_id = ? AND name = ?",
                      "tt", wish->user_id, wish->name);

    return rc > 0 ? nt_fail(err, NT_CONFLICT, "Key pair '%s' already exists.", wish->name) : rc;
}

int
keypair_check_new(struct store *store, const struct core_env *env, const struct keypair_wish *wish,
                  struct nt_err *err)
{
    struct quota_wish quota = { QUOTA_KEY_PAIRS, wish->project_id, 1, 0 };

    return keypair_check_name(wish->name, err) < 0 || fail_if_there(store, wish, err) < 0
                   || quota_used(store, QUOTA_KEY_PAIRS, wish->user_id, &quota.used, err) < 0
                   || quota_check(store, env, &quota, err) < 0
               ? -1
               : 0;
}

int
keypair_create(struct store *store, const struct core_env *env, const struct keypair_wish *wish,
               struct keypair *out, struct nt_err *err)
{
    struct keypair keypair = { .type = "ssh", .created_at = core_now(env) };
    size_t len = strlen(wish->public_key);

    while (len && strchr(" \t\r\n", wish->public_key[len - 1])) {
        len--;
    }

    AUTO_FREE char *key = xmemdup0(wish->public_key, len);
    if (nt_ssh_public_key_check(key, keypair.fingerprint, err) < 0) {
        return nt_err_context(err, "keypair.public_key");
    }
    if (keypair_check_new(store, env, wish, err) < 0
        || store_next_number(store, "keypairs", 1, &keypair.number, err) < 0) {
        return -1;
    }
    ovs_strlcpy(keypair.user_id, wish->user_id, sizeof keypair.user_id);
    ovs_strlcpy(keypair.name, wish->name, sizeof keypair.name);
    keypair.public_key = TAKE(key);
    if (row_insert(store, &keypairs_table, &keypair, err) < 0) {
        keypair_clear(&keypair);
        return -1;
    }
    *out = keypair;
    return 0;
}

static int
not_found(const char *name, struct nt_err *err)
{
    return nt_fail(err, NT_NOT_FOUND, "Keypair %s not found", name);
}

int
keypair_get(struct store *store, const char *user_id, const char *name, struct keypair *out,
            struct nt_err *err)
{
    int rc = row_get(store, &keypairs_table, out, err, "WHERE user_id = ? AND name = ?", "tt",
                     user_id, name);

    return rc ? MIN(rc, 0) : not_found(name, err);
}

int
keypair_list(struct store *store, const char *user_id, struct rows *out, struct nt_err *err)
{
    return row_list(store, &keypairs_table, out, err, "WHERE user_id = ? ORDER BY name", "t",
                    user_id);
}

int
keypair_delete(struct store *store, const char *user_id, const char *name, struct nt_err *err)
{
    int n = store_do(store, err, "DELETE FROM keypairs WHERE user_id = ? AND name = ?", "tt",
                     user_id, name);

    return n ? MIN(n, 0) : not_found(name, err);
}
