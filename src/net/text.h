/* UTF-8 (RFC 3629): what a text from outside must be.  A NUL byte is none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that 'text' (of 'len' bytes, not 0) begins with, or 0 when
 * it is none. */
size_t nt_utf8_length(const char *text, size_t len);

bool nt_is_utf8(const char *text, size_t len);
