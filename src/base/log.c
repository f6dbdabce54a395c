#include <config.h>

#include "base/log.h"

#include <stdarg.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

NT_LOG_MODULE(nt_log);

static char request_id[NT_REQUEST_ID_SIZE];

void
nt_log_swap_request(char id[NT_REQUEST_ID_SIZE])
{
    char before[NT_REQUEST_ID_SIZE];

    ovs_strlcpy(before, request_id, sizeof before);
    ovs_strlcpy(request_id, id, sizeof request_id);
    ovs_strlcpy(id, before, sizeof before);
}

const char *
nt_log_request(void)
{
    return request_id;
}

/* Values with blanks are quoted so that a line splits back into its pairs. */
static void
put_pair(struct ds *line, const char *key, const char *value)
{
    if (value[strcspn(value, " \"\n\r\t")] || !*value) {
        ds_put_format(line, " %s=\"", key);
        for (; *value; value++) {
            ds_put_char(line, *value == '"' || *value == '\n' || *value == '\r' ? ' ' : *value);
        }
        ds_put_char(line, '"');
    } else {
        ds_put_format(line, " %s=%s", key, value);
    }
}

static void
put_pairs(struct ds *line, va_list args)
{
    const char *key;

    while ((key = va_arg(args, const char *))) {
        const char *value = va_arg(args, const char *);

        if (value) {
            put_pair(line, key, value);
        }
    }
    if (*request_id) {
        put_pair(line, "request_id", request_id);
    }
}

void
nt_log(const struct vlog_module *module, enum vlog_level level, const char *event, ...)
{
    if (!vlog_is_enabled(module, level)) {
        return;
    }

    struct ds line = DS_EMPTY_INITIALIZER;
    va_list args;

    ds_put_cstr(&line, event);
    va_start(args, event);
    put_pairs(&line, args);
    va_end(args);
    vlog(module, level, "%s", ds_cstr(&line));
    ds_destroy(&line);
}

void
nt_log_rl(const struct vlog_module *module, enum vlog_level level, struct vlog_rate_limit *rl,
          const char *event, ...)
{
    if (vlog_should_drop(module, level, rl)) {
        return;
    }

    struct ds line = DS_EMPTY_INITIALIZER;
    va_list args;

    ds_put_cstr(&line, event);
    va_start(args, event);
    put_pairs(&line, args);
    va_end(args);
    vlog(module, level, "%s", ds_cstr(&line));
    ds_destroy(&line);
}

void
nt_log_start(const char *program, const char *path)
{
    ovs_set_program_name(program, NT_VERSION);
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_INFO);
    if (path && !vlog_set_log_file(path)) {
        vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
        vlog_set_levels(NULL, VLF_FILE, VLL_INFO);
    } else if (path) {
        nt_warn("standard error has the log instead", "log_file", path, NULL);
    }
}

void
nt_log_set(bool debug, bool syslog)
{
    static const enum vlog_destination destinations[] = { VLF_CONSOLE, VLF_FILE };
    /* Of the library: a line for each turn of the loop. */
    struct vlog_module *noisy = vlog_module_from_name("poll_loop");

    for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
        enum vlog_destination d = destinations[i];

        if (vlog_get_level(&this_module, d) != VLL_OFF) {
            vlog_set_levels(NULL, d, debug ? VLL_DBG : VLL_INFO);
            if (noisy) {
                vlog_set_levels(noisy, d, VLL_INFO);
            }
        }
    }
    vlog_set_levels(NULL, VLF_SYSLOG, syslog ? VLL_INFO : VLL_OFF);
}
