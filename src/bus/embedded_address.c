#include <config.h>

#include "bus/embedded_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"

/* An end that vanished is noticed after this long though data wait for it. */
#define USER_TIMEOUT_MS 30000

int
nt_address_unix(const char *path, struct nt_address *out, struct nt_err *err)
{
    struct sockaddr_un *un = (struct sockaddr_un *) &out->addr;

    if (!*path || strlen(path) >= sizeof un->sun_path) {
        return nt_fail(err, NT_INVALID, "socket path \"%s\" is empty or above %zu bytes", path,
                       sizeof un->sun_path - 1);
    }
    memset(out, 0, sizeof *out);
    un->sun_family = AF_UNIX;
    ovs_strlcpy(un->sun_path, path, sizeof un->sun_path);
    out->len = sizeof *un;
    return 0;
}

int
nt_address_tcp(const char *text, struct nt_address *out, struct nt_err *err)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    char host[NT_ADDRESS_SIZE];
    const char *colon = strrchr(text, ':');
    size_t len = colon ? colon - text : 0;
    const char *begin = text;

    if (len > 2 && text[0] == '[' && colon[-1] == ']') {
        begin++;
        len -= 2;
    }
    if (!len || len >= sizeof host || !colon[1]) {
        return nt_fail(err, NT_INVALID, "\"%s\" is not of the form ADDRESS:PORT", text);
    }
    memcpy(host, begin, len);
    host[len] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &list)) {
        return nt_fail(err, NT_INVALID, "\"%s\" is not a numeric address and port", text);
    }
    memset(out, 0, sizeof *out);
    memcpy(&out->addr, list->ai_addr, list->ai_addrlen);
    out->len = list->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

void
nt_address_format(const struct nt_address *address, char out[NT_ADDRESS_SIZE])
{
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getnameinfo((const struct sockaddr *) &address->addr, address->len, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV)) {
        ovs_strlcpy(out, "unknown address", NT_ADDRESS_SIZE);
    } else {
        snprintf(out, NT_ADDRESS_SIZE, strchr(host, ':') ? "[%.50s]:%.6s" : "%.50s:%.6s", host,
                 port);
    }
}

void
nt_address_tune(int fd)
{
    static const int on = 1;
    static const unsigned timeout = USER_TIMEOUT_MS;

    /* Hints only: the link works without them. */
    (void) !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void) !setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void) !setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}
