#include <config.h>

#include "net/text.h"

#include "base/attr.h"

size_t
nt_utf8_length(const char *text, size_t len)
{
    /* First byte's range, length of the character, second byte's range: what the
     * table of RFC 3629 section 4 allows. */
    static const struct {
        unsigned char first, last, n, min, max;
    } rows[] = {
        { 0x01, 0x7f, 1, 0, 0 },       { 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf },
        { 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
        { 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
    };

    const unsigned char *s = (const unsigned char *) text;

    for (size_t i = 0; i < NT_ARRAY_SIZE(rows); i++) {
        if (s[0] < rows[i].first || s[0] > rows[i].last) {
            continue;
        }
        if (rows[i].n > len) {
            return 0;
        }
        if (rows[i].n > 1 && (s[1] < rows[i].min || s[1] > rows[i].max)) {
            return 0;
        }
        for (size_t j = 2; j < rows[i].n; j++) {
            if ((s[j] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return rows[i].n;
    }
    return 0;
}

bool
nt_is_utf8(const char *s, size_t len)
{
    while (len) {
        size_t n = nt_utf8_length(s, len);
        if (!n) {
            return false;
        }
        s += n;
        len -= n;
    }
    return true;
}
