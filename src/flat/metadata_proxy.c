#include <config.h>

#include "flat/metadata_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "flat/metadata_cache.h"
#include "openvswitch/poll-loop.h"
#include "wire/crypto.h"
#include "wire/http/fetch.h"
#include "wire/http/server.h"

NT_LOG_MODULE(metadata_proxy);

#define AWAY_MS 2000         /* After a failure the server is not waited for. */
#define LOOK_MS 3000         /* A new guest asks first. */
#define REFRESH_MS (3600000) /* All pages of all guests once more. */
#define MAX_CRAWLS 4         /* Of our own requests at a time. */
#define MAX_BODY 8192

/* What a guest may ask for, so much that a boot without the server finds all. */
static const char *const crawl_from[] = {
    "/",
    "/latest/",
    "/latest/user-data",
    "/latest/meta-data/",
    "/2009-04-04/",
    "/2009-04-04/user-data",
    "/2009-04-04/meta-data/",
    "/openstack/",
    "/openstack/latest/",
};

struct metadata_proxy {
    struct metadata_proxy_options options;
    const char *url, *secret;
    struct nt_http_server *server;
    struct nt_http_fetch *fetch;
    struct metadata_cache *cache;
    struct ovs_list crawls; /* struct crawl that wait. */
    size_t n_crawling;
    int64_t next_look, next_refresh, away_until; /* Monotonic. */
    struct metadata_proxy_stats stats;
};

/* A page we fetch for ourselves. */
struct crawl {
    struct ovs_list node;
    char instance_id[NT_UUID_SIZE];
    char *path;
};

/* One request to the server: for a guest, or for ourselves. */
struct asked {
    struct metadata_proxy *proxy;
    char instance_id[NT_UUID_SIZE];
    char *path;
    struct nt_http_request *req; /* NULL: ours. */
};

static const struct nt_http_limits limits = {
    .max_body = MAX_BODY,
    .max_connections = 512,
    .max_per_address = 16,
    .timeout_s = 10,
};

static const struct nt_http_fetch_limits fetch_limits = {
    .connect_ms = 1000,
    .total_ms = 5000,
    .max_answer = METADATA_CACHE_MAX_BYTES,
    .max_connections = 8,
};

static int64_t
now_ms(const struct metadata_proxy *proxy)
{
    return nt_mono_ms(proxy->options.clock);
}

/* Guests of this host. */

static const struct nt_host_entry *
entry_of_address(const struct metadata_proxy *proxy, uint32_t ip)
{
    const struct flat_network *network;
    char address[NT_IP4_SIZE];

    nt_ip4_format(ip, address);
    LIST_FOR_EACH (network, node, &proxy->options.model->networks) {
        const struct nt_host_entry *entry = flat_entry(network, address);

        if (entry && entry->allocated && *entry->instance_id) {
            return entry;
        }
    }
    return NULL;
}

static const struct nt_host_entry *
entry_of_instance(const struct metadata_proxy *proxy, const char *id)
{
    const struct flat_network *network;

    LIST_FOR_EACH (network, node, &proxy->options.model->networks) {
        for (size_t i = 0; i < network->view.n_entries; i++) {
            const struct nt_host_entry *entry = &network->view.entries[i];

            if (entry->allocated && !strcmp(entry->instance_id, id)) {
                return entry;
            }
        }
    }
    return NULL;
}

static bool
is_known(void *proxy, const char *id)
{
    return entry_of_instance(proxy, id);
}

/* Asking the server. */

static void
crawl_add(struct metadata_proxy *proxy, const char *instance_id, char *path)
{
    struct crawl *crawl = xmalloc(sizeof *crawl);

    ovs_strlcpy(crawl->instance_id, instance_id, sizeof crawl->instance_id);
    crawl->path = path;
    ovs_list_push_back(&proxy->crawls, &crawl->node);
}

static void
crawl_free(struct crawl *crawl)
{
    free(crawl->path);
    free(crawl);
}

