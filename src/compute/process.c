#include <config.h>

#include "compute/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

int64_t
process_start_time(pid_t pid)
{
    char path[64];
    char *text = NULL;
    int64_t start = -1;

    snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
    if (nt_file_read(path, 4096, &text, NULL) < 0) {
        return -1;
    }

    char *p = strrchr(text, ')');
    for (int field = 2; p && field < 22; field++) {
        p = strchr(p + 1, ' ');
    }
    if (p) {
        start = atoll(p + 1);
    }
    free(text);
    return start;
}

bool
process_is_in_our_net(pid_t pid)
{
    char path[64];
    struct stat theirs, ours;

    snprintf(path, sizeof path, "/proc/%d/ns/net", (int) pid);
    return !stat(path, &theirs) && !stat("/proc/self/ns/net", &ours) && theirs.st_ino == ours.st_ino
           && theirs.st_dev == ours.st_dev;
}
