/* The schema as numbered steps.  Step N brings a database from version N - 1 to N;
 * the table schema_version holds the one it is at.  A step that was released is
 * never changed: a change is a new step. */
#pragma once

#include "store/store.h"

struct schema_step {
    int version;
    const char *sql; /* Statements, separated by semicolons. */
};

/* Ends with version 0. */
extern const struct schema_step schema_steps[];

/* Runs the missing steps in one transaction.  Fails with NT_CONFLICT when the
 * database is newer than the last step. */
NT_NODISCARD int schema_upgrade(struct store *, const struct schema_step *, struct nt_err *);
