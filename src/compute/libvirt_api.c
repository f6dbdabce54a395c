#include <config.h>

#include "compute/libvirt_api.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libvirt.so.0"

int
libvirt_api_load(struct libvirt_api *api, struct nt_err *err)
{
    /* Stays loaded: it keeps state of its own. */
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (!library) {
        return nt_fail(err, NT_UNSUPPORTED,
                       "compute_driver libvirt needs " LIBRARY " (package libvirt0): %s",
                       dlerror());
    }

#define LIBVIRT_LOAD(name)                                                              \
    {                                                                                   \
        void *symbol = dlsym(library, #name);                                           \
        if (!symbol) {                                                                  \
            return nt_fail(err, NT_UNSUPPORTED, LIBRARY " is too old: no %s()", #name); \
        }                                                                               \
        memcpy(&api->name, &symbol, sizeof symbol);                                     \
    }
    LIBVIRT_FUNCTIONS(LIBVIRT_LOAD)
#undef LIBVIRT_LOAD
    return 0;
}
