#include <config.h>

#include "server/metadata/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/addr.h"
#include "server/core/instances.h"
#include "server/core/networks.h"
#include "server/metadata/cache.h"
#include "server/metadata/sender.h"
#include "server/metadata/tree.h"
#include "wire/http/base64.h"

NT_LOG_MODULE(metadata);

/* Beyond a password's limit by enough for the guest to hear why it is refused. */
#define MAX_BODY 8192

struct metadata {
    struct metadata_options options;
    const char *domain;
    struct sender_options sender;
    struct metadata_cache *cache;
};

const struct nt_http_limits metadata_limits = {
    .max_body = MAX_BODY,
    .max_connections = 512,
    .max_per_address = 16,
    .timeout_s = 10,
};

static int
read_proxies(const struct nt_config *config, struct sender_options *out, struct nt_err *err)
{
    size_t n = nt_config_n(config, "metadata_proxies");

    out->proxies = xcalloc(n + 1, sizeof *out->proxies);
    for (size_t i = 0; i < n; i++) {
        const char *address = nt_config_item(config, "metadata_proxies", i);

        if (!nt_ip4_parse(address, &out->proxies[i])) {
            return nt_fail(err, NT_INVALID, "%s: metadata_proxies: %s is not an IPv4 address",
                           nt_config_origin(config, "metadata_proxies"), address);
        }
        out->n_proxies++;
    }
    return 0;
}

int
metadata_new(const struct metadata_options *options, struct metadata **out, struct nt_err *err)
{
    AUTO(metadata) metadata = xzalloc(sizeof *metadata);
    const struct nt_config *config = options->config;
    struct sender_options *sender = &metadata->sender;

    metadata->options = *options;
    metadata->cache =
        metadata_cache_new(options->clock, nt_config_int(config, "metadata_cache_expiration"));
    metadata->domain = nt_config_str(config, "dhcp_domain");
    sender->use_forwarded_for = nt_config_bool(config, "use_forwarded_for");
    sender->service_metadata_proxy = nt_config_bool(config, "service_metadata_proxy");
    sender->secret = nt_config_str(config, "metadata_proxy_shared_secret");
    if (sender->service_metadata_proxy && !*sender->secret) {
        return nt_fail(err, NT_INVALID,
                       "%s: service_metadata_proxy needs metadata_proxy_shared_secret: without a "
                       "key every signature could be made by anybody",
                       nt_config_origin(config, "service_metadata_proxy"));
    }
    if (read_proxies(config, sender, err) < 0) {
        return -1;
    }
    *out = TAKE(metadata);
    return 0;
}

void
metadata_free(struct metadata *metadata)
{
    if (metadata) {
        free(metadata->sender.proxies);
        metadata_cache_free(metadata->cache);
        free(metadata);
    }
}

static void
reply_text(struct nt_http_request *req, int status, const char *text)
{
    nt_http_reply(req, status, TREE_PLAIN, text, strlen(text));
}

static void
fail(struct nt_http_request *req, const struct nt_err *err)
{
    char peer[NT_IP4_SIZE];

    nt_ip4_format(req->peer, peer);
    switch (err->code) {
    case NT_NOT_FOUND:
        nt_debug("metadata not found", "peer", peer, "reason", err->msg, NULL);
        reply_text(req, 404, "404 Not Found\n");
        return;
    case NT_INVALID:
        nt_info_rl("metadata request refused", "peer", peer, "reason", err->msg, NULL);
        reply_text(req, 400, err->msg);
        return;
    case NT_FORBIDDEN:
        nt_warn_rl("metadata request refused", "peer", peer, "reason", err->msg, NULL);
        reply_text(req, 403, err->msg);
        return;
    case NT_CONFLICT:
        reply_text(req, 409, err->msg);
        return;
    default:
        nt_warn_rl("metadata request failed", "peer", peer, "reason", err->msg, NULL);
        reply_text(req, 500, "An unknown error has occurred. Please try your request again.");
    }
}

/* Who asks, by id: a proxy's word is taken after its project was compared. */
static int
find_id(const struct metadata *metadata, const struct nt_http_request *req, struct sender *sender,
        struct nt_err *err)
{
    if (sender_of(&metadata->sender, req, sender, err) < 0) {
        return -1;
    }
    return *sender->instance_id ? 0
                                : instance_id_by_address(metadata->options.reader, sender->address,
                                                         sender->instance_id, err);
}

