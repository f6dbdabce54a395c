#include <config.h>

#include "server/core/flavors.h"

#include "base/mem.h"

const struct table flavors_table = {
    "flavors",
    nt_flavor_fields,
    sizeof(struct nt_flavor),
    "id",
};

int
flavor_get(struct store *store, const char *id, struct nt_flavor *out, struct nt_err *err)
{
    int rc = row_get(store, &flavors_table, out, err, "WHERE id = ?", "t", id);

    return rc ? MIN(rc, 0) : nt_fail(err, NT_NOT_FOUND, "flavor %s could not be found", id);
}

int
flavor_list(struct store *store, struct rows *out, struct nt_err *err)
{
    return row_list(store, &flavors_table, out, err, "ORDER BY id", "");
}
