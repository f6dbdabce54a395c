/* The service manager is told how the program is: systemd's protocol, sd_notify(3), by
 * datagrams to the socket that the environment names; without one nothing happens.
 *
 * While it runs in the loop it also says, twice as often as asked for, that the loop turns
 * (the watchdog): a loop that hangs is then ended from outside.  Loop thread only. */
#pragma once

#include "base/attr.h"
#include "base/clock.h"

struct nt_notify;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that
 * children do not have them. */
struct nt_notify *nt_notify_new(const struct nt_clock *);
void nt_notify_free(struct nt_notify *);
NT_AUTO(nt_notify)
void nt_notify_run(struct nt_notify *);
void nt_notify_wait(struct nt_notify *);

/* The program does its work now; said once. */
void nt_notify_ready(struct nt_notify *);

/* One line for people; said when it is another one. */
void nt_notify_status(struct nt_notify *, const char *text);

/* Files are read anew, from here to nt_notify_reloaded(). */
void nt_notify_reloading(struct nt_notify *);
void nt_notify_reloaded(struct nt_notify *);

void nt_notify_stopping(struct nt_notify *);
