#include <config.h>

#include "wire/http/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
nt_base64_decode(const char *text, char **out, size_t *len)
{
    AUTO_FREE char *buf = xmalloc(strlen(text) / 4 * 3 + 4);
    uint32_t bits = 0;
    size_t n = 0, n_chars = 0, n_pads = 0;

    for (; *text; text++) {
        const char *digit = strchr(alphabet, *text);

        if (*text == '\n' || *text == '\r') {
            continue;
        }
        n_chars++;
        if (*text == '=') {
            n_pads++;
            bits <<= 6;
        } else if (!digit || n_pads) {
            return false;
        } else {
            bits = bits << 6 | (uint32_t) (digit - alphabet);
        }
        if (n_chars % 4 == 0) {
            buf[n++] = bits >> 16;
            buf[n++] = bits >> 8;
            buf[n++] = bits;
            bits = 0;
        }
    }
    if (n_chars % 4 || n_pads > 2) {
        return false;
    }
    n -= n_pads;
    buf[n] = '\0';
    *out = TAKE(buf);
    *len = n;
    return true;
}

char *
nt_base64_encode(const void *data, size_t len)
{
    const uint8_t *p = data;
    char *out = xmalloc((len + 2) / 3 * 4 + 1);
    char *o = out;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits =
            (uint32_t) p[i] << 16 | (left > 1 ? p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);

        *o++ = alphabet[bits >> 18 & 63];
        *o++ = alphabet[bits >> 12 & 63];
        *o++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *o++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    *o = '\0';
    return out;
}
