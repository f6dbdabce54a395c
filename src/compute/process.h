/* A guest's process, as the kernel describes it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat, or -1: with the pid it names a process for good. */
int64_t process_start_time(pid_t);

/* Whether the process is in the network namespace of this one: hosts that are namespaces
 * of one machine see each other's processes. */
bool process_is_in_our_net(pid_t);
