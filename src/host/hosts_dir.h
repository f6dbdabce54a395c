/* The hosts of a network as a folder of files, one per guest, for dnsmasq's
 * --dhcp-hostsdir: it notices a new file by itself, without the signal that makes it
 * read everything and call its script for every lease.  A file that goes, or says
 * something else, it notices only with that signal. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct nt_hosts_dir;

/* 'path' is made when the first text is put.  Nothing is read or written yet. */
struct nt_hosts_dir *nt_hosts_dir_new(const char *path);
void nt_hosts_dir_free(struct nt_hosts_dir *);
NT_AUTO(nt_hosts_dir)

/* Makes the folder hold 'text' (nt_hosts_file_text()), a file per line, named after the
 * MAC.  '*must_reload' is set when a line went or changed, else left alone.  The first
 * time files of an earlier run are compared too.  Fails with NT_FAULT; what was not
 * written is tried again by the next call. */
NT_NODISCARD int nt_hosts_dir_put(struct nt_hosts_dir *, const char *text, bool *must_reload,
                                  struct nt_err *);
