/* One event, one line, with its ids:
 *
 *     nt_info("port bound", "port", id, "host", host, NULL);
 *
 * prints "port bound port=ID host=HOST" through vlog (a NULL value leaves its pair out), so levels
 * change at run time (ovs-appctl -t PROGRAM vlog/set).  Each .c file that logs says
 * NT_LOG_MODULE(name) once.  err: someone must act.  warn: we coped.  info: what
 * an operator will ask later.  debug: for us.  What a peer can repeat goes
 * through the _rl forms.  Never a password, a token or user data. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "openvswitch/vlog.h"

#define NT_LOG_MODULE(name) VLOG_DEFINE_THIS_MODULE(name)

void nt_log(const struct vlog_module *, enum vlog_level, const char *event, ...) NT_SENTINEL;
void nt_log_rl(const struct vlog_module *, enum vlog_level, struct vlog_rate_limit *,
               const char *event, ...) NT_SENTINEL;

#define nt_error(...) nt_log(&this_module, VLL_ERR, __VA_ARGS__)
#define nt_warn(...) nt_log(&this_module, VLL_WARN, __VA_ARGS__)
#define nt_info(...) nt_log(&this_module, VLL_INFO, __VA_ARGS__)
#define nt_debug(...) nt_log(&this_module, VLL_DBG, __VA_ARGS__)

#define nt_warn_rl(...)                                                   \
    do {                                                                  \
        static struct vlog_rate_limit rl_ = VLOG_RATE_LIMIT_INIT(10, 20); \
        nt_log_rl(&this_module, VLL_WARN, &rl_, __VA_ARGS__);             \
    } while (0)
#define nt_info_rl(...)                                                   \
    do {                                                                  \
        static struct vlog_rate_limit rl_ = VLOG_RATE_LIMIT_INIT(60, 60); \
        nt_log_rl(&this_module, VLL_INFO, &rl_, __VA_ARGS__);             \
    } while (0)

/* The request that the program is working for: its id ends every line
 * (request_id=req-...) and goes with every message to other programs.  Exchanges it with
 * '*id'; empty: none.  Called again with the same buffer it puts back what was. */
#define NT_REQUEST_ID_SIZE 48
void nt_log_swap_request(char id[NT_REQUEST_ID_SIZE]);

/* The id now; empty: none. */
const char *nt_log_request(void);

/* Names the program in the log and sets where lines go: 'path' (appended to), or
 * stderr when NULL or when that file cannot be opened.  Called once, from main(). */
void nt_log_start(const char *program, const char *path);

/* Whether 'debug' lines are written, and whether syslog has the others as well. */
void nt_log_set(bool debug, bool syslog);
