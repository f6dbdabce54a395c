#include <config.h>

#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

/* How a file becomes values:
 *
 *   nt_config_read() -> lines -> set_raw(option, text, origin)      (per file)
 *   nt_config_finish() -> substitute '$' -> check types -> split    (once)
 *
 * A later setting replaces an earlier one, except for NT_OPT_MULTI.  A flagfile's
 * includes are read after the file itself, so included values win. */

#define MAX_FILE (1 << 20)
#define MAX_INCLUDES 16
#define MAX_SUBST_DEPTH 16
#define MAX_NAME 64

struct setting {
    char *text;
    char *origin;
};

struct value {
    struct setting *settings; /* One, or several for NT_OPT_MULTI. */
    size_t n_settings;
    char **items; /* After finish: final texts; one unless LIST or MULTI. */
    size_t n_items;
};

struct nt_config {
    const struct nt_option *options;
    const char *section;
    struct value *values; /* One per option. */
    size_t n_options;
    char **warnings;
    size_t n_warnings;
    int include_depth;
};

/* Where a line is, for messages. */
struct place {
    const char *file;
    int line;
};

struct nt_config *
nt_config_new(const struct nt_option *options)
{
    struct nt_config *config = xzalloc(sizeof *config);

    config->options = options;
    config->section = "DEFAULT";
    while (options[config->n_options].name) {
        config->n_options++;
    }
    config->values = xcalloc(config->n_options, sizeof *config->values);
    return config;
}

void
nt_config_use_section(struct nt_config *config, const char *section)
{
    config->section = section;
}

static void
clear_settings(struct value *v)
{
    for (size_t i = 0; i < v->n_settings; i++) {
        free(v->settings[i].text);
        free(v->settings[i].origin);
    }
    free(v->settings);
    v->settings = NULL;
    v->n_settings = 0;
}

static void
clear_items(struct value *v)
{
    for (size_t i = 0; i < v->n_items; i++) {
        free(v->items[i]);
    }
    free(v->items);
    v->items = NULL;
    v->n_items = 0;
}

void
nt_config_free(struct nt_config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->n_options; i++) {
        clear_settings(&config->values[i]);
        clear_items(&config->values[i]);
    }
    for (size_t i = 0; i < config->n_warnings; i++) {
        free(config->warnings[i]);
    }
    free(config->warnings);
    free(config->values);
    free(config);
}

static void NT_PRINTF(3, 4)
    warn(struct nt_config *config, const struct place *place, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = xvasprintf(fmt, args);
    va_end(args);
    config->warnings =
        xrealloc(config->warnings, (config->n_warnings + 1) * sizeof *config->warnings);
    config->warnings[config->n_warnings++] = xasprintf("%s:%d: %s", place->file, place->line, text);
    free(text);
}

static struct value *
find(const struct nt_config *config, const char *name, const struct nt_option **option)
{
    for (size_t i = 0; i < config->n_options; i++) {
        if (!strcmp(config->options[i].name, name)) {
            if (option) {
                *option = &config->options[i];
            }
            return &config->values[i];
        }
    }
    return NULL;
}

static void
set_raw(const struct nt_option *option, struct value *v, const char *text, char *origin)
{
    if (option->type != NT_OPT_MULTI) {
        clear_settings(v);
    }
    v->settings = xrealloc(v->settings, (v->n_settings + 1) * sizeof *v->settings);
    v->settings[v->n_settings].text = xstrdup(text);
    v->settings[v->n_settings].origin = origin;
    v->n_settings++;
}

/* Levenshtein distance, for "did you mean"; names are short. */
static size_t
distance(const char *a, const char *b)
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

static void
warn_unknown(struct nt_config *config, const struct place *place, const char *name)
{
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 1;

    for (size_t i = 0; i < config->n_options; i++) {
        size_t d = distance(name, config->options[i].name);

        if (d < best) {
            best = d;
            nearest = config->options[i].name;
        }
    }
    if (nearest) {
        warn(config, place, "unknown option %.100s ignored; did you mean %s?", name, nearest);
    } else {
        warn(config, place, "unknown option %.100s ignored", name);
    }
}

