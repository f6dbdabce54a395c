/* Sends the same kind of request over and over, from a number of connections that each
 * wait for their answer: bench-load SPEC, where SPEC is JSON:
 *
 *     host, port, path, headers, body     the request; "{n}" in the body becomes a number
 *     clients, requests                   how many connections, and requests in all
 *     first                               the first number
 *
 * Prints JSON: requests answered with 2xx ("good"), others ("bad", the first of them in
 * "first_bad"), seconds, latencies in ms ("p50", "p99"), the last number, and "cpu", the
 * processor seconds this program took itself: they are the server's loss where cores are
 * few. */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"

#define ANSWER_MAX 65536
#define SILENCE_MS 20000

struct client {
    int fd;
    double sent_at;
    size_t len; /* Of the answer so far. */
    char answer[ANSWER_MAX];
};

struct load {
    const char *before, *after; /* Body around "{n}"; 'after' NULL: the same body always. */
    char *head;                 /* Request line and headers, up to Content-Length. */
    long long number, last;
    long good, bad;
    char *first_bad;
    double *latencies;
    size_t n_latencies;
    int epoll_fd, under_way;
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "bench-load: %s: %s\n", what, why);
    exit(1);
}

static double
now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static const struct json *
member(const struct json *spec, const char *name, enum json_type type)
{
    const struct json *json = shash_find_data(json_object(spec), name);

    if (!json || json->type != type) {
        die(name, "is missing in the specification, or of the wrong type");
    }
    return json;
}

static const char *
text_of(const struct json *spec, const char *name)
{
    return json_string(member(spec, name, JSON_STRING));
}

static long long
number_of(const struct json *spec, const char *name)
{
    return json_integer(member(spec, name, JSON_INTEGER));
}

static char *
make_head(const struct json *spec)
{
    const struct shash *headers = json_object(member(spec, "headers", JSON_OBJECT));
    struct ds head = DS_EMPTY_INITIALIZER;
    struct shash_node *node;

    ds_put_format(&head, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n",
                  text_of(spec, "path"), text_of(spec, "host"));
    SHASH_FOR_EACH (node, headers) {
        ds_put_format(&head, "%s: %s\r\n", node->name, json_string(node->data));
    }
    return ds_steal_cstr(&head);
}

/* A request is short and nothing else is under way on the socket: it goes out whole. */
static void
send_next(struct load *load, struct client *client)
{
    AUTO_FREE char *body = load->after
                               ? xasprintf("%s%lld%s", load->before, ++load->number, load->after)
                               : xasprintf("%s", load->before);
    AUTO_FREE char *request =
        xasprintf("%sContent-Length: %zu\r\n\r\n%s", load->head, strlen(body), body);
    size_t len = strlen(request);

    if (!load->after) {
        load->number++;
    }
    client->len = 0;
    client->sent_at = now_s();
    if (send(client->fd, request, len, MSG_NOSIGNAL) != (ssize_t) len) {
        die("cannot send", ovs_strerror(errno));
    }
}

/* The status once the answer is whole, or 0. */
static int
receive(struct client *client)
{
    ssize_t n = recv(client->fd, client->answer + client->len, ANSWER_MAX - 1 - client->len, 0);

    if (n <= 0) {
        die("the server closed the connection", n ? ovs_strerror(errno) : "no answer");
    }
    client->len += n;
    client->answer[client->len] = '\0';

    const char *body = strstr(client->answer, "\r\n\r\n");
    if (!body) {
        return 0;
    }
    body += 4;

    const char *length = strcasestr(client->answer, "\r\ncontent-length:");
    size_t want = length && length < body ? strtoul(length + 17, NULL, 10) : 0;
    return strlen(body) >= want ? atoi(client->answer + 9) : 0;
}

static void
take(struct load *load, struct client *client, int status)
{
    if (status >= 200 && status < 300) {
        load->good++;
    } else {
        load->bad++;
        if (!load->first_bad) {
            load->first_bad = xstrdup(client->answer);
        }
    }
    load->latencies[load->n_latencies++] = (now_s() - client->sent_at) * 1000;
    if (load->number < load->last) {
        send_next(load, client);
    } else {
        load->under_way--;
    }
}

static void
client_init(struct load *load, struct client *client, const struct json *spec)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(number_of(spec, "port")) };
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = client };
    int on = 1;

    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inet_pton(AF_INET, text_of(spec, "host"), &sin.sin_addr) != 1) {
        die(text_of(spec, "host"), "is not an IPv4 address");
    }
    if (connect(client->fd, (struct sockaddr *) &sin, sizeof sin) < 0
        || setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0
        || epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &ev) < 0) {
        die("cannot connect", ovs_strerror(errno));
    }
}

static double
run(struct load *load, struct client *clients, int n_clients)
{
    double start = now_s();

    for (int i = 0; i < n_clients; i++) {
        load->under_way++;
        send_next(load, &clients[i]);
    }
    while (load->under_way) {
        struct epoll_event events[64];
        int n = epoll_wait(load->epoll_fd, events, NT_ARRAY_SIZE(events), SILENCE_MS);

        if (n <= 0) {
            die("the server is silent", n ? ovs_strerror(errno) : "no answer in time");
        }
        for (int i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;
            int status = receive(client);

            if (status) {
                take(load, client, status);
            }
        }
    }
    return now_s() - start;
}

static int
compare(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static void
print(const struct load *load, double seconds)
{
    struct json *out = json_object_create();
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    qsort(load->latencies, load->n_latencies, sizeof *load->latencies, compare);
    json_object_put(out, "good", json_integer_create(load->good));
    json_object_put(out, "bad", json_integer_create(load->bad));
    json_object_put_string(out, "first_bad", load->first_bad ? load->first_bad : "");
    json_object_put(out, "number", json_integer_create(load->number));
    json_object_put(out, "seconds", json_real_create(seconds));
    json_object_put(out, "p50", json_real_create(load->latencies[load->n_latencies / 2]));
    json_object_put(out, "p99", json_real_create(load->latencies[load->n_latencies * 99 / 100]));
    json_object_put(
        out, "cpu",
        json_real_create((double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6));

    AUTO_FREE char *text = json_to_string(out, JSSF_SORT);
    puts(text);
    json_destroy(out);
}

int
main(int argc, char *argv[])
{
    struct load load = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
    struct json *spec = argc == 2 ? json_from_string(argv[1]) : NULL;

    if (!spec || spec->type != JSON_OBJECT) {
        die("usage", "bench-load SPEC, an object in JSON");
    }

    int n_clients = number_of(spec, "clients");
    AUTO_FREE struct client *clients = xcalloc(n_clients, sizeof *clients);
    AUTO_FREE char *body = xstrdup(text_of(spec, "body"));
    char *mark = strstr(body, "{n}");

    if (mark) {
        *mark = '\0';
        load.after = mark + 3;
    }
    load.before = body;
    load.head = make_head(spec);
    load.number = number_of(spec, "first");
    load.last = load.number + number_of(spec, "requests");
    load.latencies = xcalloc(number_of(spec, "requests") + n_clients, sizeof *load.latencies);
    for (int i = 0; i < n_clients; i++) {
        client_init(&load, &clients[i], spec);
    }
    print(&load, run(&load, clients, n_clients));
    for (int i = 0; i < n_clients; i++) {
        close(clients[i].fd);
    }
    close(load.epoll_fd);
    free(load.latencies);
    free(load.first_bad);
    free(load.head);
    json_destroy(spec);
    return 0;
}
