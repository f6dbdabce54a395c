/* Commands for operators: what ovs-appctl -t PATH COMMAND asks, in the protocol of Open
 * vSwitch's own programs (JSON-RPC on a unix socket).
 *
 * Commands of the library are there as well (vlog/set, coverage/show, list-commands).  It
 * keeps them in a table of the process, so there is one of these.  Loop thread only. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct ds;
struct nt_control;

struct nt_control_command {
    const char *name;  /* "port/list" */
    const char *usage; /* Its arguments. */
    int min_args, max_args;

    /* Answers with 'out'; -1: it says what is wrong.  argv[0] is the command. */
    int (*run)(void *aux, int argc, const char *argv[], struct ds *out);
};

/* Listens on 'path'.  'commands' ends with a NULL name and is borrowed, as is 'aux'.
 * Fails with NT_FAULT. */
NT_NODISCARD int nt_control_new(const char *path, const struct nt_control_command *commands,
                                void *aux, struct nt_control **, struct nt_err *);
void nt_control_free(struct nt_control *);
NT_AUTO(nt_control)
void nt_control_run(struct nt_control *);
void nt_control_wait(struct nt_control *);
