#include <config.h>

#include "net/addr6.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
nt_ip6_parse(const char *text, struct in6_addr *out)
{
    return inet_pton(AF_INET6, text, out) == 1;
}

void
nt_ip6_format(const struct in6_addr *ip, char out[NT_IP_SIZE])
{
    inet_ntop(AF_INET6, ip, out, NT_IP_SIZE);
}

static void
clear_host_bits(struct in6_addr *ip, unsigned len)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;

        ip->s6_addr[i] &= (uint8_t) (0xff00u >> keep);
    }
}

bool
nt_cidr6_canon(const char *text, char out[NT_CIDR6_SIZE], unsigned *len_out)
{
    const char *slash = strchr(text, '/');
    char host[NT_IP_SIZE];
    struct in6_addr ip;

    if (!slash || (size_t) (slash - text) >= sizeof host) {
        return false;
    }
    memcpy(host, text, (size_t) (slash - text));
    host[slash - text] = '\0';

    size_t digits = strspn(slash + 1, "0123456789");
    if (!digits || digits > 3 || slash[1 + digits] || !nt_ip6_parse(host, &ip)) {
        return false;
    }

    unsigned len = (unsigned) atoi(slash + 1);
    if (len > 128) {
        return false;
    }
    clear_host_bits(&ip, len);
    nt_ip6_format(&ip, host);
    snprintf(out, NT_CIDR6_SIZE, "%s/%u", host, len);
    if (len_out) {
        *len_out = len;
    }
    return true;
}

void
nt_ip6_from_mac(const struct in6_addr *network, const struct nt_mac *mac, struct in6_addr *out)
{
    const uint8_t *b = mac->b;
    const uint8_t id[8] = { b[0] ^ 0x02, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5] };

    *out = *network;
    memcpy(&out->s6_addr[8], id, sizeof id);
}

/* The network of 'cidr', and the MAC. */
static bool
parse_both(const char *cidr, const char *mac_text, struct in6_addr *network, struct nt_mac *mac)
{
    char text[NT_CIDR6_SIZE];

    if (!nt_cidr6_canon(cidr, text, NULL) || !nt_mac_parse(mac_text, mac)) {
        return false;
    }
    text[strcspn(text, "/")] = '\0';
    return nt_ip6_parse(text, network);
}

bool
nt_ip6_of_mac_text(const char *cidr, const char *mac_text, char out[NT_IP_SIZE])
{
    struct in6_addr network, ip;
    struct nt_mac mac;

    *out = '\0';
    if (!parse_both(cidr, mac_text, &network, &mac)) {
        return false;
    }
    nt_ip6_from_mac(&network, &mac, &ip);
    nt_ip6_format(&ip, out);
    return true;
}

bool
nt_ip6_of_account(const char *cidr, uint32_t project, const char *mac_text, char out[NT_IP_SIZE])
{
    struct in6_addr ip;
    struct nt_mac mac;

    *out = '\0';
    if (!parse_both(cidr, mac_text, &ip, &mac)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        ip.s6_addr[8 + i] = (uint8_t) (project >> (24 - 8 * i));
    }
    ip.s6_addr[12] = 0xff;
    memcpy(&ip.s6_addr[13], &mac.b[3], 3);
    nt_ip6_format(&ip, out);
    return true;
}

void
nt_ip6_link_local(const struct nt_mac *mac, char out[NT_IP_SIZE])
{
    const struct in6_addr network = { .s6_addr = { 0xfe, 0x80 } };
    struct in6_addr ip;

    nt_ip6_from_mac(&network, mac, &ip);
    nt_ip6_format(&ip, out);
}
