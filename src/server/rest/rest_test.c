#include <config.h>

#include "server/rest/rest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/text.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "server/core/hosts.h"
#include "server/core/images.h"
#include "server/core/instances.h"
#include "server/core/networks.h"

/* The whole door over a real database, without a socket: a request is a struct, and
 * its answer lands in the fixture. */

#define IMAGE "11111111-2222-3333-4444-555555555555"

struct fixture {
    char dir[64];
    char url[128], credentials[128];
    struct store *store, *reader;
    struct nt_random *random;
    struct core_env env;
    struct op_queue *ops;
    struct rest *rest;
    rest_console_done *console_done;
    void *console_aux;
    int64_t console_length;
    const char *user; /* Basic credentials, base64. */

    /* The last answer. */
    int status;
    struct json *json;
    struct ds headers;
};

struct request {
    struct nt_http_request up;
    struct fixture *fx;
    bool is_done;
};

static void
keep_answer(struct nt_http_request *up, const struct nt_http_answer *answer)
{
    struct request *req = (struct request *) up;
    struct fixture *fx = req->fx;

    fx->status = answer->status;
    json_destroy(fx->json);
    fx->json = NULL;
    if (answer->body_len) {
        AUTO_FREE char *text = xmemdup0(answer->body, answer->body_len);

        assert_true(nt_is_utf8(text, answer->body_len));
        fx->json = json_from_string(text);
        assert_int_equal(fx->json->type, JSON_OBJECT);
        assert_string_equal(answer->content_type, "application/json");
    }
    ds_clear(&fx->headers);
    for (size_t i = 0; i < answer->headers->n; i++) {
        ds_put_format(&fx->headers, "%s: %s\n", answer->headers->pairs[i].name,
                      answer->headers->pairs[i].value);
    }
    req->is_done = true;
}

static void
start(struct fixture *fx, struct request *req, const char *method, const char *target,
      const char *body)
{
    memset(req, 0, sizeof *req);
    nt_http_request_init(&req->up);
    req->up.reply = keep_answer;
    req->fx = fx;
    req->up.method = xstrdup(method);
    assert_int_equal(nt_http_target_parse(&req->up, target, NULL), 0);
    nt_http_pairs_add(&req->up.headers, "Host", "cloud:8774");
    if (fx->user) {
        AUTO_FREE char *value = xasprintf("Basic %s", fx->user);

        nt_http_pairs_add(&req->up.headers, "Authorization", value);
    }
    if (body) {
        req->up.body = xstrdup(body);
        req->up.body_len = strlen(body);
    }
    rest_handle(fx->rest, &req->up);
}

static int
ask(struct fixture *fx, const char *method, const char *target, const char *body)
{
    struct request req;

    start(fx, &req, method, target, body);
    op_queue_run(fx->ops);
    assert_true(req.is_done);
    nt_http_request_deinit(&req.up);
    return fx->status;
}

/* The member at "a.b.0.c" of the last answer; NULL when it is not there. */
static const struct json *
at(const struct fixture *fx, const char *path)
{
    AUTO_FREE char *copy = xstrdup(path);
    const struct json *json = fx->json;
    char *save = NULL;

    for (char *w = strtok_r(copy, ".", &save); w && json; w = strtok_r(NULL, ".", &save)) {
        if (json->type == JSON_ARRAY) {
            size_t i = atoi(w);

            json = i < json_array(json)->n ? json_array(json)->elems[i] : NULL;
        } else {
            json = json->type == JSON_OBJECT ? shash_find_data(json_object(json), w) : NULL;
        }
    }
    return json;
}

static const char *
text(const struct fixture *fx, const char *path)
{
    const struct json *json = at(fx, path);

    return json && json->type == JSON_STRING ? json_string(json) : "(none)";
}

static size_t
count(const struct fixture *fx, const char *path)
{
    return json_array(at(fx, path))->n;
}

/* The message of a fault of the compute API, whatever its name. */
static const char *
message(const struct fixture *fx)
{
    const struct json *fault = shash_first(json_object(fx->json))->data;

    return json_string(shash_find_data(json_object(fault), "message"));
}

