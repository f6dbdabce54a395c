/* How a client of AMQP introduces itself, and field tables, which that needs. */
#pragma once

#include <stdbool.h>

#include "wire/amqp/frame.h"

/* Everything is borrowed. */
struct nt_amqp_login {
    const char *mechanism, *user, *password;
    const char *name; /* Of the connection. */
};

/* Appends connection.start-ok.  Texts have at most 255 bytes each. */
void nt_amqp_put_start_ok(struct ofpbuf *, const struct nt_amqp_login *);

/* Whether 'word' is among words separated by blanks. */
bool nt_amqp_has_word(amqp_bytes_t words, const char *word);

/* Append to a table, whose entries have room; 'value' 0 is left out.  Texts are borrowed. */
void nt_amqp_add_number(amqp_table_t *, const char *key, int value);
void nt_amqp_add_text(amqp_table_t *, const char *key, const char *value);
