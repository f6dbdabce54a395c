#include <config.h>

#include "server/core/instance_edit.h"

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/instances.h"

static int
edit_metadata(struct nt_instance *instance, const struct instance_edit *edit, struct nt_err *err)
{
    struct json *metadata =
        instance->metadata && !edit->replaces ? instance->metadata : json_object_create();
    struct shash_node *node;

    if (metadata != instance->metadata) {
        json_destroy(instance->metadata);
        instance->metadata = metadata;
    }
    if (edit->metadata) {
        SHASH_FOR_EACH (node, json_object(edit->metadata)) {
            json_object_put(metadata, node->name, json_clone(node->data));
        }
    }
    if (edit->forget) {
        struct json *old = shash_find_and_delete(json_object(metadata), edit->forget);

        if (!old) {
            return nt_fail(err, NT_NOT_FOUND, "Metadata item was not found");
        }
        json_destroy(old);
    }
    if (shash_count(json_object(metadata)) > INSTANCE_METADATA_MAX) {
        return nt_fail(err, NT_EXHAUSTED, "Maximum number of metadata items exceeds %d",
                       INSTANCE_METADATA_MAX);
    }
    return 0;
}

int
instance_edit(struct store *store, const struct core_env *env, const struct instance_edit *edit,
              struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, edit->project_id, edit->id, &instance, err) < 0) {
        return -1;
    }
    if (edit->name) {
        ovs_strlcpy(instance.name, edit->name, sizeof instance.name);
    }

    bool is_metadata = edit->metadata || edit->replaces || edit->forget;
    int rc = is_metadata ? edit_metadata(&instance, edit, err) : 0;

    instance.updated_at = core_now(env);
    instance.revision++;
    if (!rc) {
        rc = row_update(store, &instances_table, &instance, err);
    }
    if (!rc) {
        instance_add_change(changes, CHANGE_INSTANCE_UPDATED, &instance);
    }
    nt_instance_clear(&instance);
    return rc;
}
