/* Signatures, and comparing them without telling by the time it takes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NT_HMAC_HEX_SIZE 65

/* HMAC-SHA256 of 'text' in lower-case hex. */
void nt_hmac_sha256_hex(const char *key, const char *text, char out[NT_HMAC_HEX_SIZE]);

/* The text's SHA-1, for names that others derive the same way: no protection of anything. */
#define NT_SHA1_SIZE 20
void nt_sha1(const char *text, uint8_t out[NT_SHA1_SIZE]);

/* The first 32 bits of the text's SHA-1: a number that stands for it, no secret. */
uint32_t nt_sha1_32(const char *text);

/* True if the texts are equal.  How long it takes depends on the length of 'given'
 * (the stranger's own) alone, never on where the two differ. */
bool nt_text_equal_ct(const char *secret, const char *given);
