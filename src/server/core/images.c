#include <config.h>

#include "server/core/images.h"

#include "base/mem.h"

const struct table images_table = {
    "images",
    nt_image_fields,
    sizeof(struct nt_image),
    "id",
};

/* What we know already of the image: by its id, else by its name. */
static int
find_stored(struct store *store, const struct nt_image *image, struct nt_image *out,
            struct nt_err *err)
{
    return image->id[0] ? row_get(store, &images_table, out, err, "WHERE id = ?", "t", image->id)
                        : row_get(store, &images_table, out, err, "WHERE name = ? ORDER BY number",
                                  "t", image->name);
}

int
image_put(struct store *store, const struct core_env *env, struct nt_image *image,
          struct nt_err *err)
{
    struct nt_image stored;

    if (!image->name[0]) {
        return nt_fail(err, NT_INVALID, "image: name is missing");
    }
    if (image->id[0] && !nt_is_uuid(image->id)) {
        return nt_fail(err, NT_INVALID, "image %s: id %s is not a UUID", image->name, image->id);
    }

    int known = find_stored(store, image, &stored, err);
    if (known < 0) {
        return -1;
    }

    struct nt_image row = *image;
    row.updated_at = core_now(env);
    if (!row.status[0]) {
        ovs_strlcpy(row.status, "active", sizeof row.status);
    }
    if (known) {
        ovs_strlcpy(row.id, stored.id, sizeof row.id);
        row.number = stored.number;
        row.created_at = stored.created_at;
    } else {
        row.created_at = row.updated_at;
        if (!row.id[0]) {
            nt_random_uuid(env->random, row.id);
        }
        if (store_next_number(store, "images", 1, &row.number, err) < 0) {
            return -1;
        }
    }
    if ((known ? row_update : row_insert)(store, &images_table, &row, err) < 0) {
        return -1;
    }
    *image = row;
    return 0;
}

int
image_get(struct store *store, const char *id, struct nt_image *out, struct nt_err *err)
{
    int rc = row_get(store, &images_table, out, err, "WHERE id = ?", "t", id);

    return rc ? MIN(rc, 0) : nt_fail(err, NT_NOT_FOUND, "image %s could not be found", id);
}

int
image_list(struct store *store, const char *name, struct rows *out, struct nt_err *err)
{
    return name ? row_list(store, &images_table, out, err, "WHERE name = ? ORDER BY number", "t",
                           name)
                : row_list(store, &images_table, out, err, "ORDER BY number", "");
}

int
image_find(struct store *store, const char *id_or_name, struct nt_image *out, struct nt_err *err)
{
    struct rows named;

    if (nt_is_uuid(id_or_name)) {
        return image_get(store, id_or_name, out, err);
    }
    if (image_list(store, id_or_name, &named, err) < 0) {
        return -1;
    }

    int rc = 0;
    if (named.n == 1) {
        *out = *ROW(const struct nt_image, &named, 0);
    } else {
        rc = named.n ? nt_fail(err, NT_CONFLICT, "several images are named %s", id_or_name)
                     : nt_fail(err, NT_NOT_FOUND, "image %s could not be found", id_or_name);
    }
    rows_clear(&named);
    return rc;
}
