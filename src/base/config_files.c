#include <config.h>

#include "base/config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* Where the configuration of a host comes from: files, and what the kernel says. */

#define KERNEL "kernel's choice"

static const char *const default_files[] = {
    "/etc/nova/nova.conf",
    "/etc/neutrino/neutrino.conf",
    NULL,
};

int
nt_config_read_existing(struct nt_config *config, const char *const *paths, struct nt_err *err)
{
    struct stat st;

    for (; *paths; paths++) {
        if (!stat(*paths, &st)
            && (S_ISDIR(st.st_mode) ? nt_config_read_dir(config, *paths, err)
                                    : nt_config_read(config, *paths, err))
                   < 0) {
            return -1;
        }
    }
    return 0;
}

int
nt_config_read_default_files(struct nt_config *config, struct nt_err *err)
{
    return nt_config_read_existing(config, default_files, err);
}

static int
is_conf(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return *entry->d_name != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".conf");
}

int
nt_config_read_dir(struct nt_config *config, const char *path, struct nt_err *err)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_conf, alphasort);
    int rc = 0;

    if (n < 0) {
        return nt_fail_errno(err, errno, "cannot read configuration folder %s", path);
    }
    for (int i = 0; i < n; i++) {
        AUTO_FREE char *file = nt_path_join(path, entries[i]->d_name);

        if (!rc) {
            rc = nt_config_read(config, file, err);
        }
        free(entries[i]);
    }
    free(entries);
    return rc;
}

/* The address the kernel would send from towards the outside; connecting a UDP
 * socket sends nothing. */
static void
guess_my_ip(char text[INET_ADDRSTRLEN])
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(80) };
    socklen_t len = sizeof sin;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ovs_strlcpy(text, "127.0.0.1", INET_ADDRSTRLEN);
    sin.sin_addr.s_addr = htonl(0x08080808);
    if (fd >= 0) {
        if (!connect(fd, (struct sockaddr *) &sin, sizeof sin)
            && !getsockname(fd, (struct sockaddr *) &sin, &len)) {
            inet_ntop(AF_INET, &sin.sin_addr, text, INET_ADDRSTRLEN);
        }
        close(fd);
    }
}

/* The interface of the default route with the lowest metric; empty: there is none. */
static void
guess_outside(char name[32])
{
    FILE *file = fopen("/proc/net/route", "re");
    unsigned best = UINT32_MAX;
    char line[256];

    *name = '\0';
    while (file && fgets(line, sizeof line, file)) {
        char interface[32];
        unsigned to, gateway, flags, metric, mask;

        if (sscanf(line, "%31s %x %x %x %*s %*s %u %x", interface, &to, &gateway, &flags, &metric,
                   &mask)
                == 6
            && !to && !mask && metric < best) {
            best = metric;
            ovs_strlcpy(name, interface, 32);
        }
    }
    if (file) {
        fclose(file);
    }
}

static void
set_guess(struct nt_config *config, const char *name, const char *value)
{
    int rc = nt_config_set(config, name, value, KERNEL, NULL);

    ovs_assert(!rc);
}

int
nt_config_finish_host(struct nt_config *config, struct nt_err *err)
{
    char address[INET_ADDRSTRLEN], outside[32];

    if (!nt_config_is_set(config, "my_ip")) {
        guess_my_ip(address);
        set_guess(config, "my_ip", address);
    }
    if (!nt_config_is_set(config, "public_interface")) {
        guess_outside(outside);
        if (*outside) {
            set_guess(config, "public_interface", outside);
        }
    }
    if (nt_config_finish(config, err) < 0) {
        return -1;
    }
    if (nt_config_n_errors(config)
        || strcmp(nt_config_origin(config, "public_interface"), KERNEL)) {
        return 0;
    }

    /* What that interface has moves to the bridge. */
    const char *flat = nt_config_str(config, "flat_interface");
    AUTO_FREE char *bridge = xstrdup(nt_config_str(config, "flat_network_bridge"));
    if (*flat && !strcmp(flat, nt_config_str(config, "public_interface"))) {
        set_guess(config, "public_interface", bridge);
        return nt_config_finish(config, err);
    }
    return 0;
}
