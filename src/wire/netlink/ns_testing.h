/* For tests with the kernel: a network namespace of the test process's own, gone with
 * the process.  Such a test needs root; test_needs_root() is the first line of its
 * main(). */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

static inline void
test_needs_root(void)
{
    if (geteuid()) {
        fprintf(stderr, "this test needs root\n");
        exit(1);
    }
}

/* Enters a new network namespace and returns a descriptor of it. */
static inline int
test_enter_fresh_netns(void)
{
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline void
test_enter(int netns_fd)
{
    assert_int_equal(setns(netns_fd, CLONE_NEWNET), 0);
}

/* A mount namespace of our own with an empty /run, so that names made there meet
 * nobody else's. */
static inline void
test_hide_run(void)
{
    assert_int_equal(unshare(CLONE_NEWNS), 0);
    assert_int_equal(mount("", "/", "none", MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount("none", "/run", "tmpfs", 0, NULL), 0);
}
