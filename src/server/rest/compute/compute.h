/* Handlers of the compute API, for the table in routes.c. */
#pragma once

struct call;
struct instance_info;
struct json;

void compute_root(struct call *); /* Versions. */
void compute_version_20(struct call *);
void compute_version_21(struct call *);

void servers_list(struct call *);
void servers_detail(struct call *);
void servers_show(struct call *);
void servers_create(struct call *);
void servers_delete(struct call *);
void servers_action(struct call *);
void server_groups_list(struct call *);

void flavors_list(struct call *);
void flavors_detail(struct call *);
void flavors_show(struct call *);
void flavors_extra_specs(struct call *);

void networks_list(struct call *);
void networks_show(struct call *);
void networks_create(struct call *);
void networks_delete(struct call *);
void networks_action(struct call *);

void services_list(struct call *);
void keypairs_list(struct call *);

/* What a server looks like (server_view.c). */
struct json *server_view(const struct call *, const struct instance_info *);
const char *server_status(const char *vm_state, const char *task_state);

/* The vm_state that a status of the list filter stands for, or NULL. */
const char *vm_state_of_status(const char *status);
