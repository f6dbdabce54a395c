/* TLS 1.3 with an external pre-shared key for the embedded bus.
 *
 * Both ends know the key of the deployment; there are no certificates, and a
 * connection on which the key was not proved does not come about.  Keys are
 * exchanged by (EC)DHE besides, so that a key lost later opens no old traffic. */
#pragma once

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/attr.h"
#include "base/err.h"

struct nt_tls;

/* Reads the key: 32 to 64 bytes in hex, in a regular file that others cannot read.
 * Fails with NT_INVALID, also when the file is missing. */
NT_NODISCARD int nt_tls_new(const char *key_file, bool is_server, struct nt_tls **out,
                            struct nt_err *);
void nt_tls_free(struct nt_tls *);
NT_AUTO(nt_tls)

/* A session on 'fd', which stays the caller's; freed by SSL_free(). */
SSL *nt_tls_session(struct nt_tls *, int fd);

/* After the handshake: whether the other side proved the key. */
bool nt_tls_is_proved(const SSL *);

/* The oldest reason OpenSSL has noted, which it forgets with this. */
const char *nt_tls_error(void);
