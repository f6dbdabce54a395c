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

enum nt_opt_type {
    NT_OPT_STRING,
    NT_OPT_BOOL,  /* true/1/yes/on, false/0/no/off, any case. */
    NT_OPT_INT,   /* min..max. */
    NT_OPT_LIST,  /* Comma separated; the last setting wins. */
    NT_OPT_MULTI, /* May repeat; all are kept. */
};

struct nt_option {
    const char *name;
    enum nt_opt_type type;
    const char *def;    /* Text; "" for none.  '$other' is substituted. */
    const char *help;   /* One sentence. */
    long long min, max; /* NT_OPT_INT only. */
    bool ignored;       /* Known to the originals, without effect here. */
};

struct nt_config;

/* 'options' ends with a NULL name, is borrowed and must outlive the result. */
struct nt_config *nt_config_new(const struct nt_option *options);
void nt_config_free(struct nt_config *);
NT_AUTO(nt_config)

/* The INI section that is read, "DEFAULT" unless set.  'section' is borrowed. */
void nt_config_use_section(struct nt_config *, const char *section);

/* Reads 'path' and what it includes.  Fails with NT_INVALID ("FILE:LINE: ...") or
 * NT_FAULT (unreadable).  Warnings are collected, see nt_config_warning(). */
NT_NODISCARD int nt_config_read(struct nt_config *, const char *path, struct nt_err *);

/* The same for text in memory; 'name' stands for the file in messages. */
NT_NODISCARD int nt_config_parse(struct nt_config *, const char *name, const char *text, size_t len,
                                 struct nt_err *);

/* Sets one option, as from the command line.  Fails with NT_INVALID. */
NT_NODISCARD int nt_config_set(struct nt_config *, const char *name, const char *value,
                               const char *origin, struct nt_err *);

/* Checks '$' substitution and types of the final values.  Call once, after all
 * files.  Fails with NT_INVALID. */
NT_NODISCARD int nt_config_finish(struct nt_config *, struct nt_err *);

size_t nt_config_n_warnings(const struct nt_config *);
const char *nt_config_warning(const struct nt_config *, size_t i);

/* Getters; the name must be in the table (asserted).  Strings are borrowed until
 * the configuration is freed; an empty string means not set. */
const char *nt_config_str(const struct nt_config *, const char *name);
bool nt_config_bool(const struct nt_config *, const char *name);
long long nt_config_int(const struct nt_config *, const char *name);
size_t nt_config_n(const struct nt_config *, const char *name); /* LIST, MULTI. */
const char *nt_config_item(const struct nt_config *, const char *name, size_t i);
bool nt_config_is_set(const struct nt_config *, const char *name);        /* By somebody. */
const char *nt_config_origin(const struct nt_config *, const char *name); /* "FILE:LINE". */
