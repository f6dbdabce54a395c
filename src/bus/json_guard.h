/* A bound on what JSON text may cost once parsed: a value takes about a hundred
 * bytes of memory but only two of text, so the length alone is no bound. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define NT_JSON_MAX_VALUES 1000000

struct nt_json_guard {
    bool in_string, escaped;
    size_t n_values;
};

/* Counts on; false once there are more than NT_JSON_MAX_VALUES.  The guard begins
 * zeroed, and the text may come in pieces. */
static inline bool
nt_json_guard_feed(struct nt_json_guard *guard, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (guard->in_string) {
            if (guard->escaped) {
                guard->escaped = false;
            } else if (c == '\\') {
                guard->escaped = true;
            } else if (c == '"') {
                guard->in_string = false;
            }
        } else if (c == '"') {
            guard->in_string = true;
        } else if (c == ',' || c == '[' || c == '{') {
            guard->n_values++;
        }
    }
    return guard->n_values <= NT_JSON_MAX_VALUES;
}
