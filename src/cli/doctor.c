#include <config.h>

#include "cli/doctor.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/settings.h"
#include "cli/value.h"
#include "net/addr.h"
#include "net/instance.h"

#define MAX_SNAPSHOT (256 << 20)
#define CONNECT_MS 2000
#define CHILD_MS 10000
#define MAX_CLOCK_DIFFERENCE_S 5
#define MB (1024.0 * 1024)

const struct cli_arg cli_doctor_args[] = {
    { "config-file", "FILE", CLI_FILE, CLI_MANY, "read this instead of the usual files" },
    { "config-dir", "FOLDER", CLI_FILE, CLI_MANY, "read each *.conf in there, after the files" },
    { 0 },
};

static void
add_text(struct cli_table *table, char *text)
{
    text = text ? text : xstrdup("");
    cli_table_add(table, json_string_create(text), text);
}

void
doctor_say(struct doctor *d, const char *check, enum doctor_state state, char *problem, char *fix)
{
    static const char *const names[] = { "ok", "warn", "FAIL" };

    add_text(d->table, xstrdup(check));
    add_text(d->table, xstrdup(names[state]));
    add_text(d->table, problem);
    add_text(d->table, fix);
    d->n_failed += state == DOCTOR_FAIL;
}

char *
doctor_read(const char *path)
{
    char *text = NULL;

    if (nt_file_read(path, 1 << 20, &text, NULL) < 0) {
        return NULL;
    }
    text[strcspn(text, "\n")] = '\0';
    return text;
}

char *
doctor_run(const char *const *argv)
{
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = CHILD_MS };
    char *out = NULL;

    return nt_child_run_blocking(&opts, &out, NULL) < 0 ? NULL : out;
}

/* Which programs run here. */

static bool
same_network(const char *pid)
{
    AUTO_FREE char *path = xasprintf("/proc/%s/ns/net", pid);
    struct stat own, other;

    return !stat("/proc/self/ns/net", &own) && !stat(path, &other) && own.st_ino == other.st_ino;
}

/* A process of that program in this network namespace. */
static bool
runs(const char *program)
{
    DIR *dir = opendir("/proc");
    bool found = false;

    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        AUTO_FREE char *path = xasprintf("/proc/%s/cmdline", e->d_name);
        AUTO_FREE char *command = strspn(e->d_name, "0123456789") ? doctor_read(path) : NULL;
        const char *name = command ? strrchr(command, '/') : NULL;

        found = command && !strcmp(name ? name + 1 : command, program) && same_network(e->d_name);
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}

static struct doctor_network *
add_network(struct doctor *d)
{
    d->networks = xrealloc(d->networks, (d->n_networks + 1) * sizeof *d->networks);
    memset(&d->networks[d->n_networks], 0, sizeof *d->networks);
    return &d->networks[d->n_networks++];
}

static void
take_network(struct doctor *d, const struct json *json)
{
    struct nt_network_view view = { .number = 0 };
    const char *interface = nt_config_str(d->config, "flat_interface");

    if (!nt_fields_parse(nt_network_view_fields, NT_IN_RPC, json, "network", &view, NULL)) {
        struct doctor_network *n = add_network(d);

        ovs_strlcpy(n->bridge, view.bridge, sizeof n->bridge);
        ovs_strlcpy(n->interface, *interface ? interface : view.bridge_interface,
                    sizeof n->interface);
        ovs_strlcpy(n->cidr, view.cidr, sizeof n->cidr);
        ovs_strlcpy(n->dhcp_server, view.dhcp_server, sizeof n->dhcp_server);
        if (!nt_ip4_parse(view.n_entries ? view.entries[0].address : view.dhcp_start, &n->guest)) {
            n->guest = 0;
        }
    }
    nt_network_view_clear(&view);
}

/* What neutrino-flat last knew. */
static void
read_networks(struct doctor *d)
{
    AUTO_FREE char *path =
        nt_path_join(nt_config_str(d->config, "neutrino_state_path"), "flat.json");
    AUTO_FREE char *text = NULL;

    if (nt_file_read(path, MAX_SNAPSHOT, &text, NULL) < 0) {
        return;
    }

    struct json *json = json_from_string(text);
    const struct json *list = cli_member_list(json, "networks");
    for (size_t i = 0; list && i < list->array.n; i++) {
        take_network(d, list->array.elems[i]);
    }
    d->is_network = d->is_network || d->n_networks;
    json_destroy(json);
}

