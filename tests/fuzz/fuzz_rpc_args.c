/* The arguments and answers of every method of neutron's: what is taken is written so that
 * it reads the same again.
 *
 * The input's first line is the method, with '=' in front for its answer; the rest is
 * JSON.  Where interfaces share a method's name all of them are tried. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "rpc/neutron/neutron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

static void
try_args(const struct nt_interface *iface, const struct nt_method *m, const struct json *json)
{
    struct nt_err err;
    void *args, *again;

    if (nt_args_decode(iface, m, json, &args, &err) < 0) {
        check(err.msg[0]);
    } else if (m->args) {
        struct json *written = nt_args_json(m, args);
        struct json *rewritten;

        check(nt_args_decode(iface, m, written, &again, &err) == 0);
        rewritten = nt_args_json(m, again);
        check(json_equal(written, rewritten));
        nt_args_free(m, again);
        json_destroy(rewritten);
        json_destroy(written);
    }
    nt_args_free(m, args);
}

static void
try_result(const struct nt_method *m, const struct json *json)
{
    struct nt_err err;
    void *result, *again;

    if (nt_result_decode(m, json, &result, &err) < 0) {
        check(err.msg[0]);
    } else if (m->result) {
        struct json *written = nt_result_json(m, result);
        struct json *rewritten;

        check(nt_result_decode(m, written, &again, &err) == 0);
        rewritten = nt_result_json(m, again);
        check(json_equal(written, rewritten));
        nt_result_free(m, again);
        json_destroy(rewritten);
        json_destroy(written);
    }
    nt_result_free(m, result);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmemdup0((const char *) data, size);
    char *line_end = strchr(text, '\n');

    if (!line_end) {
        return 0;
    }
    *line_end = '\0';

    struct json *json = json_from_string(line_end + 1);
    const char *name = text + (text[0] == '=');
    for (const struct nt_interface *const *i = nt_neutron_interfaces; *i; i++) {
        const struct nt_method *m = nt_method_find(*i, name);

        if (m && name == text) {
            try_args(*i, m, json);
        } else if (m) {
            try_result(m, json);
        }
    }
    json_destroy(json);
    return 0;
}
