#include <config.h>

#include "server/rest/identity/identity.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "server/rest/call.h"

/* /v3/projects and /v3/users, as far as clients look names up: read only, from the
 * credentials file.  Names are ids; all are in the one domain.  Who is no administrator sees
 * himself and his project. */

enum noun {
    PROJECT,
    USER,
};

static const struct {
    const char *one, *many;
} nouns[] = {
    [PROJECT] = { "project", "projects" },
    [USER] = { "user", "users" },
};

struct names {
    const struct call *call;
    enum noun noun;
    struct shash found; /* Names, without data. */
};

static void
add_name(void *names_, const struct identity *who)
{
    struct names *names = names_;
    const struct identity *self = &names->call->who;
    const char *name = names->noun == PROJECT ? who->project : who->user;
    const char *own = names->noun == PROJECT ? self->project : self->user;

    if (self->is_admin || !strcmp(name, own)) {
        shash_add_once(&names->found, name, NULL);
    }
}

static void
collect(const struct call *call, enum noun noun, struct names *names)
{
    names->call = call;
    names->noun = noun;
    shash_init(&names->found);
    auth_each(call->rest->auth, add_name, names);
}

static struct json *
view(const struct call *call, enum noun noun, const char *name)
{
    AUTO_FREE char *host = call_host_url(call);
    struct json *links = json_object_create();
    struct json *json = json_object_create();

    json_object_put_format(links, "self", "%s/identity/v3/%s/%s", host, nouns[noun].many, name);
    json_object_put_string(json, "id", name);
    json_object_put_string(json, "name", name);
    json_object_put_string(json, "domain_id", "default");
    json_object_put(json, "enabled", json_boolean_create(true));
    json_object_put(json, "links", links);
    if (noun == PROJECT) {
        json_object_put_string(json, "description", "");
        json_object_put(json, "is_domain", json_boolean_create(false));
        json_object_put_string(json, "parent_id", "default");
        json_object_put(json, "tags", json_array_create_empty());
    }
    return json;
}

static void
list(struct call *call, enum noun noun)
{
    const char *name = nt_http_query(call->http, "name");
    const char *domain = nt_http_query(call->http, "domain_id");
    struct json *found = json_array_create_empty();
    struct json *links = json_object_create();
    struct json *answer = json_object_create();
    AUTO_FREE char *host = call_host_url(call);
    struct names names;

    collect(call, noun, &names);
    const struct shash_node **sorted = shash_sort(&names.found);
    for (size_t i = 0; i < shash_count(&names.found); i++) {
        if ((!name || !strcmp(name, sorted[i]->name)) && (!domain || !strcmp(domain, "default"))) {
            json_array_add(found, view(call, noun, sorted[i]->name));
        }
    }
    free(sorted);
    shash_destroy(&names.found);
    json_object_put_format(links, "self", "%s/identity/v3/%s", host, nouns[noun].many);
    json_object_put(links, "next", json_null_create());
    json_object_put(links, "previous", json_null_create());
    json_object_put(answer, nouns[noun].many, found);
    json_object_put(answer, "links", links);
    call_reply_json(call, 200, answer);
}

static void
show(struct call *call, enum noun noun)
{
    const char *name = call->match.params[0];
    struct nt_err err = { 0 };
    struct names names;

    collect(call, noun, &names);
    if (shash_find(&names.found, name)) {
        call_reply_json(call, 200, wrap(nouns[noun].one, view(call, noun, name)));
    } else {
        nt_fail(&err, NT_NOT_FOUND, "Could not find %s: %.64s.", nouns[noun].one, name);
        call_fail(call, &err);
    }
    shash_destroy(&names.found);
}

void
projects_list(struct call *call)
{
    list(call, PROJECT);
}

void
projects_show(struct call *call)
{
    show(call, PROJECT);
}

void
users_list(struct call *call)
{
    list(call, USER);
}

void
users_show(struct call *call)
{
    show(call, USER);
}

static struct json *
domain_view(void)
{
    struct json *domain = json_object_create();

    json_object_put_string(domain, "id", "default");
    json_object_put_string(domain, "name", "Default");
    json_object_put(domain, "enabled", json_boolean_create(true));
    return domain;
}

void
domains_list(struct call *call)
{
    const char *name = nt_http_query(call->http, "name");
    bool is_it = !name || !strcasecmp(name, "Default");

    call_reply_json(
        call, 200,
        wrap("domains", is_it ? json_array_create_1(domain_view()) : json_array_create_empty()));
}

void
domains_show(struct call *call)
{
    struct nt_err err = { 0 };

    if (strcmp(call->match.params[0], "default")) {
        nt_fail(&err, NT_NOT_FOUND, "Could not find domain: %.64s.", call->match.params[0]);
        call_fail(call, &err);
    } else {
        call_reply_json(call, 200, wrap("domain", domain_view()));
    }
}