static void
take_vif(struct doctor *d, const struct json *json)
{
    struct nt_vif vif = { .mtu = 0 };
    const char *interface = nt_config_str(d->config, "flat_interface");

    if (nt_fields_parse(nt_vif_fields, NT_IN_RPC, json, "vif", &vif, NULL)) {
        return;
    }
    for (size_t i = 0; i < d->n_networks; i++) {
        if (!strcmp(d->networks[i].bridge, vif.bridge)) {
            return;
        }
    }

    struct doctor_network *n = add_network(d);
    ovs_strlcpy(n->bridge, vif.bridge, sizeof n->bridge);
    ovs_strlcpy(n->interface, *interface ? interface : vif.bridge_interface, sizeof n->interface);
    ovs_strlcpy(n->cidr, vif.cidr, sizeof n->cidr);
    ovs_strlcpy(n->dhcp_server, vif.dhcp_server, sizeof n->dhcp_server);
    if (!nt_ip4_parse(vif.address, &n->guest)) {
        n->guest = 0;
    }
}

/* What neutrino-compute last knew. */
static void
read_guests(struct doctor *d)
{
    const char *instances = nt_config_str(d->config, "instances_path");
    DIR *dir = opendir(instances);

    for (struct dirent *e; dir && (e = readdir(dir));) {
        AUTO_FREE char *path = xasprintf("%s/%s/instance.json", instances, e->d_name);
        AUTO_FREE char *text = NULL;

        if (strncmp(e->d_name, "instance-", 9) || nt_file_read(path, 1 << 20, &text, NULL) < 0) {
            continue;
        }

        struct json *json = json_from_string(text);
        const struct json *list = cli_member_list(cli_member(json, "instance"), "vifs");
        for (size_t i = 0; list && i < list->array.n; i++) {
            take_vif(d, list->array.elems[i]);
        }
        d->is_compute = true;
        json_destroy(json);
    }
    if (dir) {
        closedir(dir);
    }
}

/* A compute host without guests still has its bridge. */
static void
read_bridge(struct doctor *d)
{
    const char *bridge = nt_config_str(d->config, "flat_network_bridge");
    AUTO_FREE char *path = xasprintf("/sys/class/net/%s/bridge", bridge);

    if (!d->n_networks && d->is_compute && !access(path, F_OK)) {
        struct doctor_network *n = add_network(d);

        ovs_strlcpy(n->bridge, bridge, sizeof n->bridge);
        ovs_strlcpy(n->interface, nt_config_str(d->config, "flat_interface"), sizeof n->interface);
        ovs_strlcpy(n->cidr, nt_config_str(d->config, "fixed_range"), sizeof n->cidr);
    }
}

static void
check_program(struct doctor *d, const char *name, bool belongs, bool runs_now)
{
    AUTO_FREE char *check = xasprintf("program %s", name);

    if (belongs) {
        doctor_check(d, check, runs_now, xasprintf("%s does not run", name),
                     xasprintf("systemctl restart %s", name));
    }
}

static void
find_roles(struct doctor *d)
{
    bool flat = runs("neutrino-flat"), compute = runs("neutrino-compute");
    bool server = runs("neutrino-server");

    d->is_network = flat;
    d->is_compute = compute;
    d->is_server = server;
    read_networks(d);
    read_guests(d);
    read_bridge(d);
    check_program(d, "neutrino-flat", d->is_network, flat);
    check_program(d, "neutrino-compute", d->is_compute, compute);
    check_program(d, "neutrino-server", d->is_server, server);
    if (!d->is_network && !d->is_compute && !d->is_server) {
        doctor_say(d, "programs", DOCTOR_WARN,
                   xstrdup("no program of neutrino runs here, and none has left its state"), NULL);
    }
}

/* Configuration, files, disk. */

static void
check_config(struct doctor *d)
{
    size_t n = nt_config_n_warnings(d->config);

    if (!n) {
        doctor_say(d, "configuration", DOCTOR_OK, NULL, NULL);
        return;
    }
    doctor_say(d, "configuration", DOCTOR_WARN,
               n > 1 ? xasprintf("%s (and %zu more)", nt_config_warning(d->config, 0), n - 1)
                     : xstrdup(nt_config_warning(d->config, 0)),
               xstrdup("neutrino config check"));
}

