#include <config.h>

#include "wire/http/fetch.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

struct nt_http_fetch {
    CURLM *multi;
    struct nt_http_fetch_limits limits;
    struct ovs_list transfers; /* struct transfer. */
    bool is_ending;
};

struct transfer {
    struct ovs_list node;
    struct nt_http_fetch *fetch;
    CURL *curl; /* NULL: it could not be started. */
    struct curl_slist *headers;
    char *body;
    struct ds answer;
    bool is_too_large;
    nt_http_fetch_cb *cb;
    void *aux;
};

struct nt_http_fetch *
nt_http_fetch_new(const struct nt_http_fetch_limits *limits)
{
    struct nt_http_fetch *fetch = xzalloc(sizeof *fetch);

    fetch->limits = *limits;
    fetch->multi = curl_multi_init();
    ovs_list_init(&fetch->transfers);
    if (fetch->multi) {
        curl_multi_setopt(fetch->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, limits->max_connections);
    }
    return fetch;
}

static void
transfer_free(struct transfer *t)
{
    if (t->curl) {
        curl_multi_remove_handle(t->fetch->multi, t->curl);
        curl_easy_cleanup(t->curl);
    }
    curl_slist_free_all(t->headers);
    ds_destroy(&t->answer);
    ovs_list_remove(&t->node);
    free(t->body);
    free(t);
}

static void
end_with_error(struct transfer *t, enum nt_code code, const char *why)
{
    struct nt_err err = { 0 };
    nt_http_fetch_cb *cb = t->cb;
    void *aux = t->aux;

    (void) nt_fail(&err, code, "%s", why);
    transfer_free(t);
    cb(aux, NULL, &err);
}

void
nt_http_fetch_free(struct nt_http_fetch *fetch)
{
    if (!fetch) {
        return;
    }
    /* A callback may start another one. */
    fetch->is_ending = true;
    while (!ovs_list_is_empty(&fetch->transfers)) {
        end_with_error(CONTAINER_OF(ovs_list_front(&fetch->transfers), struct transfer, node),
                       NT_UNAVAILABLE, "this program ends");
    }
    curl_multi_cleanup(fetch->multi);
    free(fetch);
}

static size_t
take_piece(char *data, size_t size, size_t n, void *t_)
{
    struct transfer *t = t_;

    if (t->answer.length + size * n > t->fetch->limits.max_answer) {
        t->is_too_large = true;
        return 0;
    }
    ds_put_buffer(&t->answer, data, size * n);
    return size * n;
}

static void
set_headers(struct transfer *t, const struct nt_http_pairs *headers)
{
    for (size_t i = 0; headers && i < headers->n; i++) {
        AUTO_FREE char *line = xasprintf("%s: %s", headers->pairs[i].name, headers->pairs[i].value);

        t->headers = curl_slist_append(t->headers, line);
    }
    /* libcurl would wait a second for a "100 Continue" that nobody sends. */
    t->headers = curl_slist_append(t->headers, "Expect:");
    curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
}

static void
set_method(struct transfer *t, const struct nt_http_fetch_request *req)
{
    if (!strcmp(req->method, "HEAD")) {
        curl_easy_setopt(t->curl, CURLOPT_NOBODY, 1L);
    } else if (!strcmp(req->method, "POST")) {
        t->body = xmemdup0(req->body ? req->body : "", req->body ? req->body_len : 0);
        curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, t->body);
        curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE, (long) req->body_len);
    }
}

void
nt_http_fetch_start(struct nt_http_fetch *fetch, const struct nt_http_fetch_request *req,
                    nt_http_fetch_cb *cb, void *aux)
{
    struct transfer *t = xzalloc(sizeof *t);

    t->fetch = fetch;
    t->cb = cb;
    t->aux = aux;
    ds_init(&t->answer);
    ovs_list_push_back(&fetch->transfers, &t->node);
    t->curl = fetch->multi && !fetch->is_ending ? curl_easy_init() : NULL;
    if (!t->curl) {
        return; /* Told by run(), or free(). */
    }
    curl_easy_setopt(t->curl, CURLOPT_URL, req->url);
    curl_easy_setopt(t->curl, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT_MS, fetch->limits.connect_ms);
    curl_easy_setopt(t->curl, CURLOPT_TIMEOUT_MS, fetch->limits.total_ms);
    curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    set_headers(t, req->headers);
    set_method(t, req);
    if (curl_multi_add_handle(fetch->multi, t->curl) != CURLM_OK) {
        curl_easy_cleanup(t->curl);
        t->curl = NULL;
    }
}

static enum nt_code
code_of(CURLcode result)
{
    switch ((int) result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return NT_INVALID;
    case CURLE_OPERATION_TIMEDOUT:
        return NT_TIMEOUT;
    default:
        return NT_UNAVAILABLE;
    }
}

static void
end_transfer(struct transfer *t, CURLcode result)
{
    struct nt_http_fetched answer = { .body = ds_cstr(&t->answer), .body_len = t->answer.length };
    long status = 0;
    char *type = NULL;

    if (result != CURLE_OK) {
        end_with_error(t, t->is_too_large ? NT_TOO_LARGE : code_of(result),
                       t->is_too_large ? "the answer is too large" : curl_easy_strerror(result));
        return;
    }
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type);
    answer.status = status;
    answer.content_type = type;
    t->cb(t->aux, &answer, NULL);
    transfer_free(t);
}

void
nt_http_fetch_run(struct nt_http_fetch *fetch)
{
    struct transfer *t;
    CURLMsg *message;
    int n;

    LIST_FOR_EACH_SAFE (t, node, &fetch->transfers) {
        if (!t->curl) {
            end_with_error(t, NT_UNAVAILABLE, "cannot start libcurl");
        }
    }
    if (ovs_list_is_empty(&fetch->transfers)) {
        return;
    }
    curl_multi_perform(fetch->multi, &n);
    while ((message = curl_multi_info_read(fetch->multi, &n))) {
        CURLcode result = message->data.result;
        char *of = NULL;

        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &of);
            end_transfer((struct transfer *) (void *) of, result);
        }
    }
}

void
nt_http_fetch_wait(struct nt_http_fetch *fetch)
{
    fd_set in, out, broken;
    int max = -1;
    long ms = -1;

    if (ovs_list_is_empty(&fetch->transfers)) {
        return;
    }
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&broken);
    curl_multi_fdset(fetch->multi, &in, &out, &broken, &max);
    for (int fd = 0; fd <= max; fd++) {
        int events = (FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0);

        if (events) {
            poll_fd_wait(fd, events);
        }
    }
    curl_multi_timeout(fetch->multi, &ms);
    /* Without a descriptor libcurl works on something it cannot show. */
    poll_timer_wait(max < 0 ? (ms >= 0 && ms < 10 ? ms : 10) : ms < 0 ? 1000 : ms);
}
