/* What every daemon's main() begins with: command line, configuration, log.
 *
 *     neutrino-X [--config-file PATH]... [--config-dir PATH]... [--log-file PATH]
 *                [--NAME=VALUE]... [--version] [--help]
 *
 * Without --config-file and --config-dir, /etc/nova/nova.conf and /etc/neutrino/neutrino.conf are
 * read if they exist. */
#pragma once

#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"

struct nt_program {
    const char *name; /* "neutrino-flat". */
    const struct nt_clock *clock;
    struct nt_random *random; /* Owned. */
    struct nt_config *config; /* Owned. */
    char host[256];           /* Option host, or the machine's host name. */
};

/* Takes 'flag' out of the arguments; true if it was there.  For what only one program
 * knows, before nt_program_init(). */
bool nt_program_take_flag(int *argc, char *argv[], const char *flag);

/* Exits with 0 after --help or --version, with 1 and a message on stderr when the
 * command line or a file is wrong. */
void nt_program_init(struct nt_program *, const char *name, const char *summary, int argc,
                     char *argv[]);
void nt_program_deinit(struct nt_program *);

/* The version and what it was built with, for --version. */
const char *nt_version(void);
