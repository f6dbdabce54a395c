/* The image directory: each file NAME.image describes one image.
 *
 *     [image]
 *     name = cirros
 *     id = 11111111-2222-3333-4444-555555555555   (optional)
 *     location = /usr/share/neutrino/guests/cirros
 *     disk_format, container_format, min_ram, min_disk   (optional)
 */
#pragma once

#include "base/err.h"
#include "server/core/env.h"
#include "server/op.h"

/* Registers the directory's images.  A wrong file is logged and left out.  Fails with
 * NT_FAULT when the directory cannot be read or the database refuses. */
NT_NODISCARD int images_register(struct op_queue *, const struct core_env *, const char *directory,
                                 struct nt_err *);
