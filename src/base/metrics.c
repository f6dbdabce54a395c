#include <config.h>

#include "base/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/program.h"
#include "openvswitch/dynamic-string.h"

const double nt_seconds_bounds[] = { 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30 };

void
nt_metric(struct ds *out, const char *name, const char *type, const char *help)
{
    ds_put_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_number(struct ds *out, double value)
{
    if (isinf(value)) {
        ds_put_cstr(out, value > 0 ? "+Inf" : "-Inf");
    } else if (value == floor(value) && fabs(value) < 1e15) {
        ds_put_format(out, "%" PRId64, (int64_t) value);
    } else {
        ds_put_format(out, "%.9g", value);
    }
}

static void
put_label(struct ds *out, const char *separator, const char *name, const char *value)
{
    ds_put_format(out, "%s%s=\"", separator, name);
    for (; *value; value++) {
        if (*value == '\n') {
            ds_put_cstr(out, "\\n");
        } else {
            if (*value == '"' || *value == '\\') {
                ds_put_char(out, '\\');
            }
            ds_put_char(out, *value);
        }
    }
    ds_put_char(out, '"');
}

void
nt_metric_value(struct ds *out, const char *name, double value, ...)
{
    const char *separator = "{", *label;
    va_list args;

    ds_put_cstr(out, name);
    va_start(args, value);
    while ((label = va_arg(args, const char *))) {
        put_label(out, separator, label, va_arg(args, const char *));
        separator = ",";
    }
    va_end(args);
    ds_put_cstr(out, *separator == ',' ? "} " : " ");
    put_number(out, value);
    ds_put_char(out, '\n');
}

void
nt_metric_counter(struct ds *out, const char *name, const char *help, uint64_t value)
{
    nt_metric(out, name, "counter", help);
    nt_metric_value(out, name, value, NULL);
}

void
nt_metric_gauge(struct ds *out, const char *name, const char *help, double value)
{
    nt_metric(out, name, "gauge", help);
    nt_metric_value(out, name, value, NULL);
}

void
nt_histogram_add(struct nt_histogram *h, double value)
{
    size_t i = 0;

    while (i < h->n_bounds && value > h->bounds[i]) {
        i++;
    }
    h->counts[i]++;
    h->sum += value;
}

void
nt_metric_histogram(struct ds *out, const char *name, const char *help,
                    const struct nt_histogram *h)
{
    uint64_t n = 0;

    nt_metric(out, name, "histogram", help);
    for (size_t i = 0; i <= h->n_bounds; i++) {
        n += h->counts[i];
        ds_put_format(out, "%s_bucket{le=\"", name);
        put_number(out, i < h->n_bounds ? h->bounds[i] : INFINITY);
        ds_put_format(out, "\"} %" PRIu64 "\n", n);
    }
    ds_put_format(out, "%s_sum ", name);
    put_number(out, h->sum);
    ds_put_format(out, "\n%s_count %" PRIu64 "\n", name, n);
}

/* Bytes of memory in use; 0 when /proc does not tell. */
static double
resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long total, resident = 0;

    if (file) {
        if (fscanf(file, "%lu %lu", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (double) resident * sysconf(_SC_PAGESIZE);
}

static double
open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = -3; /* ".", ".." and the one that reads. */

    if (!dir) {
        return 0;
    }
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

static double
seconds(const struct timeval *tv)
{
    return tv->tv_sec + tv->tv_usec / 1e6;
}

void
nt_metrics_process(struct ds *out, const char *program, const struct nt_loop *loop)
{
    struct rusage usage = { .ru_maxrss = 0 };

    nt_metric(out, "neutrino_build_info", "gauge", "Which program this is; always 1.");
    nt_metric_value(out, "neutrino_build_info", 1, "program", program, "version", nt_version(),
                    NULL);
    getrusage(RUSAGE_SELF, &usage);
    nt_metric(out, "neutrino_process_cpu_seconds_total", "counter", "Processor time used.");
    nt_metric_value(out, "neutrino_process_cpu_seconds_total",
                    seconds(&usage.ru_utime) + seconds(&usage.ru_stime), NULL);
    nt_metric_gauge(out, "neutrino_process_resident_memory_bytes", "Memory in use.",
                    resident_bytes());
    nt_metric_gauge(out, "neutrino_process_open_fds", "Open descriptors.", open_descriptors());
    nt_metric_counter(out, "neutrino_loop_turns_total", "Turns of the loop.",
                      nt_loop_n_turns(loop));
    nt_metric_counter(out, "neutrino_loop_slow_turns_total", "Turns that took above 100 ms.",
                      nt_loop_n_slow_turns(loop));
}
