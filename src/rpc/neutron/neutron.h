/* All interfaces of neutron's, and which of them a message is for.
 *
 * Several share the topic q-plugin: there the method's name decides, among those that
 * accept its version. */
#pragma once

#include "rpc/method.h"

/* Ends with NULL. */
extern const struct nt_interface *const nt_neutron_interfaces[];

/* Where a message came and what it asks for. */
struct nt_neutron_message {
    const char *topic;     /* Also with ".HOST" or "_fanout" behind. */
    const char *namespace; /* NULL: none. */
    const char *method, *version;
};

/* The method that is meant.  Fails with NT_NOT_FOUND when no interface has it, and with
 * NT_UNSUPPORTED when none accepts that version. */
NT_NODISCARD int nt_neutron_find(const struct nt_neutron_message *, const struct nt_interface **,
                                 const struct nt_method **, struct nt_err *);
