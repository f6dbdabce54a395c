#include <config.h>

#include "rpc/reporter.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(reporter);

struct nt_reporter {
    struct nt_reporter_opts opts;
    struct nt_report_state_args args;
    int64_t next; /* Monotonic. */
};

struct nt_reporter *
nt_reporter_new(const struct nt_reporter_opts *opts)
{
    struct nt_reporter *r = xzalloc(sizeof *r);

    r->opts = *opts;
    r->args.start_flag = true;
    ovs_strlcpy(r->args.host, opts->host, sizeof r->args.host);
    ovs_strlcpy(r->args.binary, opts->binary, sizeof r->args.binary);
    ovs_strlcpy(r->args.topic, opts->topic, sizeof r->args.topic);
    return r;
}

void
nt_reporter_free(struct nt_reporter *r)
{
    free(r);
}

void
nt_reporter_now(struct nt_reporter *r)
{
    r->next = 0;
}

static void
report_done(void *r_, const void *result_, const struct nt_err *err)
{
    struct nt_reporter *r = r_;
    const struct nt_report_state_result *result = result_;

    if (err) {
        nt_warn_rl("state report failed", "why", err->msg, NULL);
        return;
    }
    r->args.start_flag = false;
    if (!strcmp(result->status, "revived") && r->opts.revived) {
        r->opts.revived(r->opts.aux);
    }
}

void
nt_reporter_run(struct nt_reporter *r)
{
    int64_t now = nt_mono_ms(r->opts.clock);

    if (now < r->next || !nt_bus_is_connected(r->opts.bus)) {
        return;
    }
    r->next = now + r->opts.interval_ms;
    if (r->opts.fill) {
        r->opts.fill(r->opts.aux, &r->args);
    }
    nt_rpc_call(r->opts.bus, NT_TO(&nt_conductor, NULL, "report_state"), &r->args,
                r->opts.interval_ms, report_done, r);
}

void
nt_reporter_wait(struct nt_reporter *r)
{
    if (nt_bus_is_connected(r->opts.bus)) {
        poll_timer_wait_until(r->next);
    }
}
