#include <config.h>

#include "compute/model.h"

#include <string.h>

#include "base/hashing.h"
#include "base/log.h"

NT_LOG_MODULE(compute_model);

struct guest *
model_find(const struct compute *c, const char *id)
{
    struct guest *guest;

    HMAP_FOR_EACH_WITH_HASH (guest, node, hash_string(id, 0), &c->guests) {
        if (!strcmp(guest->view.id, id)) {
            return guest;
        }
    }
    return NULL;
}

void
model_add(struct compute *c, struct guest *guest, enum guest_phase phase)
{
    guest->phase = phase;
    guest->version = ++c->version;
    hmap_insert(&c->guests, &guest->node, hash_string(guest->view.id, 0));
}

void
model_changed(struct compute *c, struct guest *guest)
{
    guest->version = ++c->version;
    guest->plan = 0;
    c->rules_changed = true;
}

void
model_save(struct compute *c, const struct guest *guest)
{
    struct nt_err err = { 0 };

    if (guest_save(guest, c->instances_path, &err) < 0) {
        nt_error("guest not recorded; it will not survive a restart of this program", "instance",
                 guest->view.id, "why", err.msg, NULL);
    }
}

void
model_set_phase(struct guest *guest, enum guest_phase phase)
{
    guest->phase = phase;
    guest->reported = false;
    guest->report_at = 0;
}
