#include <config.h>

#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
nt_mac_parse(const char *text, struct nt_mac *out)
{
    struct nt_mac mac;

    if (strlen(text) != NT_MAC_SIZE - 1) {
        return false;
    }
    for (int i = 0; i < 6; i++) {
        int high = hex_digit(text[3 * i]);
        int low = hex_digit(text[3 * i + 1]);

        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) {
            return false;
        }
        mac.b[i] = high << 4 | low;
    }
    *out = mac;
    return true;
}

bool
nt_ip4_parse(const char *text, uint32_t *out)
{
    struct in_addr in;

    if (inet_pton(AF_INET, text, &in) != 1) {
        return false;
    }
    *out = ntohl(in.s_addr);
    return true;
}

bool
nt_cidr_parse(const char *text, struct nt_cidr *out)
{
    char ip[NT_IP4_SIZE];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t) (slash - text) : strlen(text);
    unsigned len = 32;

    if (n >= sizeof ip) {
        return false;
    }
    memcpy(ip, text, n);
    ip[n] = '\0';
    if (slash) {
        const char *digits = slash + 1;
        size_t n_digits = strspn(digits, "0123456789");

        if (!n_digits || n_digits > 2 || digits[n_digits] || (n_digits == 2 && *digits == '0')) {
            return false;
        }
        len = (unsigned) atoi(digits);
        if (len > 32) {
            return false;
        }
    }

    uint32_t addr;
    if (!nt_ip4_parse(ip, &addr)) {
        return false;
    }
    out->ip = addr;
    out->len = len;
    return true;
}

void
nt_mac_format(const struct nt_mac *mac, char out[NT_MAC_SIZE])
{
    const uint8_t *b = mac->b;

    snprintf(out, NT_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

void
nt_ip4_format(uint32_t ip, char out[NT_IP4_SIZE])
{
    snprintf(out, NT_IP4_SIZE, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

void
nt_cidr_format(const struct nt_cidr *cidr, char out[NT_CIDR_SIZE])
{
    char ip[NT_IP4_SIZE];

    nt_ip4_format(cidr->ip, ip);
    snprintf(out, NT_CIDR_SIZE, "%s/%u", ip, cidr->len);
}

uint32_t
nt_cidr_netmask(const struct nt_cidr *cidr)
{
    return cidr->len ? UINT32_MAX << (32 - cidr->len) : 0;
}

uint32_t
nt_cidr_network(const struct nt_cidr *cidr)
{
    return cidr->ip & nt_cidr_netmask(cidr);
}

uint32_t
nt_cidr_broadcast(const struct nt_cidr *cidr)
{
    return cidr->ip | ~nt_cidr_netmask(cidr);
}

bool
nt_cidr_contains(const struct nt_cidr *cidr, uint32_t ip)
{
    return (ip & nt_cidr_netmask(cidr)) == nt_cidr_network(cidr);
}

bool
nt_cidr_overlaps(const struct nt_cidr *a, const struct nt_cidr *b)
{
    return nt_cidr_contains(a->len <= b->len ? a : b, a->len <= b->len ? b->ip : a->ip);
}

struct nt_mac
nt_mac_host_end(const struct nt_mac *guest)
{
    struct nt_mac mac = *guest;

    mac.b[0] = 0xfe;
    return mac;
}
