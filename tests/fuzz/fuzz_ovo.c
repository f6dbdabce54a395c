/* The reader of versioned objects: what it takes it writes so that it reads the same
 * again, and a copy says the same. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/vo.h"
#include "openvswitch/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

static void
read_again(const struct json *json, const struct nt_vo *vo)
{
    AUTO(nt_vo) copy = nt_vo_clone(vo);
    AUTO(nt_vo) again = NULL;

    check(nt_vo_parse(NULL, json, "object", &again, NULL) == 0);

    struct json *from_copy = nt_vo_json(copy);
    struct json *from_again = nt_vo_json(again);
    check(json_equal(json, from_copy));
    check(json_equal(json, from_again));
    json_destroy(from_again);
    json_destroy(from_copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmemdup0((const char *) data, size);
    struct json *json = json_from_string(text);
    AUTO(nt_vo) vo = NULL;
    struct nt_err err;

    if (nt_vo_parse(NULL, json, "object", &vo, &err) < 0) {
        check(err.msg[0] && !vo);
    } else {
        struct json *written = nt_vo_json(vo);

        read_again(written, vo);
        json_destroy(written);
    }
    json_destroy(json);
    return 0;
}