/* A file with a secret in it. */
static void
check_secret(struct doctor *d, const char *option, bool needed)
{
    const char *path = nt_config_str(d->config, option);
    AUTO_FREE char *check = xasprintf("file %s", option);
    struct stat st;

    if (stat(path, &st) < 0) {
        if (needed) {
            doctor_say(d, check, DOCTOR_FAIL, xasprintf("%s: %s", path, ovs_strerror(errno)), NULL);
        }
    } else if (st.st_mode & S_IRWXO) {
        doctor_say(
            d, check, DOCTOR_FAIL,
            xasprintf("%s may be read or written by others (mode %04o)", path, st.st_mode & 07777),
            xasprintf("chmod o= %s", path));
    } else {
        doctor_say(d, check, DOCTOR_OK, NULL, NULL);
    }
}

static void
check_disk(struct doctor *d, const char *option)
{
    const char *path = nt_config_str(d->config, option);
    AUTO_FREE char *check = xasprintf("disk of %s", option);
    struct statvfs fs;

    if (statvfs(path, &fs) < 0 || !fs.f_blocks) {
        return;
    }

    double free_mb = (double) fs.f_bavail * fs.f_frsize / MB;
    double share = 100.0 * fs.f_bavail / fs.f_blocks;
    bool files_low = fs.f_files && fs.f_favail < 1000;
    if (free_mb < 16 || files_low) {
        doctor_say(d, check, DOCTOR_FAIL,
                   files_low ? xasprintf("%s has no room for more files", path)
                             : xasprintf("%s has %.1f MB left", path, free_mb),
                   xasprintf("du -xh %s | sort -h | tail", path));
    } else if (free_mb < 256 || share < 3) {
        doctor_say(d, check, DOCTOR_WARN,
                   xasprintf("%s has %.0f MB left (%.0f %%)", path, free_mb, share),
                   xasprintf("du -xh %s | sort -h | tail", path));
    } else {
        doctor_say(d, check, DOCTOR_OK, NULL, NULL);
    }
}

/* The server and the bus. */

static bool
wait_for(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    return poll(&p, 1, CONNECT_MS) > 0;
}

/* A connected socket, or negative errno. */
static int
connect_to(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;
    socklen_t size = sizeof error;

    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, address, len) < 0) {
        error = errno;
        if (error == EINPROGRESS) {
            error = ETIMEDOUT;
            if (wait_for(fd, POLLOUT) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
                error = errno;
            }
        }
    }
    if (error) {
        close(fd);
        return -error;
    }
    return fd;
}

static int
connect_tcp(uint32_t ip, uint16_t port)
{
    struct sockaddr_in sin = { .sin_family = AF_INET,
                               .sin_port = htons(port),
                               .sin_addr.s_addr = htonl(ip) };

    return connect_to((const struct sockaddr *) &sin, sizeof sin);
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    ovs_strlcpy(sun.sun_path, path, sizeof sun.sun_path);
    return connect_to((const struct sockaddr *) &sun, sizeof sun);
}

/* "tcp:ADDRESS:PORT". */
static bool
parse_endpoint(const char *endpoint, uint32_t *ip, uint16_t *port)
{
    const char *colon = strrchr(endpoint, ':');
    char address[NT_IP4_SIZE];

    if (strncmp(endpoint, "tcp:", 4) || colon < endpoint + 5
        || colon - endpoint - 4 >= NT_IP4_SIZE) {
        return false;
    }
    ovs_strlcpy(address, endpoint + 4, colon - endpoint - 3);
    *port = atoi(colon + 1);
    return nt_ip4_parse(address, ip);
}

/* Where the server is, by what this host knows of the bus. */
static uint32_t
check_bus(struct doctor *d)
{
    const char *endpoint = nt_config_str(d->config, "bus_endpoint");
    uint32_t ip = INADDR_LOOPBACK;
    uint16_t port;
    int fd = -EINVAL;

    if (!strncmp(endpoint, "unix:", 5)) {
        fd = connect_unix(endpoint + 5);
    } else if (parse_endpoint(endpoint, &ip, &port)) {
        fd = connect_tcp(ip, port);
    }
    doctor_check(d, "bus", fd >= 0,
                 xasprintf("cannot connect to %s: %s", endpoint, ovs_strerror(-fd)),
                 xstrdup("systemctl restart neutrino-server  # on its host; see bus_listen and "
                         "bus_endpoint"));
    if (fd >= 0) {
        close(fd);
    }
    return ip;
}

