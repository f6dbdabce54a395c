#include <config.h>

#include "wire/control.h"

#include <stdlib.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "unixctl.h"

/* What the library hands back for a command. */
struct binding {
    const struct nt_control_command *command;
    void *aux;
};

struct nt_control {
    struct unixctl_server *server;
    struct binding *bindings;
};

static void
answer(struct unixctl_conn *conn, int argc, const char *argv[], void *binding_)
{
    const struct binding *binding = binding_;
    struct ds out = DS_EMPTY_INITIALIZER;

    if (binding->command->run(binding->aux, argc, argv, &out) < 0) {
        unixctl_command_reply_error(conn, ds_cstr(&out));
    } else {
        unixctl_command_reply(conn, ds_cstr(&out));
    }
    ds_destroy(&out);
}

int
nt_control_new(const char *path, const struct nt_control_command *commands, void *aux,
               struct nt_control **out, struct nt_err *err)
{
    struct unixctl_server *server;
    int error = unixctl_server_create(path, &server);
    size_t n = 0;

    if (error) {
        return nt_fail_errno(err, error, "cannot listen on %s", path);
    }
    while (commands[n].name) {
        n++;
    }

    struct nt_control *control = xzalloc(sizeof *control);
    control->server = server;
    control->bindings = xcalloc(n + 1, sizeof *control->bindings);
    for (size_t i = 0; i < n; i++) {
        const struct nt_control_command *c = &commands[i];

        control->bindings[i] = (struct binding){ c, aux };
        unixctl_command_register(c->name, c->usage, c->min_args, c->max_args, answer,
                                 &control->bindings[i]);
    }
    *out = control;
    return 0;
}

void
nt_control_free(struct nt_control *control)
{
    if (control) {
        unixctl_server_destroy(control->server);
        free(control->bindings);
        free(control);
    }
}

void
nt_control_run(struct nt_control *control)
{
    unixctl_server_run(control->server);
}

void
nt_control_wait(struct nt_control *control)
{
    unixctl_server_wait(control->server);
}
