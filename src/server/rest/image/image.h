/* Handlers of the image API, for the table in routes.c. */
#pragma once

struct call;

void image_versions(struct call *); /* 300, as clients expect of a base URL. */
void image_versions_list(struct call *);
void images_list(struct call *);
void images_show(struct call *);
