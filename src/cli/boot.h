/* The parts of 'boot' that need no server. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct json;

/* What --nic says: "net-id=UUID,v4-fixed-ip=ADDRESS", "net-name=LABEL", "auto" or
 * "none". */
struct cli_nic {
    const char *mode; /* "auto", "none", or NULL. */
    char net_id[256]; /* Empty: by net_name. */
    char net_name[256];
    char fixed_ip[64]; /* Empty: any. */
};

/* Fails with NT_INVALID. */
NT_NODISCARD int cli_nic_parse(const char *text, struct cli_nic *out, struct nt_err *);

/* The names of servers made together: true when 'name' is BASE-1 to BASE-COUNT. */
bool cli_is_one_of(const char *name, const char *base, long count);
