#include <config.h>

#include "flat/metadata_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "flat/metadata_cache.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "wire/crypto.h"
#include "wire/http/fetch.h"
#include "wire/http/server.h"

NT_LOG_MODULE(metadata_proxy);

#define AWAY_MS 2000         /* After a failure the server is not waited for. */
#define LOOK_MS 3000         /* A new guest asks first. */
#define REFRESH_MS (3600000) /* All pages of all guests once more. */
#define MAX_CRAWLS 4         /* Of our own requests at a time. */
#define MAX_FAULTS 5         /* Of one page, before it is let be. */
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
    struct shash rounds;    /* struct round, by instance. */
    struct ovs_list crawls; /* struct crawl that wait. */
    size_t n_crawling;
    int64_t next_look, next_refresh, away_until, crawl_at; /* Monotonic. */
    struct metadata_proxy_stats stats;
};

/* The fetching of all pages of an instance, while it goes on.  Bounded: a listing may name
 * itself. */
struct round {
    size_t n_waiting;  /* Its crawls, those under way included. */
    unsigned n_to_add; /* More of them. */
};

/* A page we fetch for ourselves. */
struct crawl {
    struct ovs_list node;
    char instance_id[NT_UUID_SIZE];
    char *path;
    unsigned n_faults; /* Answers so far that were none. */
};

/* One request to the server: for a guest, or for ourselves. */
struct asked {
    struct metadata_proxy *proxy;
    char instance_id[NT_UUID_SIZE];
    char *path;
    struct nt_http_request *req; /* NULL: ours. */
    unsigned n_faults;           /* As of the crawl. */
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

/* The path as the server understands it, and nothing else: what a guest wrote is neither put
 * behind the server's address as it came ("@elsewhere/") nor kept twice ("//", "%61"). */
static char *
path_of(const struct nt_http_request *req)
{
    struct ds path = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < req->n_segments; i++) {
        AUTO_FREE char *segment = nt_http_encode(req->segments[i]);

        ds_put_format(&path, "/%s", segment);
    }
    if (req->has_trailing_slash || !req->n_segments) {
        ds_put_char(&path, '/');
    }
    return ds_steal_cstr(&path);
}

static void
crawl_push(struct metadata_proxy *proxy, const char *instance_id, char *path, unsigned n_faults)
{
    struct crawl *crawl = xmalloc(sizeof *crawl);

    ovs_strlcpy(crawl->instance_id, instance_id, sizeof crawl->instance_id);
    crawl->path = path;
    crawl->n_faults = n_faults;
    ovs_list_push_back(&proxy->crawls, &crawl->node);
}

static void
crawl_add(struct metadata_proxy *proxy, const char *instance_id, const char *path)
{
    struct round *round = shash_find_data(&proxy->rounds, instance_id);
    struct nt_http_request target;
    struct nt_err ignored = { 0 };

    nt_http_request_init(&target);
    if (round && round->n_to_add && nt_http_target_parse(&target, path, &ignored) == 0) {
        round->n_to_add--;
        round->n_waiting++;
        crawl_push(proxy, instance_id, path_of(&target), 0);
    }
    nt_http_request_deinit(&target);
}

