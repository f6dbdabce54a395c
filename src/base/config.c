#include <config.h>

#include "base/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"

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

/* A list of texts. */
struct texts {
    char **at;
    size_t n;
};

struct nt_config {
    const struct nt_option *options;
    const char *section;
    struct value *values; /* One per option. */
    size_t n_options;
    struct texts warnings, errors;
    bool collects_errors, is_lenient;
    struct shash noticed; /* Names that were warned about. */
    int include_depth;
    int n_includes;
};

/* Where a line is, for messages. */
struct place {
    const char *file;
    int line;
};

static void
texts_add(struct texts *texts, char *text)
{
    texts->at = xrealloc(texts->at, (texts->n + 1) * sizeof *texts->at);
    texts->at[texts->n++] = text;
}

static void
texts_clear(struct texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->at[i]);
    }
    free(texts->at);
    *texts = (struct texts){ NULL, 0 };
}

struct nt_config *
nt_config_new(const struct nt_option *options)
{
    struct nt_config *config = xzalloc(sizeof *config);

    config->options = options;
    config->section = "DEFAULT";
    shash_init(&config->noticed);
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
    texts_clear(&config->warnings);
    texts_clear(&config->errors);
    shash_destroy(&config->noticed);
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
    texts_add(&config->warnings, xasprintf("%s:%d: %s", place->file, place->line, text));
    free(text);
}

/* Ends what cannot be understood: a failure, or one more collected error. */
static int
problem(struct nt_config *config, const struct nt_err *why, struct nt_err *err)
{
    if (config->collects_errors) {
        texts_add(&config->errors, xstrdup(why->msg));
        return 0;
    }
    return nt_fail(err, why->code, "%s", why->msg);
}

static int
bad_line(struct nt_config *config, const struct place *place, const char *what, struct nt_err *err)
{
    struct nt_err why;

    (void) nt_fail(&why, NT_INVALID, "%s:%d: %s", place->file, place->line, what);
    return problem(config, &why, err);
}

static struct value *
find(const struct nt_config *config, const char *name, const struct nt_option **option)
{
    const struct nt_option *found = nt_option_find(config->options, name);

    if (found && option) {
        *option = found;
    }
    return found ? &config->values[found - config->options] : NULL;
}

static bool
is_own(const struct nt_config *config, const char *section)
{
    return !strcasecmp(section, config->section);
}

/* By its name in a section: one that names this section, or in the program's own one that
 * may stand there. */
