#include <config.h>

#include "bus/rabbit_url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define MAX_TEXT 255
#define DEFAULT_PORT 5672

static size_t
scheme_length(const char *url)
{
    return !strncmp(url, "rabbit://", 9) ? 9 : !strncmp(url, "kombu://", 8) ? 8 : 0;
}

bool
nt_rabbit_url_is(const char *url)
{
    return scheme_length(url) > 0;
}

void
nt_rabbit_url_clear(struct nt_rabbit_url *url)
{
    for (size_t i = 0; i < url->n_hosts; i++) {
        struct nt_rabbit_host *host = &url->hosts[i];

        free(host->user);
        if (host->password) {
            memset(host->password, 0, strlen(host->password));
        }
        free(host->password);
        free(host->name);
    }
    free(url->vhost);
    *url = (struct nt_rabbit_url){ 0 };
}

static int
hex_digit(char c)
{
    return isdigit((unsigned char) c)    ? c - '0'
           : isxdigit((unsigned char) c) ? tolower((unsigned char) c) - 'a' + 10
                                         : -1;
}

/* Decodes 'len' bytes.  'what' names the part in messages, never its text. */
static int
decode(const char *text, size_t len, const char *what, char **out, struct nt_err *err)
{
    char buf[MAX_TEXT + 1];
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = text[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return nt_fail(err, NT_INVALID,
                               "transport_url: '%%' in the %s is not followed by two hexadecimal "
                               "digits; write %%25 for the character itself",
                               what);
            }
            c = high << 4 | low;
            i += 2;
        }
        if (iscntrl(c)) {
            return nt_fail(err, NT_INVALID, "transport_url: control character in the %s", what);
        }
        if (n == MAX_TEXT) {
            return nt_fail(err, NT_INVALID, "transport_url: the %s has more than %d bytes", what,
                           MAX_TEXT);
        }
        buf[n++] = c;
    }
    buf[n] = '\0';
    *out = xstrdup(buf);
    memset(buf, 0, sizeof buf);
    return 0;
}

static int
parse_port(const char *text, size_t len, unsigned *out, struct nt_err *err)
{
    unsigned port = 0;

    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char) text[i]) || port > 65535) {
            port = 0;
            break;
        }
        port = port * 10 + (text[i] - '0');
    }
    if (port < 1 || port > 65535) {
        return nt_fail(err, NT_INVALID, "transport_url: port \"%.*s\" is not 1 to 65535",
                       (int) MIN(len, 20), text);
    }
    *out = port;
    return 0;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT. */
static int
parse_address(const char *text, size_t len, struct nt_rabbit_host *out, struct nt_err *err)
{
    const char *end = text + len;
    const char *name_end = text;

    if (len && *text == '[') {
        const char *close = memchr(text, ']', len);

        if (!close || (close + 1 < end && close[1] != ':')) {
            return nt_fail(err, NT_INVALID, "transport_url: an IPv6 address is written [ADDRESS]");
        }
        if (decode(text + 1, close - text - 1, "host", &out->name, err) < 0) {
            return -1;
        }
        name_end = close + 1;
    } else {
        const char *colon = memchr(text, ':', len);

        name_end = colon ? colon : end;
        if (decode(text, name_end - text, "host", &out->name, err) < 0) {
            return -1;
        }
    }
    if (!*out->name) {
        return nt_fail(err, NT_INVALID, "transport_url: a host has no name");
    }
    out->port = DEFAULT_PORT;
    return name_end < end ? parse_port(name_end + 1, end - name_end - 1, &out->port, err) : 0;
}

static int
parse_host(const char *text, size_t len, struct nt_rabbit_host *out, struct nt_err *err)
{
    const char *at = memrchr(text, '@', len);

    if (!at) {
        out->user = xstrdup("guest");
        out->password = xstrdup("guest");
        return parse_address(text, len, out, err);
    }

    const char *colon = memchr(text, ':', at - text);
    const char *user_end = colon ? colon : at;
    if (decode(text, user_end - text, "user", &out->user, err) < 0
        || decode(colon ? colon + 1 : at, colon ? at - colon - 1 : 0, "password", &out->password,
                  err)
               < 0) {
        return -1;
    }
    return parse_address(at + 1, text + len - at - 1, out, err);
}

static int
parse_query(const char *query, struct nt_rabbit_url *out, struct nt_err *err)
{
    if (!strcmp(query, "ssl=1") || !strcasecmp(query, "ssl=true")) {
        out->ssl = 1;
    } else if (!strcmp(query, "ssl=0") || !strcasecmp(query, "ssl=false")) {
        out->ssl = 0;
    } else if (*query) {
        return nt_fail(err, NT_INVALID,
                       "transport_url: only ssl=0 or ssl=1 may follow '?'; other options belong "
                       "into [oslo_messaging_rabbit]");
    }
    return 0;
}

static int
parse(const char *url, struct nt_rabbit_url *out, struct nt_err *err)
{
    size_t skip = scheme_length(url);
    const char *at = url + skip;
    const char *query = strchr(at, '?');
    const char *end = query ? query : at + strlen(at);
    const char *slash = memchr(at, '/', end - at);
    const char *hosts_end = slash ? slash : end;

    if (!skip) {
        return nt_fail(err, NT_INVALID, "transport_url does not begin with rabbit://");
    }
    for (;;) {
        const char *comma = memchr(at, ',', hosts_end - at);
        const char *host_end = comma ? comma : hosts_end;

        if (out->n_hosts == NT_RABBIT_MAX_HOSTS) {
            return nt_fail(err, NT_INVALID, "transport_url has more than %d hosts",
                           NT_RABBIT_MAX_HOSTS);
        }
        if (parse_host(at, host_end - at, &out->hosts[out->n_hosts++], err) < 0) {
            return -1;
        }
        if (!comma) {
            break;
        }
        at = comma + 1;
    }
    if (slash && decode(slash + 1, end - slash - 1, "virtual host", &out->vhost, err) < 0) {
        return -1;
    }
    if (!out->vhost || !*out->vhost) {
        free(out->vhost);
        out->vhost = xstrdup("/");
    }
    return query ? parse_query(query + 1, out, err) : 0;
}

int
nt_rabbit_url_parse(const char *url, struct nt_rabbit_url *out, struct nt_err *err)
{
    struct nt_rabbit_url parsed = { .ssl = -1 };

    if (parse(url, &parsed, err) < 0) {
        nt_rabbit_url_clear(&parsed);
        return -1;
    }
    *out = parsed;
    return 0;
}
