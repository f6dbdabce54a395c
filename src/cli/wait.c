#include <config.h>

#include "cli/wait.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/find.h"
#include "cli/text.h"
#include "cli/value.h"

#define INTERVAL_MS 500
#define QUIET_MS 2000
#define DEFAULT_TIMEOUT_S 300

enum cli_verdict
cli_wait_verdict(const struct json *server, const char *goal)
{
    const char *status = cli_member_text(server, "status");

    if (goal && !strcasecmp(status, goal)) {
        return CLI_WAIT_DONE;
    }

    /* One that is being deleted, or rebooted out of it, may have been in error before. */
    bool has_task = *cli_member_text(server, "OS-EXT-STS:task_state");
    return goal && !strcmp(status, "ERROR") && !has_task ? CLI_WAIT_FAILED : CLI_WAIT_MORE;
}

/* Shows one line in place; 'server' NULL wipes it. */
static void
show_progress(int64_t elapsed_ms, const char *goal, const struct json *server)
{
    if (elapsed_ms < QUIET_MS || !isatty(STDERR_FILENO)) {
        return;
    }
    if (!server) {
        fputs("\r\033[K", stderr);
        return;
    }

    AUTO_FREE char *name = cli_text_clean(cli_member_text(server, "name"), "");
    AUTO_FREE char *status = cli_text_clean(cli_member_text(server, "status"), "");
    fprintf(stderr, "\r\033[K%.40s: %.20s, waiting for %.20s, %d s", name, status,
            goal ? goal : "its end", (int) (elapsed_ms / 1000));
}

static int
fail_in_error(const struct json *server, struct nt_err *err)
{
    const char *fault = cli_member_text(cli_member(server, "fault"), "message");

    return nt_fail(err, NT_CONFLICT, "server %s is in error%s%s", cli_member_text(server, "name"),
                   *fault ? ": " : "", fault);
}

static int
fail_late(const struct json *server, const char *goal, long limit_s, struct nt_err *err)
{
    return nt_fail(err, NT_TIMEOUT, "server %s is %s%s after %ld s, its status is %s",
                   cli_member_text(server, "name"), goal ? "not " : "", goal ? goal : "still there",
                   limit_s, cli_member_text(server, "status"));
}

/* Asks once: 1 at the goal, 0 not yet, -1 never. */
static int
look(struct cli *cli, const char *id, const char *goal, struct json **server, struct nt_err *err)
{
    if (cli_get(cli, &cli_server_noun, id, server, err) < 0) {
        return err->code == NT_NOT_FOUND && !goal ? 1 : -1;
    }
    switch (cli_wait_verdict(*server, goal)) {
    case CLI_WAIT_DONE:
        return 1;
    case CLI_WAIT_FAILED:
        return fail_in_error(*server, err);
    case CLI_WAIT_MORE:
        break;
    }
    return 0;
}

int
cli_wait(struct cli *cli, const char *id, const char *goal, struct nt_err *err)
{
    const struct timespec interval = { .tv_nsec = INTERVAL_MS * 1000000L };
    long limit_s = cli_arg_int(&cli->args, "timeout", DEFAULT_TIMEOUT_S);
    int64_t elapsed_ms;
    int rc;

    do {
        struct json *server = NULL;

        rc = look(cli, id, goal, &server, err);
        elapsed_ms = nt_mono_ms(cli->clock) - cli->started_ms;
        if (rc == 0) {
            show_progress(elapsed_ms, goal, server);
            if (elapsed_ms >= limit_s * 1000) {
                rc = fail_late(server, goal, limit_s, err);
            } else {
                nanosleep(&interval, NULL);
            }
        }
        json_destroy(server);
    } while (rc == 0);
    show_progress(elapsed_ms, goal, NULL);
    return rc < 0 ? -1 : 0;
}
