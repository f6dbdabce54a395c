/* Which messages came already: the last ids of each sender. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

#define NT_SEEN_IDS 64       /* Remembered per sender; oslo.messaging has 16. */
#define NT_SEEN_SENDERS 4096 /* The one that was silent longest is forgotten. */

struct nt_seen;

struct nt_seen *nt_seen_new(void);
void nt_seen_free(struct nt_seen *);
NT_AUTO(nt_seen)

/* True when 'sender' sent 'id' before, among its last ones; else remembers it. */
bool nt_seen_repeated(struct nt_seen *, const char *sender, const char *id);
