#include <config.h>

#include "flat/metadata_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "openvswitch/poll-loop.h"
#include "flat/metadata_cache.h"
#include "wire/http/server.h"

#define INSTANCE "11111111-1111-4111-8111-111111111111"

/* The guest is 127.0.0.1, and so is the server. */
struct bed {
    char dir[64], asked[256];
    struct flat_model model;
    struct nt_config *config;
    struct nt_http_server *server;
    struct metadata_proxy *proxy;
    uint16_t port;
    unsigned n_asked;
    const char *listing; /* Of every path that ends in '/'. */
};

/* The server: some pages that are broken. */
static void
serve(void *bed_, struct nt_http_request *req)
{
    static const char garbage[METADATA_CACHE_MAX_BYTES + 1];
    struct bed *bed = bed_;

    bed->n_asked++;
    snprintf(bed->asked, sizeof bed->asked, "%s", req->path);
    if (!strcmp(req->path, "/broken")) {
        nt_http_reply(req, 500, "text/plain", "x", 1);
    } else if (!strcmp(req->path, "/huge")) {
        nt_http_reply(req, 200, "text/plain", garbage, sizeof garbage);
    } else if (!strcmp(req->path, "/forbidden")) {
        nt_http_reply(req, 403, "text/plain", "x", 1);
    } else if (req->has_trailing_slash) {
        nt_http_reply(req, 200, "text/plain", bed->listing, strlen(bed->listing));
    } else {
        nt_http_reply(req, 200, "text/plain", "page", 4);
    }
}

static struct nt_http_server *
listen_any(nt_http_handler *handler, struct bed *bed)
{
    const struct nt_http_options options = {
        .address = "127.0.0.1",
        .limits = nt_http_default_limits,
        .clock = nt_clock_system(),
        .handler = handler,
        .aux = bed,
    };
    struct nt_http_server *server;
    struct nt_err err = { 0 };

    assert_int_equal(nt_http_server_new(&options, &server, &err), 0);
    return server;
}

static int
open_proxy(struct bed *bed, const char *url)
{
    struct nt_http_server *probe = listen_any(serve, bed);
    struct nt_err err = { 0 };

    /* A port that was free just now. */
    bed->port = nt_http_server_port(probe);
    nt_http_server_free(probe);
    nt_config_free(bed->config);
    bed->config = nt_config_new(nt_options);
    assert_int_equal(nt_config_set(bed->config, "neutrino_state_path", bed->dir, "test", &err), 0);
    assert_int_equal(nt_config_set(bed->config, "metadata_server", url, "test", &err), 0);
    assert_int_equal(nt_config_finish(bed->config, &err), 0);

    const struct metadata_proxy_options options = {
        .config = bed->config,
        .clock = nt_clock_system(),
        .model = &bed->model,
        .listen = INADDR_LOOPBACK,
        .port = bed->port,
    };
    return metadata_proxy_new(&options, &bed->proxy, &err) ? err.code : NT_OK;
}

