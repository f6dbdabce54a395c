/* Whether KVM works here, found out by a short boot: /dev/kvm may open and create
 * machines and yet never run a guest's clock (nested virtualization, some kernels), so
 * that a guest would hang before its first line.
 *
 * The boot is a sector of our own that waits for two ticks of the clock and ends the
 * emulator.  It is made once per start of the machine: the answer is kept in a file with
 * the machine's boot id.  Loop thread only. */
#pragma once

#include <stdbool.h>

#include "base/child.h"

struct nt_kvm_probe;

enum nt_kvm_answer { NT_KVM_ASKING, NT_KVM_WORKS, NT_KVM_FAILS };

/* 'binary' is the emulator; the answer is kept in 'folder' (which exists).  'device' is
 * "/dev/kvm" but in tests. */
struct nt_kvm_probe *nt_kvm_probe_new(struct nt_children *, const char *binary, const char *device,
                                      const char *folder);
void nt_kvm_probe_free(struct nt_kvm_probe *);
NT_AUTO(nt_kvm_probe)

enum nt_kvm_answer nt_kvm_probe_get(const struct nt_kvm_probe *);

/* Why, for the log: "a short boot ended", "a short boot did not end within 5 s"... */
const char *nt_kvm_probe_why(const struct nt_kvm_probe *);

/* Writes the sector; for the test that boots it without KVM.  Negative errno. */
NT_NODISCARD int nt_kvm_probe_write_sector(const char *path);

/* The emulator's arguments for the boot; 'accel' is "kvm" or "tcg".  It ends with
 * NT_KVM_PROBE_STATUS. */
#define NT_KVM_PROBE_STATUS 85
#define NT_KVM_PROBE_N_ARGS 20
void nt_kvm_probe_args(const char *binary, const char *accel, const char *drive,
                       const char *argv[NT_KVM_PROBE_N_ARGS]);
