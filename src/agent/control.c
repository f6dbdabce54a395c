#include <config.h>

#include "agent/control.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"

NT_LOG_MODULE(agent_control);

static int
show_ports(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;

    agent_show_ports(control->agent, out);
    return 0;
}

static int
show_vlans(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;

    agent_show_vlans(control->agent, out);
    return 0;
}

static int
show_tunnels(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;

    agent_show_tunnels(control->agent, out);
    return 0;
}

/* An owner has blanks in its name ("port 5f2c..."); whether the shell was given quotes makes
 * no difference. */
static int
show_flows(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;
    struct ds owner = DS_EMPTY_INITIALIZER;

    if (argc == 2 && !strcmp(argv[1], "--by-object")) {
        argc = 1; /* They always are. */
    }
    for (int i = 1; i < argc; i++) {
        ds_put_format(&owner, "%s%s", i > 1 ? " " : "", argv[i]);
    }
    agent_show_flows(control->agent, argc > 1 ? ds_cstr(&owner) : NULL, out);
    ds_destroy(&owner);
    return 0;
}

static int
show_plan(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;

    agent_show_plan(control->agent, argc > 1 ? argv[1] : NULL, out);
    return 0;
}

static int
show_facts(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;
    struct json *facts = agent_facts(control->agent);

    json_to_ds(facts, JSSF_SORT, out);
    ds_put_char(out, '\n');
    json_destroy(facts);
    return 0;
}

static int
show_metrics(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;

    agent_metrics(control->metered, out);
    return 0;
}

static int
synchronise(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;

    nt_info("everything is looked at anew", "asked_by", "operator", NULL);
    agent_sync(control->agent, RESYNC_ASKED);
    return 0;
}

static int
end(void *control_, int argc, const char *argv[], struct ds *out)
{
    const struct agent_control *control = control_;

    nt_info("stopping", "asked_by", "operator", NULL);
    nt_loop_stop(control->loop);
    return 0;
}

static const struct nt_control_command commands[] = {
    { "port/list", "", 0, 0, show_ports },
    { "vlan/list", "", 0, 0, show_vlans },
    { "tunnel/list", "", 0, 0, show_tunnels },
    { "flow/list", "[--by-object | OWNER]", 0, 2, show_flows },
    { "plan", "[BRIDGE]", 0, 1, show_plan },
    { "facts", "", 0, 0, show_facts },
    { "metrics", "", 0, 0, show_metrics },
    { "sync", "", 0, 0, synchronise },
    { "exit", "", 0, 0, end },
    { 0 },
};

struct nt_control *
agent_control_open(struct agent_control *control, const struct agent_config *config,
                   const char *path)
{
    AUTO_FREE char *usual =
        xasprintf("%s/neutrino-agent.%ld.ctl", config->ovs_run_dir, (long) getpid());
    struct nt_control *listening = NULL;
    struct nt_err err = { 0 };

    if (strcmp(path, "none")
        && nt_control_new(*path ? path : usual, commands, control, &listening, &err) < 0) {
        nt_warn("ovs-appctl cannot ask this program", "option", "control_socket", "why", err.msg,
                NULL);
    }
    return listening;
}