static void
console(void *fx_, const struct nt_instance *instance, int64_t length, rest_console_done *done,
        void *aux)
{
    struct fixture *fx = fx_;

    fx->console_length = length;
    fx->console_done = done;
    fx->console_aux = aux;
}

static int
fill(struct store *store, void *fx_, struct changes *changes, struct nt_err *err)
{
    struct fixture *fx = fx_;
    struct nt_image image = { .id = IMAGE, .name = "cirros", .location = "/images/cirros" };
    struct network_create wish = { .name = "novanetwork", .cidr = "10.0.0.0/24", .multi_host = -1 };
    struct nt_report_state_args report = { .host = "compute-1",
                                           .binary = "neutrino-compute",
                                           .topic = "compute",
                                           .start_flag = true,
                                           .ram_mb = 4096,
                                           .vcpus = 2 };
    struct nt_report_state_result result;
    struct network_row row;

    return image_put(store, &fx->env, &image, err) < 0
                   || network_create(store, &fx->env, &wish, &row, changes, err) < 0
                   || host_report_state(store, &fx->env, &report, &result, err) < 0
               ? -1
               : 0;
}

static void
must_succeed(void *aux, const struct nt_err *err)
{
    if (err) {
        fail_msg("%s", err->msg);
    }
}

#define OK(expr)                                \
    do {                                        \
        if ((expr) < 0) {                       \
            fail_msg("%s: %s", #expr, err.msg); \
        }                                       \
    } while (0)

#define ADMIN "YWRtaW46c2VjcmV0" /* admin:secret */
#define JOE "am9lOnB3"           /* joe:pw */

static int
setup(void **state)
{
    struct fixture *fx = xzalloc(sizeof *fx);
    const char *users = "admin secret cloud admin\njoe pw demo member\n";
    struct nt_err err = { 0 };

    strcpy(fx->dir, "/tmp/nt-test-rest-XXXXXX");
    assert_non_null(mkdtemp(fx->dir));
    snprintf(fx->url, sizeof fx->url, "sqlite:///%s/db.sqlite", fx->dir);
    snprintf(fx->credentials, sizeof fx->credentials, "%s/credentials", fx->dir);
    OK(nt_file_replace(fx->credentials, users, strlen(users), 0600, NULL, &err));
    fx->random = nt_random_system();
    core_env_init(&fx->env, nt_clock_system(), fx->random);
    OK(store_open(fx->url, &fx->store, &err));
    OK(store_open_reader(fx->url, &fx->reader, &err));
    fx->ops = op_queue_new(fx->store);
    op_submit(fx->ops, fill, fx, must_succeed, NULL);
    op_queue_run(fx->ops);

    struct rest_options options = {
        .ops = fx->ops,
        .reader = fx->reader,
        .env = &fx->env,
        .credentials_file = fx->credentials,
        .console = console,
        .console_aux = fx,
    };
    OK(rest_new(&options, &fx->rest, &err));
    ds_init(&fx->headers);
    fx->user = ADMIN;
    *state = fx;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fx = *state;

    op_queue_free(fx->ops);
    rest_free(fx->rest);
    store_free(fx->reader);
    store_free(fx->store);
    nt_random_free(fx->random);
    json_destroy(fx->json);
    ds_destroy(&fx->headers);
    assert_int_equal(nt_remove_tree(fx->dir), 0);
    free(fx);
    return 0;
}

#define BOOT                                                     \
    "{\"server\": {\"name\": \"cirros\", \"imageRef\": \"" IMAGE \
    "\", \"flavorRef\": \"1\", \"min_count\": 1, \"max_count\": 1}}"

/* Boots and returns the new server's path for the caller to free. */
static char *
boot(struct fixture *fx)
{
    if (ask(fx, "POST", "/v2.1/servers", BOOT) != 202) {
        fail_msg("%d: %s", fx->status, message(fx));
    }
    return xasprintf("/v2.1/servers/%s", text(fx, "server.id"));
}

static void
every_request_needs_credentials(void **state)
{
    static const char *const targets[] = { "/",
                                           "/v2.1",
                                           "/v2.1/servers",
                                           "/compute/v2.1/flavors/detail",
                                           "/image",
                                           "/v2/demo/servers",
                                           "/image/v2/images",
                                           "/no/such/path",
                                           "/v2.1/os-networks" };
    struct fixture *fx = *state;

    fx->user = NULL;
    for (size_t i = 0; i < NT_ARRAY_SIZE(targets); i++) {
        assert_int_equal(ask(fx, "GET", targets[i], NULL), 401);
        assert_non_null(strstr(ds_cstr(&fx->headers), "WWW-Authenticate: Basic"));
    }
    assert_int_equal(ask(fx, "POST", "/v2.1/servers", BOOT), 401);
    fx->user = ADMIN;
    assert_int_equal(ask(fx, "GET", "/v2.1/servers", NULL), 200);
    assert_int_equal(count(fx, "servers"), 0);
}

static void
boot_show_list_and_delete(void **state)
{
    struct fixture *fx = *state;
    AUTO_FREE char *path = boot(fx);

    assert_int_equal(ask(fx, "GET", path, NULL), 200);
    assert_string_equal(text(fx, "server.name"), "cirros");
    assert_string_equal(text(fx, "server.status"), "BUILD");
    assert_string_equal(text(fx, "server.addresses.novanetwork.0.addr"), "10.0.0.2");
    assert_string_equal(text(fx, "server.image.id"), IMAGE);
    assert_string_equal(text(fx, "server.flavor.id"), "1");
    assert_string_equal(text(fx, "server.OS-EXT-SRV-ATTR:host"), "compute-1");
    assert_string_equal(text(fx, "server.OS-EXT-SRV-ATTR:instance_name"), "instance-00000001");
    assert_int_equal(strlen(text(fx, "server.hostId")), 56);
    assert_int_equal(
        strncmp(text(fx, "server.links.0.href"), "http://cloud:8774/v2.1/servers/", 31), 0);

    assert_int_equal(ask(fx, "GET", "/compute/v2.1/servers/detail?name=irr", NULL), 200);
    assert_int_equal(count(fx, "servers"), 1);
    assert_int_equal(ask(fx, "GET", "/v2.1/servers?status=ACTIVE", NULL), 200);
    assert_int_equal(count(fx, "servers"), 0);
    assert_int_equal(ask(fx, "GET", "/v2.1/servers?status=build&ip=10.0.0.2&limit=1", NULL), 200);
    assert_int_equal(count(fx, "servers"), 1);
    assert_non_null(at(fx, "servers_links.0.href"));

    assert_int_equal(ask(fx, "DELETE", path, NULL), 204);
    assert_int_equal(ask(fx, "GET", path, NULL), 404);
    assert_non_null(at(fx, "itemNotFound.message"));
    assert_int_equal(ask(fx, "DELETE", path, NULL), 404);
}

static void
several_servers_come_from_one_request(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(ask(fx, "POST", "/v2.1/servers",
                         "{\"server\": {\"name\": \"vm\", \"imageRef\": \"" IMAGE
                         "\", \"flavorRef\": \"1\", \"max_count\": 3,"
                         " \"return_reservation_id\": true}}"),
                     202);
    assert_int_equal(strncmp(text(fx, "reservation_id"), "r-", 2), 0);
    assert_int_equal(ask(fx, "GET", "/v2.1/servers/detail?name=vm-", NULL), 200);
    assert_int_equal(count(fx, "servers"), 3);
}

static void
members_see_their_project_only(void **state)
{
    struct fixture *fx = *state;
    AUTO_FREE char *path = boot(fx);
    AUTO_FREE char *action = xasprintf("%s/action", path);

    fx->user = JOE;
    assert_int_equal(ask(fx, "GET", path, NULL), 404);
    assert_int_equal(ask(fx, "DELETE", path, NULL), 404);
    assert_int_equal(ask(fx, "POST", action, "{\"os-getConsoleOutput\": {}}"), 404);
    assert_int_equal(ask(fx, "GET", "/v2.1/servers/detail", NULL), 200);
    assert_int_equal(count(fx, "servers"), 0);
    assert_int_equal(ask(fx, "GET", "/v2.1/servers?all_tenants=1", NULL), 403);
    assert_int_equal(ask(fx, "GET", "/v2/cloud/servers", NULL), 403);
    assert_int_equal(ask(fx, "GET", "/v2/demo/servers", NULL), 200);
    assert_int_equal(ask(fx, "GET", "/v2.1/os-networks", NULL), 403);
    assert_int_equal(ask(fx, "POST", "/v2.1/os-networks", "{}"), 403);
    assert_int_equal(ask(fx, "GET", "/v2.1/os-services", NULL), 403);

    AUTO_FREE char *own = boot(fx);
    assert_int_equal(ask(fx, "GET", own, NULL), 200);
    assert_null(at(fx, "server.OS-EXT-SRV-ATTR:host"));
    fx->user = ADMIN;
    assert_int_equal(ask(fx, "GET", "/v2.1/servers?all_tenants=1", NULL), 200);
    assert_int_equal(count(fx, "servers"), 2);
    assert_int_equal(ask(fx, "GET", "/v2.1/servers", NULL), 200);
    assert_int_equal(count(fx, "servers"), 1);
}

static void
console_output_may_come_later(void **state)
{
    struct fixture *fx = *state;
    AUTO_FREE char *path = boot(fx);
    AUTO_FREE char *action = xasprintf("%s/action", path);
    struct nt_err err = { NT_UNAVAILABLE, "compute-1 is away" };
    struct request req;

    start(fx, &req, "POST", action, "{\"os-getConsoleOutput\": {\"length\": 5}}");
    assert_false(req.is_done);
    assert_int_equal(fx->console_length, 5);
    fx->console_done(fx->console_aux, "line\n", NULL);
    assert_true(req.is_done);
    assert_string_equal(text(fx, "output"), "line\n");
    nt_http_request_deinit(&req.up);

    start(fx, &req, "POST", action, "{\"os-getConsoleOutput\": {\"length\": null}}");
    assert_int_equal(fx->console_length, 0);
    fx->console_done(fx->console_aux, NULL, &err);
    assert_int_equal(fx->status, 503);
    nt_http_request_deinit(&req.up);

    assert_int_equal(ask(fx, "POST", action, "{\"os-getConsoleOutput\": {\"length\": \"x\"}}"),
                     400);
    assert_int_equal(ask(fx, "POST", action, "{\"os-getConsoleOutput\": []}"), 400);
    assert_int_equal(ask(fx, "POST", action, "{\"reboot\": {\"type\": \"SOFT\"}}"), 409);
    assert_int_equal(ask(fx, "POST", action, "{\"reboot\": {\"type\": \"KIND\"}}"), 400);
    assert_int_equal(ask(fx, "POST", action, "{\"os-stop\": null}"), 409);
    assert_int_equal(ask(fx, "POST", action, "{\"fly\": {}}"), 400);
    assert_non_null(strstr(message(fx), "fly"));
    assert_int_equal(ask(fx, "POST", action, "{}"), 400);
    assert_int_equal(ask(fx, "POST", action, NULL), 400);
}

static void
networks_are_made_listed_and_removed(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(ask(fx, "POST", "/v2.1/os-networks",
                         "{\"network\": {\"label\": \"two\", \"cidr\": \"10.1.0.0/24\","
                         " \"bridge\": \"br101\", \"bridge_interface\": \"eth3\"}}"),
                     200);
    assert_string_equal(text(fx, "network.gateway"), "10.1.0.1");
    assert_string_equal(text(fx, "network.netmask"), "255.255.255.0");
    assert_string_equal(text(fx, "network.bridge"), "br101");

    AUTO_FREE char *path = xasprintf("/v2.1/os-networks/%s", text(fx, "network.id"));
    assert_int_equal(ask(fx, "GET", "/v2.1/os-networks", NULL), 200);
    assert_int_equal(count(fx, "networks"), 2);
    assert_int_equal(ask(fx, "GET", path, NULL), 200);
    assert_int_equal(ask(fx, "POST", "/v2.1/os-networks",
                         "{\"network\": {\"label\": \"x\", \"cidr\": \"10.1.0.0/25\"}}"),
                     409);
    assert_int_equal(ask(fx, "DELETE", path, NULL), 202);
    assert_int_equal(ask(fx, "GET", path, NULL), 404);
    assert_int_equal(ask(fx, "DELETE", path, NULL), 404);
}

static void
password_becomes_a_token_with_a_catalog(void **state)
{
    struct fixture *fx = *state;

    fx->user = NULL;
    assert_int_equal(ask(fx, "POST", "/identity/v3/auth/tokens",
                         "{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\":"
                         " {\"user\": {\"name\": \"joe\", \"password\": \"pw\"}}},"
                         " \"scope\": {\"project\": {\"name\": \"demo\"}}}}"),
                     201);
    assert_non_null(strstr(ds_cstr(&fx->headers), "X-Subject-Token: "));
    assert_string_equal(text(fx, "token.project.name"), "demo");
    assert_string_equal(text(fx, "token.catalog.1.endpoints.0.url"),
                        "http://cloud:8774/compute/v2.1");

    assert_int_equal(ask(fx, "POST", "/identity/v3/auth/tokens",
                         "{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\":"
                         " {\"user\": {\"name\": \"joe\", \"password\": \"wrong\"}}}}}"),
                     401);
    assert_non_null(at(fx, "error.message"));
    assert_int_equal(ask(fx, "GET", "/identity/v3", NULL), 200);
}

static void
a_floating_address_goes_by_number_or_address(void **state)
{
    struct fixture *fx = *state;

    fx->user = ADMIN;
    assert_int_equal(ask(fx, "POST", "/v2.1/os-floating-ips-bulk",
                         "{\"floating_ips_bulk_create\": {\"ip_range\": \"192.0.2.1\"}}"),
                     200);
    assert_int_equal(ask(fx, "GET", "/v2.1/os-floating-ips/192.0.2.1", NULL), 404);
    assert_int_equal(ask(fx, "POST", "/v2.1/os-floating-ips", "{\"pool\": null}"), 200);
    assert_int_equal(ask(fx, "GET", "/v2.1/os-floating-ips/192.0.2.1", NULL), 200);
    assert_string_equal(text(fx, "floating_ip.pool"), "nova");
    assert_int_equal(ask(fx, "GET", "/v2.1/os-floating-ips/1", NULL), 200);
    assert_string_equal(text(fx, "floating_ip.ip"), "192.0.2.1");
    fx->user = JOE;
    assert_int_equal(ask(fx, "GET", "/v2.1/os-floating-ips/192.0.2.1", NULL), 404);
    assert_int_equal(ask(fx, "DELETE", "/v2.1/os-floating-ips/192.0.2.1", NULL), 404);
    fx->user = ADMIN;
    assert_int_equal(ask(fx, "DELETE", "/v2.1/os-floating-ips/192.0.2.9", NULL), 404);
    assert_int_equal(ask(fx, "DELETE", "/v2.1/os-floating-ips/192.0.2.1", NULL), 202);
    assert_int_equal(ask(fx, "GET", "/v2.1/os-floating-ips", NULL), 200);
    assert_int_equal(count(fx, "floating_ips"), 0);
}

static void
other_answers_keep_their_shapes(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(ask(fx, "GET", "/image", NULL), 300);
    assert_int_equal(ask(fx, "GET", "/image/v2/images?name=cirros", NULL), 200);
    assert_string_equal(text(fx, "images.0.id"), IMAGE);
    assert_int_equal(ask(fx, "GET", "/v2.1/v2/images?name=nothing", NULL), 200);
    assert_int_equal(count(fx, "images"), 0);
    assert_int_equal(ask(fx, "GET", "/v2.1/images?name=cirros", NULL), 200);
    assert_string_equal(text(fx, "images.0.id"), IMAGE);
    assert_int_equal(ask(fx, "GET", "/v2.1/images/" IMAGE, NULL), 200);
    assert_int_equal(ask(fx, "GET", "/image/v2/images/nothing", NULL), 404);
    assert_string_equal(text(fx, "code"), "404 Not Found");
    assert_int_equal(ask(fx, "GET", "/v2.1/flavors/1", NULL), 200);
    assert_string_equal(text(fx, "flavor.name"), "m1.tiny");
    assert_int_equal(ask(fx, "GET", "/v2.1/flavors/m1.tiny", NULL), 404);
    assert_int_equal(ask(fx, "GET", "/v2.1", NULL), 200);
    assert_string_equal(text(fx, "version.version"), "2.1");
    assert_non_null(strstr(ds_cstr(&fx->headers), "X-OpenStack-Nova-API-Version: 2.1\n"));
    assert_int_equal(ask(fx, "GET", "/v2.1/os-services", NULL), 200);
    assert_string_equal(text(fx, "services.0.state"), "up");
    assert_int_equal(ask(fx, "PUT", "/v2.1/servers", "{}"), 405);
    assert_non_null(strstr(ds_cstr(&fx->headers), "Allow: GET, POST\n"));
    assert_int_equal(ask(fx, "GET", "/v2.1/typo", NULL), 404);
}

/* A body with 'value' (JSON) at 'field' of 'outer', beside what is required. */
static char *
body_with(const char *outer, const char *field, const char *value)
{
    static const char *const required[][3] = {
        { "server", "name", "\"vm\"" },           { "server", "imageRef", "\"" IMAGE "\"" },
        { "server", "flavorRef", "\"1\"" },       { "network", "label", "\"x\"" },
        { "network", "cidr", "\"10.9.0.0/24\"" },
    };
    struct ds body = DS_EMPTY_INITIALIZER;

    ds_put_format(&body, "{\"%s\": {", outer);
    for (size_t i = 0; i < NT_ARRAY_SIZE(required); i++) {
        if (!strcmp(required[i][0], outer) && strcmp(required[i][1], field)) {
            ds_put_format(&body, "\"%s\": %s, ", required[i][1], required[i][2]);
        }
    }
    ds_put_format(&body, "\"%s\": %s}}", field, value);
    return ds_steal_cstr(&body);
}

static void
expect_refusal(struct fixture *fx, const char *outer, const char *field, const char *value)
{
    AUTO_FREE char *body = body_with(outer, field, value);
    AUTO_FREE char *target =
        xasprintf("/v2.1/%s", strcmp(outer, "server") ? "os-networks" : "servers");

    ask(fx, "POST", target, body);
    if (fx->status != 400 || !strstr(message(fx), field)) {
        fail_msg("%.200s: %d %s", body, fx->status, fx->status < 300 ? "" : message(fx));
    }
}

static void
wrong_fields_are_refused_by_name(void **state)
{
    static const char *const fields[][2] = {
        { "server", "name" },
        { "server", "imageRef" },
        { "server", "flavorRef" },
        { "server", "key_name" },
        { "server", "user_data" },
        { "server", "availability_zone" },
        { "server", "adminPass" },
        { "server", "OS-DCF:diskConfig" },
        { "server", "config_drive" },
        { "server", "return_reservation_id" },
        { "server", "min_count" },
        { "server", "max_count" },
        { "server", "metadata" },
        { "server", "networks" },
        { "server", "security_groups" },
        { "server", "unknown" },
        { "network", "label" },
        { "network", "id" },
        { "network", "cidr" },
        { "network", "gateway" },
        { "network", "dhcp_server" },
        { "network", "dns1" },
        { "network", "dns2" },
        { "network", "bridge" },
        { "network", "bridge_interface" },
        { "network", "project_id" },
        { "network", "multi_host" },
        { "network", "enable_dhcp" },
        { "network", "mtu" },
        { "network", "unknown" },
    };
    struct fixture *fx = *state;
    char *big = xmalloc(70003);

    memset(big, 'x', 70002);
    big[0] = big[70001] = '"';
    big[70002] = '\0';
    const char *const values[] = { "-1",        "1.5", "[7]",        "\"a\\u0000b\"",
                                   "\"a\\nb\"", big,   "\"\\ud800\"" };
    for (size_t i = 0; i < NT_ARRAY_SIZE(fields); i++) {
        for (size_t j = 0; j < NT_ARRAY_SIZE(values) - 1; j++) {
            expect_refusal(fx, fields[i][0], fields[i][1], values[j]);
        }
    }
    free(big);
    assert_int_equal(ask(fx, "GET", "/v2.1/servers", NULL), 200);
    assert_int_equal(count(fx, "servers"), 0);
}

static void
deeper_fields_are_refused_by_name(void **state)
{
    static const char *const rows[][3] = {
        { "metadata", "{\"key\": 7}", "metadata.key" },
        { "metadata", "{\"key\": \"a\\nb\"}", "metadata.key" },
        { "metadata", "{\"a\\u0000b\": \"x\"}", "metadata" },
        { "metadata", "{\"\": \"x\"}", "metadata" },
        { "networks", "[{\"uuid\": 7}]", "networks[0].uuid" },
        { "networks", "[{\"uuid\": \"x\"}]", "networks[0].uuid" },
        { "networks", "[{}]", "networks[0].uuid" },
        { "networks", "[{\"uuid\": \"" IMAGE "\", \"fixed_ip\": \"x\"}]", "networks[0].fixed_ip" },
        { "networks", "[{\"port\": \"" IMAGE "\"}]", "networks[0].port" },
        { "networks", "[{\"uuid\": \"" IMAGE "\"}]", IMAGE },
        { "networks", "\"some\"", "networks" },
        { "security_groups", "[{\"name\": \"a\\nb\"}]", "security_groups[0].name" },
        { "security_groups", "[{}]", "security_groups[0].name" },
        { "user_data", "\"not base64!\"", "user_data" },
        { "imageRef", "\"" IMAGE "x\"", "imageRef" },
        { "imageRef", "\"11111111-2222-3333-4444-555555555556\"",
          "11111111-2222-3333-4444-555555555556" },
        { "flavorRef", "\"99\"", "99" },
        { "name", "\"  \"", "name" },
    };
    struct fixture *fx = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(rows); i++) {
        AUTO_FREE char *body = body_with("server", rows[i][0], rows[i][1]);

        ask(fx, "POST", "/v2.1/servers", body);
        if (fx->status != 400 || !strstr(message(fx), rows[i][2])) {
            fail_msg("%s: %d %s", body, fx->status, fx->status < 300 ? "" : message(fx));
        }
    }
}

