/* Randomness, as an interface.  Every draw says what it is for, so that a test
 * can fix one kind ("mac") and leave the others random. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct nt_random {
    void (*bytes)(struct nt_random *, const char *purpose, void *out, size_t len);
    void (*free)(struct nt_random *);
};

/* The kernel's generator. */
struct nt_random *nt_random_system(void);

/* Draws from a text file of lines "PURPOSE HEX", each used once and in order for
 * its purpose; a purpose without lines left falls back to the kernel's generator.
 * Fails with NT_INVALID, naming the line, or NT_FAULT. */
NT_NODISCARD int nt_random_file(const char *path, struct nt_random **out, struct nt_err *);

void nt_random_free(struct nt_random *);
NT_AUTO(nt_random)

void nt_random_bytes(struct nt_random *, const char *purpose, void *out, size_t len);

#define NT_UUID_SIZE 37

/* A random UUID (RFC 4122 version 4) as text. */
void nt_random_uuid(struct nt_random *, char out[NT_UUID_SIZE]);

/* 'n' random bytes in hex; 'out' holds 2 * n + 1 characters. */
void nt_random_hex(struct nt_random *, const char *purpose, size_t n, char *out);
