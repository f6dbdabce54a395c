#include <config.h>

#include "wire/amqp/login.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static amqp_field_value_t *
add(amqp_table_t *table, const char *key, amqp_field_value_kind_t kind)
{
    amqp_table_entry_t *entry = &table->entries[table->num_entries++];

    entry->key = nt_amqp_text(key);
    entry->value.kind = kind;
    return &entry->value;
}

void
nt_amqp_add_number(amqp_table_t *table, const char *key, int value)
{
    if (value) {
        add(table, key, AMQP_FIELD_KIND_I32)->value.i32 = value;
    }
}

void
nt_amqp_add_text(amqp_table_t *table, const char *key, const char *value)
{
    add(table, key, AMQP_FIELD_KIND_UTF8)->value.bytes = nt_amqp_text(value);
}

/* A table of LOGIN and PASSWORD without its length, as AMQPLAIN wants it. */
static amqp_bytes_t
amqplain(const struct nt_amqp_login *login, char *buf, size_t size)
{
    amqp_table_entry_t entries[2];
    amqp_table_t table = { 0, entries };
    size_t offset = 0;

    nt_amqp_add_text(&table, "LOGIN", login->user);
    nt_amqp_add_text(&table, "PASSWORD", login->password);

    int rc = amqp_encode_table((amqp_bytes_t){ size, buf }, &table, &offset);
    ovs_assert(rc >= 0);
    return (amqp_bytes_t){ offset - 4, buf + 4 };
}

static amqp_bytes_t
response(const struct nt_amqp_login *login, char *buf, size_t size)
{
    if (!strcmp(login->mechanism, "AMQPLAIN")) {
        return amqplain(login, buf, size);
    }
    if (!strcmp(login->mechanism, "PLAIN")) {
        int n = snprintf(buf, size, "%c%s%c%s", 0, login->user, 0, login->password);

        return (amqp_bytes_t){ n, buf };
    }
    return nt_amqp_text("");
}

bool
nt_amqp_has_word(amqp_bytes_t words, const char *word)
{
    size_t n = strlen(word);
    const char *at = words.bytes;
    const char *end = at + words.len;

    while (at < end) {
        const char *blank = memchr(at, ' ', end - at);
        size_t len = (blank ? blank : end) - at;

        if (len == n && !memcmp(at, word, n)) {
            return true;
        }
        at += len + 1;
    }
    return false;
}

void
nt_amqp_put_start_ok(struct ofpbuf *out, const struct nt_amqp_login *login)
{
    static const char *const can[] = { "authentication_failure_close", "connection.blocked",
                                       "consumer_cancel_notify" };
    amqp_table_entry_t capabilities[NT_ARRAY_SIZE(can)], entries[4];
    amqp_table_t inner = { 0, capabilities };
    amqp_connection_start_ok_t m = {
        .client_properties = { 0, entries },
        .mechanism = nt_amqp_text(login->mechanism),
        .locale = nt_amqp_text("en_US"),
    };
    char buf[1024];

    for (size_t i = 0; i < NT_ARRAY_SIZE(can); i++) {
        add(&inner, can[i], AMQP_FIELD_KIND_BOOLEAN)->value.boolean = 1;
    }
    nt_amqp_add_text(&m.client_properties, "product", "neutrino");
    nt_amqp_add_text(&m.client_properties, "product_version", NT_VERSION);
    add(&m.client_properties, "capabilities", AMQP_FIELD_KIND_TABLE)->value.table = inner;
    nt_amqp_add_text(&m.client_properties, "connection_name", login->name);
    m.response = response(login, buf, sizeof buf);
    nt_amqp_put_method(out, 0, AMQP_CONNECTION_START_OK_METHOD, &m);
    memset(buf, 0, sizeof buf);
}
