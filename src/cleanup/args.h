/* The command line of neutrino-cleanup, which is that of neutron-ovs-cleanup and a little
 * more.  The strings are borrowed from argv and the configuration. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/config.h"
#include "base/err.h"

struct cleanup_args {
    struct nt_config *config; /* Owned; read and checked. */
    bool dry_run, delete_veths;
    bool help, version;
    const char *format; /* Of -f; NULL: not told. */
};

/* Fails with NT_INVALID, or NT_FAULT when a file cannot be read. */
NT_NODISCARD int cleanup_args_parse(struct cleanup_args *, char *argv[], struct nt_err *);
void cleanup_args_deinit(struct cleanup_args *);

/* The text of --help. */
void cleanup_args_help(void);