static const struct nt_option *
find_in(const struct nt_config *config, const char *section, const char *name)
{
    const struct nt_option *found = NULL;

    for (const struct nt_option *o = config->options; o->name; o++) {
        if (strcmp(o->name, name) && (!o->alias || strcmp(o->alias, name))) {
            continue;
        }
        if (o->section && !strcasecmp(o->section, section)) {
            return o;
        }
        if (!found && is_own(config, section) && !o->is_apart) {
            found = o;
        }
    }
    return found;
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

/* A name of another program's option, most of the time: only what looks like a slip is told. */
static void
warn_slip(struct nt_config *config, const struct place *place, const char *section,
          const char *name)
{
    for (const struct nt_option *o = config->options; o->name; o++) {
        const char *home = o->section ? o->section : config->section;
        size_t d = nt_option_distance(name, o->name);

        if (o->ignored || d > strlen(name) / 6 || !shash_add_once(&config->noticed, name, NULL)) {
            continue;
        }
        if (d) {
            warn(config, place,
                 "unknown option %.100s of [%.100s] ignored; did you mean %s of [%s]?", name,
                 section, o->name, home);
        } else {
            warn(config, place, "option %s has no effect in [%.100s]; it belongs to [%s]", name,
                 section, home);
        }
        return;
    }
}

static void
warn_unknown(struct nt_config *config, const struct place *place, const char *name)
{
    const char *nearest = nt_option_nearest(config->options, name);

    if (!shash_add_once(&config->noticed, name, NULL)) {
        return;
    }
    if (nearest) {
        warn(config, place, "unknown option %.100s ignored; did you mean %s?", name, nearest);
    } else {
        warn(config, place, "unknown option %.100s ignored", name);
    }
}

static void
assign_option(struct nt_config *config, const struct place *place, const struct nt_option *option,
              const char *text)
{
    if (option->ignored && shash_add_once(&config->noticed, option->name, NULL)) {
        warn(config, place, "option %s has no effect here%s%s", option->name,
             *option->help ? ": " : "", option->help);
    }
    set_raw(option, &config->values[option - config->options], text,
            xasprintf("%s:%d", place->file, place->line));
}

static void
assign(struct nt_config *config, const struct place *place, const char *name, const char *text)
{
    const struct nt_option *option;

    if (find(config, name, &option)) {
        assign_option(config, place, option, text);
    } else {
        warn_unknown(config, place, name);
    }
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

/* "--name value": did nothing in the original; here an assignment, if the name is
 * known.  'rest' begins after the blank. */
static void
assign_after_blank(struct nt_config *config, const struct place *place, const char *name,
                   char *rest)
{
    if (find(config, name, NULL)) {
        warn(config, place, "write --%s=VALUE; the blank is taken as '='", name);
        assign(config, place, name, trim(rest));
    } else {
        warn_unknown(config, place, name);
    }
}

/* "--name" without '=': a boolean; the no-prefix counts only if what it hides is
 * no option's own name. */
static void
assign_switch(struct nt_config *config, const struct place *place, char *name)
{
    bool has_no = !strncmp(name, "no", 2);
    const char *hidden = name + (has_no ? 2 : 0) + (has_no && name[2] == '_'); /* --no-use */

    if (!find(config, name, NULL) && has_no && is_bool_option(config, hidden)) {
        assign(config, place, hidden, "false");
        return;
    }
    if (has_no && is_bool_option(config, name)) {
        warn(config, place, "write --%s=true; the original takes this for '%s' being false", name,
             name + 2);
    }
    assign(config, place, name, "true");
}

static int
flagfile_line(struct nt_config *config, const struct place *place, char *line,
              struct texts *includes, struct nt_err *err)
{
    if (!*line || *line == '#' || !strncmp(line, "//", 2)) {
        return 0;
    }
    if (!strncmp(line, "-flagfile ", 10) || !strncmp(line, "--flagfile=", 11)) {
        texts_add(includes, xstrdup(trim(line + (line[1] == '-' ? 11 : 10))));
        return 0;
    }
    if (strncmp(line, "--", 2)) {
        return bad_line(config, place, "not a flag: lines have the form --name=value", err);
    }

    char *name = trim(line + 2);
    char *end = name + strcspn(name, "= \t");
    char *eq = end + strspn(end, " \t");

    if (*eq == '=') {
        *end = '\0';
        assign(config, place, name, trim(eq + 1));
    } else if (*end) {
        *end = '\0';
        assign_after_blank(config, place, name, end + 1);
    } else {
        assign_switch(config, place, name);
    }
    return 0;
}

struct ini_state {
    char section[MAX_NAME + 1];
    char name[MAX_NAME + 1]; /* Option that a continuation line belongs to. */
    struct ds text;
    struct place place;
};

/* Whether there are options that have the section's name. */
static bool
is_option_section(const struct nt_config *config, const struct ini_state *st)
{
    for (size_t i = 0; i < config->n_options; i++) {
        const char *section = config->options[i].section;

        if (section && !strcasecmp(section, st->section)) {
            return true;
        }
    }
    return false;
}

/* Quotes around a whole value do not belong to it, as with oslo.config. */
static char *
unquoted(char *text)
{
    size_t n = strlen(text);

    if (n > 1 && (*text == '"' || *text == '\'') && text[n - 1] == *text) {
        text[n - 1] = '\0';
        text++;
    }
    return text;
}

static void
ini_assign(struct nt_config *config, struct ini_state *st)
{
    const struct nt_option *option = find_in(config, st->section, st->name);

    if (option) {
        assign_option(config, &st->place, option, unquoted(ds_cstr(&st->text)));
    } else if (config->is_lenient) {
        warn_slip(config, &st->place, st->section, st->name);
    } else if (is_own(config, st->section)) {
        warn_unknown(config, &st->place, st->name);
    } else {
        warn(config, &st->place, "unknown option %.100s of [%.100s] ignored", st->name,
             st->section);
    }
}

static void
ini_flush(struct nt_config *config, struct ini_state *st)
{
    if (*st->name) {
        ini_assign(config, st);
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
            return bad_line(config, place, "section without ']'", err);
        }
        line[strlen(line) - 1] = '\0';
        ovs_strlcpy(st->section, line + 1, sizeof st->section);
        return 0;
    }

    char *eq = strpbrk(line, "=:");
    if (!eq || eq == line) {
        return bad_line(config, place, "neither a section nor 'name = value'", err);
    }
    if (is_own(config, st->section) || is_option_section(config, st)) {
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
parse_lines(struct nt_config *config, const char *name, char *text, struct texts *includes,
            struct nt_err *err)
{
    bool flagfile = is_flagfile(text, strlen(text));
    struct ini_state ini = { .text = DS_EMPTY_INITIALIZER };
    struct place place = { name, 0 };
    int rc = 0;

    ovs_strlcpy(ini.section, config->section, sizeof ini.section);
    for (char *line = text, *next; line && !rc; line = next) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        place.line++;
        rc = flagfile ? flagfile_line(config, &place, trim(line), includes, err)
                      : ini_line(config, &ini, &place, line, err);
    }
    if (!rc) {
        ini_flush(config, &ini);
    }
    ds_destroy(&ini.text);
    return rc;
}

/* What a flagfile includes, after the file itself. */
static int
read_includes(struct nt_config *config, const char *name, const struct texts *includes,
              struct nt_err *err)
{
    int rc = 0;

    if (!includes->n) {
        return 0;
    }
    if (config->include_depth >= MAX_INCLUDES || config->n_includes >= MAX_INCLUDES * 4) {
        return nt_fail(err, NT_INVALID, "%s: flagfiles include each other without end", name);
    }
    config->include_depth++;
    for (size_t i = 0; i < includes->n && !rc; i++) {
        config->n_includes++;
        rc = nt_config_read(config, includes->at[i], err);
    }
    config->include_depth--;
    return rc;
}

int
nt_config_parse(struct nt_config *config, const char *name, const char *text, size_t len,
                struct nt_err *err)
{
    struct texts includes = { NULL, 0 };

    if (memchr(text, '\0', len)) {
        struct nt_err why;

        (void) nt_fail(&why, NT_INVALID, "%s: has a NUL byte; is it a text file?", name);
        return problem(config, &why, err);
    }
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        len -= 3;
    }

    AUTO_FREE char *copy = xmemdup0(text, len);
    int rc = parse_lines(config, name, copy, &includes, err);

    if (!rc) {
        rc = read_includes(config, name, &includes, err);
    }
    texts_clear(&includes);
    return rc;
}

int
nt_config_read(struct nt_config *config, const char *path, struct nt_err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    int rc = nt_file_read(path, MAX_FILE, &text, &len);

    if (rc < 0) {
        struct nt_err why;

        (void) nt_fail_errno(&why, -rc, "cannot read configuration %s", path);
        return problem(config, &why, err);
    }
    return nt_config_parse(config, path, text, len, err);
}

void
nt_config_be_lenient(struct nt_config *config)
{
    config->is_lenient = true;
}

void
nt_config_collect_errors(struct nt_config *config)
{
    config->collects_errors = true;
}

size_t
nt_config_n_errors(const struct nt_config *config)
{
    return config->errors.n;
}

const char *
nt_config_error(const struct nt_config *config, size_t i)
{
    return config->errors.at[i];
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

/* Appends 'text' of an option to 'out' with "$name", "${name}" and "$$" replaced; a name means
 * an option of the same section first. */
static int
substitute(const struct nt_config *config, const struct nt_option *of, const char *text, int depth,
           struct ds *out, struct nt_err *err)
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

        const struct nt_option *option = of->section ? find_in(config, of->section, name) : NULL;
        if (!option && !find(config, name, &option)) {
            return nt_fail(err, NT_INVALID, "$%s names no option", name);
        }
        if (substitute(config, option, raw_text(config, option), depth + 1, out, err) < 0) {
            return -1;
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

static int
add_list(const struct nt_option *option, struct value *v, char *text, struct nt_err *err)
{
    char *save = NULL;

    for (char *p = strtok_r(text, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
        p = trim(p);
        if (*p && nt_option_check(option, p, err) < 0) {
            return -1;
        }
        if (*p) {
            add_item(v, p);
        }
    }
    return 0;
}

static int
finish_text(struct nt_config *config, const struct nt_option *option, struct value *v,
            const char *text, struct nt_err *err)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int rc = 0;

    if (option->ignored) {
        /* What has no effect cannot be wrong. */
        add_item(v, text);
        return 0;
    }
    rc = substitute(config, option, text, 0, &ds, err);
    if (rc < 0) {
        /* Said already. */
    } else if (nt_option_is_list(option)) {
        rc = add_list(option, v, ds_cstr(&ds), err);
    } else if (nt_option_check(option, ds_cstr(&ds), err) < 0) {
        rc = -1;
    } else if (option->type != NT_OPT_MULTI || ds.length) {
        add_item(v, ds_cstr(&ds));
    }
    ds_destroy(&ds);
    return rc;
}

static int
finish_option(struct nt_config *config, const struct nt_option *option, struct nt_err *err)
{
    struct value *v = &config->values[option - config->options];
    struct nt_err why;

    clear_items(v);
    if (!v->n_settings && finish_text(config, option, v, option->def, &why) < 0) {
        /* A default is wrong only through another option, which was said already. */
        (void) nt_err_context(&why, "default of %s", option->name);
        return config->errors.n ? 0 : problem(config, &why, err);
    }
    for (size_t j = 0; j < v->n_settings; j++) {
        if (finish_text(config, option, v, v->settings[j].text, &why) < 0) {
            (void) nt_err_context(&why, "%s", v->settings[j].origin);
            if (problem(config, &why, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int
nt_config_finish(struct nt_config *config, struct nt_err *err)
{
    for (size_t i = 0; i < config->n_options; i++) {
        if (finish_option(config, &config->options[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

size_t
nt_config_n_warnings(const struct nt_config *config)
{
    return config->warnings.n;
}

const char *
nt_config_warning(const struct nt_config *config, size_t i)
{
    return config->warnings.at[i];
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

    ovs_assert(nt_option_parse_bool(nt_config_str(config, name), &b));
    return b;
}

long long
nt_config_int(const struct nt_config *config, const char *name)
{
    return atoll(nt_config_str(config, name));
}

int64_t
nt_config_ms(const struct nt_config *config, const char *name)
{
    return (int64_t) (strtod(nt_config_str(config, name), NULL) * 1000 + 0.5);
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

/* 'text' with the password of "scheme://user:password@..." hidden. */
static void
put_shown(struct ds *out, const char *text)
{
    const char *host = strstr(text, "://");
    const char *at = host ? memchr(host, '@', strcspn(host + 3, "/") + 3) : NULL;
    const char *colon = at ? memchr(host + 3, ':', at - host - 3) : NULL;

    if (colon) {
        ds_put_format(out, "%.*s:***%s", (int) (colon - text), text, at);
    } else {
        ds_put_cstr(out, text);
    }
}

char *
nt_config_shown(const struct nt_config *config, const struct nt_option *option)
{
    const struct value *v = &config->values[option - config->options];
    struct ds out = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < v->n_items; i++) {
        ds_put_cstr(&out, i ? ", " : "");
        if (option->is_secret && *v->items[i]) {
            ds_put_cstr(&out, "***");
        } else {
            put_shown(&out, v->items[i]);
        }
    }
    return ds_steal_cstr(&out);
}
