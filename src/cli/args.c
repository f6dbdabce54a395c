#include <config.h>

#include "cli/args.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

void
cli_args_init(struct cli_args *args, const struct cli_arg *common)
{
    *args = (struct cli_args){ .common = common };
}

void
cli_args_deinit(struct cli_args *args)
{
    free(args->given);
    args->given = NULL;
    args->n = args->allocated = 0;
}

/* Compares the first 'len' bytes of 'given' with 'name', '_' being '-'. */
static bool
same_name(const char *name, size_t name_len, const char *given, size_t len)
{
    if (name_len != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] != (given[i] == '_' ? '-' : given[i])) {
            return false;
        }
    }
    return true;
}

static bool
has_name(const struct cli_arg *arg, const char *given, size_t len)
{
    if (same_name(arg->name, strlen(arg->name), given, len)) {
        return true;
    }
    for (const char *p = arg->aliases; p && *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");

        if (same_name(p, n, given, len)) {
            return true;
        }
        p += n;
    }
    return false;
}

/* By name ('len' bytes), or by letter when 'len' is 0. */
static const struct cli_arg *
find_option(const struct cli_arg *table, const char *given, size_t len)
{
    for (; table && table->name; table++) {
        if (!(table->flags & CLI_WORD)
            && (len ? has_name(table, given, len) : table->letter && table->letter == *given)) {
            return table;
        }
    }
    return NULL;
}

static bool
is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);

    while (*choices) {
        size_t n = strcspn(choices, "|");

        if (n == len && !memcmp(choices, value, n)) {
            return true;
        }
        choices += n;
        choices += *choices == '|';
    }
    return false;
}

static bool
is_one_of(const char *value, const char *const *words)
{
    for (; *words; words++) {
        if (!strcasecmp(value, *words)) {
            return true;
        }
    }
    return false;
}

static const char *const yes_words[] = { "true", "t", "1", "yes", NULL };
static const char *const no_words[] = { "false", "f", "0", "no", NULL };

/* A number above INT_MAX is a slip of the finger. */
static bool
is_number(const char *value)
{
    char *end = NULL;

    errno = 0;
    long number = strtol(value, &end, 10);
    return isdigit((unsigned char) *value) && !*end && !errno && number <= INT_MAX;
}

static int
check_value(const struct cli_arg *arg, const char *value, struct nt_err *err)
{
    const char *dashes = arg->flags & CLI_WORD ? "" : "--";

    if (arg->kind == CLI_INT && !is_number(value)) {
        return nt_fail(err, NT_INVALID, "%s%s: '%s' is not a number", dashes, arg->name, value);
    }
    if (arg->kind == CLI_FLAG && !is_one_of(value, yes_words) && !is_one_of(value, no_words)) {
        return nt_fail(err, NT_INVALID, "--%s: '%s' is neither true nor false", arg->name, value);
    }
    if (arg->flags & CLI_CHOICE && !is_choice(arg->value, value)) {
        return nt_fail(err, NT_INVALID, "%s%s: '%s' is not one of %s", dashes, arg->name, value,
                       arg->value);
    }
    return 0;
}

static int
take(struct cli_args *args, const struct cli_arg *arg, const char *value, struct nt_err *err)
{
    if (check_value(arg, value, err) < 0) {
        return -1;
    }
    if (args->n == args->allocated) {
        args->given = x2nrealloc(args->given, &args->allocated, sizeof *args->given);
    }
    args->given[args->n++] = (struct cli_given){ arg, value };
    return 0;
}

/* The option at argv[0]; how many of 'argv' it takes, or -1. */
static int
parse_option(struct cli_args *args, const struct cli_arg *table, char *const argv[],
             struct nt_err *err)
{
    bool is_long = argv[0][1] == '-';
    const char *name = argv[0] + (is_long ? 2 : 1);
    size_t len = is_long ? strcspn(name, "=") : 0;
    const struct cli_arg *arg = is_long && !len ? NULL : find_option(table, name, len);

