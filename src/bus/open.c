#include <config.h>

#include "bus/open.h"

#include <string.h>

#include "bus/rabbit.h"
#include "bus/rabbit_url.h"

/* Whether 'config' asks for the embedded bus.  Fails for what is neither. */
static int
is_embedded(const struct nt_config *config, bool *out, struct nt_err *err)
{
    const char *url = nt_config_str(config, "transport_url");

    *out = !*url || !strcmp(url, "embedded://");
    if (!*out && !nt_rabbit_url_is(url)) {
        /* The URL holds a password, so no more of it is shown. */
        return nt_fail(err, NT_INVALID,
                       "transport_url \"%.*s...\" is neither rabbit://... nor "
                       "embedded://",
                       (int) strcspn(url, ":"), url);
    }
    return 0;
}

static struct nt_bus_options
with_key(const struct nt_bus_options *options, const struct nt_config *config)
{
    struct nt_bus_options copy = *options;

    copy.key_file = nt_config_str(config, "bus_key_file");
    return copy;
}

int
nt_bus_open_server(const struct nt_bus_options *options, const struct nt_config *config,
                   struct nt_bus **out, struct nt_err *err)
{
    const struct nt_bus_options o = with_key(options, config);
    const char *tcp = nt_config_str(config, "bus_listen");
    bool embedded;

    if (is_embedded(config, &embedded, err) < 0) {
        return -1;
    }
    return embedded
               ? nt_bus_hub_new(&o, nt_config_str(config, "bus_unix"), *tcp ? tcp : NULL, out, err)
               : nt_bus_rabbit_new(&o, config, out, err);
}

int
nt_bus_open_host(const struct nt_bus_options *options, const struct nt_config *config,
                 struct nt_bus **out, struct nt_err *err)
{
    const struct nt_bus_options o = with_key(options, config);
    bool embedded;

    if (is_embedded(config, &embedded, err) < 0) {
        return -1;
    }
    return embedded ? nt_bus_peer_new(&o, nt_config_str(config, "bus_endpoint"), out, err)
                    : nt_bus_rabbit_new(&o, config, out, err);
}
