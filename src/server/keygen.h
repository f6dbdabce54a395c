/* New SSH keys, made in a child: looking for primes takes tenths of a second, which
 * the loop does not have.  The child is this program itself (keygen_main()), so that
 * nothing else need be installed.  Loop thread only. */
#pragma once

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/ssh_key.h"

struct keygen;

struct keygen *keygen_new(const struct nt_clock *);

/* Ends what is under way with NT_UNAVAILABLE. */
void keygen_free(struct keygen *);
NT_AUTO(keygen)

/* Exactly one of 'pair' and 'err' is non-NULL, both borrowed. */
typedef void keygen_done(void *aux, const struct nt_ssh_pair *pair, const struct nt_err *err);

/* Ends with one call of 'done'; NT_UNAVAILABLE when too many are under way. */
void keygen_start(struct keygen *, keygen_done *, void *aux);

void keygen_run(struct keygen *);
void keygen_wait(struct keygen *);

/* The argument that makes this program print a pair instead of serving. */
#define KEYGEN_ARGUMENT "--make-ssh-key"

/* What it does then; the exit status. */
int keygen_main(void);
