#include <config.h>

#include "flat/dhcp.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "host/hosts_file.h"

NT_LOG_MODULE(flat_dhcp);

struct servers {
    const char **at;
    size_t n;
};

static void
add_server(struct servers *servers, const char *address)
{
    for (size_t i = 0; i < servers->n; i++) {
        if (!strcmp(servers->at[i], address)) {
            return;
        }
    }
    if (*address) {
        servers->at[servers->n++] = address;
    }
}

/* The configured ones, then the network's own if they are to be used. */
static void
list_servers(const struct nt_config *config, const struct nt_network_view *view,
             struct servers *out)
{
    size_t n = nt_config_n(config, "dns_server");

    out->at = xcalloc(n + 2, sizeof *out->at);
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        add_server(out, nt_config_item(config, "dns_server", i));
    }
    if (nt_config_bool(config, "use_network_dns_servers")) {
        add_server(out, view->dns1);
        add_server(out, view->dns2);
    }
}

static bool
has_tags(const struct flat_dhcp_env *env)
{
    return nt_config_bool(env->config, "use_single_default_gateway");
}

int
flat_dhcp_ensure(const struct flat_dhcp_env *env, const struct nt_network_view *view,
                 struct nt_dnsmasq **dnsmasq, struct nt_err *err)
{
    const struct nt_config *config = env->config;
    struct servers servers;

    list_servers(config, view, &servers);

    const struct nt_dnsmasq_conf conf = {
        .essex = env->golden,
        .hostsdir = nt_config_bool(config, "dnsmasq_hostsdir"),
        .own_opts = has_tags(env),
        .networks_path = nt_config_str(config, "networks_path"),
        .bridge = view->bridge,
        .network_number = view->number,
        .label = view->name,
        .cidr = view->cidr,
        .gateway = view->gateway_ip,
        .dhcp_server = view->dhcp_server,
        .dhcp_start = view->dhcp_start,
        .domain = nt_config_str(config, "dhcp_domain"),
        .lease_time_s = nt_config_int(config, "dhcp_lease_time"),
        .config_file = nt_config_str(config, "dnsmasq_config_file"),
        .script = nt_config_str(config, "dhcpbridge"),
        .dns_servers = servers.at,
        .n_dns_servers = servers.n,
        .flagfile = nt_config_str(config, "dhcpbridge_flagfile"),
        .lease_socket = env->socket_path,
        .lease_spool = env->spool_path,
        .lease_snapshot = env->leases_path,
    };
    int rc = *dnsmasq ? nt_dnsmasq_set_conf(*dnsmasq, &conf, err)
                      : nt_dnsmasq_new(env->children, env->clock, &conf, dnsmasq, err);

    free(servers.at);
    return rc;
}

static void
entry_refused(void *view_, const struct nt_host_entry *entry, const struct nt_err *err)
{
    const struct nt_network_view *view = view_;

    nt_error("address not served", "network", view->id, "instance",
             *entry->instance_id ? entry->instance_id : NULL, "address", entry->address, "why",
             err->msg, NULL);
}

void
flat_dhcp_put_hosts(const struct flat_dhcp_env *env, const struct nt_network_view *view,
                    struct nt_dnsmasq *dnsmasq)
{
    const char *domain = nt_config_str(env->config, "dhcp_domain");
    struct ds hosts = DS_EMPTY_INITIALIZER;
    struct ds opts = DS_EMPTY_INITIALIZER;
    void *aux = CONST_CAST(struct nt_network_view *, view);

    if (has_tags(env)) {
        /* The first release left the router of the first link to dnsmasq. */
        nt_hosts_opts_text(view->entries, view->n_entries, env->golden ? NULL : view->gateway_ip,
                           &opts);
        nt_dnsmasq_set_opts(dnsmasq, ds_cstr(&opts));
        nt_hosts_file_tagged_text(view->entries, view->n_entries, domain, &hosts, entry_refused,
                                  aux);
    } else {
        nt_hosts_file_text(view->entries, view->n_entries, domain, &hosts, entry_refused, aux);
    }
    nt_dnsmasq_set_hosts(dnsmasq, ds_cstr(&hosts));
    ds_destroy(&hosts);
    ds_destroy(&opts);
}
