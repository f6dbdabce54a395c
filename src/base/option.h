/* What an option of the configuration is: its row in the table, and what a value of
 * it may be.  Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

enum nt_opt_type {
    NT_OPT_STRING,
    NT_OPT_BOOL,    /* true/1/yes/on, false/0/no/off, any case. */
    NT_OPT_INT,     /* min..max. */
    NT_OPT_LIST,    /* Comma separated; the last setting wins. */
    NT_OPT_MULTI,   /* May repeat; all are kept. */
    NT_OPT_CHOICE,  /* One of 'choices'. */
    NT_OPT_CLASS,   /* A dotted name whose last part is one of 'choices'. */
    NT_OPT_IP,      /* IPv4 address, or empty. */
    NT_OPT_CIDR,    /* IPv4 network, or empty. */
    NT_OPT_CIDRS,   /* NT_OPT_LIST of those. */
    NT_OPT_CIDR6,   /* IPv6 network, or empty. */
    NT_OPT_SECONDS, /* min..max, with or without a fraction. */
};

struct nt_option {
    const char *name;
    enum nt_opt_type type;
    const char *def;     /* Text; "" for none.  '$other' is substituted. */
    const char *help;    /* One sentence. */
    long long min, max;  /* NT_OPT_INT and NT_OPT_SECONDS only; both 0: any. */
    bool ignored;        /* Known to the originals, without effect here. */
    bool is_secret;      /* Never shown. */
    const char *choices; /* "a|b|c". */
    const char *more;    /* Further sentences for the manual, or NULL. */
    const char *group;   /* In the first of a group: its heading. */
    const char *section; /* Of an INI file, also read there; NULL: only the program's own. */
    bool is_apart;       /* Read in 'section' only; others may have the same name elsewhere. */
    const char *alias;   /* The name it had before, read as well; NULL: none. */
    bool is_reloadable;  /* A change takes effect without a restart. */
    bool is_common;      /* For nt_options_join(). */
};

/* "text", "number", "yes or no"... as the manual has it. */
const char *nt_option_type_name(const struct nt_option *);

/* Whether it is called so: "NAME", its alias, or either as "SECTION.NAME". */
bool nt_option_is_called(const struct nt_option *, const char *name);

/* The first that is called so; NULL: there is none. */
const struct nt_option *nt_option_find(const struct nt_option *options, const char *name);

/* The name most like 'name', or NULL when none is. */
const char *nt_option_nearest(const struct nt_option *options, const char *name);

/* How many letters are wrong, missing or too many. */
size_t nt_option_distance(const char *a, const char *b);

NT_NODISCARD bool nt_option_parse_bool(const char *text, bool *out);

/* Whether 'text', substituted, is a value of the option; of a list: an item.
 * Fails with NT_INVALID. */
NT_NODISCARD int nt_option_check(const struct nt_option *, const char *text, struct nt_err *);

/* The option holds several items, separated by commas. */
bool nt_option_is_list(const struct nt_option *);

/* Appends the options for the manual, in roff; 'whose' says what those without effect are. */
struct ds;
void nt_option_manual(const struct nt_option *, const char *whose, struct ds *out);
