#include <config.h>

#include "host/lease_msg.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *const action_names[] = {
    [NT_LEASE_NONE] = NULL,
    [NT_LEASE_INIT] = "init",
    [NT_LEASE_ADD] = "add",
    [NT_LEASE_DEL] = "del",
};

static enum nt_lease_action
action_from_name(const char *name)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(action_names); i++) {
        if (action_names[i] && !strcmp(action_names[i], name)) {
            return i;
        }
    }
    return NT_LEASE_NONE;
}

bool
nt_lease_is_hostname(const char *s)
{
    size_t len = strlen(s);

    return len && len < NT_LEASE_HOSTNAME_SIZE && strspn(s, ALNUM "-_.") == len && s[0] != '-'
           && s[0] != '.';
}

bool
nt_lease_is_client_id(const char *s)
{
    size_t len = strlen(s);

    if (len % 3 != 2) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (i % 3 == 2 ? s[i] != ':' : !memchr("0123456789abcdefABCDEF", s[i], 22)) {
            return false;
        }
    }
    return true;
}

/* Decimal digits only, at most INT64_MAX / 1000 so that milliseconds fit. */
static bool
parse_number(const char *s, int64_t *out)
{
    size_t len = strlen(s);

    if (!len || len > 15 || strspn(s, "0123456789") != len) {
        return false;
    }
    *out = strtoll(s, NULL, 10);
    return true;
}

/* A value for a message: quoted in part, and only what is printable. */
static int
bad_value(struct nt_err *err, const char *what, const char *value)
{
    char shown[41];
    size_t n = 0;

    for (; n < sizeof shown - 1 && value[n]; n++) {
        shown[n] = value[n] > ' ' && value[n] < 127 ? value[n] : '?';
    }
    shown[n] = '\0';
    return nt_fail(err, NT_INVALID, "bad %s '%s'", what, shown);
}

static int
set_network(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    return parse_number(s, &ev->network_number) ? 0 : bad_value(err, "network number", s);
}

static int
set_mac(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    struct nt_mac mac;

    if (!nt_mac_parse(s, &mac)) {
        return bad_value(err, "MAC address", s);
    }
    nt_mac_format(&mac, ev->mac);
    return 0;
}

static int
set_ip(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    uint32_t ip;

    if (!nt_ip4_parse(s, &ip)) {
        return bad_value(err, "IP address", s);
    }
    nt_ip4_format(ip, ev->ip);
    return 0;
}

static int
set_expires(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    int64_t seconds;

    if (!parse_number(s, &seconds)) {
        return bad_value(err, "expiry time", s);
    }
    ev->expires_ms = seconds * 1000;
    return 0;
}

static int
set_hostname(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    if (!nt_lease_is_hostname(s)) {
        return bad_value(err, "host name", s);
    }
    snprintf(ev->hostname, sizeof ev->hostname, "%s", s);
    return 0;
}

static int
set_client_id(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    if (!nt_lease_is_client_id(s)) {
        return bad_value(err, "client id", s);
    }
    /* Half an identifier would be another client's: rather none, dnsmasq then goes
     * by the MAC address. */
    if (strlen(s) < sizeof ev->client_id) {
        snprintf(ev->client_id, sizeof ev->client_id, "%s", s);
    }
    return 0;
}

static int
set_time(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    return parse_number(s, &ev->time_ms) ? 0 : bad_value(err, "time", s);
}

static int
set_action(struct nt_lease_event *ev, const char *s, struct nt_err *err)
{
    ev->action = action_from_name(s);
    return ev->action == NT_LEASE_NONE ? bad_value(err, "action", s) : 0;
}

int
nt_lease_parse_call(int argc, const char *const *argv,
                    const char *(*env)(void *aux, const char *name), void *aux,
                    struct nt_lease_event *out, struct nt_err *err)
{
    struct nt_lease_event ev = { .action = NT_LEASE_NONE };

    if (argc < 2) {
        return nt_fail(err, NT_INVALID, "no action given");
    }
    ev.action = action_from_name(argv[1]);
    if (ev.action == NT_LEASE_NONE) {
        *out = ev;
        return 0;
    }

