/* neutrino-server: REST, metadata, database and the bus's hub. */
#include <config.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/program.h"
#include "server/server.h"

NT_LOG_MODULE(main);

/* SIGHUP may come before the server is there. */
static void
reload(void *server_)
{
    struct server **server = server_;

    if (*server) {
        server_reload(*server);
    }
}

int
main(int argc, char *argv[])
{
    struct nt_program program;
    struct nt_err err = { 0 };
    struct server *server = NULL;

    nt_program_init(&program, "neutrino-server", "Serves the API and the metadata of guests.", argc,
                    argv);

    AUTO(nt_loop) loop = nt_loop_new();
    nt_loop_handle_signals(loop, reload, &server);

    int rc = server_new(&program, &server, &err);
    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else {
        server_add_to(server, loop);
        nt_info("ready", "host", program.host, NULL);
        nt_loop_run(loop);
    }
    server_free(server);
    nt_program_deinit(&program);
    return rc < 0;
}
