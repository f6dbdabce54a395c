#include <config.h>

#include "server/notify/security.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "rpc/compute.h"
#include "server/core/instances.h"
#include "server/core/security_rules.h"

NT_LOG_MODULE(notify_security);

#define PAUSE_MS 100

struct security_notify {
    struct store *reader;
    struct nt_bus *bus;
    const struct core_env *env;
    struct shash rules, members; /* Groups to tell of, without data. */
    struct shash instances;      /* Those to tell the groups of. */
    int64_t next;                /* Monotonic; not before. */
};

struct security_notify *
security_notify_new(struct store *reader, struct nt_bus *bus, const struct core_env *env)
{
    struct security_notify *n = xzalloc(sizeof *n);

    n->reader = reader;
    n->bus = bus;
    n->env = env;
    shash_init(&n->rules);
    shash_init(&n->members);
    shash_init(&n->instances);
    return n;
}

void
security_notify_free(struct security_notify *n)
{
    if (n) {
        shash_destroy(&n->rules);
        shash_destroy(&n->members);
        shash_destroy(&n->instances);
        free(n);
    }
}

void
security_notify_add(struct security_notify *n, const struct change *c)
{
    switch (c->kind) {
    case CHANGE_SECURITY_RULES:
        shash_add_once(&n->rules, c->security_group_id, NULL);
        break;
    case CHANGE_SECURITY_MEMBERS:
        shash_add_once(&n->members, c->security_group_id, NULL);
        break;
    case CHANGE_INSTANCE_GROUPS:
        shash_add_once(&n->instances, c->instance_id, NULL);
        break;
    default:
        break;
    }
}

static void
tell_host_of_instance(struct security_notify *n, const char *id)
{
    struct nt_instance_view view = { .id = "" };
    struct nt_instance instance = { .id = "" };
    struct nt_err err = { 0 };

    if (instance_get(n->reader, NULL, id, &instance, &err) < 0
        || instance_view_load(n->reader, id, &view, &err) < 0) {
        nt_debug("instance is gone", "instance", id, "why", err.msg, NULL);
    } else if (*instance.host) {
        struct nt_instance_groups_args args = {
            .security_groups = view.security_group_ids,
            .n_security_groups = view.n_security_group_ids,
        };

        ovs_strlcpy(args.id, id, sizeof args.id);
        nt_rpc_cast(n->bus,
                    NT_TO(&nt_compute_host, instance.host, "refresh_instance_security_rules"),
                    &args);
    }
    nt_instance_clear(&instance);
    nt_instance_view_clear(&view);
}

/* Groups by host. */
struct audience {
    struct nt_uuid_text *groups;
    size_t n, allocated;
};

static void
add_audience(struct shash *hosts, const struct shash *names, const char *group_id)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, names) {
        struct audience *a = shash_find_data(hosts, node->name);

        if (!a) {
            a = xzalloc(sizeof *a);
            shash_add(hosts, node->name, a);
        }
        if (a->n >= a->allocated) {
            a->groups = x2nrealloc(a->groups, &a->allocated, sizeof *a->groups);
        }
        ovs_strlcpy(a->groups[a->n++].text, group_id, NT_UUID_SIZE);
    }
}

typedef int hosts_fn(struct store *, const char *group_id, struct shash *hosts, struct nt_err *);

static void
tell_of_groups(struct security_notify *n, struct shash *groups, hosts_fn *find_hosts,
               const char *method)
{
    struct shash hosts = SHASH_INITIALIZER(&hosts);
    struct shash_node *node;

    SHASH_FOR_EACH (node, groups) {
        struct shash names = SHASH_INITIALIZER(&names);
        struct nt_err err = { 0 };

        if (find_hosts(n->reader, node->name, &names, &err) < 0) {
            nt_warn("compute hosts not told of a security group", "group", node->name, "why",
                    err.msg, NULL);
        }
        add_audience(&hosts, &names, node->name);
        shash_destroy(&names);
    }
    SHASH_FOR_EACH (node, &hosts) {
        struct audience *a = node->data;
        struct nt_security_groups_args args = { a->groups, a->n };

        nt_rpc_cast(n->bus, NT_TO(&nt_compute_host, node->name, method), &args);
        free(a->groups);
    }
    shash_destroy_free_data(&hosts);
    shash_clear(groups);
}

static bool
is_idle(const struct security_notify *n)
{
    return shash_is_empty(&n->rules) && shash_is_empty(&n->members)
           && shash_is_empty(&n->instances);
}

void
security_notify_run(struct security_notify *n)
{
    int64_t now = nt_mono_ms(n->env->clock);
    struct shash_node *node;

    if (is_idle(n) || now < n->next) {
        return;
    }
    n->next = now + PAUSE_MS;
    SHASH_FOR_EACH (node, &n->instances) {
        tell_host_of_instance(n, node->name);
    }
    shash_clear(&n->instances);
    tell_of_groups(n, &n->rules, security_hosts_in_group, "security_groups_rule_updated");
    tell_of_groups(n, &n->members, security_hosts_using_group, "security_groups_member_updated");
}

void
security_notify_wait(struct security_notify *n)
{
    if (!is_idle(n)) {
        poll_timer_wait_until(n->next);
    }
}
