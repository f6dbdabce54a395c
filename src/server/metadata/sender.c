#include <config.h>

#include "server/metadata/sender.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/addr.h"
#include "wire/crypto.h"

static bool
is_proxy(const struct sender_options *options, uint32_t peer)
{
    for (size_t i = 0; i < options->n_proxies; i++) {
        if (options->proxies[i] == peer) {
            return true;
        }
    }
    return false;
}

/* The value of a header that must be there once. */
static int
only_header(const struct nt_http_request *req, const char *name, const char **out,
            struct nt_err *err)
{
    const char *value = NULL;

    for (size_t i = 0; i < req->headers.n; i++) {
        const struct nt_http_pair *header = &req->headers.pairs[i];

        if (strcasecmp(header->name, name)) {
            continue;
        }
        if (value) {
            return nt_fail(err, NT_INVALID, "Multiple %s headers found within request.", name);
        }
        value = header->value;
    }
    *out = value;
    return value ? 0 : nt_fail(err, NT_INVALID, "%s header is missing from request.", name);
}

static int
forwarded_address(const struct nt_http_request *req, char out[NT_IP4_SIZE], struct nt_err *err)
{
    const char *value = NULL;
    uint32_t ip;

    if (only_header(req, "X-Forwarded-For", &value, err) < 0) {
        return -1;
    }
    if (!nt_ip4_parse(value, &ip)) {
        return nt_fail(err, NT_INVALID, "X-Forwarded-For is not one IPv4 address.");
    }
    nt_ip4_format(ip, out);
    return 0;
}

static int
signed_instance(const struct sender_options *options, const struct nt_http_request *req,
                struct sender *sender, struct nt_err *err)
{
    const char *instance_id = NULL;
    const char *project_id = NULL;
    const char *signature = NULL;
    char wanted[NT_HMAC_HEX_SIZE];

    if (only_header(req, "X-Instance-ID", &instance_id, err) < 0
        || only_header(req, "X-Instance-ID-Signature", &signature, err) < 0
        || only_header(req, "X-Tenant-ID", &project_id, err) < 0
        || forwarded_address(req, sender->address, err) < 0) {
        return -1;
    }
    nt_hmac_sha256_hex(options->secret, instance_id, wanted);
    if (!nt_text_equal_ct(wanted, signature)) {
        return nt_fail(err, NT_FORBIDDEN, "Invalid proxy request signature.");
    }
    /* Signed, so that the proxy means it; but no instance has such an id. */
    if (strlen(instance_id) >= sizeof sender->instance_id || !*instance_id
        || strlen(project_id) >= sizeof sender->project_id) {
        return nt_fail(err, NT_NOT_FOUND, "no such instance");
    }
    ovs_strlcpy(sender->instance_id, instance_id, sizeof sender->instance_id);
    ovs_strlcpy(sender->project_id, project_id, sizeof sender->project_id);
    return 0;
}

int
sender_of(const struct sender_options *options, const struct nt_http_request *req,
          struct sender *out, struct nt_err *err)
{
    struct sender sender = { .address = "" };
    int rc = 0;

    nt_ip4_format(req->peer, sender.address);
    if (is_proxy(options, req->peer)) {
        if (options->service_metadata_proxy) {
            rc = signed_instance(options, req, &sender, err);
        } else if (options->use_forwarded_for) {
            rc = forwarded_address(req, sender.address, err);
        }
    }
    *out = sender;
    return rc;
}
