#include <config.h>

#include "server/core/changes.h"

#include <string.h>

#include "base/mem.h"

static const char *const names[] = {
    [CHANGE_NETWORK_CREATED] = "network_created",
    [CHANGE_NETWORK_CLAIMED] = "network_claimed",
    [CHANGE_NETWORK_UPDATED] = "network_updated",
    [CHANGE_NETWORK_DELETED] = "network_deleted",
    [CHANGE_FIXED_IP_ALLOCATED] = "fixed_ip_allocated",
    [CHANGE_FIXED_IP_UNUSED] = "fixed_ip_unused",
    [CHANGE_FIXED_IP_LEASED] = "fixed_ip_leased",
    [CHANGE_FIXED_IP_FREED] = "fixed_ip_freed",
    [CHANGE_FLOATING_IP_ASSOCIATED] = "floating_ip_associated",
    [CHANGE_FLOATING_IP_DISASSOCIATED] = "floating_ip_disassociated",
    [CHANGE_INSTANCE_CREATED] = "instance_created",
    [CHANGE_INSTANCE_UPDATED] = "instance_updated",
    [CHANGE_INSTANCE_POWER] = "instance_power",
    [CHANGE_INSTANCE_EVACUATED] = "instance_evacuated",
    [CHANGE_INSTANCE_DELETING] = "instance_deleting",
    [CHANGE_INSTANCE_DELETED] = "instance_deleted",
    [CHANGE_INSTANCE_GROUPS] = "instance_groups",
    [CHANGE_SECURITY_RULES] = "security_rules",
    [CHANGE_SECURITY_MEMBERS] = "security_members",
};

struct change *
changes_add(struct changes *changes, enum change_kind kind)
{
    if (changes->n >= changes->allocated) {
        changes->at = x2nrealloc(changes->at, &changes->allocated, sizeof *changes->at);
    }

    struct change *c = &changes->at[changes->n++];
    memset(c, 0, sizeof *c);
    c->kind = kind;
    return c;
}

void
changes_clear(struct changes *changes)
{
    free(changes->at);
    *changes = (struct changes) CHANGES_INITIALIZER;
}

const char *
change_kind_name(enum change_kind kind)
{
    return names[kind];
}
