#include <config.h>

#include "server/rest/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

struct routed {
    struct nt_http_request req;
    struct match match;
};

static void
route(struct routed *r, const char *method, const char *target)
{
    nt_http_request_init(&r->req);
    r->req.method = xstrdup(method);
    assert_int_equal(nt_http_target_parse(&r->req, target, NULL), 0);
    router_match(rest_routes, &r->req, &r->match);
}

static void
expect(const char *method, const char *target, const char *pattern, enum service service,
       const char *param)
{
    struct routed r;

    route(&r, method, target);
    if (!r.match.route) {
        fail_msg("%s %s: no route", method, target);
    } else {
        assert_string_equal(r.match.route->pattern, pattern);
    }
    assert_int_equal(r.match.service, service);
    if (param) {
        assert_int_equal(r.match.n_params, 1);
        assert_string_equal(r.match.params[0], param);
    } else {
        assert_int_equal(r.match.n_params, 0);
    }
    nt_http_request_deinit(&r.req);
}

static void
bases_lead_to_the_same_routes(void **state)
{
    static const char *const bases[] = { "/v2.1", "/v2.1/demo", "/v2/demo", "/compute/v2.1",
                                         "/compute/v2.1/demo" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(bases); i++) {
        AUTO_FREE char *list = xasprintf("%s/servers/detail", bases[i]);
        AUTO_FREE char *action = xasprintf("%s/servers/abc/action", bases[i]);

        expect("GET", list, "servers/detail", SERVICE_COMPUTE, NULL);
        expect("POST", action, "servers/{}/action", SERVICE_COMPUTE, "abc");
    }
    expect("GET", "/v2.1", "", SERVICE_COMPUTE, NULL);
    expect("GET", "/compute/v2.1/", "", SERVICE_COMPUTE, NULL);
    expect("GET", "/v2/demo", "", SERVICE_COMPUTE, NULL);
}

static void
version_documents_are_found(void **state)
{
    expect("GET", "/", "", SERVICE_ROOT, NULL);
    expect("GET", "/compute/", "compute", SERVICE_ROOT, NULL);
    expect("GET", "/v2", "v2", SERVICE_ROOT, NULL);
    expect("HEAD", "/image", "", SERVICE_IMAGE, NULL);
    expect("GET", "/identity/v3/", "v3", SERVICE_IDENTITY, NULL);
}

static void
images_are_below_the_compute_base_too(void **state)
{
    expect("GET", "/compute/v2.1/v2/images?name=x", "v2/images", SERVICE_COMPUTE, NULL);
    expect("GET", "/v2.1/v2/images/abc", "v2/images/{}", SERVICE_COMPUTE, "abc");
    expect("GET", "/image/v2/images/abc", "v2/images/{}", SERVICE_IMAGE, "abc");
}

static void
project_is_taken_from_the_path(void **state)
{
    struct routed r;

    route(&r, "GET", "/v2/demo/servers");
    assert_string_equal(r.match.project, "demo");
    assert_true(r.match.base_has_project);
    nt_http_request_deinit(&r.req);

    route(&r, "GET", "/v2.1/servers");
    assert_null(r.match.project);
    nt_http_request_deinit(&r.req);
}

static void
wrong_method_tells_the_right_ones(void **state)
{
    struct routed r;

    route(&r, "PUT", "/v2.1/servers");
    assert_null(r.match.route);
    assert_string_equal(r.match.allow, "GET, POST");
    nt_http_request_deinit(&r.req);
}

static void
unknown_paths_have_no_route(void **state)
{
    static const char *const paths[] = {
        "/v2.1/typo",
        "/v2.1/demo/typo",
        "/compute/v2.1/demo",
        "/v2.1/servers/a/b/c",
        "/v2.1/servers/../flavors",
        "/v3",
        "/v2.1x/servers",
        "/image/v2",
        "/identity/v3/roles",
        "/v2.1/{}",
        "/network/v2.0",
        "/v2.1/a/b/c/d/e/f/g/h",
        "/v2/demo/servers/%7B%7D/action/x",
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(paths); i++) {
        struct routed r;

        route(&r, "GET", paths[i]);
        if (r.match.route) {
            fail_msg("%s has a route", paths[i]);
        }
        assert_string_equal(r.match.allow, "");
        nt_http_request_deinit(&r.req);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bases_lead_to_the_same_routes),
        cmocka_unit_test(version_documents_are_found),
        cmocka_unit_test(images_are_below_the_compute_base_too),
        cmocka_unit_test(project_is_taken_from_the_path),
        cmocka_unit_test(wrong_method_tells_the_right_ones),
        cmocka_unit_test(unknown_paths_have_no_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