    const char *network = env(aux, "NETWORK_ID");
    if (!network) {
        return nt_fail(err, NT_INVALID, "NETWORK_ID is not set in the environment");
    }
    if (set_network(&ev, network, err) < 0) {
        return nt_err_context(err, "NETWORK_ID");
    }
    if (ev.action != NT_LEASE_INIT) {
        const char *expires = env(aux, "DNSMASQ_LEASE_EXPIRES");
        const char *client_id = env(aux, "DNSMASQ_CLIENT_ID");

        if (argc < 4) {
            return nt_fail(err, NT_INVALID, "%s needs a MAC and an IP address", argv[1]);
        }
        if (set_mac(&ev, argv[2], err) < 0 || set_ip(&ev, argv[3], err) < 0
            || (argc > 4 && *argv[4] && set_hostname(&ev, argv[4], err) < 0)
            || (ev.action == NT_LEASE_ADD && expires && set_expires(&ev, expires, err) < 0)
            || (client_id && *client_id && set_client_id(&ev, client_id, err) < 0)) {
            return -1;
        }
    }
    *out = ev;
    return 0;
}

static void __attribute__((format(printf, 3, 4)))
put(char out[NT_LEASE_MSG_MAX], size_t *len, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(out + *len, NT_LEASE_MSG_MAX - *len, fmt, args);
    va_end(args);
    *len += (size_t) n < NT_LEASE_MSG_MAX - *len ? (size_t) n : NT_LEASE_MSG_MAX - *len - 1;
}

/* The largest valid event is about 600 bytes, so that nothing is ever cut. */
size_t
nt_lease_encode(const struct nt_lease_event *ev, char out[NT_LEASE_MSG_MAX])
{
    size_t len = 0;

    put(out, &len, "action=%s\nnetwork=%" PRId64 "\n", action_names[ev->action],
        ev->network_number);
    if (ev->action != NT_LEASE_INIT) {
        put(out, &len, "mac=%s\nip=%s\n", ev->mac, ev->ip);
    }
    if (ev->expires_ms) {
        put(out, &len, "expires=%" PRId64 "\n", ev->expires_ms / 1000);
    }
    if (*ev->hostname) {
        put(out, &len, "hostname=%s\n", ev->hostname);
    }
    if (*ev->client_id) {
        put(out, &len, "client_id=%s\n", ev->client_id);
    }
    put(out, &len, "time=%" PRId64 "\n", ev->time_ms);
    return len;
}

static const struct key {
    const char *name;
    int (*set)(struct nt_lease_event *, const char *value, struct nt_err *);
} keys[] = {
    { "action", set_action },
    { "network", set_network },
    { "mac", set_mac },
    { "ip", set_ip },
    { "expires", set_expires },
    { "hostname", set_hostname },
    { "client_id", set_client_id },
    { "time", set_time },
};

enum {
    KEY_ACTION = 1 << 0,
    KEY_NETWORK = 1 << 1,
    KEY_MAC = 1 << 2,
    KEY_IP = 1 << 3,
};

static int
decode_line(char *line, struct nt_lease_event *ev, unsigned *seen, struct nt_err *err)
{
    char *value = strchr(line, '=');

    if (!value) {
        return bad_value(err, "line", line);
    }
    *value++ = '\0';
    for (size_t i = 0; i < NT_ARRAY_SIZE(keys); i++) {
        if (!strcmp(keys[i].name, line)) {
            if (*seen & 1u << i) {
                return nt_fail(err, NT_INVALID, "%s comes twice", line);
            }
            *seen |= 1u << i;
            return keys[i].set(ev, value, err);
        }
    }
    return 0;
}

int
nt_lease_decode(const char *msg, size_t len, struct nt_lease_event *out, struct nt_err *err)
{
    struct nt_lease_event ev = { .action = NT_LEASE_NONE };
    char buf[NT_LEASE_MSG_MAX + 1];
    unsigned seen = 0;

    if (!len || len > NT_LEASE_MSG_MAX || memchr(msg, '\0', len) || msg[len - 1] != '\n') {
        return nt_fail(err, NT_INVALID, "not a lease message");
    }
    memcpy(buf, msg, len);
    buf[len] = '\0';
    for (char *line = buf; *line;) {
        char *end = strchr(line, '\n');

        *end = '\0';
        if (decode_line(line, &ev, &seen, err) < 0) {
            return -1;
        }
        line = end + 1;
    }

    unsigned needed = KEY_ACTION | KEY_NETWORK;
    if (ev.action != NT_LEASE_INIT) {
        needed |= KEY_MAC | KEY_IP;
    }
    if ((seen & needed) != needed) {
        return nt_fail(err, NT_INVALID, "lease message lacks action, network, mac or ip");
    }
    *out = ev;
    return 0;
}
