/* Reads versioned objects, one JSON text in each line of standard input, and writes each
 * as our codec understood it; "refused: REASON" for one it did not take. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "net/vo.h"
#include "openvswitch/json.h"

static void
answer(const struct json *json)
{
    AUTO(nt_vo) vo = NULL;
    struct nt_err err;

    if (nt_vo_parse(NULL, json, "object", &vo, &err) < 0) {
        printf("refused: %s\n", err.msg);
        return;
    }

    /* Through a copy too, so that it is compared with the rest. */
    AUTO(nt_vo) copy = nt_vo_clone(vo);
    struct json *again = nt_vo_json(copy);
    AUTO_FREE char *text = json_to_string(again, 0);
    puts(text);
    json_destroy(again);
}

int
main(void)
{
    AUTO_FREE char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        struct json *json = json_from_string(line);

        answer(json);
        json_destroy(json);
    }
    return 0;
}
