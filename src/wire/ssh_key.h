/* SSH keys as text: reading a public one, making a new pair. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

#define NT_SSH_FINGERPRINT_SIZE 48 /* MD5 as "00:11:...". */
#define NT_SSH_KEY_MAX 16384       /* Bytes of a public key. */

/* Checks a public key as OpenSSH writes it, "TYPE BASE64 [COMMENT]", in one line
 * without a line break, and says its fingerprint.  Fails with NT_INVALID. */
NT_NODISCARD int nt_ssh_public_key_check(const char *text,
                                         char fingerprint[NT_SSH_FINGERPRINT_SIZE],
                                         struct nt_err *);

struct nt_ssh_pair {
    char *private_pem; /* "-----BEGIN RSA PRIVATE KEY-----..." */
    char *public_key;  /* "ssh-rsa BASE64 COMMENT". */
};

/* A new RSA key of 2048 bits.  Takes tenths of a second: not inside a loop.  Fails
 * with NT_FAULT. */
NT_NODISCARD int nt_ssh_pair_generate(const char *comment, struct nt_ssh_pair *out,
                                      struct nt_err *);
void nt_ssh_pair_clear(struct nt_ssh_pair *);
