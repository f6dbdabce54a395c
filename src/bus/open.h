/* The bus that a program's configuration asks for: transport_url rabbit://... is a broker,
 * empty or embedded:// the embedded bus. */
#pragma once

#include "base/attr.h"
#include "base/config.h"
#include "base/err.h"
#include "bus/embedded.h"

/* For the server, which is the hub of the embedded bus, and for the others.  'key_file' of
 * the options is taken from the configuration.  Fails with NT_INVALID or NT_FAULT. */
NT_NODISCARD int nt_bus_open_server(const struct nt_bus_options *, const struct nt_config *,
                                    struct nt_bus **out, struct nt_err *);
NT_NODISCARD int nt_bus_open_host(const struct nt_bus_options *, const struct nt_config *,
                                  struct nt_bus **out, struct nt_err *);
