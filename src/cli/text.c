#include <config.h>

#include "cli/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "openvswitch/dynamic-string.h"

struct range {
    uint32_t first, last;
};

/* Control characters; those that are invisible or turn the direction of writing. */
static const struct range unsafe[] = {
    { 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },
    { 0x061c, 0x061c }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
    { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
};

static const struct range wide[] = {
    { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
    { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
    { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
};

static const struct range combining[] = {
    { 0x0300, 0x036f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
    { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

static bool
is_in(const struct range *ranges, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Reads one character (RFC 3629); its bytes, or 0 when they are not UTF-8. */
static size_t
decode(const char *text, uint32_t *out)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *s = (const unsigned char *) text;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (n <= 1 || s[0] > 0xf4) {
        *out = s[0];
        return n == 1;
    }

    uint32_t c = s[0] & (0x7f >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }
    *out = c;
    return n;
}

static void
put_escape(struct ds *out, uint32_t c)
{
    switch (c) {
    case '\n':
        ds_put_cstr(out, "\\n");
        break;
    case '\t':
        ds_put_cstr(out, "\\t");
        break;
    case '\r':
        ds_put_cstr(out, "\\r");
        break;
    default:
        ds_put_format(out, "\\u%04x", c);
    }
}

char *
cli_text_clean(const char *raw, const char *keep)
{
    struct ds out = DS_EMPTY_INITIALIZER;
    uint32_t c = 0;

    while (*raw) {
        size_t n = decode(raw, &c);

        if (!n) {
            ds_put_format(&out, "\\x%02x", (unsigned char) *raw);
        } else if (is_in(unsafe, NT_ARRAY_SIZE(unsafe), c) && !(n == 1 && strchr(keep, *raw))) {
            put_escape(&out, c);
        } else {
            ds_put_buffer(&out, raw, n);
        }
        raw += n ? n : 1;
    }
    return ds_steal_cstr(&out);
}

size_t
cli_text_width(const char *clean)
{
    size_t width = 0;
    uint32_t c = 0;

    while (*clean) {
        size_t n = decode(clean, &c);

        if (!is_in(combining, NT_ARRAY_SIZE(combining), c)) {
            width += is_in(wide, NT_ARRAY_SIZE(wide), c) ? 2 : 1;
        }
        clean += n ? n : 1;
    }
    return width;
}