/* The instance that asks; borrowed until the next one is looked for. */
static int
find_instance(const struct metadata *metadata, const struct nt_http_request *req,
              const struct instance_info **out, struct nt_err *err)
{
    uint64_t n_commits = op_queue_n_commits(metadata->options.ops);
    struct instance_info info = { .n_addresses = 0 };
    struct sender sender;

    if (find_id(metadata, req, &sender, err) < 0) {
        return -1;
    }

    const char *project = *sender.project_id ? sender.project_id : NULL;
    *out = metadata_cache_get(metadata->cache, sender.instance_id, n_commits);
    if (*out && (!project || !strcmp(project, (*out)->instance.project_id))) {
        return 0;
    }
    if (instance_info_load(metadata->options.reader, project, sender.instance_id, &info, err) < 0) {
        return -1;
    }
    *out = metadata_cache_put(metadata->cache, &info, n_commits);
    return 0;
}

/* The links of an instance; with no 'at' if the path does not ask for them. */
struct links {
    struct nt_instance_view view;
    struct tree_link *at; /* Owned. */
};

static void
links_clear(struct links *links)
{
    nt_instance_view_clear(&links->view);
    free(links->at);
}

static int
load_links(struct store *reader, const char *instance_id, struct links *links, struct nt_err *err)
{
    if (instance_view_load(reader, instance_id, &links->view, err) < 0) {
        return -1;
    }
    links->at = xcalloc(links->view.n_vifs + 1, sizeof *links->at);
    for (size_t i = 0; i < links->view.n_vifs; i++) {
        struct tree_link *link = &links->at[i];
        struct network_row row;

        link->vif = &links->view.vifs[i];
        if (network_get(reader, link->vif->network_id, &row, err) < 0) {
            return -1;
        }
        link->has_dhcp = row.subnet.enable_dhcp;
        ovs_strlcpy(link->dns1, row.subnet.dns1, sizeof link->dns1);
        ovs_strlcpy(link->dns2, row.subnet.dns2, sizeof link->dns2);
    }
    return 0;
}

/* Reads what only some paths need, then the path. */
static int
answer(const struct metadata *metadata, const struct nt_http_request *req,
       const struct instance_info *info, struct tree_answer *out, struct nt_err *err)
{
    struct store *reader = metadata->options.reader;
    const char *last = req->n_segments ? req->segments[req->n_segments - 1] : "";
    AUTO_FREE char *password = NULL;
    struct links links = { .at = NULL };
    int rc = 0;

    if (!strcmp(last, "network_data.json")) {
        rc = load_links(reader, info->instance.id, &links, err);
    } else if (tree_is_password(req->segments, req->n_segments)) {
        rc = instance_password(reader, NULL, info->instance.id, &password, err);
    }

    const struct tree_source source = {
        .info = info,
        .domain = metadata->domain,
        .password = password,
        .links = links.at,
        .n_links = links.at ? links.view.n_vifs : 0,
        .random = metadata->options.random,
    };
    if (rc >= 0) {
        rc = tree_get(&source, req->segments, req->n_segments, out, err);
    }
    links_clear(&links);
    return rc;
}

/* The pages of a config drive, by the path on it. */
static const struct drive_page {
    const char *path;
    char *parts[3]; /* Of the page, or none: the whole EC2 tree. */
} drive_pages[] = {
    { "openstack/latest/meta_data.json", { "openstack", "latest", "meta_data.json" } },
    { "openstack/latest/network_data.json", { "openstack", "latest", "network_data.json" } },
    { "openstack/latest/user_data", { "openstack", "latest", "user_data" } },
    { "openstack/latest/vendor_data.json", { "openstack", "latest", "vendor_data.json" } },
    { "openstack/latest/vendor_data2.json", { "openstack", "latest", "vendor_data2.json" } },
    { "ec2/latest/user-data", { "ec2", "latest", "user-data" } },
    { "ec2/latest/meta-data.json", { NULL } },
};

static int
render_drive(const struct tree_source *source, struct nt_config_drive_result *out,
             struct nt_err *err)
{
    out->files = xcalloc(NT_ARRAY_SIZE(drive_pages), sizeof *out->files);
    for (size_t i = 0; i < NT_ARRAY_SIZE(drive_pages); i++) {
        const struct drive_page *page = &drive_pages[i];
        struct tree_answer answer = { 0 };
        struct nt_err own = { 0 };

        if (!page->parts[0]) {
            tree_get_json(source, &answer);
        } else if (tree_get(source, page->parts, NT_ARRAY_SIZE(page->parts), &answer, &own) < 0) {
            if (own.code != NT_NOT_FOUND) {
                *err = own;
                return -1;
            }
            continue; /* Without user data there is no file. */
        }

        struct nt_config_file *file = &out->files[out->n_files++];
        ovs_strlcpy(file->path, page->path, sizeof file->path);
        file->content = nt_base64_encode(answer.body, answer.len);
        free(answer.body);
    }
    return 0;
}

