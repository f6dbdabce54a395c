/* What drivers of virtual machines have in common: the machine's name, its taps, whether it runs
 * with KVM, and its process among those of this host. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/child.h"
#include "compute/driver.h"
#include "compute/guest.h"
#include "host/kvm.h"

/* Of struct driver_class.  guest->handle: "instance-00000009". */
void machine_name(struct driver *, struct guest *);

/* The same.  A guarded-to-be tap per link; undoes itself.  Fails with NT_INVALID or as
 * nt_tap_plug(). */
NT_NODISCARD int machine_plug(struct driver *, struct guest *, struct nt_err *);
NT_NODISCARD int machine_unplug(struct driver *, struct guest *, struct nt_err *);

/* By option libvirt_type; "auto": it is found out. */
struct machine_kvm {
    struct nt_kvm_probe *probe; /* NULL: the configuration says it. */
    enum nt_kvm_answer said;
};
void machine_kvm_init(struct machine_kvm *, const struct driver_env *);
void machine_kvm_deinit(struct machine_kvm *);
enum nt_kvm_answer machine_kvm_get(const struct machine_kvm *);

/* Whether the NUL-separated arguments are those of the guest's machine. */
typedef bool machine_test(const char *cmdline, size_t n, const struct guest *,
                          const char *instances_path);

/* Holds the guest's process: the one noted, or, when that is none or another's, the one
 * with its arguments, which is then noted.  False: there is none. */
bool machine_hold(struct guest *, machine_test *, const char *instances_path,
                  struct nt_pidwatch **out);
