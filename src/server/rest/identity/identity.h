/* Handlers of the identity API, for the table in routes.c: just enough for clients
 * to sign in with a password and find the other services. */
#pragma once

struct call;

void identity_versions(struct call *);
void identity_version_3(struct call *);
void projects_list(struct call *);
void projects_show(struct call *);
void users_list(struct call *);
void users_show(struct call *);
void domains_list(struct call *);
void domains_show(struct call *);
void tokens_create(struct call *);