int
metadata_config_drive(void *metadata_, const char *instance_id, struct nt_config_drive_result *out,
                      struct nt_err *err)
{
    const struct metadata *metadata = metadata_;
    struct store *reader = metadata->options.reader;
    struct instance_info info = { .n_addresses = 0 };
    struct links links = { .at = NULL };
    int rc = instance_info_load(reader, NULL, instance_id, &info, err);

    if (!rc) {
        rc = load_links(reader, instance_id, &links, err);
        const struct tree_source source = {
            .info = &info,
            .domain = metadata->domain,
            .links = links.at,
            .n_links = links.at ? links.view.n_vifs : 0,
            .random = metadata->options.random,
        };

        if (!rc) {
            rc = render_drive(&source, out, err);
        }
        links_clear(&links);
        instance_info_clear(&info);
    }
    return rc;
}

static void
handle_get(const struct metadata *metadata, struct nt_http_request *req)
{
    const struct instance_info *info = NULL;
    struct tree_answer out = { 0 };
    struct nt_err err = { 0 };

    if (find_instance(metadata, req, &info, &err) < 0
        || answer(metadata, req, info, &out, &err) < 0) {
        fail(req, &err);
    } else {
        nt_info_rl("metadata", "instance", info->instance.id, "path", req->path, NULL);
        nt_http_reply(req, 200, out.content_type, out.body, out.len);
    }
    free(out.body);
}

/* A password on its way. */
struct storing {
    struct nt_http_request *req;
    char instance_id[NT_UUID_SIZE];
};

static int
store_op(struct store *store, void *storing_, struct changes *changes, struct nt_err *err)
{
    const struct storing *storing = storing_;

    return instance_set_password(store, storing->instance_id, storing->req->body, err);
}

static void
store_done(void *storing_, const struct nt_err *err)
{
    struct storing *storing = storing_;

    if (err) {
        fail(storing->req, err);
    } else {
        reply_text(storing->req, 200, "");
    }
    free(storing);
}

/* What can be refused is refused before anything is written: a guest may repeat it as
 * often as it likes. */
static int
check_password(const struct metadata *metadata, const struct nt_http_request *req,
               const struct instance_info **info, struct nt_err *err)
{
    AUTO_FREE char *old = NULL;

    if (find_instance(metadata, req, info, err) < 0
        || instance_password(metadata->options.reader, NULL, (*info)->instance.id, &old, err) < 0) {
        return -1;
    }
    if (old) {
        return nt_fail(err, NT_CONFLICT, "the password is set already");
    }
    if (req->body_len > INSTANCE_PASSWORD_MAX
        || strlen(req->body ? req->body : "") != req->body_len) {
        return nt_fail(err, NT_INVALID, "the password must be a text of at most %d bytes",
                       INSTANCE_PASSWORD_MAX);
    }
    return 0;
}

static void
handle_password(const struct metadata *metadata, struct nt_http_request *req)
{
    const struct instance_info *info = NULL;
    struct nt_err err = { 0 };

    if (check_password(metadata, req, &info, &err) < 0) {
        fail(req, &err);
    } else if (!req->body_len) {
        reply_text(req, 200, "");
    } else {
        struct storing *storing = xzalloc(sizeof *storing);

        storing->req = req;
        ovs_strlcpy(storing->instance_id, info->instance.id, sizeof storing->instance_id);
        op_submit(metadata->options.ops, store_op, storing, store_done, storing);
    }
}

void
metadata_handle(void *metadata, struct nt_http_request *req)
{
    bool is_password = tree_is_password(req->segments, req->n_segments);

    if (!strcmp(req->method, "GET") || !strcmp(req->method, "HEAD")) {
        handle_get(metadata, req);
    } else if (is_password && !strcmp(req->method, "POST")) {
        handle_password(metadata, req);
    } else if (is_password) {
        reply_text(req, 400, "400 Bad Request: GET and POST only\n");
    } else {
        nt_http_answer_header(req, "Allow", "GET, HEAD");
        reply_text(req, 405, "405 Method Not Allowed\n");
    }
}
