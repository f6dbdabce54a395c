#include <config.h>

#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/util.h"

struct draw {
    struct ovs_list node;
    char purpose[32];
    uint8_t bytes[64];
    size_t len;
};

struct random_file {
    struct nt_random up;
    struct ovs_list draws; /* struct draw, in the file's order. */
};

static void
system_bytes(struct nt_random *r OVS_UNUSED, const char *purpose OVS_UNUSED, void *out, size_t len)
{
    uint8_t *p = out;

    while (len) {
        ssize_t n = getrandom(p, len > 256 ? 256 : len, 0);

        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            ovs_abort(errno, "no randomness from the kernel");
        }
        p += n;
        len -= n;
    }
}

static void
system_free(struct nt_random *r)
{
    free(r);
}

struct nt_random *
nt_random_system(void)
{
    struct nt_random *r = xmalloc(sizeof *r);

    r->bytes = system_bytes;
    r->free = system_free;
    return r;
}

static void
file_bytes(struct nt_random *up, const char *purpose, void *out, size_t len)
{
    struct random_file *rf = CONTAINER_OF(up, struct random_file, up);
    struct draw *d;

    LIST_FOR_EACH (d, node, &rf->draws) {
        if (!strcmp(d->purpose, purpose) && d->len == len) {
            memcpy(out, d->bytes, len);
            ovs_list_remove(&d->node);
            free(d);
            return;
        }
    }
    system_bytes(up, purpose, out, len);
}

static void
file_free(struct nt_random *up)
{
    struct random_file *rf = CONTAINER_OF(up, struct random_file, up);
    struct draw *d;

    LIST_FOR_EACH_POP (d, node, &rf->draws) {
        free(d);
    }
    free(rf);
}

static struct draw *
draw_from_line(const char *line)
{
    char hex[129];
    struct draw *d = xzalloc(sizeof *d);

    if (sscanf(line, "%31s %128s", d->purpose, hex) == 2 && strlen(hex) % 2 == 0) {
        bool ok = true;

        d->len = strlen(hex) / 2;
        for (size_t i = 0; i < d->len; i++) {
            d->bytes[i] = hexits_value(hex + 2 * i, 2, &ok);
            if (!ok) {
                break;
            }
        }
        if (ok) {
            return d;
        }
    }
    free(d);
    return NULL;
}

int
nt_random_file(const char *path, struct nt_random **out, struct nt_err *err)
{
    FILE *f = fopen(path, "re");

    if (!f) {
        return nt_fail_errno(err, errno, "cannot read random source %s", path);
    }

    struct random_file *rf = xmalloc(sizeof *rf);
    char line[256];
    int rc = 0;

    rf->up.bytes = file_bytes;
    rf->up.free = file_free;
    ovs_list_init(&rf->draws);
    for (int n = 1; !rc && fgets(line, sizeof line, f); n++) {
        struct draw *d = draw_from_line(line);

        if (d) {
            ovs_list_push_back(&rf->draws, &d->node);
        } else if (line[strspn(line, " \t\n")] && line[0] != '#') {
            rc = nt_fail(err, NT_INVALID, "%s:%d: not a line of the form PURPOSE HEX", path, n);
        }
    }
    fclose(f);
    if (rc) {
        file_free(&rf->up);
        return rc;
    }
    *out = &rf->up;
    return 0;
}

void
nt_random_free(struct nt_random *r)
{
    if (r) {
        r->free(r);
    }
}

void
nt_random_bytes(struct nt_random *r, const char *purpose, void *out, size_t len)
{
    r->bytes(r, purpose, out, len);
}

void
nt_random_uuid(struct nt_random *r, char out[NT_UUID_SIZE])
{
    uint8_t b[16];

    nt_random_bytes(r, "uuid", b, sizeof b);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    snprintf(out, NT_UUID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

void
nt_random_hex(struct nt_random *r, const char *purpose, size_t n, char *out)
{
    AUTO_FREE uint8_t *bytes = xmalloc(n ? n : 1);

    /* One draw, as a line of nt_random_file() is one. */
    nt_random_bytes(r, purpose, bytes, n);
    *out = '\0';
    for (size_t i = 0; i < n; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}
