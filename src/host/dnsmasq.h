/* dnsmasq of one network, kept running.
 *
 * Writes the hosts (and opts) file, adopts a dnsmasq that runs already if it was
 * started as wanted, replaces one that was not, starts one when there is none,
 * notices when it dies and starts another within a second, and tells it to read the
 * hosts file again at most once in 100 ms.  Nothing happens before the first
 * nt_dnsmasq_set_hosts(): until then the wanted text is not known.
 *
 * Freeing the object leaves dnsmasq running: guests keep their DHCP while the daemon
 * is away.  While dnsmasq starts it calls the lease script, which asks the daemon's
 * lease socket: the loop must go on turning meanwhile.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "host/dnsmasq_args.h"

struct nt_dnsmasq;

struct nt_dnsmasq_stats {
    uint64_t n_starts; /* Started by us. */
    uint64_t n_adopted;
    uint64_t n_deaths; /* Ended without being told to. */
    uint64_t n_reloads;
};

/* '*err' is NULL: dnsmasq has, or will read before any other request, the hosts text
 * that was set last before nt_dnsmasq_when_told().  Otherwise dnsmasq could not be
 * started or a file not written, and why; or NT_UNAVAILABLE: the object went. */
typedef void nt_dnsmasq_told_cb(void *aux, const struct nt_err *);

/* Pool and clock are borrowed and must outlive the object; the configuration is
 * copied.  Fails as nt_dnsmasq_plan_new() does. */
NT_NODISCARD int nt_dnsmasq_new(struct nt_children *, const struct nt_clock *,
                                const struct nt_dnsmasq_conf *, struct nt_dnsmasq **out,
                                struct nt_err *);
void nt_dnsmasq_free(struct nt_dnsmasq *);
NT_AUTO(nt_dnsmasq)

/* Takes another configuration; a running dnsmasq is replaced if it has to be. */
NT_NODISCARD int nt_dnsmasq_set_conf(struct nt_dnsmasq *, const struct nt_dnsmasq_conf *,
                                     struct nt_err *);

/* What a failed start may have lacked is there now: it is tried again with the next run. */
void nt_dnsmasq_retry(struct nt_dnsmasq *);

/* The whole hosts text (nt_hosts_file_text()).  Copied; written by a later run. */
void nt_dnsmasq_set_hosts(struct nt_dnsmasq *, const char *text);

/* The opts file's text, of a configuration with 'own_opts'.  Before the first hosts text,
 * and with it whenever both change: dnsmasq reads them together. */
void nt_dnsmasq_set_opts(struct nt_dnsmasq *, const char *text);

/* Calls 'cb' once, from nt_dnsmasq_run(), _stop() or _free(), or while the pool's
 * children run; it must not free the object. */
void nt_dnsmasq_when_told(struct nt_dnsmasq *, nt_dnsmasq_told_cb *cb, void *aux);

/* Forgets the callbacks with this 'aux'. */
void nt_dnsmasq_cancel(struct nt_dnsmasq *, const void *aux);

/* Running, and told the latest text. */
bool nt_dnsmasq_is_ready(const struct nt_dnsmasq *);

/* The main process, or 0. */
pid_t nt_dnsmasq_pid(const struct nt_dnsmasq *);
void nt_dnsmasq_get_stats(const struct nt_dnsmasq *, struct nt_dnsmasq_stats *);
void nt_dnsmasq_add_stats(const struct nt_dnsmasq *, struct nt_dnsmasq_stats *sum);

/* Ends dnsmasq for good (the network is gone); its files stay.  True once it has
 * ended; call again, after the runs, until then. */
bool nt_dnsmasq_stop(struct nt_dnsmasq *);

void nt_dnsmasq_run(struct nt_dnsmasq *);
void nt_dnsmasq_wait(struct nt_dnsmasq *);
