#include <config.h>

#include "server/metadata/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire/crypto.h"

#define PROXY 0x7f000001
#define GUEST 0x0a000002
#define ID "11111111-2222-3333-4444-555555555555"

static uint32_t proxies[] = { 0x01020304, PROXY };

struct header {
    const char *name, *value;
};

/* Asks with 'headers' (up to one without a name); the code, or NT_OK. */
static enum nt_code
ask(const struct sender_options *options, uint32_t peer, const struct header *headers,
    struct sender *sender)
{
    struct nt_http_request req;
    struct nt_err err = { 0 };

    nt_http_request_init(&req);
    req.peer = peer;
    for (; headers && headers->name; headers++) {
        nt_http_pairs_add(&req.headers, headers->name, headers->value);
    }
    int rc = sender_of(options, &req, sender, &err);
    nt_http_request_deinit(&req);
    return rc < 0 ? err.code : NT_OK;
}

static struct sender_options
options_of(bool forwarded, bool service)
{
    return (struct sender_options){ proxies, NT_ARRAY_SIZE(proxies), forwarded, service, "s3cret" };
}

static const struct header *
signed_headers(const char *secret)
{
    static char signature[NT_HMAC_HEX_SIZE];
    static const struct header headers[] = {
        { "X-Instance-ID", ID },
        { "x-tenant-id", "demo" },
        { "X-Instance-ID-Signature", signature },
        { "X-Forwarded-For", "10.0.0.2" },
        { NULL, NULL },
    };

    nt_hmac_sha256_hex(secret, ID, signature);
    return headers;
}

static void
a_guests_headers_are_nothing(void **state)
{
    struct sender sender;

    for (int i = 0; i < 4; i++) {
        struct sender_options options = options_of(i & 1, i & 2);

        assert_int_equal(ask(&options, GUEST, signed_headers("s3cret"), &sender), NT_OK);
        assert_string_equal(sender.address, "10.0.0.2");
        assert_string_equal(sender.instance_id, "");
    }
}

static void
nobody_is_a_proxy_unless_listed(void **state)
{
    const struct header other[] = { { "X-Forwarded-For", "10.0.0.77" }, { NULL, NULL } };
    struct sender_options options = options_of(true, false);
    struct sender sender;

    options.n_proxies = 0;
    assert_int_equal(ask(&options, PROXY, other, &sender), NT_OK);
    assert_string_equal(sender.address, "127.0.0.1");
    options.n_proxies = 2;
    assert_int_equal(ask(&options, PROXY, other, &sender), NT_OK);
    assert_string_equal(sender.address, "10.0.0.77");
    assert_int_equal(ask(&options, GUEST, other, &sender), NT_OK);
    assert_string_equal(sender.address, "10.0.0.2");
}

static void
a_forwarded_address_is_one_address(void **state)
{
    static const char *const bad[] = { "",          "10.0.0.2, 10.0.0.3", "10.0.0.2,", "x",
                                       "10.0.0.02", "10.0.0.2 ",          "::1",       "10.0.0" };
    const struct header twice[] = { { "X-Forwarded-For", "10.0.0.2" },
                                    { "x-forwarded-for", "10.0.0.2" },
                                    { NULL, NULL } };
    struct sender_options options = options_of(true, false);
    struct sender sender;

    for (size_t i = 0; i < NT_ARRAY_SIZE(bad); i++) {
        const struct header one[] = { { "X-Forwarded-For", bad[i] }, { NULL, NULL } };

        if (ask(&options, PROXY, one, &sender) != NT_INVALID) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
    assert_int_equal(ask(&options, PROXY, twice, &sender), NT_INVALID);
    assert_int_equal(ask(&options, PROXY, NULL, &sender), NT_INVALID);
}

static void
a_signed_request_names_its_instance(void **state)
{
    struct sender_options options = options_of(false, true);
    struct sender sender;

    assert_int_equal(ask(&options, PROXY, signed_headers("s3cret"), &sender), NT_OK);
    assert_string_equal(sender.instance_id, ID);
    assert_string_equal(sender.project_id, "demo");
}

static void
a_wrong_signature_is_forbidden(void **state)
{
    struct sender_options options = options_of(false, true);
    struct header headers[5];
    struct sender sender;

    assert_int_equal(ask(&options, PROXY, signed_headers("other"), &sender), NT_FORBIDDEN);
    memcpy(headers, signed_headers("s3cret"), sizeof headers);
    headers[0].value = "11111111-2222-3333-4444-555555555556";
    assert_int_equal(ask(&options, PROXY, headers, &sender), NT_FORBIDDEN);
    memcpy(headers, signed_headers("s3cret"), sizeof headers);
    headers[2].value = "";
    assert_int_equal(ask(&options, PROXY, headers, &sender), NT_FORBIDDEN);
}

static void
each_header_must_be_there_once(void **state)
{
    struct sender_options options = options_of(false, true);
    const struct header *good = signed_headers("s3cret");
    struct sender sender;

    for (size_t i = 0; i < 4; i++) {
        struct header less[5] = { { NULL, NULL } }, more[6] = { { NULL, NULL } };
        size_t n = 0;

        for (size_t j = 0; j < 4; j++) {
            more[j] = good[j];
            if (j != i) {
                less[n++] = good[j];
            }
        }
        more[4] = good[i];
        assert_int_equal(ask(&options, PROXY, less, &sender), NT_INVALID);
        assert_int_equal(ask(&options, PROXY, more, &sender), NT_INVALID);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guests_headers_are_nothing),
        cmocka_unit_test(nobody_is_a_proxy_unless_listed),
        cmocka_unit_test(a_forwarded_address_is_one_address),
        cmocka_unit_test(a_signed_request_names_its_instance),
        cmocka_unit_test(a_wrong_signature_is_forbidden),
        cmocka_unit_test(each_header_must_be_there_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
