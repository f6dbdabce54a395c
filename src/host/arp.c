#include <config.h>

#include "host/arp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/link.h"

static void
put16(uint8_t *at, uint16_t value)
{
    value = htons(value);
    memcpy(at, &value, sizeof value);
}

static void
put32(uint8_t *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, sizeof value);
}

/* Offsets: Ethernet header, then RFC 826's packet. */
enum {
    AT_SOURCE = 6,
    AT_TYPE = 12,
    AT_HARDWARE = 14,
    AT_PROTOCOL = 16,
    AT_SIZES = 18,
    AT_OPERATION = 20,
    AT_SENDER_MAC = 22,
    AT_SENDER_IP = 28,
    AT_TARGET_MAC = 32,
    AT_TARGET_IP = 38,
};

void
nt_arp_build(const struct nt_mac *mac, uint32_t ip, bool is_reply, uint8_t out[NT_ARP_FRAME_SIZE])
{
    memset(out, 0, NT_ARP_FRAME_SIZE);
    memset(out, 0xff, ETH_ALEN);
    memcpy(out + AT_SOURCE, mac->b, ETH_ALEN);
    put16(out + AT_TYPE, ETH_P_ARP);
    put16(out + AT_HARDWARE, ARPHRD_ETHER);
    put16(out + AT_PROTOCOL, ETH_P_IP);
    out[AT_SIZES] = ETH_ALEN;
    out[AT_SIZES + 1] = sizeof ip;
    put16(out + AT_OPERATION, is_reply ? ARPOP_REPLY : ARPOP_REQUEST);
    memcpy(out + AT_SENDER_MAC, mac->b, ETH_ALEN);
    put32(out + AT_SENDER_IP, ip);
    if (is_reply) {
        memset(out + AT_TARGET_MAC, 0xff, ETH_ALEN);
    }
    put32(out + AT_TARGET_IP, ip);
}

int
nt_arp_announce(const char *interface, uint32_t ip, struct nt_err *err)
{
    uint8_t frame[NT_ARP_FRAME_SIZE];
    struct nt_nl_link link;

    if (nt_link_get(interface, &link, err) < 0) {
        return -1;
    }

    const struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ARP),
        .sll_ifindex = link.index,
        .sll_halen = ETH_ALEN,
        .sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    };
    /* Protocol 0: nothing is received. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? errno : 0;

    for (int is_reply = 0; is_reply <= 1 && !error; is_reply++) {
        nt_arp_build(&link.mac, ip, is_reply, frame);
        if (sendto(fd, frame, sizeof frame, 0, (const struct sockaddr *) &to, sizeof to) < 0) {
            error = errno;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return error ? nt_fail_errno(err, error, "cannot announce an address on %s", interface) : 0;
}
