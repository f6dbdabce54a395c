#include <config.h>

#include "server/core/instances.h"

#include <string.h>

#include "base/mem.h"
#include "net/text.h"

int
instance_password(struct store *store, const char *project_id, const char *id, char **out,
                  struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    int rc = store_query(store, &stmt, err,
                         "SELECT guest_password FROM instances WHERE id = ?"
                         " AND (? IS NULL OR project_id = ?)",
                         "ttt", id, project_id, project_id);

    if (rc >= 0) {
        rc = stmt_step(stmt, err);
    }
    if (rc <= 0) {
        return rc ? -1 : nt_fail(err, NT_NOT_FOUND, "instance %s could not be found", id);
    }
    *out = nullable_xstrdup(stmt_text(stmt, 0));
    return 0;
}

static int
check(const char *password, struct nt_err *err)
{
    size_t len = strlen(password);

    if (len > INSTANCE_PASSWORD_MAX) {
        return nt_fail(err, NT_INVALID, "the password is longer than %d bytes",
                       INSTANCE_PASSWORD_MAX);
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char) password[i] < ' ' || password[i] == 0x7f) {
            return nt_fail(err, NT_INVALID, "the password has control characters");
        }
    }
    return nt_is_utf8(password, len) ? 0
                                     : nt_fail(err, NT_INVALID, "the password is not UTF-8 text");
}

int
instance_set_password(struct store *store, const char *id, const char *password, struct nt_err *err)
{
    AUTO_FREE char *old = NULL;

    if (check(password, err) < 0 || instance_password(store, NULL, id, &old, err) < 0) {
        return -1;
    }
    if (old) {
        return nt_fail(err, NT_CONFLICT, "instance %s has a password already", id);
    }
    return MIN(store_do(store, err, "UPDATE instances SET guest_password = ? WHERE id = ?", "ut",
                        password, id),
               0);
}

int
instance_clear_password(struct store *store, const char *project_id, const char *id,
                        struct nt_err *err)
{
    int n = store_do(store, err,
                     "UPDATE instances SET guest_password = NULL WHERE id = ?"
                     " AND (? IS NULL OR project_id = ?)",
                     "ttt", id, project_id, project_id);

    return n ? MIN(n, 0) : nt_fail(err, NT_NOT_FOUND, "instance %s could not be found", id);
}
