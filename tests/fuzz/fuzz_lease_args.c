/* Lease events: the script's arguments and environment, and the datagram.
 *
 * The input is cut at NUL bytes.  Its first byte chooses: even, the rest is a
 * datagram; odd, the pieces are argv[1], argv[2], ... and, after an empty piece,
 * NETWORK_ID, DNSMASQ_LEASE_EXPIRES and DNSMASQ_CLIENT_ID.  What is accepted must come
 * back unchanged from a message, and may hold nothing that ends a line or a field. */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/lease_msg.h"

#define MAX_PIECES 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct environment {
    const char *values[3];
};

static const char *
get_value(void *env_, const char *name)
{
    static const char *const names[] = { "NETWORK_ID", "DNSMASQ_LEASE_EXPIRES",
                                         "DNSMASQ_CLIENT_ID" };
    struct environment *env = env_;

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        if (!strcmp(names[i], name)) {
            return env->values[i];
        }
    }
    return NULL;
}

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

static void
check_event(const struct nt_lease_event *ev)
{
    struct nt_lease_event back;
    char msg[NT_LEASE_MSG_MAX];
    size_t len;

    if (ev->action == NT_LEASE_NONE) {
        return;
    }
    check(!strpbrk(ev->hostname, " \t\r\n,=*#"));
    check(!strpbrk(ev->client_id, " \t\r\n,=*#"));
    len = nt_lease_encode(ev, msg);
    check(len < NT_LEASE_MSG_MAX);
    check(nt_lease_decode(msg, len, &back, NULL) == 0);
    check(back.action == ev->action && back.network_number == ev->network_number);
    if (ev->action != NT_LEASE_INIT) {
        check(!strcmp(back.mac, ev->mac) && !strcmp(back.ip, ev->ip));
    }
    check(!strcmp(back.hostname, ev->hostname) && !strcmp(back.client_id, ev->client_id));
    check(back.expires_ms == ev->expires_ms && back.time_ms == ev->time_ms);
}

static void
try_call(char *text, size_t size)
{
    const char *argv[MAX_PIECES + 2] = { "dhcpbridge" };
    struct environment env = { .values = { NULL } };
    struct nt_lease_event ev;
    size_t n_args = 1, n_values = 0;
    int in_environment = 0;

    for (char *p = text; p < text + size; p += strlen(p) + 1) {
        if (in_environment) {
            if (n_values < NT_ARRAY_SIZE(env.values)) {
                env.values[n_values++] = p;
            }
        } else if (!*p) {
            in_environment = 1;
        } else if (n_args <= MAX_PIECES) {
            argv[n_args++] = p;
        }
    }
    if (!nt_lease_parse_call((int) n_args, argv, get_value, &env, &ev, NULL)) {
        check_event(&ev);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nt_lease_event ev;

    if (!size) {
        return 0;
    }
    if (data[0] & 1) {
        char *text = malloc(size);

        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        try_call(text, size);
        free(text);
    } else if (!nt_lease_decode((const char *) data + 1, size - 1, &ev, NULL)) {
        check_event(&ev);
    }
    return 0;
}