/* The time the server has, by its answer; -1: it did not say. */
static time_t
ask_time(int fd)
{
    static const char request[] = "HEAD / HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n";
    char answer[4096];
    size_t n = 0;

    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1) {
        return -1;
    }
    while (n < sizeof answer - 1 && wait_for(fd, POLLIN)) {
        ssize_t got = recv(fd, answer + n, sizeof answer - 1 - n, 0);

        if (got <= 0) {
            break;
        }
        n += got;
    }
    answer[n] = '\0';

    const char *date = strcasestr(answer, "\r\nDate: ");
    struct tm tm = { .tm_isdst = 0 };
    return date && strptime(date + 8, "%a, %d %b %Y %H:%M:%S GMT", &tm) ? timegm(&tm) : -1;
}

static void
check_clock(struct doctor *d, time_t server_time)
{
    struct timex t = { .modes = 0 };
    time_t now = time(NULL);

    if (server_time >= 0 && llabs((long long) now - server_time) > MAX_CLOCK_DIFFERENCE_S) {
        doctor_say(d, "clock", DOCTOR_FAIL,
                   xasprintf("this host and the server differ by %lld s",
                             llabs((long long) now - server_time)),
                   xstrdup("timedatectl set-ntp true  # on both"));
    } else if (adjtimex(&t) == TIME_ERROR) {
        doctor_say(d, "clock", DOCTOR_WARN, xstrdup("nothing keeps the clock right"),
                   xstrdup("timedatectl set-ntp true"));
    } else {
        doctor_say(d, "clock", DOCTOR_OK, NULL, NULL);
    }
}

static void
check_server(struct doctor *d, uint32_t ip)
{
    uint16_t port = nt_config_int(d->config, "osapi_compute_listen_port");
    int fd = connect_tcp(ip, port);
    time_t server_time = -1;
    char address[NT_IP4_SIZE];

    nt_ip4_format(ip, address);
    doctor_check(d, "server", fd >= 0,
                 xasprintf("cannot connect to %s:%u: %s", address, port, ovs_strerror(-fd)),
                 xstrdup("systemctl restart neutrino-server  # on its host"));
    if (fd >= 0) {
        server_time = ask_time(fd);
        close(fd);
    }
    check_clock(d, server_time);
}

static void
check_metadata(struct doctor *d)
{
    uint16_t port = nt_config_int(d->config, "metadata_port");
    const char *host = nt_config_str(d->config, "metadata_host");
    uint32_t ip;

    if (d->is_network && nt_ip4_parse(host, &ip)) {
        int fd = connect_tcp(ip, port);

        doctor_check(
            d, "metadata service", fd >= 0,
            xasprintf("cannot connect to %s:%u: %s", host, port, ovs_strerror(-fd)),
            *nt_config_str(d->config, "metadata_server")
                ? xstrdup("systemctl restart neutrino-flat")
                : xstrdup("systemctl restart neutrino-server  # on its host; see metadata_host"));
        if (fd >= 0) {
            close(fd);
        }
    }
}

static void
check_all(struct doctor *d)
{
    bool tcp = !strncmp(nt_config_str(d->config, "bus_endpoint"), "tcp:", 4);

    find_roles(d);
    check_config(d);
    check_secret(d, "bus_key_file", tcp || *nt_config_str(d->config, "bus_listen"));
    check_secret(d, "api_credentials_file", d->is_server);
    check_disk(d, "neutrino_state_path");
    check_disk(d, "state_path");
    check_server(d, check_bus(d));
    check_metadata(d);
    doctor_links(d);
    doctor_services(d);
    doctor_rules(d);
    doctor_drops(d);
}

int
cli_doctor(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "Check", "State", "Problem", "Fix", NULL };
    AUTO(nt_config) config = NULL;

    if (geteuid()) {
        return nt_fail(err, NT_FORBIDDEN, "only root can look at a host's rules");
    }
    if (cli_settings_load(cli, false, &config, err) < 0) {
        return -1;
    }

    struct doctor d = { .config = config, .table = cli_table_list(columns) };
    check_all(&d);
    free(d.networks);
    if (cli_print(cli, d.table, err) < 0) {
        return -1;
    }
    return d.n_failed
               ? nt_fail(err, NT_FAULT, "%zu check%s failed", d.n_failed, d.n_failed > 1 ? "s" : "")
               : 0;
}
