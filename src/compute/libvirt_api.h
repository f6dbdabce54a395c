/* libvirt's client library, loaded when compute_driver=libvirt asks for it: a host that
 * runs its guests otherwise need not have it, and the program does not link to it.
 * Only the worker's thread calls what is in here. */
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/err.h"

#define LIBVIRT_FUNCTIONS(F)            \
    F(virEventRegisterDefaultImpl)      \
    F(virEventRunDefaultImpl)           \
    F(virEventAddHandle)                \
    F(virEventAddTimeout)               \
    F(virSetErrorFunc)                  \
    F(virGetLastErrorMessage)           \
    F(virConnectOpen)                   \
    F(virConnectClose)                  \
    F(virConnectIsAlive)                \
    F(virConnectDomainEventRegisterAny) \
    F(virDomainCreateXML)               \
    F(virDomainLookupByUUIDString)      \
    F(virDomainGetUUIDString)           \
    F(virDomainShutdown)                \
    F(virDomainDestroy)                 \
    F(virDomainFree)

struct libvirt_api {
#define LIBVIRT_MEMBER(name) __typeof__(&name) name;
    LIBVIRT_FUNCTIONS(LIBVIRT_MEMBER)
#undef LIBVIRT_MEMBER
};

/* Fails with NT_UNSUPPORTED, naming the package. */
NT_NODISCARD int libvirt_api_load(struct libvirt_api *, struct nt_err *);