/* A listing names pages and, with a final '/', further listings; a key pair's line is
 * "0=NAME" and its listing "0/". */
static void
crawl_listing(struct metadata_proxy *proxy, const struct asked *asked,
              const struct nt_http_fetched *answer)
{
    AUTO_FREE char *text = xmemdup0(answer->body, answer->body_len);
    char *rest = text;

    for (char *line; (line = strsep(&rest, "\n"));) {
        size_t key = strcspn(line, "=");

        if (*line && strlen(line) < 128 && strcspn(line, " \t\r?#%") == strlen(line)
            && strcmp(asked->path, "/") != 0) {
            crawl_add(proxy, asked->instance_id,
                      line[key] ? xasprintf("%s%.*s/", asked->path, (int) key, line)
                                : xasprintf("%s%s", asked->path, line));
        }
    }
}

static bool
is_listing(const char *path)
{
    return path[strlen(path) - 1] == '/' && strcmp(path, "/openstack/") != 0
           && strcmp(path, "/latest/") != 0 && strcmp(path, "/2009-04-04/") != 0;
}

static void
keep(struct metadata_proxy *proxy, const struct asked *asked, const struct nt_http_fetched *answer)
{
    const struct metadata_page page = {
        .status = answer->status,
        .content_type = CONST_CAST(char *, answer->content_type ? answer->content_type : ""),
        .body = CONST_CAST(char *, answer->body),
        .len = answer->body_len,
    };

    if (is_known(proxy, asked->instance_id)) {
        metadata_cache_put(proxy->cache, asked->instance_id, asked->path, &page);
    }
}

