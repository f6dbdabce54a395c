/* Base64 (RFC 4648 section 4), with padding. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Decodes 'text'; line breaks are skipped, anything else outside the alphabet is an
 * error.  '*out' is NUL-terminated and the caller's to free. */
NT_NODISCARD bool nt_base64_decode(const char *text, char **out, size_t *len);

/* The caller frees. */
char *nt_base64_encode(const void *data, size_t len);
