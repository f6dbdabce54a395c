#include <config.h>
#include "host/dhcp_release.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failpoint.h"

#define SERVER_PORT 67

/* Fixed fields at their offsets (RFC 2131, figure 1); those not named are 0. */
enum {
    AT_OP = 0,
    AT_HTYPE = 1,
    AT_HLEN = 2,
    AT_XID = 4,
    AT_CIADDR = 12,
    AT_CHADDR = 28,
    AT_COOKIE = 236,
    AT_OPTIONS = 240,
};

#define BOOTREQUEST 1
#define ETHERNET 1
#define MAGIC_COOKIE 0x63825363u

#define OPTION_MESSAGE_TYPE 53
#define OPTION_SERVER_ID 54
#define OPTION_END 255
#define DHCPRELEASE 7

static void
put32(uint8_t *at, uint32_t value)
{
    uint32_t be = htonl(value);
    memcpy(at, &be, sizeof be);
}

void
nt_dhcp_release_build(const struct nt_dhcp_release *release, uint8_t out[NT_DHCP_RELEASE_SIZE])
{
    memset(out, 0, NT_DHCP_RELEASE_SIZE);
    out[AT_OP] = BOOTREQUEST;
    out[AT_HTYPE] = ETHERNET;
    out[AT_HLEN] = sizeof release->mac.b;
    put32(&out[AT_XID], release->xid);
    put32(&out[AT_CIADDR], release->ip);
    memcpy(&out[AT_CHADDR], release->mac.b, sizeof release->mac.b);
    put32(&out[AT_COOKIE], MAGIC_COOKIE);

    uint8_t *p = &out[AT_OPTIONS];
    *p++ = OPTION_MESSAGE_TYPE;
    *p++ = 1;
    *p++ = DHCPRELEASE;
    *p++ = OPTION_SERVER_ID;
    *p++ = 4;
    put32(p, release->server);
    p += 4;
    *p = OPTION_END;
}

int
nt_dhcp_release_send(const struct nt_dhcp_release *release, struct nt_err *err)
{
    uint8_t message[NT_DHCP_RELEASE_SIZE];
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(SERVER_PORT),
        .sin_addr.s_addr = htonl(release->server),
    };

    if (NT_FAILPOINT("dhcp-release")) {
        return nt_fail_errno(err, ENOBUFS, "cannot release an address");
    }

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return nt_fail_errno(err, errno, "cannot release an address: no socket");
    }

    /* The server's address is this host's own, so the packet goes by lo; bound to the
     * device, it is delivered as one of that device, which the server checks. */
    nt_dhcp_release_build(release, message);
    int error = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, release->device, strlen(release->device) + 1)
        || sendto(fd, message, sizeof message, 0, (struct sockaddr *) &to, sizeof to) < 0) {
        error = errno;
    }
    close(fd);

    if (error == ENODEV) {
        return nt_fail(err, NT_NOT_FOUND, "cannot release an address: no interface %s",
                       release->device);
    }
    if (error) {
        char ip[NT_IP4_SIZE];

        nt_ip4_format(release->ip, ip);
        return nt_fail_errno(err, error, "cannot release %s on %s", ip, release->device);
    }
    return 0;
}
