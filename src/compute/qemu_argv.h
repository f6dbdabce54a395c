/* The argument list of a machine, and how a process is known again by it.  Pure
 * functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "compute/guest.h"

struct qemu_machine {
    const struct guest *guest; /* Borrowed, with its ifnames. */
    const char *binary;
    const char *instances_path;
    const char *run_as;       /* A user; empty: stays what it is. */
    const char *config_drive; /* File of the config drive; NULL: none. */
    bool kvm;
};

/* Ends with a NULL; to be freed with qemu_argv_free(). */
char **qemu_argv(const struct qemu_machine *);
void qemu_argv_free(char **);

/* True when the NUL-separated 'cmdline' of 'n' bytes (as in /proc) is that of the guest's
 * machine: its UUID and its monitor. */
bool qemu_argv_is_of(const char *cmdline, size_t n, const struct guest *,
                     const char *instances_path);

/* Sockets and files in the guest's folder; the caller frees. */
char *qemu_monitor_path(const struct guest *, const char *instances_path);
