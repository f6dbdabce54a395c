/* Socket addresses of the embedded bus. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"

struct nt_address {
    struct sockaddr_storage addr;
    socklen_t len;
};

/* A path.  Fails with NT_INVALID when it is too long. */
NT_NODISCARD int nt_address_unix(const char *path, struct nt_address *out, struct nt_err *);

/* "ADDRESS:PORT" or "[ADDRESS]:PORT"; host names are refused, since looking them up
 * would block.  Fails with NT_INVALID. */
NT_NODISCARD int nt_address_tcp(const char *text, struct nt_address *out, struct nt_err *);

/* "192.0.2.1:8770". */
#define NT_ADDRESS_SIZE 64
void nt_address_format(const struct nt_address *, char out[NT_ADDRESS_SIZE]);

/* What every TCP connection of the bus is set to. */
void nt_address_tune(int fd);
