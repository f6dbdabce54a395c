#include <config.h>

#include "host/hosts_file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/shash.h"

#define NAME_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_."
#define MAX_NAME 63

bool
nt_is_domain(const char *s)
{
    size_t label = 0;

    if (!*s || strlen(s) > 253 || strspn(s, NAME_CHARS) != strlen(s)) {
        return false;
    }
    for (; *s; s++) {
        label = *s == '.' ? 0 : label + 1;
        if (label > MAX_NAME || (!label && (s[1] == '.' || !s[1]))) {
            return false;
        }
        if (label == 1 && *s == '-') {
            return false;
        }
    }
    return true;
}

/* One name of a network must not be another entry's address form. */
static bool
is_address_form(const char *name)
{
    unsigned a, b, c, d;
    int end = 0;

    return sscanf(name, "host-%3u-%3u-%3u-%3u%n", &a, &b, &c, &d, &end) == 4 && end && !name[end];
}

/* Words that dnsmasq reads as something else when no domain follows: lease times,
 * addresses, keywords. */
static bool
is_special(const char *name)
{
    size_t digits = strspn(name, "0123456789.");
    const char *rest = name + digits;

    return !strcmp(name, "ignore") || !strcmp(name, "infinite")
           || (digits && (!*rest || (strchr("smhdwSMHDW", *rest) && !rest[1])));
}

static void
address_form(const char *address, char out[MAX_NAME + 1])
{
    snprintf(out, MAX_NAME + 1, "host-%s", address);
    for (char *p = out; *p; p++) {
        if (*p == '.') {
            *p = '-';
        }
    }
}

/* The name in the line: shortened, lower case, or the address form. */
static void
choose_name(const struct nt_host_entry *entry, const char *domain, const struct shash *taken,
            char out[MAX_NAME + 1])
{
    const char *name = entry->hostname;
    size_t len = strlen(name);

    if (len > MAX_NAME) {
        snprintf(out, MAX_NAME + 1, "%.2s-%s", name, name + len - (MAX_NAME - 3));
    } else {
        snprintf(out, MAX_NAME + 1, "%s", name);
    }
    for (char *p = out; *p; p++) {
        *p = tolower((unsigned char) *p);
    }
    if (!nt_is_domain(out) || *out == '_' || is_address_form(out) || (!*domain && is_special(out))
        || shash_find(taken, out)) {
        address_form(entry->address, out);
    }
}

static int
check_entry(const struct nt_host_entry *entry, const struct shash *addresses, struct nt_err *err)
{
    struct nt_mac mac;
    uint32_t ip;

    if (!nt_ip4_parse(entry->address, &ip)) {
        return nt_fail(err, NT_INVALID, "cannot serve an entry by DHCP: bad address");
    }
    if (!nt_mac_parse(entry->mac, &mac)) {
        return nt_fail(err, NT_INVALID, "cannot serve %s by DHCP: bad MAC address", entry->address);
    }
    if (strnlen(entry->hostname, sizeof entry->hostname) == sizeof entry->hostname
        || strspn(entry->hostname, NAME_CHARS) != strlen(entry->hostname)) {
        return nt_fail(err, NT_INVALID,
                       "cannot serve %s by DHCP: forbidden character in its host name",
                       entry->address);
    }
    if (shash_find(addresses, entry->address)) {
        return nt_fail(err, NT_CONFLICT, "cannot serve %s by DHCP: another entry has it",
                       entry->address);
    }
    return 0;
}

/* Where the lines go, and in which form. */
struct output {
    struct ds *text;
    const char *domain;
    bool has_tags;
    nt_hosts_refused_cb *refused;
    void *aux;
};

static size_t
put_lines(const struct nt_host_entry *entries, size_t n, const struct output *o)
{
    const char *domain = o->domain;
    struct shash macs = SHASH_INITIALIZER(&macs);
    struct shash names = SHASH_INITIALIZER(&names);
    struct shash addresses = SHASH_INITIALIZER(&addresses);
    bool domain_ok = !*domain || nt_is_domain(domain);
    size_t n_refused = 0, n_lines = 0;

    for (size_t i = 0; i < n; i++) {
        const struct nt_host_entry *entry = &entries[i];
        struct nt_err err = { .code = NT_OK };
        char mac_text[NT_MAC_SIZE];
        char name[MAX_NAME + 1];
        struct nt_mac mac;

        if (!entry->allocated) {
            continue;
        }
        if (!check_entry(entry, &addresses, &err) && !domain_ok) {
            nt_fail(&err, NT_INVALID, "cannot serve %s by DHCP: bad domain", entry->address);
        }
        if (err.code || !nt_mac_parse(entry->mac, &mac)) {
            n_refused++;
            if (o->refused) {
                o->refused(o->aux, entry, &err);
            }
            continue;
        }
        nt_mac_format(&mac, mac_text);
        if (!shash_add_once(&macs, mac_text, NULL)) {
            continue;
        }
        choose_name(entry, domain, &names, name);
        shash_add_once(&names, name, NULL);
        shash_add_once(&addresses, entry->address, NULL);
        ds_put_format(o->text, "%s%s,%s%s%s,%s", n_lines++ ? "\n" : "", mac_text, name,
                      *domain ? "." : "", domain, entry->address);
        if (o->has_tags && nt_is_uuid(entry->vif)) {
            ds_put_format(o->text, ",net:NW-%s", entry->vif);
        }
    }
    shash_destroy(&macs);
    shash_destroy(&names);
    shash_destroy(&addresses);
    return n_refused;
}

size_t
nt_hosts_file_text(const struct nt_host_entry *entries, size_t n, const char *domain,
                   struct ds *out, nt_hosts_refused_cb *refused, void *aux)
{
    return put_lines(entries, n, &(struct output){ out, domain, false, refused, aux });
}

size_t
nt_hosts_file_tagged_text(const struct nt_host_entry *entries, size_t n, const char *domain,
                          struct ds *out, nt_hosts_refused_cb *refused, void *aux)
{
    return put_lines(entries, n, &(struct output){ out, domain, true, refused, aux });
}

void
nt_hosts_opts_text(const struct nt_host_entry *entries, size_t n, const char *gateway,
                   struct ds *out)
{
    size_t n_lines = 0;

    for (size_t i = 0; i < n; i++) {
        const struct nt_host_entry *entry = &entries[i];
        bool has_router = entry->is_default && gateway && *gateway;

        if (!entry->allocated || !nt_is_uuid(entry->vif) || (entry->is_default && !has_router)) {
            continue;
        }
        ds_put_format(out, "%sNW-%s,3%s%s", n_lines++ ? "\n" : "", entry->vif,
                      has_router ? "," : "", has_router ? gateway : "");
    }
}
