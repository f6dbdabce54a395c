#include <config.h>

#include "base/failpoint.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

const struct nt_failpoint nt_failpoints[] = {
    /* Files and processes. */
    { "file-write", "flat compute", true, "a file's new text is about to be written" },
    { "file-rename", "flat compute", true, "it is written and synced, not renamed yet" },
    { "file-renamed", "flat compute", false, "it has its name, the folder is not synced" },
    { "child-spawn", "flat compute", true, "a child is about to be started" },
    { "child-spawned", "flat compute", false, "it runs, nobody has noted it yet" },

    /* The database and what follows a commit. */
    { "store-commit", "server", true, "a transaction is about to be committed" },
    { "store-committed", "server", false, "it is committed, nobody was told" },
    { "op-answered", "server", false, "one request was answered, its changes were not sent" },
    { "op-published", "server", false, "one request's changes were handed to the bus" },
    { "http-reply", "server", false, "an answer is about to be given to the HTTP library" },

    /* The bus. */
    { "bus-send", "server flat compute", false, "a message is about to be queued" },
    { "bus-flush", "server flat compute", false, "queued messages are about to be written" },
    { "bus-flushed", "server flat compute", false, "some of them were written" },

    /* The network host. */
    { "lease-event", "flat", false, "a lease event came, nothing was done about it" },
    { "lease-noted", "flat", false, "it is in the model, its sender was not answered" },
    { "dnsmasq-start", "flat", true, "dnsmasq is about to be started" },
    { "dnsmasq-started", "flat", false, "it has put itself into the background" },
    { "dnsmasq-reload", "flat", false, "its files are written, SIGHUP was not sent" },
    { "dhcp-release", "flat", true, "a lease is about to be released" },
    { "connections-end", "flat", true, "a floating address's rules are gone, not its connections" },
    { "gateway-set", "flat", true, "bridge and interface are there, its address is to be set" },

    /* Rules and links. */
    { "bridge-ensure", "flat compute", true, "a bridge is about to be made or checked" },
    { "iptables-apply", "flat compute", true, "iptables-restore is about to be started" },
    { "iptables-applied", "flat compute", false, "it has ended, nobody was told" },
    { "guard-apply", "compute", true, "nft is about to be started" },
    { "guard-applied", "compute", false, "it has ended, nobody was told" },
    { "netlink-send", "flat compute", true, "a change of links or addresses is to be sent" },
    { "netlink-done", "flat compute", false, "the kernel has acknowledged it" },

    /* Guests. */
    { "guest-plug", "compute", true, "a guest's devices are about to be made" },
    { "guest-plugged", "compute", false, "they are made, its record is not written" },
    { "guest-start", "compute", true, "a guest is about to be started" },
    { "guest-started", "compute", false, "it runs, its record does not say so" },
    { "guest-power", "compute", false, "its end was noted, it was not told to end" },
    { "guest-ended", "compute", false, "it has ended, to stay down or to be started again" },
    { "guest-stop", "compute", false, "a guest is about to be told to end" },
    { "guest-unplug", "compute", true, "its end was seen, its devices are there" },
    { "guest-unplugged", "compute", false, "its devices are gone, its folder is there" },
    { "guest-gone", "compute", false, "nothing of it is left, the server was not told" },
    { 0 },
};

enum action {
    ACTION_KILL,
    ACTION_STOP,
    ACTION_ERROR,
};

static const char *const actions[] = { "kill", "stop", "error" };

bool nt_failpoint_is_set;

/* What was asked for; of no meaning while nt_failpoint_is_set is false. */
static struct {
    const struct nt_failpoint *point;
    enum action action;
    unsigned long left; /* Passages until it happens. */
} asked;

static const struct nt_failpoint *
find(const char *name)
{
    for (const struct nt_failpoint *p = nt_failpoints; p->name; p++) {
        if (!strcmp(p->name, name)) {
            return p;
        }
    }
    return NULL;
}

static int
parse_action(const char *text, struct nt_err *err)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(actions); i++) {
        if (!strcmp(text, actions[i])) {
            asked.action = (enum action) i;
            return 0;
        }
    }
    return nt_fail(err, NT_INVALID, "NEUTRINO_FAILPOINT: action %s is none of kill, stop, error",
                   text);
}

/* Cuts 'text' into its parts. */
static int
parse(char *text, struct nt_err *err)
{
    char *action = strchr(text, '=');
    char *number = NULL;

    asked.left = 1;
    if (action) {
        *action++ = '\0';
        if (parse_action(action, err) < 0) {
            return -1;
        }
    }
    number = strchr(text, ':');
    if (number) {
        char *end;

        *number++ = '\0';
        asked.left = strtoul(number, &end, 10);
        if (*end || !asked.left) {
            return nt_fail(err, NT_INVALID, "NEUTRINO_FAILPOINT: %s is not a number from 1",
                           number);
        }
    }
    asked.point = find(text);
    if (!asked.point) {
        return nt_fail(err, NT_INVALID, "NEUTRINO_FAILPOINT: there is no failpoint %s", text);
    }
    if (asked.action == ACTION_ERROR && !asked.point->can_fail) {
        return nt_fail(err, NT_INVALID, "NEUTRINO_FAILPOINT: %s cannot fail", text);
    }
    return 0;
}

int
nt_failpoint_start(struct nt_err *err)
{
    const char *value = getenv("NEUTRINO_FAILPOINT");

    if (!value) {
        return 0;
    }

    AUTO_FREE char *text = xstrdup(value);
    int rc = parse(text, err);

    unsetenv("NEUTRINO_FAILPOINT");
    nt_failpoint_is_set = !rc;
    return rc;
}

void
nt_failpoint_print(void)
{
    for (const struct nt_failpoint *p = nt_failpoints; p->name; p++) {
        printf("%-16s  %-19s  %-5s  %s\n", p->name, p->programs, p->can_fail ? "error" : "-",
               p->where);
    }
}

bool
nt_failpoint_pass(const char *name)
{
    if (strcmp(name, asked.point->name) || --asked.left) {
        return false;
    }
    nt_failpoint_is_set = false;
    if (asked.action == ACTION_ERROR) {
        return true;
    }
    kill(getpid(), asked.action == ACTION_KILL ? SIGKILL : SIGSTOP);
    return false;
}

void
nt_failpoint_no_error(const char *name)
{
    ovs_abort(0, "failpoint %s was asked to fail and cannot", name);
}
