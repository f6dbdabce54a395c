#include <config.h>

#include "bus/seen.h"

#include <string.h>

#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

/* Longer ids are told apart by their beginning. */
#define ID_SIZE 40

struct sender {
    struct ovs_list node;
    struct shash_node *by_name;
    unsigned next;
    char ids[NT_SEEN_IDS][ID_SIZE];
};

struct nt_seen {
    struct shash senders;
    struct ovs_list by_age; /* Longest silent first. */
};

struct nt_seen *
nt_seen_new(void)
{
    struct nt_seen *seen = xmalloc(sizeof *seen);

    shash_init(&seen->senders);
    ovs_list_init(&seen->by_age);
    return seen;
}

void
nt_seen_free(struct nt_seen *seen)
{
    if (seen) {
        shash_destroy_free_data(&seen->senders);
        free(seen);
    }
}

static struct sender *
sender_get(struct nt_seen *seen, const char *name)
{
    struct sender *s = shash_find_data(&seen->senders, name);

    if (s) {
        ovs_list_remove(&s->node);
    } else {
        if (shash_count(&seen->senders) >= NT_SEEN_SENDERS) {
            struct sender *old =
                CONTAINER_OF(ovs_list_pop_front(&seen->by_age), struct sender, node);

            shash_delete(&seen->senders, old->by_name);
            free(old);
        }
        s = xzalloc(sizeof *s);
        s->by_name = shash_add(&seen->senders, name, s);
    }
    ovs_list_push_back(&seen->by_age, &s->node);
    return s;
}

bool
nt_seen_repeated(struct nt_seen *seen, const char *sender, const char *id)
{
    struct sender *s = sender_get(seen, sender);
    char key[ID_SIZE];

    ovs_strlcpy(key, id, sizeof key);
    for (unsigned i = 0; i < NT_SEEN_IDS; i++) {
        if (!strcmp(s->ids[i], key)) {
            return true;
        }
    }
    memcpy(s->ids[s->next], key, sizeof key);
    s->next = (s->next + 1) % NT_SEEN_IDS;
    return false;
}
