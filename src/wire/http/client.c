#include <config.h>

#include "wire/http/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

struct nt_http_client {
    CURL *curl;
    char *url, *user, *password;
};

/* An answer above this is cut off with an error: no list of ours comes near. */
#define MAX_ANSWER (64 * 1024 * 1024)

int
nt_http_client_new(const char *url, const char *user, const char *password,
                   struct nt_http_client **out, struct nt_err *err)
{
    if (strncmp(url, "http://", 7) && strncmp(url, "https://", 8)) {
        return nt_fail(err, NT_INVALID, "bad URL '%s': it must begin with http:// or https://",
                       url);
    }

    struct nt_http_client *client = xzalloc(sizeof *client);
    client->curl = curl_easy_init();
    client->url = xstrdup(url);
    client->user = user ? xstrdup(user) : NULL;
    client->password = xstrdup(password ? password : "");
    if (!client->curl) {
        nt_http_client_free(client);
        return nt_fail(err, NT_FAULT, "cannot start libcurl");
    }

    size_t len = strlen(client->url);
    while (len && client->url[len - 1] == '/') {
        client->url[--len] = '\0';
    }
    *out = client;
    return 0;
}

void
nt_http_client_free(struct nt_http_client *client)
{
    if (!client) {
        return;
    }
    if (client->curl) {
        curl_easy_cleanup(client->curl);
    }
    if (client->password) {
        explicit_bzero(client->password, strlen(client->password));
    }
    free(client->url);
    free(client->user);
    free(client->password);
    free(client);
}

static size_t
take_piece(char *data, size_t size, size_t n, void *aux)
{
    struct ds *body = aux;

    if (body->length + size * n > MAX_ANSWER) {
        return 0;
    }
    ds_put_buffer(body, data, size * n);
    return size * n;
}

static void
set_options(struct nt_http_client *client, const char *method, const char *json)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (!strcmp(method, "HEAD")) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    if (client->user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, client->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, client->password);
    }
    if (json) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen(json));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
    }
}

static enum nt_code
code_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return NT_UNAVAILABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return NT_TIMEOUT;
    default:
        return NT_FAULT;
    }
}

int
nt_http_client_request(struct nt_http_client *client, const char *method, const char *path,
                       const char *json, struct nt_http_result *out, struct nt_err *err)
{
    AUTO_FREE char *url = xasprintf("%s%s", client->url, path);
    struct curl_slist *headers = NULL;
    struct ds body = DS_EMPTY_INITIALIZER;
    long status = 0;

    set_options(client, method, json);
    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "Expect:");
    if (json) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &body);

    CURLcode code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        ds_destroy(&body);
        return nt_fail(err, code_of(code), "cannot reach %s: %s", url, curl_easy_strerror(code));
    }
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    out->status = status;
    out->len = body.length;
    out->body = ds_steal_cstr(&body);
    return 0;
}

void
nt_http_result_clear(struct nt_http_result *result)
{
    free(result->body);
    memset(result, 0, sizeof *result);
}