static void
refuse(struct metadata_proxy *proxy, struct nt_http_request *req, int status, const char *text)
{
    proxy->stats.n_refused++;
    nt_http_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void
reply_from_cache(struct metadata_proxy *proxy, const char *instance_id, struct nt_http_request *req)
{
    const struct metadata_page *page =
        strcmp(req->method, "POST") ? metadata_cache_get(proxy->cache, instance_id, req->path)
                                    : NULL;

    if (!page) {
        nt_http_answer_header(req, "Retry-After", "5");
        refuse(proxy, req, 503, "the metadata service cannot be reached");
        return;
    }
    proxy->stats.n_from_cache++;
    nt_http_reply(req, page->status, *page->content_type ? page->content_type : NULL, page->body,
                  page->len);
}

static void
on_answer(void *asked_, const struct nt_http_fetched *answer, const struct nt_err *err)
{
    struct asked *asked = asked_;
    struct metadata_proxy *proxy = asked->proxy;
    bool is_good = answer && answer->status < 500;

    if (!is_good) {
        nt_warn_rl("metadata not fetched from the server", "why",
                   err ? err->msg : "it answers with an error", NULL);
        proxy->away_until = now_ms(proxy) + AWAY_MS;
    } else if (!asked->req || !strcmp(asked->req->method, "GET")) {
        keep(proxy, asked, answer);
    }
    if (asked->req && is_good) {
        nt_http_reply(asked->req, answer->status, answer->content_type, answer->body,
                      answer->body_len);
    } else if (asked->req) {
        reply_from_cache(proxy, asked->instance_id, asked->req);
    } else {
        proxy->n_crawling--;
        if (is_good && answer->status == 200 && is_listing(asked->path)) {
            crawl_listing(proxy, asked, answer);
        } else if (!is_good) {
            crawl_add(proxy, asked->instance_id, xstrdup(asked->path));
        }
    }
    free(asked->path);
    free(asked);
}

static void
sign(const struct metadata_proxy *proxy, const struct nt_host_entry *entry,
     struct nt_http_pairs *headers)
{
    nt_http_pairs_add(headers, "X-Forwarded-For", entry->address);
    if (*proxy->secret) {
        char signature[NT_HMAC_HEX_SIZE];

        nt_hmac_sha256_hex(proxy->secret, entry->instance_id, signature);
        nt_http_pairs_add(headers, "X-Instance-ID", entry->instance_id);
        nt_http_pairs_add(headers, "X-Tenant-ID", entry->project_id);
        nt_http_pairs_add(headers, "X-Instance-ID-Signature", signature);
    }
}

/* 'req' NULL: for ourselves. */
static void
ask(struct metadata_proxy *proxy, const struct nt_host_entry *entry, const char *path,
    struct nt_http_request *req)
{
    struct asked *asked = xmalloc(sizeof *asked);
    struct nt_http_pairs headers = { 0 };
    AUTO_FREE char *url = xasprintf("%s%s", proxy->url, path);
    const struct nt_http_fetch_request out = {
        .method = req ? req->method : "GET",
        .url = url,
        .headers = &headers,
        .body = req ? req->body : NULL,
        .body_len = req ? req->body_len : 0,
    };

    *asked = (struct asked){ .proxy = proxy, .path = xstrdup(path), .req = req };
    ovs_strlcpy(asked->instance_id, entry->instance_id, sizeof asked->instance_id);
    sign(proxy, entry, &headers);
    nt_http_fetch_start(proxy->fetch, &out, on_answer, asked);
    nt_http_pairs_deinit(&headers);
}

static void
handle(void *proxy_, struct nt_http_request *req)
{
    struct metadata_proxy *proxy = proxy_;
    const struct nt_host_entry *entry = entry_of_address(proxy, req->peer);
    bool is_post = !strcmp(req->method, "POST");

    proxy->stats.n_asked++;
    if (!entry) {
        refuse(proxy, req, 404, "no guest of this host has this address");
    } else if (!is_post && strcmp(req->method, "GET") && strcmp(req->method, "HEAD")) {
        refuse(proxy, req, 405, "GET, HEAD or POST");
    } else if (now_ms(proxy) < proxy->away_until) {
        reply_from_cache(proxy, entry->instance_id, req);
    } else {
        ask(proxy, entry, req->path, req);
    }
}

/* Our own requests. */

static void
crawl_instance(struct metadata_proxy *proxy, const char *id)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(crawl_from); i++) {
        crawl_add(proxy, id, xstrdup(crawl_from[i]));
    }
}

/* New guests' pages, or all of them. */
static void
look(struct metadata_proxy *proxy, bool at_all)
{
    const struct flat_network *network;

    metadata_cache_sweep(proxy->cache, is_known, proxy);
    LIST_FOR_EACH (network, node, &proxy->options.model->networks) {
        for (size_t i = 0; i < network->view.n_entries; i++) {
            const struct nt_host_entry *entry = &network->view.entries[i];

            if (entry->allocated && *entry->instance_id
                && (at_all
                    || !metadata_cache_get(proxy->cache, entry->instance_id,
                                           "/latest/meta-data/instance-id"))) {
                crawl_instance(proxy, entry->instance_id);
            }
        }
    }
}

static void
run_crawls(struct metadata_proxy *proxy)
{
    while (proxy->n_crawling < MAX_CRAWLS && !ovs_list_is_empty(&proxy->crawls)
           && now_ms(proxy) >= proxy->away_until) {
        struct crawl *crawl = CONTAINER_OF(ovs_list_pop_front(&proxy->crawls), struct crawl, node);
        const struct nt_host_entry *entry = entry_of_instance(proxy, crawl->instance_id);

        if (entry) {
            proxy->n_crawling++;
            ask(proxy, entry, crawl->path, NULL);
        }
        crawl_free(crawl);
        if (ovs_list_is_empty(&proxy->crawls)) {
            metadata_cache_save(proxy->cache);
        }
    }
}

void
metadata_proxy_look(struct metadata_proxy *proxy)
{
    if (proxy) {
        proxy->next_look = MIN(proxy->next_look, now_ms(proxy) + LOOK_MS);
    }
}

