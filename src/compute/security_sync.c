#include <config.h>

#include "compute/security_sync.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "rpc/conductor.h"

NT_LOG_MODULE(security_sync);

#define CALL_TIMEOUT_MS 10000
#define RETRY_MS 1000
#define SAVE_PAUSE_MS 1000
#define MAX_SNAPSHOT (64 << 20)

struct security_sync {
    struct nt_bus *bus;
    const struct nt_clock *clock;
    const char *host;
    const char *path;
    struct security view;
    struct shash stale;         /* Groups to ask for. */
    bool stale_all;             /* Or everything. */
    struct nt_uuid_text *asked; /* Under way; NULL with is_pending: everything. */
    size_t n_asked;
    bool is_pending, is_failing;
    bool changed;       /* Since the last take. */
    bool unsaved;       /* Since the file was written. */
    int64_t not_before; /* Monotonic, for the next question. */
    int64_t save_at;
};

static void
load(struct security_sync *s)
{
    AUTO_FREE char *text = NULL;
    struct nt_err err = { 0 };
    int rc = nt_file_read(s->path, MAX_SNAPSHOT, &text, NULL);

    if (rc == -ENOENT) {
        return;
    }
    if (rc < 0) {
        nt_fail_errno(&err, -rc, "cannot read it");
    } else {
        rc = security_from_text(&s->view, text, &err);
    }
    if (rc < 0) {
        nt_error("file of security groups not usable; until the server is there nothing is let in",
                 "file", s->path, "why", err.msg, NULL);
    }
}

static void
save(struct security_sync *s)
{
    AUTO_FREE char *text = security_to_text(&s->view);
    struct nt_err err = { 0 };

    s->unsaved = false;
    if (nt_file_replace(s->path, text, strlen(text), 0600, NULL, &err) < 0) {
        nt_error("security groups not recorded; a restart without the server will miss them", "why",
                 err.msg, NULL);
    }
}

struct security_sync *
security_sync_new(struct nt_bus *bus, const struct nt_clock *clock, const char *host,
                  const char *path)
{
    struct security_sync *s = xzalloc(sizeof *s);

    s->bus = bus;
    s->clock = clock;
    s->host = host;
    s->path = path;
    security_init(&s->view);
    shash_init(&s->stale);
    load(s);
    return s;
}

/* After the bus. */
void
security_sync_free(struct security_sync *s)
{
    if (s) {
        if (s->unsaved) {
            save(s);
        }
        security_deinit(&s->view);
        shash_destroy(&s->stale);
        free(s->asked);
        free(s);
    }
}

const struct security *
security_sync_view(const struct security_sync *s)
{
    return &s->view;
}

void
security_sync_all(struct security_sync *s)
{
    s->stale_all = true;
    s->not_before = 0;
}

void
security_sync_refresh(struct security_sync *s, const struct nt_uuid_text *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        shash_add_once(&s->stale, ids[i].text, NULL);
    }
}

bool
security_sync_has(struct security_sync *s, const struct guest *guest)
{
    struct shash missing = SHASH_INITIALIZER(&missing);
    const struct shash_node *node;
    bool has = security_is_known(&s->view, NT_PROVIDER_GROUP, &missing);

    for (size_t i = 0; i < guest->view.n_security_group_ids; i++) {
        has = security_is_known(&s->view, guest->view.security_group_ids[i].text, &missing) && has;
    }
    SHASH_FOR_EACH (node, &missing) {
        bool is_asked = s->is_pending && !s->asked;

        for (size_t i = 0; i < s->n_asked; i++) {
            is_asked = is_asked || !strcmp(s->asked[i].text, node->name);
        }
        if (!is_asked) {
            shash_add_once(&s->stale, node->name, NULL);
        }
    }
    shash_destroy(&missing);
    return has || s->is_failing || !nt_bus_is_connected(s->bus);
}

static void
mark_changed(struct security_sync *s)
{
    if (!s->unsaved) {
        s->save_at = nt_mono_ms(s->clock) + SAVE_PAUSE_MS;
    }
    s->changed = s->unsaved = true;
}

void
security_sync_prune(struct security_sync *s, const struct guest *const *guests, size_t n)
{
    struct shash used = SHASH_INITIALIZER(&used);

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < guests[i]->view.n_security_group_ids; j++) {
            shash_add_once(&used, guests[i]->view.security_group_ids[j].text, NULL);
        }
    }
    if (security_prune(&s->view, &used)) {
        bool changed = s->changed;

        mark_changed(s);
        s->changed = changed; /* Nobody's rules spoke of it. */
    }
    shash_destroy(&used);
}

bool
security_sync_take_changed(struct security_sync *s)
{
    bool changed = s->changed;

    s->changed = false;
    return changed;
}

static void
answered(void *s_, const void *result, const struct nt_err *err)
{
    struct security_sync *s = s_;
    struct nt_uuid_text *asked = TAKE(s->asked);
    size_t n = s->n_asked;

    s->is_pending = false;
    s->n_asked = 0;
    s->is_failing = err != NULL;
    if (err) {
        nt_warn_rl("security groups not fetched", "why", err->msg, NULL);
        s->not_before = nt_mono_ms(s->clock) + RETRY_MS;
        s->stale_all = s->stale_all || !asked;
        security_sync_refresh(s, asked, n);
    } else if (security_put(&s->view, result, asked, n)) {
        mark_changed(s);
    }
    free(asked);
}

static void
ask(struct security_sync *s)
{
    struct nt_get_security_args args = { .host = "" };
    const struct shash_node *node;

    ovs_strlcpy(args.host, s->host, sizeof args.host);
    if (!s->stale_all) {
        args.groups = xcalloc(shash_count(&s->stale), sizeof *args.groups);
        SHASH_FOR_EACH (node, &s->stale) {
            ovs_strlcpy(args.groups[args.n_groups++].text, node->name, NT_UUID_SIZE);
        }
    }
    s->stale_all = false;
    shash_clear(&s->stale);
    s->asked = args.groups;
    s->n_asked = args.n_groups;
    s->is_pending = true;
    nt_rpc_call(s->bus, NT_TO(&nt_conductor, NULL, "get_security"), &args, CALL_TIMEOUT_MS,
                answered, s);
}

static bool
has_question(const struct security_sync *s)
{
    return !s->is_pending && (s->stale_all || !shash_is_empty(&s->stale))
           && nt_bus_is_connected(s->bus);
}

void
security_sync_run(struct security_sync *s)
{
    int64_t now = nt_mono_ms(s->clock);

    if (has_question(s) && now >= s->not_before) {
        ask(s);
    }
    if (s->unsaved && now >= s->save_at) {
        save(s);
    }
}

void
security_sync_wait(struct security_sync *s)
{
    if (has_question(s)) {
        poll_timer_wait_until(s->not_before);
    }
    if (s->unsaved) {
        poll_timer_wait_until(s->save_at);
    }
    if (s->changed) {
        poll_immediate_wake();
    }
}
