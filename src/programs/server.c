/* neutrino-server: REST, metadata, database and the bus's hub. */
#include <config.h>

#include <malloc.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/program.h"
#include "server/keygen.h"
#include "server/server.h"
#include "wire/http/metrics_door.h"

NT_LOG_MODULE(main);

static const struct nt_program_kind kind = {
    .name = "neutrino-server",
    .summary = "Serves the API and the metadata of guests.",
};

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
    struct nt_metrics_door *metrics = NULL;

    if (argc == 2 && !strcmp(argv[1], KEYGEN_ARGUMENT)) {
        return keygen_main();
    }
    /* Large answers go back to the system when they are sent.  Left to itself the allocator
     * takes the first of them as a sign to keep such blocks from then on. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    nt_program_init(&program, &kind, argv);

    AUTO(nt_loop) loop = nt_loop_new();
    nt_loop_handle_signals(loop, reload, &server);

    int rc = server_new(&program, &server, &err);
    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else {
        server_add_to(server, loop);
        metrics =
            nt_metrics_door_open(&program, "server_metrics_port", loop, server_metrics, server);
        nt_info("ready", "host", program.host, NULL);
        nt_loop_run(loop);
    }
    nt_metrics_door_free(metrics);
    server_free(server);
    nt_program_deinit(&program);
    return rc < 0;
}
