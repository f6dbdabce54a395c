/* A file with the program's process id, locked while it runs: ovs-appctl finds programs by
 * it, and a second one of the same kind is refused. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct nt_pid_file;

/* Fails with NT_CONFLICT when another process has it, and NT_FAULT when it cannot be made. */
NT_NODISCARD int nt_pid_file_take(const char *path, struct nt_pid_file **, struct nt_err *);

/* Removes the file. */
void nt_pid_file_free(struct nt_pid_file *);
NT_AUTO(nt_pid_file)
