#include <config.h>

#include "base/option.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define MAX_NAME 64

/* Levenshtein's, for "did you mean"; names are short. */
size_t
nt_option_distance(const char *a, const char *b)
{
    size_t row[MAX_NAME + 1];
    size_t n = strlen(b);

    if (n > MAX_NAME || strlen(a) > MAX_NAME) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = MIN(row[j], row[j - 1]) + 1;

            best = MIN(best, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

bool
nt_option_is_called(const struct nt_option *option, const char *name)
{
    const char *dot = strchr(name, '.');

    if (dot) {
        const char *section = option->section ? option->section : "DEFAULT";
        size_t n = dot - name;

        if (strlen(section) != n || strncasecmp(section, name, n)) {
            return false;
        }
        name = dot + 1;
    }
    return !strcmp(option->name, name) || (option->alias && !strcmp(option->alias, name));
}

const struct nt_option *
nt_option_find(const struct nt_option *options, const char *name)
{
    for (; options->name; options++) {
        if (nt_option_is_called(options, name)) {
            return options;
        }
    }
    return NULL;
}

const char *
nt_option_nearest(const struct nt_option *options, const char *name)
{
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 1;

    for (; options->name; options++) {
        size_t d = nt_option_distance(name, options->name);

        if (d < best) {
            best = d;
            nearest = options->name;
        }
    }
    return nearest;
}

const char *
nt_option_type_name(const struct nt_option *option)
{
    static const char *const names[] = {
        [NT_OPT_STRING] = "text",    [NT_OPT_BOOL] = "yes or no",     [NT_OPT_INT] = "number",
        [NT_OPT_LIST] = "list",      [NT_OPT_MULTI] = "may repeat",   [NT_OPT_CHOICE] = "choice",
        [NT_OPT_CLASS] = "class",    [NT_OPT_IP] = "address",         [NT_OPT_CIDR] = "network",
        [NT_OPT_CIDRS] = "networks", [NT_OPT_CIDR6] = "IPv6 network", [NT_OPT_SECONDS] = "seconds",
    };

    return names[option->type];
}

bool
nt_option_parse_bool(const char *text, bool *out)
{
    static const char *const words[] = { "false", "true", "0", "1", "no", "yes", "off", "on" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(words); i++) {
        if (!strcasecmp(text, words[i])) {
            *out = i & 1;
            return true;
        }
    }
    return false;
}

static int
check_int(const struct nt_option *option, const char *text, struct nt_err *err)
{
    char *end;

    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || !*text || *end) {
        return nt_fail(err, NT_INVALID, "%s is '%.100s', must be a whole number", option->name,
                       text);
    }
    if ((option->min || option->max) && (n < option->min || n > option->max)) {
        return nt_fail(err, NT_INVALID, "%s is %lld, must be %lld to %lld", option->name, n,
                       option->min, option->max);
    }
    return 0;
}

static int
check_seconds(const struct nt_option *option, const char *text, struct nt_err *err)
{
    char *end;
    double n = strtod(text, &end);

    if (!isdigit((unsigned char) *text) || *end || text[strcspn(text, "xXeE")]) {
        return nt_fail(err, NT_INVALID, "%s is '%.100s', must be a number of seconds", option->name,
                       text);
    }
    if ((option->min || option->max) && (n < option->min || n > option->max)) {
        return nt_fail(err, NT_INVALID, "%s is %s, must be %lld to %lld", option->name, text,
                       option->min, option->max);
    }
    return 0;
}

/* 'text' is one of "a|b|c". */
static bool
is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);

    while (*choices) {
        size_t len = strcspn(choices, "|");

        if (len == n && !memcmp(choices, text, n)) {
            return true;
        }
        choices += len + (choices[len] == '|');
    }
    return false;
}

static int
check_choice(const struct nt_option *option, const char *text, struct nt_err *err)
{
    const char *dot = option->type == NT_OPT_CLASS ? strrchr(text, '.') : NULL;
    struct ds words = DS_EMPTY_INITIALIZER;

    if (is_choice(option->choices, dot ? dot + 1 : text)) {
        return 0;
    }
    for (const char *p = option->choices; *p; p++) {
        if (*p == '|') {
            ds_put_cstr(&words, strchr(p + 1, '|') ? ", " : " or ");
        } else {
            ds_put_char(&words, *p);
        }
    }
    int rc = option->type == NT_OPT_CLASS
                 ? nt_fail(err, NT_INVALID, "%s %.100s is not offered, only %s", option->name, text,
                           ds_cstr(&words))
                 : nt_fail(err, NT_INVALID, "%s is '%.100s', must be %s", option->name, text,
                           ds_cstr(&words));
    ds_destroy(&words);
    return rc;
}

/* "ADDRESS" or, with 'has_prefix', "ADDRESS/BITS". */
static bool
is_address(int family, const char *text, bool has_prefix)
{
    char address[INET6_ADDRSTRLEN + 4];
    uint8_t binary[16];
    size_t n = strcspn(text, "/");

    if (n >= sizeof address || has_prefix != (text[n] == '/')) {
        return false;
    }
    memcpy(address, text, n);
    address[n] = '\0';
    if (has_prefix) {
        const char *bits = text + n + 1;

        if (!isdigit((unsigned char) *bits) || strlen(bits) > 3 || bits[strspn(bits, "0123456789")]
            || atoi(bits) > (family == AF_INET ? 32 : 128)) {
            return false;
        }
    }
    return inet_pton(family, address, binary) == 1;
}

static int
check_address(const struct nt_option *option, const char *text, struct nt_err *err)
{
    bool is_ip = option->type == NT_OPT_IP, is_v6 = option->type == NT_OPT_CIDR6;

    if (!*text || is_address(is_v6 ? AF_INET6 : AF_INET, text, !is_ip)) {
        return 0;
    }
    return nt_fail(err, NT_INVALID, "%s is '%.100s', must be %s", option->name, text,
                   is_ip   ? "an IPv4 address"
                   : is_v6 ? "an IPv6 network such as fd00::/48"
                           : "a network such as 10.0.0.0/24");
}

int
nt_option_check(const struct nt_option *option, const char *text, struct nt_err *err)
{
    bool b;

    switch (option->type) {
    case NT_OPT_BOOL:
        return nt_option_parse_bool(text, &b)
                   ? 0
                   : nt_fail(err, NT_INVALID, "%s is '%.100s', must be true or false", option->name,
                             text);
    case NT_OPT_INT:
        return check_int(option, text, err);
    case NT_OPT_SECONDS:
        return check_seconds(option, text, err);
    case NT_OPT_CHOICE:
    case NT_OPT_CLASS:
        return check_choice(option, text, err);
    case NT_OPT_IP:
    case NT_OPT_CIDR:
    case NT_OPT_CIDR6:
    case NT_OPT_CIDRS:
        return check_address(option, text, err);
    case NT_OPT_STRING:
    case NT_OPT_LIST:
    case NT_OPT_MULTI:
    default:
        return 0;
    }
}

bool
nt_option_is_list(const struct nt_option *option)
{
    return option->type == NT_OPT_LIST || option->type == NT_OPT_CIDRS;
}
