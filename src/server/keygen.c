#include <config.h>

#include "server/keygen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/list.h"

NT_LOG_MODULE(keygen);

#define MAX_JOBS 4
#define TIMEOUT_MS 30000
#define COMMENT "Generated-by-neutrino"

struct job {
    struct ovs_list node;
    struct nt_child *child;
    keygen_done *done;
    void *aux;
};

struct keygen {
    struct nt_children *children;
    struct ovs_list jobs;
};

struct keygen *
keygen_new(const struct nt_clock *clock)
{
    struct keygen *keygen = xzalloc(sizeof *keygen);

    keygen->children = nt_children_new(clock);
    ovs_list_init(&keygen->jobs);
    return keygen;
}

static void
fail(keygen_done *done, void *aux, enum nt_code code, const char *why)
{
    struct nt_err err = { 0 };

    (void) nt_fail(&err, code, "%s", why);
    done(aux, NULL, &err);
}

void
keygen_free(struct keygen *keygen)
{
    struct job *job;

    if (!keygen) {
        return;
    }
    LIST_FOR_EACH_POP (job, node, &keygen->jobs) {
        nt_child_forget(job->child);
        fail(job->done, job->aux, NT_UNAVAILABLE, "the server stops");
        free(job);
    }
    nt_children_free(keygen->children);
    free(keygen);
}

/* The public key is the first line, the private one the rest. */
static void
on_end(void *job_, const struct nt_child_result *result)
{
    struct job *job = job_;
    char *newline = nt_child_ok(result) ? strchr(result->out, '\n') : NULL;

    ovs_list_remove(&job->node);
    if (newline) {
        *newline = '\0';

        const struct nt_ssh_pair pair = { newline + 1, result->out };
        job->done(job->aux, &pair, NULL);
        explicit_bzero(result->out, result->out_len);
    } else {
        char why[128];

        nt_child_describe(result, why, sizeof why);
        nt_error("no SSH key made", "why", why, "text", result->err_out, NULL);
        fail(job->done, job->aux, NT_FAULT, why);
    }
    free(job);
}

void
keygen_start(struct keygen *keygen, keygen_done *done, void *aux)
{
    static const char *const argv[] = { "/proc/self/exe", KEYGEN_ARGUMENT, NULL };
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = TIMEOUT_MS };
    struct nt_err err = { 0 };

    if (ovs_list_size(&keygen->jobs) >= MAX_JOBS) {
        fail(done, aux, NT_UNAVAILABLE, "too many keys are being made: try again");
        return;
    }

    struct job *job = xzalloc(sizeof *job);
    *job = (struct job){ .done = done, .aux = aux };
    if (nt_child_start(keygen->children, &opts, on_end, job, &job->child, &err) < 0) {
        free(job);
        done(aux, NULL, &err);
        return;
    }
    ovs_list_push_back(&keygen->jobs, &job->node);
}

void
keygen_run(struct keygen *keygen)
{
    nt_children_run(keygen->children);
}

void
keygen_wait(struct keygen *keygen)
{
    nt_children_wait(keygen->children);
}

int
keygen_main(void)
{
    struct nt_ssh_pair pair = { NULL, NULL };
    struct nt_err err = { 0 };

    if (nt_ssh_pair_generate(COMMENT, &pair, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }

    int rc = printf("%s\n%s", pair.public_key, pair.private_pem) < 0 || fflush(stdout) ? 1 : 0;
    nt_ssh_pair_clear(&pair);
    return rc;
}