static void
assign(struct nt_config *config, const struct place *place, const char *name, const char *text)
{
    const struct nt_option *option;
    struct value *v = find(config, name, &option);

    if (!v) {
        warn_unknown(config, place, name);
        return;
    }
    if (option->ignored) {
        warn(config, place, "option %s has no effect here", name);
    }
    set_raw(option, v, text, xasprintf("%s:%d", place->file, place->line));
}

static char *
trim(char *s)
{
    while (isspace((unsigned char) *s)) {
        s++;
    }
    for (size_t n = strlen(s); n && isspace((unsigned char) s[n - 1]); n--) {
        s[n - 1] = '\0';
    }
    return s;
}

static bool
is_bool_option(const struct nt_config *config, const char *name)
{
    const struct nt_option *option;

    return find(config, name, &option) && option->type == NT_OPT_BOOL;
}

/* "--name" without '=': a boolean; the no-prefix counts only if what it hides is
 * no option's own name. */
static void
assign_switch(struct nt_config *config, const struct place *place, char *name)
{
    char *blank = strpbrk(name, " \t");

    if (blank) {
        *blank = '\0';
        if (find(config, name, NULL)) {
            warn(config, place, "write --%s=VALUE; the blank is taken as '='", name);
            assign(config, place, name, trim(blank + 1));
        } else {
            warn_unknown(config, place, name);
        }
    } else if (!find(config, name, NULL) && !strncmp(name, "no", 2)
               && is_bool_option(config, name + 2)) {
        assign(config, place, name + 2, "false");
    } else {
        assign(config, place, name, "true");
    }
}

static int
flagfile_line(struct nt_config *config, const struct place *place, char *line, char **include,
              struct nt_err *err)
{
    if (!*line || *line == '#' || !strncmp(line, "//", 2)) {
        return 0;
    }
    if (!strncmp(line, "-flagfile ", 10) || !strncmp(line, "--flagfile=", 11)) {
        free(*include);
        *include = xstrdup(trim(line + (line[1] == '-' ? 11 : 10)));
        return 0;
    }
    if (strncmp(line, "--", 2)) {
        return nt_fail(err, NT_INVALID, "%s:%d: not a flag: lines have the form --name=value",
                       place->file, place->line);
    }

    char *eq = strchr(line, '=');
    if (!eq) {
        assign_switch(config, place, trim(line + 2));
        return 0;
    }
    *eq = '\0';
    assign(config, place, trim(line + 2), trim(eq + 1));
    return 0;
}

struct ini_state {
    bool in_section;         /* The one that is read. */
    char name[MAX_NAME + 1]; /* Option that a continuation line belongs to. */
    struct ds text;
    struct place place;
};

static void
ini_flush(struct nt_config *config, struct ini_state *st)
{
    if (*st->name) {
        assign(config, &st->place, st->name, ds_cstr(&st->text));
        *st->name = '\0';
        ds_clear(&st->text);
    }
}

static int
ini_line(struct nt_config *config, struct ini_state *st, const struct place *place, char *raw,
         struct nt_err *err)
{
    bool continues = isspace((unsigned char) *raw);
    char *line = trim(raw);

    if (continues && *line && *st->name) {
        ds_put_format(&st->text, " %s", line);
        return 0;
    }
    ini_flush(config, st);
    if (!*line || *line == '#' || *line == ';') {
        return 0;
    }
    if (*line == '[') {
        if (line[strlen(line) - 1] != ']') {
            return nt_fail(err, NT_INVALID, "%s:%d: section without ']'", place->file, place->line);
        }
        line[strlen(line) - 1] = '\0';
        st->in_section = !strcasecmp(line + 1, config->section);
        return 0;
    }