/* A crawl of the instance is over. */
static void
crawl_over(struct metadata_proxy *proxy, const char *instance_id)
{
    struct round *round = shash_find_data(&proxy->rounds, instance_id);

    if (round && !--round->n_waiting) {
        free(shash_find_and_delete(&proxy->rounds, instance_id));
    }
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
            AUTO_FREE char *path = line[key] ? xasprintf("%s%.*s/", asked->path, (int) key, line)
                                             : xasprintf("%s%s", asked->path, line);

            crawl_add(proxy, asked->instance_id, path);
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

    /* A refusal is the server's of this moment. */
    if ((answer->status == 200 || answer->status == 404) && is_known(proxy, asked->instance_id)) {
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
reply_from_cache(struct metadata_proxy *proxy, const char *instance_id, const char *path,
                 struct nt_http_request *req)
{
    const struct metadata_page *page =
        strcmp(req->method, "POST") ? metadata_cache_get(proxy->cache, instance_id, path) : NULL;

    if (!page) {
        nt_http_answer_header(req, "Retry-After", "5");
        refuse(proxy, req, 503, "the metadata service cannot be reached");
        return;
    }
    proxy->stats.n_from_cache++;
    nt_http_reply(req, page->status, *page->content_type ? page->content_type : NULL, page->body,
                  page->len);
}

/* A page of ours has come, or not. */
static void
crawled(struct metadata_proxy *proxy, const struct asked *asked,
        const struct nt_http_fetched *answer, bool is_away)
{
    unsigned n_faults = asked->n_faults + !is_away;

    proxy->n_crawling--;
    if (answer && answer->status == 200 && is_listing(asked->path)) {
        crawl_listing(proxy, asked, answer);
    } else if ((!answer || answer->status >= 500) && n_faults < MAX_FAULTS) {
        proxy->crawl_at = now_ms(proxy) + AWAY_MS;
        crawl_push(proxy, asked->instance_id, xstrdup(asked->path), n_faults);
        return;
    }
    crawl_over(proxy, asked->instance_id);
}

static void
on_answer(void *asked_, const struct nt_http_fetched *answer, const struct nt_err *err)
{
    struct asked *asked = asked_;
    struct metadata_proxy *proxy = asked->proxy;
    bool is_good = answer && answer->status < 500;
    /* An error it answers with may be this one page's: the others are still asked for. */
    bool is_away = err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT);

    if (!is_good) {
        nt_warn_rl("metadata not fetched from the server", "instance", asked->instance_id, "why",
                   err ? err->msg : "it answers with an error", NULL);
    } else if (!asked->req || !strcmp(asked->req->method, "GET")) {
        keep(proxy, asked, answer);
    }
    if (is_away) {
        proxy->away_until = now_ms(proxy) + AWAY_MS;
    }
    if (asked->req && is_good) {
        nt_http_reply(asked->req, answer->status, answer->content_type, answer->body,
                      answer->body_len);
    } else if (asked->req) {
        reply_from_cache(proxy, asked->instance_id, asked->path, asked->req);
    } else {
        crawled(proxy, asked, answer, is_away);
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
    struct nt_http_request *req, unsigned n_faults)
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

    *asked =
        (struct asked){ .proxy = proxy, .path = xstrdup(path), .req = req, .n_faults = n_faults };
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
    AUTO_FREE char *path = path_of(req);

    proxy->stats.n_asked++;
    if (!entry) {
        refuse(proxy, req, 404, "no guest of this host has this address");
    } else if (!is_post && strcmp(req->method, "GET") && strcmp(req->method, "HEAD")) {
        refuse(proxy, req, 405, "GET, HEAD or POST");
    } else if (now_ms(proxy) < proxy->away_until) {
        reply_from_cache(proxy, entry->instance_id, path, req);
    } else {
        ask(proxy, entry, path, req, 0);
    }
}

/* Our own requests. */

static void
crawl_instance(struct metadata_proxy *proxy, const char *id)
{
    struct round *round;

    if (shash_find(&proxy->rounds, id)) {
        return; /* Still at it. */
    }
    round = xzalloc(sizeof *round);
    round->n_to_add = METADATA_CACHE_MAX_PAGES;
    shash_add_once(&proxy->rounds, id, round);
    for (size_t i = 0; i < NT_ARRAY_SIZE(crawl_from); i++) {
        crawl_add(proxy, id, crawl_from[i]);
    }
}

static bool
is_kept(const struct metadata_proxy *proxy, const char *id)
{
    const struct metadata_page *page =
        metadata_cache_get(proxy->cache, id, "/latest/meta-data/instance-id");

    return page && page->status == 200;
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
                && (at_all || !is_kept(proxy, entry->instance_id))) {
                crawl_instance(proxy, entry->instance_id);
            }
        }
    }
}

static void
run_crawls(struct metadata_proxy *proxy)
{
    while (proxy->n_crawling < MAX_CRAWLS && !ovs_list_is_empty(&proxy->crawls)
           && now_ms(proxy) >= MAX(proxy->away_until, proxy->crawl_at)) {
        struct crawl *crawl = CONTAINER_OF(ovs_list_pop_front(&proxy->crawls), struct crawl, node);
        const struct nt_host_entry *entry = entry_of_instance(proxy, crawl->instance_id);

        if (entry) {
            proxy->n_crawling++;
            ask(proxy, entry, crawl->path, NULL, crawl->n_faults);
        } else {
            crawl_over(proxy, crawl->instance_id);
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

/* Numeric, as a name would have to be looked up; a path, a query or a password would mix with
 * what guests ask for. */
static bool
is_server_url(const char *url)
{
    size_t len = strncmp(url, "http://", 7) ? 0 : 7;
    size_t host_len = strcspn(url + len, ":");
    AUTO_FREE char *host = xmemdup0(url + len, host_len);
    const char *port = url + len + host_len;
    uint32_t ip;

    return len && nt_ip4_parse(host, &ip)
           && (!*port
               || (port[1] && strspn(port + 1, "0123456789") == strlen(port + 1)
                   && strlen(port) <= 6 && atoi(port + 1) > 0 && atoi(port + 1) <= UINT16_MAX));
}

static int
check_options(const struct metadata_proxy *proxy, struct nt_err *err)
{
    if (!is_server_url(proxy->url)) {
        return nt_fail(err, NT_INVALID,
                       "%s: metadata_server must be like http://192.0.2.1:8775: an IPv4 address, "
                       "and no path",
                       nt_config_origin(proxy->options.config, "metadata_server"));
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
    shash_init(&proxy->rounds);
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
    shash_destroy_free_data(&proxy->rounds);
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
        poll_timer_wait_until(MAX(proxy->away_until, proxy->crawl_at));
    }
}
