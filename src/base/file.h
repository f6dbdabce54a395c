/* Small files, whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

/* Reads at most 'max' bytes; a longer file is -EFBIG.  '*out' is NUL-terminated
 * and the caller's to free.  Negative errno on failure. */
NT_NODISCARD int nt_file_read(const char *path, size_t max, char **out, size_t *len);

/* Replaces 'path' by way of a temporary file beside it, fsync and rename, so that
 * a reader sees the old or the new text.  Skips the write when the text is there
 * already ('*changed', may be NULL, tells).  Fails with NT_FAULT. */
NT_NODISCARD int nt_file_replace(const char *path, const char *text, size_t len, mode_t mode,
                                 bool *changed, struct nt_err *);

/* The same without fsync, for what is made anew at start: survives this program, not
 * the machine. */
NT_NODISCARD int nt_file_replace_soft(const char *path, const char *text, size_t len, mode_t mode,
                                      bool *changed, struct nt_err *);

/* mkdir -p.  Fails with NT_FAULT, naming the part that could not be made. */
NT_NODISCARD int nt_mkdirs(const char *path, mode_t mode, struct nt_err *);

/* Writes an existing file of /proc or /sys in place.  Negative errno. */
NT_NODISCARD int nt_file_put(const char *path, const char *text);

/* 'a/b' with one '/'; the caller frees. */
char *nt_path_join(const char *a, const char *b);

/* rm -r, without following links.  Negative errno of the first failure. */
NT_NODISCARD int nt_remove_tree(const char *path);
