/* A guest on this host: the instance as the server described it, and what this host
 * made of it.  Kept in a file in the instance's folder, so that a restarted program
 * takes up its guests without the server. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"
#include "net/instance.h"
#include "openvswitch/hmap.h"

/* In order; each is left when what it waits for has happened. */
enum guest_phase {
    GUEST_PLUG,  /* To be given its devices. */
    GUEST_GUARD, /* Waits for its chain to be in the kernel. */
    GUEST_START, /* To be started. */
    GUEST_RUNNING,
    GUEST_ENDING,   /* Waits for its end, to stay down or to start again. */
    GUEST_DOWN,     /* Has its devices and chain, does not run. */
    GUEST_STOP,     /* To be ended. */
    GUEST_STOPPING, /* Waits for its end. */
    GUEST_GONE,     /* Devices and folder are gone: to be reported and forgotten. */
};

/* Whether it runs before it starts (again), and how that is to end. */
enum guest_reboot {
    GUEST_REBOOT_NONE,
    GUEST_REBOOT_SOFT,
    GUEST_REBOOT_HARD,
};

struct guest {
    struct hmap_node node; /* By id. */
    /* What somebody wants of it, in the record before anything is done about it: a program
     * that ends half-way goes on there, and nothing is done twice. */
    int64_t generation;       /* Of the last wish (net/instance.h). */
    bool wants_off;           /* It is to be down, until somebody starts it. */
    enum guest_reboot reboot; /* What runs now is to end first. */
    bool started;             /* Its start was noted: when it is down, it ended. */
    bool launched;            /* It ran once: what fails later does not remove it. */
    enum guest_phase phase;
    bool reported;       /* The present state was reported, or is being. */
    bool report_pending; /* A report is under way. */
    uint64_t plan;       /* The first one with all its rules; 0: none yet. */
    uint64_t version;    /* Another one after each change of 'view'; 0: not counted. */
    struct nt_instance_view view;
    char (*ifnames)[NT_IFNAME_SIZE];     /* Host ends, one per view.vifs. */
    char handle[NT_HOST_SIZE];           /* The driver's name for it; empty: none. */
    pid_t pid;                           /* The driver's; 0: none. */
    int64_t pid_start;                   /* Start time of 'pid', against reuse of the number. */
    int64_t report_at;                   /* Monotonic; not before. */
    int64_t asked_at;                    /* Monotonic, when build_instance came; 0: taken up. */
    char request_id[NT_REQUEST_ID_SIZE]; /* Of who asked for the present phase. */
    int64_t retry_at;                    /* The same, for removing what is left of it. */
    char fault[NT_ERR_SIZE];             /* Why it could not be built or started. */
};

/* A guest that is to be built and started. */
struct guest *guest_new(const struct nt_instance_view *);
void guest_free(struct guest *);
NT_AUTO(guest)

/* "PATH/instance-00000009", and a file in it.  The caller frees. */
char *guest_folder(const char *instances_path, int64_t number);
char *guest_file(const char *instances_path, int64_t number, const char *name);

/* Writes the guest's record (instance.json).  Fails with NT_FAULT. */
NT_NODISCARD int guest_save(const struct guest *, const char *instances_path, struct nt_err *);

/* Reads the record in 'folder'.  Fails with NT_INVALID (damaged) or NT_FAULT. */
NT_NODISCARD int guest_load(const char *folder, struct guest **out, struct nt_err *);

/* The last 'n_lines' (0: all, up to 'max' bytes) of a console log as valid UTF-8 without
 * control characters other than tab and line ends.  The caller frees. */
char *guest_console(const char *path, int64_t n_lines, size_t max);

/* Gives back the disk space of a console log but for its last 'keep' bytes, while somebody
 * appends to it: nothing of those is lost, and the file keeps its length.  A file system
 * that cannot do that is left alone. */
void guest_console_trim(const char *path, size_t keep);
