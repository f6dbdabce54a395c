/* What the trees are drawn from: one instance, and what goes with it. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/random.h"
#include "server/core/instance_info.h"

/* One link of the instance, with what its network hands out. */
struct tree_link {
    const struct nt_vif *vif;
    char dns1[NT_IP4_SIZE], dns2[NT_IP4_SIZE]; /* Empty: none. */
    bool has_dhcp;
};

/* Everything is borrowed for the call. */
struct tree_source {
    const struct instance_info *info;
    const char *domain;   /* What host names end in; may be empty. */
    const char *password; /* NULL: none stored. */
    const struct tree_link *links;
    size_t n_links;
    struct nt_random *random; /* Of the random seed. */
};

struct tree_answer {
    char *body; /* Owned; may hold any bytes (user data). */
    size_t len;
    const char *content_type;
};

/* Answers with 'text' (owned from now on) of 'content_type'; 0. */
int tree_answer_text(struct tree_answer *, char *text, const char *content_type);

#define TREE_PLAIN "text/plain; charset=utf-8"
#define TREE_JSON "application/json"

/* NT_NOT_FOUND; -1. */
int tree_not_found(struct nt_err *);

/* "HOSTNAME.DOMAIN"; the caller frees. */
char *tree_hostname(const struct tree_source *);

/* The instance's user data, decoded. */
NT_NODISCARD int tree_user_data(const struct tree_source *, struct tree_answer *out,
                                struct nt_err *);
