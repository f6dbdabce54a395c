#include <config.h>

#include "store/schema.h"

#include <inttypes.h>

/* One file per step, store/schema/NNN.c. */
extern const char schema_step_001[];
extern const char schema_step_002[];
extern const char schema_step_003[];
extern const char schema_step_004[];
extern const char schema_step_010[];
extern const char schema_step_013[];
extern const char schema_step_020[];
extern const char schema_step_021[];
extern const char schema_step_022[];
extern const char schema_step_023[];
extern const char schema_step_024[];
extern const char schema_step_025[];

const struct schema_step schema_steps[] = {
    { 1, schema_step_001 },
    { 2, schema_step_002 },
    { 3, schema_step_003 },
    { 4, schema_step_004 },
    { 10, schema_step_010 },
    { 13, schema_step_013 },
    { 20, schema_step_020 },
    { 21, schema_step_021 },
    { 22, schema_step_022 },
    { 23, schema_step_023 },
    { 24, schema_step_024 },
    { 25, schema_step_025 },
    { 0, NULL },
};

static int
read_version(struct store *store, int64_t *out, struct nt_err *err)
{
    *out = 0;
    if (store_script(store, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)",
                     err)
        < 0) {
        return -1;
    }
    return store_get_int(store, out, err, "SELECT MAX(version) FROM schema_version", "") < 0 ? -1
                                                                                             : 0;
}

static int
run_steps(struct store *store, const struct schema_step *steps, struct nt_err *err)
{
    int64_t version;
    int64_t newest = 0;

    if (read_version(store, &version, err) < 0) {
        return -1;
    }
    for (const struct schema_step *s = steps; s->version; s++) {
        newest = s->version;
        if (s->version <= version) {
            continue;
        }
        if (store_script(store, s->sql, err) < 0
            || store_do(store, err, "INSERT INTO schema_version (version) VALUES (?)", "i",
                        (int64_t) s->version)
                   < 0) {
            return nt_err_context(err, "schema step %d", s->version);
        }
    }
    if (version > newest) {
        return nt_fail(err, NT_CONFLICT,
                       "database %s has schema version %" PRId64
                       ", newer than this program's %" PRId64,
                       store_path(store), version, newest);
    }
    return 0;
}

int
schema_upgrade(struct store *store, const struct schema_step *steps, struct nt_err *err)
{
    if (store_begin(store, err) < 0) {
        return -1;
    }
    if (run_steps(store, steps, err) < 0 || store_commit(store, err) < 0) {
        store_rollback(store);
        return -1;
    }
    return 0;
}
