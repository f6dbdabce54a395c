/* Configuration files: nova's flagfile syntax and INI, told apart by content.
 *
 * A program gives one table of the options it knows; the same table feeds the
 * help text and the manual.  Values are kept as text with their origin and read
 * through the typed getters, which cannot fail: every value was checked when the
 * file was read.  Rules and traps: specification of the flagfile syntax in
 * docs/configuration.md. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/option.h"

struct nt_config;

/* 'options' ends with a NULL name, is borrowed and must outlive the result. */
struct nt_config *nt_config_new(const struct nt_option *options);
void nt_config_free(struct nt_config *);
NT_AUTO(nt_config)

/* The INI section that is read, "DEFAULT" unless set.  'section' is borrowed. */
void nt_config_use_section(struct nt_config *, const char *section);

/* Names that are no option's are passed over, as oslo.config does, because the file belongs to
 * others as well; what looks like a slip is still warned about. */
void nt_config_be_lenient(struct nt_config *);

/* From now on what is wrong is collected (nt_config_error()) instead of ending the
 * reading; the functions below then succeed.  The values are not to be used. */
void nt_config_collect_errors(struct nt_config *);
size_t nt_config_n_errors(const struct nt_config *);
const char *nt_config_error(const struct nt_config *, size_t i);

/* Reads 'path' and what it includes.  Fails with NT_INVALID ("FILE:LINE: ...") or
 * NT_FAULT (unreadable).  Warnings are collected, see nt_config_warning(). */
NT_NODISCARD int nt_config_read(struct nt_config *, const char *path, struct nt_err *);

/* Reads each *.conf of a folder, in the order of their names.  Fails likewise. */
NT_NODISCARD int nt_config_read_dir(struct nt_config *, const char *path, struct nt_err *);

/* Reads files and folders, NULL-terminated, those that exist.  Fails likewise. */
NT_NODISCARD int nt_config_read_existing(struct nt_config *, const char *const *paths,
                                         struct nt_err *);

/* Those of nt_options: /etc/nova/nova.conf and /etc/neutrino/neutrino.conf. */
NT_NODISCARD int nt_config_read_default_files(struct nt_config *, struct nt_err *);

/* The same for text in memory; 'name' stands for the file in messages. */
NT_NODISCARD int nt_config_parse(struct nt_config *, const char *name, const char *text, size_t len,
                                 struct nt_err *);

/* Sets one option, NAME or SECTION.NAME, as from the command line.  Fails with NT_INVALID. */
NT_NODISCARD int nt_config_set(struct nt_config *, const char *name, const char *value,
                               const char *origin, struct nt_err *);

/* Checks '$' substitution and types of the final values.  Call after all files, and
 * again after a later nt_config_set().  Fails with NT_INVALID. */
NT_NODISCARD int nt_config_finish(struct nt_config *, struct nt_err *);

/* nt_config_finish() for a table that is nt_options: 'my_ip' and 'public_interface',
 * where nobody set them, are what the kernel would take. */
NT_NODISCARD int nt_config_finish_host(struct nt_config *, struct nt_err *);

size_t nt_config_n_warnings(const struct nt_config *);
const char *nt_config_warning(const struct nt_config *, size_t i);

/* Getters; the name, or SECTION.NAME where several sections have it, must be in the table
 * (asserted).  Strings are borrowed until the configuration is freed; an empty string means
 * not set. */
const char *nt_config_str(const struct nt_config *, const char *name);
bool nt_config_bool(const struct nt_config *, const char *name);
long long nt_config_int(const struct nt_config *, const char *name);
int64_t nt_config_ms(const struct nt_config *, const char *name); /* Of NT_OPT_SECONDS. */
size_t nt_config_n(const struct nt_config *, const char *name);   /* LIST, MULTI. */
const char *nt_config_item(const struct nt_config *, const char *name, size_t i);
bool nt_config_is_set(const struct nt_config *, const char *name);        /* By somebody. */
const char *nt_config_origin(const struct nt_config *, const char *name); /* "FILE:LINE". */

/* The value for people: items with ", " between them, a secret as "***", also the
 * password in a URL.  The caller frees. */
char *nt_config_shown(const struct nt_config *, const struct nt_option *);
