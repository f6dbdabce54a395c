/* Listening sockets of the hub and who may come in by them. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

/* Opens a non-blocking listening socket at 'path', mode 0660.  A dead socket file is
 * replaced.  Fails with NT_INVALID, or NT_FAULT also when another program listens. */
NT_NODISCARD int nt_listen_unix(const char *path, int *fd, struct nt_err *);

/* The same on "ADDRESS:PORT". */
NT_NODISCARD int nt_listen_tcp(const char *address, int *fd, struct nt_err *);

/* The port of a listening TCP socket. */
unsigned nt_listen_port(int fd);

/* Closes what nt_listen_unix() opened and removes its file, unless another program
 * has put its own socket there. */
void nt_listen_close_unix(const char *path, int fd);

/* Whether the process at the other end of a unix socket is root's or our own
 * user's.  Fails with NT_FORBIDDEN, naming its user and process. */
NT_NODISCARD int nt_listen_check_peer(int fd, struct nt_err *);