    char *eq = strpbrk(line, "=:");
    if (!eq || eq == line) {
        return nt_fail(err, NT_INVALID, "%s:%d: neither a section nor 'name = value'", place->file,
                       place->line);
    }
    if (st->in_section) {
        *eq = '\0';
        ovs_strlcpy(st->name, trim(line), sizeof st->name);
        ds_put_cstr(&st->text, trim(eq + 1));
        st->place = *place;
    }
    return 0;
}

static bool
is_flagfile(const char *text, size_t len)
{
    const char *end = text + len;

    while (text < end) {
        const char *nl = memchr(text, '\n', end - text);
        const char *next = nl ? nl + 1 : end;

        while (text < next && isspace((unsigned char) *text)) {
            text++;
        }
        if (text < next && *text != '#' && !(next - text > 1 && !strncmp(text, "//", 2))) {
            return !strncmp(text, "--", 2) || !strncmp(text, "-flagfile", 9);
        }
        text = next;
    }
    return false;
}

static int
parse_lines(struct nt_config *config, const char *name, char *text, char **include,
            struct nt_err *err)
{
    bool flagfile = is_flagfile(text, strlen(text));
    struct ini_state ini = { .in_section = true, .text = DS_EMPTY_INITIALIZER };
    struct place place = { name, 0 };
    int rc = 0;

    for (char *line = text, *next; line && !rc; line = next) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        place.line++;
        rc = flagfile ? flagfile_line(config, &place, trim(line), include, err)
                      : ini_line(config, &ini, &place, line, err);
    }
    if (!rc) {
        ini_flush(config, &ini);
    }
    ds_destroy(&ini.text);
    return rc;
}

int
nt_config_parse(struct nt_config *config, const char *name, const char *text, size_t len,
                struct nt_err *err)
{
    if (memchr(text, '\0', len)) {
        return nt_fail(err, NT_INVALID, "%s: has a NUL byte; is it a text file?", name);
    }

    AUTO_FREE char *copy = xmemdup0(text, len);
    AUTO_FREE char *include = NULL;

    if (parse_lines(config, name, copy, &include, err) < 0) {
        return -1;
    }
    if (!include) {
        return 0;
    }
    if (++config->include_depth > MAX_INCLUDES) {
        return nt_fail(err, NT_INVALID, "%s: flagfiles include each other without end", name);
    }
    int rc = nt_config_read(config, include, err);
    config->include_depth--;
    return rc;
}

int
nt_config_read(struct nt_config *config, const char *path, struct nt_err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    int rc = nt_file_read(path, MAX_FILE, &text, &len);

    if (rc < 0) {
        return nt_fail_errno(err, -rc, "cannot read configuration %s", path);
    }
    return nt_config_parse(config, path, text, len, err);
}

int
nt_config_set(struct nt_config *config, const char *name, const char *value, const char *origin,
              struct nt_err *err)
{
    const struct nt_option *option;
    struct value *v = find(config, name, &option);

    if (!v) {
        return nt_fail(err, NT_INVALID, "%s: no option is called %.100s", origin, name);
    }
    set_raw(option, v, value, xstrdup(origin));
    return 0;
}

static const char *
raw_text(const struct nt_config *config, const struct nt_option *option)
{
    const struct value *v = &config->values[option - config->options];

    return v->n_settings ? v->settings[v->n_settings - 1].text : option->def;
}