static int
set_up(void **state)
{
    struct bed *bed = xzalloc(sizeof *bed);
    struct nt_network_view view = { .number = 1 };
    struct nt_host_entry entry = { .address = "127.0.0.1",
                                   .instance_id = INSTANCE,
                                   .allocated = true };

    strcpy(bed->dir, "/tmp/nt-test-proxy-XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    strcpy(view.id, "22222222-2222-4222-8222-222222222222");
    flat_model_init(&bed->model);
    flat_entry_put(flat_model_put(&bed->model, &view), &entry);
    bed->listing = "";
    bed->server = listen_any(serve, bed);

    AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u", nt_http_server_port(bed->server));
    assert_int_equal(open_proxy(bed, url), NT_OK);
    *state = bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    metadata_proxy_free(bed->proxy);
    nt_http_server_free(bed->server);
    flat_model_deinit(&bed->model);
    nt_config_free(bed->config);
    assert_int_equal(nt_remove_tree(bed->dir), 0);
    free(bed);
    return 0;
}

static void
turn(struct bed *bed)
{
    if (bed->server) {
        nt_http_server_run(bed->server);
        nt_http_server_wait(bed->server);
    }
    metadata_proxy_run(bed->proxy);
    metadata_proxy_wait(bed->proxy);
    poll_timer_wait(20);
    poll_block();
}

/* The status of the guest's request for 'target', as it is written here. */
static int
ask(struct bed *bed, const char *target)
{
    struct sockaddr_in sin = { .sin_family = AF_INET,
                               .sin_port = htons(bed->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    AUTO_FREE char *text =
        xasprintf("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[4096] = "";
    ssize_t got = -1;
    int status = 0;

    assert_int_equal(connect(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    for (int i = 0; i < 3000 && got < 0; i++) {
        turn(bed);
        got = recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT);
    }
    close(fd);
    assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
    return status;
}

static void
what_a_guest_writes_stays_a_path(void **state)
{
    struct bed *bed = *state;

    assert_int_equal(ask(bed, "/latest//meta%2Ddata/a%20b"), 200);
    assert_string_equal(bed->asked, "/latest/meta-data/a%20b");
    assert_int_equal(ask(bed, "@127.0.0.2:9/x"), 200);
    assert_string_equal(bed->asked, "/%40127.0.0.2%3A9/x");
    assert_int_equal(ask(bed, "/../x?a=b"), 200);
    assert_string_equal(bed->asked, "/../x");
    assert_int_equal(ask(bed, "/%0d%0aX-Tenant-ID:1"), 400);
    assert_int_equal(ask(bed, "/[%5b]"), 200);
    assert_string_equal(bed->asked, "/%5B%5B%5D");
}

static void
one_broken_page_takes_no_other_away(void **state)
{
    struct bed *bed = *state;

    assert_int_equal(ask(bed, "/broken"), 503);
    assert_int_equal(ask(bed, "/fine"), 200);
    assert_int_equal(ask(bed, "/huge"), 503);
    assert_int_equal(ask(bed, "/fine2"), 200);
    assert_int_equal(ask(bed, "/forbidden"), 403);

    /* Only what is the page's own is said again without the server. */
    nt_http_server_free(TAKE(bed->server));
    assert_int_equal(ask(bed, "/fine"), 200);
    assert_int_equal(ask(bed, "/forbidden"), 503);
    assert_int_equal(ask(bed, "/broken"), 503);
    assert_int_equal(metadata_proxy_stats(bed->proxy)->n_from_cache, 1);
}

static void
a_listing_that_names_itself_is_read_so_often_and_no_more(void **state)
{
    struct bed *bed = *state;
    unsigned before = 0, quiet = 0;

    bed->listing = "a/\nb/\n../\n./\n";
    for (int i = 0; i < 20000 && quiet < 100; i++) {
        turn(bed);
        quiet = bed->n_asked && bed->n_asked == before ? quiet + 1 : 0;
        before = bed->n_asked;
    }
    assert_true(quiet == 100);
    assert_in_range(bed->n_asked, 100, 520);
}

static void
server_is_an_address_and_no_more(void **state)
{
    static const char *const bad[] = { "http://localhost:8775",  "http://192.0.2.1:8775/",
                                       "http://192.0.2.1/x",     "http://u@192.0.2.1:8775",
                                       "https://192.0.2.1:8775", "http://192.0.2.1:0",
                                       "http://192.0.2.1:65536", "http://192.0.2.1:" };
    struct bed *bed = *state;

    metadata_proxy_free(TAKE(bed->proxy));
    for (size_t i = 0; i < NT_ARRAY_SIZE(bad); i++) {
        assert_int_equal(open_proxy(bed, bad[i]), NT_INVALID);
    }
    assert_int_equal(open_proxy(bed, "http://192.0.2.1"), NT_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
        TEST(what_a_guest_writes_stays_a_path),
        TEST(one_broken_page_takes_no_other_away),
        TEST(a_listing_that_names_itself_is_read_so_often_and_no_more),
        TEST(server_is_an_address_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
