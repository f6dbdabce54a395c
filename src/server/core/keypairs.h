/* Key pairs: public SSH keys that a user puts into instances.  They belong to the
 * user, whatever the project; private keys are never stored. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "server/core/env.h"
#include "store/row.h"
#include "wire/ssh_key.h"

struct keypair {
    char user_id[NT_NAME_SIZE];
    char name[NT_NAME_SIZE];
    int64_t number;
    char type[16]; /* "ssh". */
    char fingerprint[NT_SSH_FINGERPRINT_SIZE];
    char *public_key; /* Owned; one line. */
    int64_t created_at;
};

extern const struct table keypairs_table; /* struct keypair; key unused. */

void keypair_clear(struct keypair *);

/* 1 to 255 letters, digits, blanks and "@._-", no blank at either end.  Fails with
 * NT_INVALID. */
NT_NODISCARD int keypair_check_name(const char *name, struct nt_err *);

struct keypair_wish {
    const char *user_id, *name, *public_key; /* Borrowed. */
    const char *project_id;                  /* Whose quota of key pairs holds. */
};

/* Whether the user may have one more of that name; 'public_key' is not looked at.
 * Fails as keypair_create() does. */
NT_NODISCARD int keypair_check_new(struct store *, const struct core_env *,
                                   const struct keypair_wish *, struct nt_err *);

/* Stores a public key; line breaks at its end are cut.  Fails with NT_INVALID (name or
 * key), NT_CONFLICT (the user has one of that name), or NT_EXHAUSTED (quota).  '*out'
 * is the caller's to clear. */
NT_NODISCARD int keypair_create(struct store *, const struct core_env *,
                                const struct keypair_wish *, struct keypair *out, struct nt_err *);

/* Fails with NT_NOT_FOUND.  '*out' is the caller's to clear. */
NT_NODISCARD int keypair_get(struct store *, const char *user_id, const char *name,
                             struct keypair *out, struct nt_err *);

/* By name (struct keypair). */
NT_NODISCARD int keypair_list(struct store *, const char *user_id, struct rows *out,
                              struct nt_err *);

/* Instances keep the key they were made with.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int keypair_delete(struct store *, const char *user_id, const char *name,
                                struct nt_err *);
