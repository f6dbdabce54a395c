/* Handlers of the compute API, for the table in routes.c. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct call;
struct instance_info;
struct nt_instance;
struct json;

void compute_root(struct call *); /* Versions. */
void compute_version_20(struct call *);
void compute_version_21(struct call *);

void servers_list(struct call *);
void servers_detail(struct call *);
void servers_show(struct call *);
void servers_create(struct call *);
void servers_delete(struct call *);
void server_force_delete(struct call *, const struct nt_instance *, const struct json *arg);
void servers_action(struct call *);
void server_groups_list(struct call *);

/* server_edit.c: */
void servers_update(struct call *);
void server_metadata_list(struct call *);
void server_metadata_add(struct call *);
void server_metadata_replace(struct call *);
void server_metadata_show(struct call *);
void server_metadata_put(struct call *);
void server_metadata_delete(struct call *);

/* Keys and values of a server's metadata ('what' in messages; NULL is fine).  Fails with
 * NT_INVALID. */
NT_NODISCARD int server_check_metadata(const char *what, const struct json *metadata,
                                       struct nt_err *);

/* server_history.c: */
void server_actions_list(struct call *);
void server_actions_show(struct call *);
void server_interfaces_list(struct call *);

/* hypervisors.c: */
void zones_list(struct call *);
void zones_detail(struct call *);
void hypervisors_list(struct call *);
void hypervisors_detail(struct call *);
void hypervisors_show(struct call *);
void hypervisors_statistics(struct call *);
void hypervisors_search(struct call *);
void hypervisors_uptime(struct call *);
void hypervisors_servers(struct call *);
void aggregates_list(struct call *);
void server_group_sets_list(struct call *);

/* usage.c: */
void usage_list_all(struct call *);
void usage_show(struct call *);

void security_groups_list(struct call *);
void security_groups_show(struct call *);
void security_groups_create(struct call *);
void security_groups_update(struct call *);
void security_groups_delete(struct call *);
void security_rules_create(struct call *);
void security_rules_delete(struct call *);
void provider_rules_list(struct call *);
void provider_rules_create(struct call *);
void provider_rules_delete(struct call *);

/* Actions of a server. */
void server_add_group(struct call *, const struct nt_instance *, const struct json *arg);
void server_remove_group(struct call *, const struct nt_instance *, const struct json *arg);

void server_add_floating(struct call *, const struct nt_instance *, const struct json *arg);
void server_remove_floating(struct call *, const struct nt_instance *, const struct json *arg);

void floating_ips_list(struct call *);
void floating_ips_show(struct call *);
void floating_ips_create_one(struct call *);
void floating_ips_delete_one(struct call *);
void floating_pools_list(struct call *);
void floating_bulk_list(struct call *);
void floating_bulk_create(struct call *);
void floating_bulk_delete(struct call *);

void flavors_list(struct call *);
void flavors_detail(struct call *);
void flavors_show(struct call *);
void flavors_extra_specs(struct call *);

void networks_list(struct call *);
void networks_show(struct call *);
void networks_create(struct call *);
void networks_delete(struct call *);
void networks_action(struct call *);
void networks_update(struct call *);

void services_list(struct call *);

void keypairs_list(struct call *);
void keypairs_show(struct call *);
void keypairs_create(struct call *);
void keypairs_delete(struct call *);

void quotas_show(struct call *);
void quotas_detail(struct call *);
void quotas_defaults(struct call *);
void quotas_update(struct call *);
void quotas_delete(struct call *);
void quota_class_show(struct call *);
void limits_show(struct call *);

void fixed_ips_list(struct call *);
void fixed_ips_show(struct call *);
void fixed_ips_action(struct call *);

void server_password_show(struct call *);
void server_password_clear(struct call *);

/* What a server looks like (server_view.c). */
struct json *server_view(const struct call *, const struct instance_info *);
const char *server_status(const char *vm_state, const char *task_state);

/* The vm_state that a status of the list filter stands for, or NULL. */
const char *vm_state_of_status(const char *status);