static void
bodies_that_are_no_json_objects_are_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "7",
        "\"server\"",
        "null",
        "{}",
        "{\"server\": []}",
        "{\"server\": {}",
        "{} x",
        "{\"server\": {\"name\": \"\xff\"}}",
        "{\"server\": 1e400}",
    };
    struct fixture *fx = *state;
    char deep[5001];

    for (size_t i = 0; i < NT_ARRAY_SIZE(bodies); i++) {
        assert_int_equal(ask(fx, "POST", "/v2.1/servers", bodies[i]), 400);
    }
    memset(deep, '[', 5000);
    deep[5000] = '\0';
    assert_int_equal(ask(fx, "POST", "/v2.1/servers", deep), 400);
}

static void
wrong_queries_are_refused_by_name(void **state)
{
    static const char *const queries[] = { "limit=x", "limit=-1", "limit=99999999999999999999",
                                           "marker=x", "ip=10.0.0" };
    struct fixture *fx = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(queries); i++) {
        AUTO_FREE char *target = xasprintf("/v2.1/servers?%s", queries[i]);
        AUTO_FREE char *name = xmemdup0(queries[i], strcspn(queries[i], "="));

        assert_int_equal(ask(fx, "GET", target, NULL), 400);
        assert_non_null(strstr(message(fx), name));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_request_needs_credentials),
        TEST(boot_show_list_and_delete),
        TEST(several_servers_come_from_one_request),
        TEST(members_see_their_project_only),
        TEST(console_output_may_come_later),
        TEST(networks_are_made_listed_and_removed),
        TEST(password_becomes_a_token_with_a_catalog),
        TEST(a_floating_address_goes_by_number_or_address),
        TEST(other_answers_keep_their_shapes),
        TEST(wrong_fields_are_refused_by_name),
        TEST(deeper_fields_are_refused_by_name),
        TEST(bodies_that_are_no_json_objects_are_refused),
        TEST(wrong_queries_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
