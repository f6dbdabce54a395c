/* What every daemon's main() begins with: command line, configuration, log.
 *
 *     neutrino-X [--config-file PATH]... [--config-dir PATH]... [--log-file PATH]
 *                [--NAME=VALUE]... [--version] [--help]
 *
 * Without --config-file and --config-dir, the default files are read, those that exist. */
#pragma once

#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"

struct nt_program_kind {
    const char *name, *summary; /* "neutrino-flat" */

    /* A program with options of its own, in files that others read as well (so that unknown
     * names are passed over); NULL: nt_options, and /etc/nova/nova.conf and
     * /etc/neutrino/neutrino.conf.  Of them log_file, log_dir, use_syslog and debug say how
     * to log; "--name value" and, for yes or no, "--name" and "--noname" are taken, too. */
    const struct nt_option *options;
    const char *const *paths; /* Its default files and folders, NULL-terminated. */
};

struct nt_program {
    const char *name;
    const struct nt_clock *clock;
    struct nt_random *random; /* Owned. */
    struct nt_config *config; /* Owned. */
    char host[256];           /* Option host, or the machine's host name. */
    const struct nt_program_kind *kind;
    char **argv; /* Borrowed, for nt_program_reread(). */
};

/* Takes 'flag' out of the arguments; true if it was there.  For what only one program
 * knows, before nt_program_init(). */
bool nt_program_take_flag(int *argc, char *argv[], const char *flag);

/* The same for "FLAG VALUE" and "FLAG=VALUE": the value, or NULL. */
const char *nt_program_take_value(int *argc, char *argv[], const char *flag);

/* Exits with 0 after --help or --version, with 1 and a message on stderr when the
 * command line or a file is wrong. */
void nt_program_init(struct nt_program *, const struct nt_program_kind *, char *argv[]);
void nt_program_deinit(struct nt_program *);

/* Opens the log file anew and takes over 'debug', after nt_program_reread(). */
void nt_program_reopen_log(const struct nt_config *);

/* The configuration as it is in the files now, in '*out'; the program keeps the one it has.
 * Fails with NT_INVALID or NT_FAULT. */
NT_NODISCARD int nt_program_reread(const struct nt_program *, struct nt_config **out,
                                   struct nt_err *);

/* Prints what is wrong with the command line and the files, all of it, and what is warned
 * about.  The configuration is in '*out' when nothing is wrong; otherwise -1. */
NT_NODISCARD int nt_program_check(const struct nt_program_kind *, char *argv[],
                                  struct nt_config **out);

/* The version and what it was built with, for --version. */
const char *nt_version(void);
