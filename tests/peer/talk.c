#include <config.h>

#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

int
talk_init(struct talk *t)
{
    *t = (struct talk){ .text = DS_EMPTY_INITIALIZER };
    t->input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    return t->input < 0 || fcntl(t->input, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

void
talk_deinit(struct talk *t)
{
    ds_destroy(&t->text);
}

void
talk_read(struct talk *t)
{
    char block[65536];
    ssize_t n;

    while ((n = read(t->input, block, sizeof block)) > 0) {
        ds_put_buffer(&t->text, block, (size_t) n);
    }
    t->at_end = t->at_end || !n;
}

void
talk_wait(const struct talk *t)
{
    poll_fd_wait(t->input, POLLIN);
}

char *
talk_next(struct talk *t)
{
    char *text = ds_cstr(&t->text);
    char *end = memchr(text + t->seen, '\n', t->text.length - t->seen);

    if (!end) {
        t->text.length -= t->start;
        memmove(text, text + t->start, t->text.length + 1);
        t->start = 0;
        t->seen = t->text.length;
        return NULL;
    }
    char *line = xmemdup0(text + t->start, (size_t) (end - text) - t->start);
    t->start = t->seen = (size_t) (end + 1 - text);
    return line;
}

const char *
talk_text(const struct json *command, const char *key, const char *missing)
{
    const struct json *value = shash_find_data(json_object(command), key);

    return value && value->type == JSON_STRING ? json_string(value) : missing;
}

long long
talk_number(const struct json *command, const char *key, long long missing)
{
    const struct json *value = shash_find_data(json_object(command), key);

    return value && value->type == JSON_INTEGER ? json_integer(value) : missing;
}

bool
talk_truth(const struct json *command, const char *key)
{
    const struct json *value = shash_find_data(json_object(command), key);

    return value && value->type == JSON_TRUE;
}

struct json *
talk_event(const char *name)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "event", name);
    return json;
}

void
talk_tell(struct json *json)
{
    AUTO_FREE char *text = json_to_string(json, JSSF_SORT);

    puts(text);
    fflush(stdout);
    json_destroy(json);
}
