/* A request body, through the whole REST door: JSON, field tables, what handlers
 * check by hand, and the core's own checks on a real database.
 *
 * The input's first byte chooses the request; the rest is its body.  Each gets exactly
 * one answer, never a 5xx; its body is JSON in UTF-8.  There is no image, so no
 * server is ever made. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/text.h"
#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "server/rest/rest.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct door {
    struct nt_http_request req; /* First: the answer finds the door by it. */
    struct core_env env;
    struct op_queue *ops;
    struct rest *rest;
    struct nt_random *random;
    char dir[64];
    unsigned n_answers;
};

static struct door door;

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

static void
take_answer(struct nt_http_request *req, const struct nt_http_answer *answer)
{
    struct door *d = (struct door *) req;
    AUTO_FREE char *text = xmemdup0(answer->body ? answer->body : "", answer->body_len);

    d->n_answers++;
    check(answer->status >= 200 && answer->status < 500);
    check(nt_is_utf8(text, answer->body_len));
    if (answer->body_len) {
        struct json *json = json_from_string(text);

        check(json->type == JSON_OBJECT);
        json_destroy(json);
    }
}

static void
no_console(void *aux, const struct nt_instance *instance, int64_t length, rest_console_done *done,
           void *done_aux)
{
    done(done_aux, "", NULL);
}

static void
remove_files(void)
{
    check(nt_remove_tree(door.dir) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *users = "admin secret cloud admin\n";
    struct store *store, *reader;
    char url[128], file[128];
    struct nt_err err = { 0 };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    strcpy(door.dir, "/tmp/nt-fuzz-rest-XXXXXX");
    check(mkdtemp(door.dir) != NULL);
    atexit(remove_files);
    snprintf(url, sizeof url, "sqlite:///%s/db.sqlite", door.dir);
    snprintf(file, sizeof file, "%s/credentials", door.dir);
    check(nt_file_replace(file, users, strlen(users), 0600, NULL, &err) == 0);
    check(store_open(url, &store, &err) == 0);
    check(store_open_reader(url, &reader, &err) == 0);
    door.random = nt_random_system();
    core_env_init(&door.env, nt_clock_system(), door.random);
    door.ops = op_queue_new(store);

    struct rest_options options = {
        .ops = door.ops,
        .reader = reader,
        .env = &door.env,
        .credentials_file = file,
        .console = no_console,
    };
    check(rest_new(&options, &door.rest, &err) == 0);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const targets[] = {
        "/v2.1/servers",
        "/v2.1/os-networks",
        "/identity/v3/auth/tokens",
        "/v2.1/os-networks/11111111-2222-3333-4444-555555555555/action",
    };
    struct nt_http_request *req = &door.req;

    if (!size) {
        return 0;
    }
    nt_http_request_init(req);
    req->reply = take_answer;
    req->method = xstrdup("POST");
    req->body = xmemdup0((const char *) data + 1, size - 1);
    req->body_len = size - 1;
    check(nt_http_target_parse(req, targets[data[0] % NT_ARRAY_SIZE(targets)], NULL) == 0);
    nt_http_pairs_add(&req->headers, "Authorization", "Basic YWRtaW46c2VjcmV0");
    door.n_answers = 0;
    rest_handle(door.rest, req);
    op_queue_run(door.ops);
    check(door.n_answers == 1);
    nt_http_request_deinit(req);
    return 0;
}