/* Appends 'text' to 'out' with "$name", "${name}" and "$$" replaced. */
static int
substitute(const struct nt_config *config, const char *text, int depth, struct ds *out,
           struct nt_err *err)
{
    if (depth > MAX_SUBST_DEPTH) {
        return nt_fail(err, NT_INVALID, "options refer to each other without end");
    }
    while (*text) {
        char name[MAX_NAME + 1];
        size_t n;

        if (*text != '$') {
            ds_put_char(out, *text++);
            continue;
        }
        text++;
        if (*text == '$') {
            ds_put_char(out, *text++);
            continue;
        }

        bool braces = *text == '{';
        text += braces;
        for (n = 0; n < MAX_NAME && (isalnum((unsigned char) text[n]) || text[n] == '_'); n++) {
            name[n] = text[n];
        }
        name[n] = '\0';
        text += n;
        if (!n || (braces && *text++ != '}')) {
            return nt_fail(err, NT_INVALID, "a '$' is followed by no option's name");
        }

        const struct nt_option *option;
        if (!find(config, name, &option)) {
            return nt_fail(err, NT_INVALID, "$%s names no option", name);
        }
        if (substitute(config, raw_text(config, option), depth + 1, out, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool
parse_bool(const char *text, bool *out)
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
check_type(const struct nt_option *option, const char *text, struct nt_err *err)
{
    if (option->type == NT_OPT_BOOL) {
        bool b;

        return parse_bool(text, &b)
                   ? 0
                   : nt_fail(err, NT_INVALID, "%s is '%.100s', must be true or false", option->name,
                             text);
    }
    if (option->type == NT_OPT_INT) {
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
    }
    return 0;
}

static void
add_item(struct value *v, const char *text)
{
    v->items = xrealloc(v->items, (v->n_items + 1) * sizeof *v->items);
    v->items[v->n_items++] = xstrdup(text);
}

static void
add_list(struct value *v, char *text)
{
    char *save = NULL;

    for (char *p = strtok_r(text, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
        p = trim(p);
        if (*p) {
            add_item(v, p);
        }
    }
}

static int
finish_text(struct nt_config *config, const struct nt_option *option, struct value *v,
            const char *text, struct nt_err *err)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int rc = substitute(config, text, 0, &ds, err);

    if (!rc) {
        rc = check_type(option, ds_cstr(&ds), err);
    }
    if (!rc && option->type == NT_OPT_LIST) {
        add_list(v, ds_cstr(&ds));
    } else if (!rc && (option->type != NT_OPT_MULTI || ds.length)) {
        add_item(v, ds_cstr(&ds));
    }
    ds_destroy(&ds);
    return rc;
}

int
nt_config_finish(struct nt_config *config, struct nt_err *err)
{
    for (size_t i = 0; i < config->n_options; i++) {
        const struct nt_option *option = &config->options[i];
        struct value *v = &config->values[i];

        clear_items(v);
        if (!v->n_settings && finish_text(config, option, v, option->def, err) < 0) {
            return nt_err_context(err, "default of %s", option->name);
        }
        for (size_t j = 0; j < v->n_settings; j++) {
            if (finish_text(config, option, v, v->settings[j].text, err) < 0) {
                return nt_err_context(err, "%s", v->settings[j].origin);
            }
        }
    }
    return 0;
}

size_t
nt_config_n_warnings(const struct nt_config *config)
{
    return config->n_warnings;
}

const char *
nt_config_warning(const struct nt_config *config, size_t i)
{
    return config->warnings[i];
}

static const struct value *
get(const struct nt_config *config, const char *name)
{
    const struct value *v = find(config, name, NULL);

    ovs_assert(v);
    return v;
}

const char *
nt_config_str(const struct nt_config *config, const char *name)
{
    const struct value *v = get(config, name);

    return v->n_items ? v->items[0] : "";
}

bool
nt_config_bool(const struct nt_config *config, const char *name)
{
    bool b = false;

    ovs_assert(parse_bool(nt_config_str(config, name), &b));
    return b;
}

long long
nt_config_int(const struct nt_config *config, const char *name)
{
    return atoll(nt_config_str(config, name));
}

size_t
nt_config_n(const struct nt_config *config, const char *name)
{
    return get(config, name)->n_items;
}

const char *
nt_config_item(const struct nt_config *config, const char *name, size_t i)
{
    return get(config, name)->items[i];
}

bool
nt_config_is_set(const struct nt_config *config, const char *name)
{
    return get(config, name)->n_settings > 0;
}

const char *
nt_config_origin(const struct nt_config *config, const char *name)
{
    const struct value *v = get(config, name);

    return v->n_settings ? v->settings[v->n_settings - 1].origin : "default";
}