    if (!arg && (!is_long || len)) {
        arg = find_option(args->common, name, len);
    }
    if (!arg) {
        return nt_fail(err, NT_INVALID, "there is no option '%.*s'", (int) (is_long ? len + 2 : 2),
                       argv[0]);
    }

    /* The value in the same word: behind '=', or right behind the letter. */
    const char *value = is_long ? name + len : name + 1;
    if (*value) {
        return take(args, arg, is_long ? value + 1 : value, err) < 0 ? -1 : 1;
    }
    if (arg->kind == CLI_FLAG) {
        return take(args, arg, "true", err) < 0 ? -1 : 1;
    }
    if (!argv[1]) {
        return nt_fail(err, NT_INVALID, "%s needs a value", argv[0]);
    }
    return take(args, arg, argv[1], err) < 0 ? -1 : 2;
}

static bool
is_option(const char *word)
{
    /* "-1" is a number. */
    return word[0] == '-' && word[1] && !isdigit((unsigned char) word[1]);
}

int
cli_args_parse_common(struct cli_args *args, char *const argv[], struct nt_err *err)
{
    int used = 0;

    while (argv[used] && is_option(argv[used])) {
        int n = parse_option(args, NULL, argv + used, err);

        if (n < 0) {
            return -1;
        }
        used += n;
    }
    return used;
}

/* The word 'table' has for its 'n'-th word. */
static const struct cli_arg *
find_word(const struct cli_arg *table, size_t n)
{
    for (; table->name; table++) {
        if (table->flags & CLI_WORD && (!n-- || table->flags & CLI_MANY)) {
            return table;
        }
    }
    return NULL;
}

int
cli_args_parse(struct cli_args *args, const struct cli_arg *table, char *const argv[],
               struct nt_err *err)
{
    bool options = true;
    size_t n_words = 0;

    while (*argv) {
        int n = 1;

        if (options && !strcmp(*argv, "--")) {
            options = false;
        } else if (options && is_option(*argv)) {
            n = parse_option(args, table, argv, err);
        } else {
            const struct cli_arg *arg = find_word(table, n_words++);

            if (!arg) {
                return nt_fail(err, NT_INVALID, "one argument too many: '%s'", *argv);
            }
            n = take(args, arg, *argv, err) < 0 ? -1 : 1;
        }
        if (n < 0) {
            return -1;
        }
        argv += n;
    }
    return 0;
}

int
cli_args_check(const struct cli_args *args, const struct cli_arg *table, struct nt_err *err)
{
    for (; table->name; table++) {
        if (table->flags & CLI_REQUIRED && !cli_arg(args, table->name)) {
            return nt_fail(err, NT_INVALID, "%s%s is missing", table->flags & CLI_WORD ? "" : "--",
                           table->name);
        }
    }
    return 0;
}

const char *
cli_arg_next(const struct cli_args *args, const char *name, size_t *i)
{
    while (*i < args->n) {
        const struct cli_given *given = &args->given[(*i)++];

        if (!strcmp(given->arg->name, name)) {
            return given->value;
        }
    }
    return NULL;
}

size_t
cli_arg_count(const struct cli_args *args, const char *name)
{
    size_t i = 0, n = 0;

    while (cli_arg_next(args, name, &i)) {
        n++;
    }
    return n;
}

const char *
cli_arg(const struct cli_args *args, const char *name)
{
    const char *value, *last = NULL;
    size_t i = 0;

    while ((value = cli_arg_next(args, name, &i))) {
        last = value;
    }
    return last;
}

bool
cli_arg_flag(const struct cli_args *args, const char *name)
{
    const char *value = cli_arg(args, name);

    return value && is_one_of(value, yes_words);
}

long
cli_arg_int(const struct cli_args *args, const char *name, long absent)
{
    const char *value = cli_arg(args, name);

    return value ? strtol(value, NULL, 10) : absent;
}
