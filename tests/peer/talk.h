/* How a test speaks with the programs of this folder: commands are lines on their standard input,
 * what they tell is lines of JSON on their standard output.
 *
 * Nothing blocks: what has come is taken in each turn of the loop. */
#pragma once

#include "base/attr.h"
#include "openvswitch/dynamic-string.h"

struct json;

/* --- commands ------------------------------------------------------------------------------ */

struct talk {
    int input; /* Standard input; the poll loop has no descriptor 0. */
    bool at_end;
    struct ds text; /* What has come... */
    size_t start;   /* ...from here on was not taken yet, */
    size_t seen;    /* and up to here no line ends. */
};

NT_NODISCARD int talk_init(struct talk *); /* Negative errno. */
void talk_deinit(struct talk *);
void talk_read(struct talk *);
void talk_wait(const struct talk *);

/* The next line, which the caller frees; NULL: none has come whole. */
char *talk_next(struct talk *);

/* Members of a command. */
const char *talk_text(const struct json *, const char *key, const char *missing);
long long talk_number(const struct json *, const char *key, long long missing);
bool talk_truth(const struct json *, const char *key);

/* --- what is told -------------------------------------------------------------------------- */

struct json *talk_event(const char *name);
void talk_tell(struct json *); /* Frees it. */