const struct metadata_proxy_stats *
metadata_proxy_stats(const struct metadata_proxy *proxy)
{
    return &proxy->stats;
}

static int
check_options(const struct metadata_proxy *proxy, struct nt_err *err)
{
    const struct nt_config *config = proxy->options.config;
    size_t len = strlen(proxy->url);

    if (strncmp(proxy->url, "http://", 7) || proxy->url[len - 1] == '/') {
        return nt_fail(err, NT_INVALID,
                       "%s: metadata_server must be like http://192.0.2.1:8775, without a path",
                       nt_config_origin(config, "metadata_server"));
    }
    return 0;
}

int
metadata_proxy_new(const struct metadata_proxy_options *options, struct metadata_proxy **out,
                   struct nt_err *err)
{
    const char *url = nt_config_str(options->config, "metadata_server");
    char address[NT_IP4_SIZE] = "0.0.0.0";
    AUTO(metadata_proxy) proxy = NULL;

    *out = NULL;
    if (!*url) {
        return 0;
    }
    proxy = xzalloc(sizeof *proxy);
    proxy->options = *options;
    proxy->url = url;
    proxy->secret = nt_config_str(options->config, "metadata_proxy_shared_secret");
    ovs_list_init(&proxy->crawls);
    if (check_options(proxy, err) < 0) {
        return -1;
    }

    AUTO_FREE char *dir =
        nt_path_join(nt_config_str(options->config, "neutrino_state_path"), "metadata");
    proxy->cache = metadata_cache_new(dir);
    proxy->fetch = nt_http_fetch_new(&fetch_limits);
    proxy->next_refresh = now_ms(proxy) + REFRESH_MS;
    proxy->next_look = now_ms(proxy) + LOOK_MS;

    if (options->listen >> 24 != 127) {
        nt_ip4_format(options->listen, address);
    }
    const struct nt_http_options server = {
        .address = address,
        .port = options->port,
        .limits = limits,
        .clock = options->clock,
        .handler = handle,
        .aux = proxy,
    };
    if (nt_http_server_new(&server, &proxy->server, err) < 0) {
        return nt_err_context(err, "metadata proxy");
    }
    *out = TAKE(proxy);
    return 0;
}

void
metadata_proxy_free(struct metadata_proxy *proxy)
{
    struct crawl *crawl;

    if (!proxy) {
        return;
    }
    /* Guests' requests under way are answered from what is kept. */
    nt_http_fetch_free(proxy->fetch);
    nt_http_server_free(proxy->server);
    LIST_FOR_EACH_POP (crawl, node, &proxy->crawls) {
        crawl_free(crawl);
    }
    if (proxy->cache) {
        metadata_cache_save(proxy->cache);
        metadata_cache_free(proxy->cache);
    }
    free(proxy);
}

void
metadata_proxy_run(struct metadata_proxy *proxy)
{
    if (!proxy) {
        return;
    }
    nt_http_server_run(proxy->server);
    nt_http_fetch_run(proxy->fetch);

    int64_t now = now_ms(proxy);
    bool is_refresh = now >= proxy->next_refresh;

    if (is_refresh) {
        proxy->next_refresh = now + REFRESH_MS;
    }
    if (is_refresh || now >= proxy->next_look) {
        proxy->next_look = INT64_MAX;
        look(proxy, is_refresh);
    }
    run_crawls(proxy);
}

void
metadata_proxy_wait(struct metadata_proxy *proxy)
{
    if (!proxy) {
        return;
    }
    nt_http_server_wait(proxy->server);
    nt_http_fetch_wait(proxy->fetch);
    poll_timer_wait_until(MIN(proxy->next_refresh, proxy->next_look));
    if (!ovs_list_is_empty(&proxy->crawls) && proxy->n_crawling < MAX_CRAWLS) {
        poll_timer_wait_until(MAX(proxy->away_until, now_ms(proxy)));
    }
}
