#include <config.h>

#include "wire/ovs/ovsdb.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "ovsdb-idl.h"
#include "socket-util.h"
#include "stream-ssl.h"
#include "stream.h"
#include "wire/ovs/ovsdb_impl.h"

NT_LOG_MODULE(nt_ovsdb);

/* The connection, as the IDL lets it be seen:
 *
 *   DOWN --connected--> LOADING --the sequence number moves--> READY
 *     ^------- not connected any more ---------'
 *
 * After a connection the first thing that moves the number is the answer to the IDL's request
 * for the tables, so from then on the copy is complete.
 *
 * A transaction is built on the IDL's rows between two runs, sent once, and its end is looked
 * for after each run.  The server tells changes before it confirms, so at the confirmation the
 * copy already shows them. */

static int
check_remote(const char *name, struct nt_err *err)
{
    bool is_tcp = !strncmp(name, "tcp:", 4) || !strncmp(name, "ssl:", 4);

    if (strncmp(name, "unix:", 5) != 0 && !is_tcp) {
        return nt_fail(
            err, NT_INVALID,
            "cannot use OVSDB at '%s': it is none of unix:PATH, tcp:IP:PORT, ssl:IP:PORT", name);
    }
    if (is_tcp) {
        struct sockaddr_storage address;
        bool is_dns;

        if (!inet_parse_active(name + 4, 6640, &address, false, &is_dns)) {
            return nt_fail(err, NT_INVALID,
                           "cannot use OVSDB at '%s': not an IP address with a port", name);
        }
    }
    return 0;
}

/* "the group is openvswitch"; who may use a socket is what its owner and mode say. */
static char *
why_not(const char *path)
{
    struct stat st;
    int error = errno;
    bool is_there = !stat(path, &st);
    const struct group *group = is_there ? getgrgid(st.st_gid) : NULL;

    if (error == ENOENT) {
        return NULL;
    }
    if (!is_there || error != EACCES) {
        return xasprintf("%s: %s", path, ovs_strerror(error));
    }
    return xasprintf("%s may be used by its owner and group %s only: this user must be in that "
                     "group, and the group must have write permission",
                     path, group ? group->gr_name : "(without a name)");
}

char *
nt_ovsdb_near(const char *remote, const char *run_dir, char **why)
{
    AUTO_FREE char *path = xasprintf("%s/db.sock", run_dir);

    if (why) {
        *why = NULL;
    }
    if (strncmp(remote, "tcp:127.0.0.1:", 14) != 0) {
        return xstrdup(remote);
    }
    if (!access(path, R_OK | W_OK)) {
        return xasprintf("unix:%s", path);
    }
    if (why) {
        *why = why_not(path);
    }
    return xstrdup(remote);
}

static int
use_keys(const struct nt_ovsdb_options *o, struct nt_err *err)
{
    const struct {
        const char *what, *path;
    } files[] = { { "key", o->ssl_key }, { "certificate", o->ssl_cert }, { "CA", o->ssl_ca } };

    for (size_t i = 0; i < NT_ARRAY_SIZE(files); i++) {
        if (!files[i].path || !*files[i].path) {
            return nt_fail(err, NT_INVALID, "cannot use OVSDB at '%s': no %s file is configured",
                           o->remote, files[i].what);
        }
        if (access(files[i].path, R_OK) < 0) {
            return nt_fail_errno(err, errno, "cannot read the %s file %s for OVSDB", files[i].what,
                                 files[i].path);
        }
    }
    stream_ssl_set_key_and_cert(o->ssl_key, o->ssl_cert);
    stream_ssl_set_ca_cert_file(o->ssl_ca, false);
    return 0;
}

int
nt_ovsdb_new(const struct nt_ovsdb_options *o, struct nt_ovsdb **out, struct nt_err *err)
{
    if (check_remote(o->remote, err) < 0
        || (!strncmp(o->remote, "ssl:", 4) && use_keys(o, err) < 0)) {
        return -1;
    }

    struct nt_ovsdb *db = xzalloc(sizeof *db);

    nt_ovsdb_copy_init(db);
    shash_init(&db->made_bridges);
    sset_init(&db->touched_ports);
    db->last_error = xstrdup("");
    db->idl = ovsdb_idl_create_unconnected(&ovsrec_idl_class, false);
    nt_ovsdb_watch_columns(db->idl);
    ovsdb_idl_set_remote(db->idl, o->remote, true);
    ovsdb_idl_set_probe_interval(db->idl, o->probe_interval_s * 1000);
    *out = db;
    return 0;
}

/* What was written since run() and not committed is dropped. */
static void
close_open(struct nt_ovsdb *db)
{
    if (db->open) {
        ovsdb_idl_txn_abort(db->open);
        ovsdb_idl_txn_destroy(db->open);
        db->open = NULL;
    }
    shash_clear(&db->made_bridges);
    sset_clear(&db->touched_ports);
}

void
nt_ovsdb_free(struct nt_ovsdb *db)
{
    if (db) {
        close_open(db);
        if (db->flying) {
            ovsdb_idl_txn_destroy(db->flying);
        }
        nt_ovsdb_copy_deinit(db);
        ovsdb_idl_destroy(db->idl);
        shash_destroy(&db->made_bridges);
        sset_destroy(&db->touched_ports);
        free(db->last_error);
        free(db);
    }
}

/* Returns whether the copy is complete since this run. */
static bool
watch_connection(struct nt_ovsdb *db)
{
    unsigned seqno = ovsdb_idl_get_seqno(db->idl);

    if (!ovsdb_idl_is_connected(db->idl)) {
        db->state = NT_OVSDB_DOWN;
        db->down_seqno = seqno;
        return false;
    }
    if (db->state == NT_OVSDB_DOWN) {
        db->state = NT_OVSDB_LOADING;
    }
    if (db->state == NT_OVSDB_LOADING && seqno != db->down_seqno) {
        db->state = NT_OVSDB_READY;
        db->connection++;
        return true;
    }
    return false;
}

static void
finish(struct nt_ovsdb *db, struct ovsdb_idl_txn *txn, enum ovsdb_idl_txn_status status)
{
    if (status == TXN_SUCCESS) {
        db->n_committed++;
    } else if (status != TXN_UNCHANGED) {
        db->n_failed++;
        free(db->last_error);
        db->last_error = xstrdup(ovsdb_idl_txn_get_error(txn));
    }
    ovsdb_idl_txn_destroy(txn);
}

/* A reload that the connection does not tell (the server dropped the database and has it
 * again) makes the one row of Open_vSwitch anew, or leaves none. */
static bool
is_reloaded(const struct nt_ovsdb *db)
{
    const struct ovsrec_open_vswitch *root = ovsrec_open_vswitch_first(db->idl);

    return !root || ovsrec_open_vswitch_is_new(root);
}

void
nt_ovsdb_run(struct nt_ovsdb *db)
{
    close_open(db);
    ovsdb_idl_run(db->idl);

    bool is_new = watch_connection(db);
    unsigned seqno = ovsdb_idl_get_seqno(db->idl);

    if (seqno != db->seen_seqno) {
        db->seen_seqno = seqno;
        nt_ovsdb_take_in(db, is_new || is_reloaded(db));
    }
    if (db->flying) {
        enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(db->flying);

        if (status != TXN_INCOMPLETE) {
            finish(db, TAKE(db->flying), status);
        }
    }
}

void
nt_ovsdb_wait(struct nt_ovsdb *db)
{
    ovsdb_idl_wait(db->idl);
    if (db->flying) {
        ovsdb_idl_txn_wait(db->flying);
    }
}

bool
nt_ovsdb_is_ready(const struct nt_ovsdb *db)
{
    return db->state == NT_OVSDB_READY;
}

unsigned
nt_ovsdb_connection(const struct nt_ovsdb *db)
{
    return nt_ovsdb_is_ready(db) ? db->connection : 0;
}

bool
nt_ovsdb_begin(struct nt_ovsdb *db)
{
    if (!db->open && !db->flying && nt_ovsdb_is_ready(db)) {
        db->open = ovsdb_idl_txn_create(db->idl);
        ovsdb_idl_txn_add_comment(db->open, "%s", program_name);
    }
    return db->open != NULL;
}

const struct ovsrec_open_vswitch *
nt_ovsdb_root(struct nt_ovsdb *db)
{
    const struct ovsrec_open_vswitch *root = ovsrec_open_vswitch_first(db->idl);

    return root ? root : ovsrec_open_vswitch_insert(db->open);
}

bool
nt_ovsdb_reconfigure(struct nt_ovsdb *db)
{
    if (!nt_ovsdb_begin(db)) {
        return false;
    }
    ovsdb_idl_txn_increment(db->open, &nt_ovsdb_root(db)->header_,
                            &ovsrec_open_vswitch_col_next_cfg, true);
    return true;
}

void
nt_ovsdb_commit(struct nt_ovsdb *db)
{
    if (db->open) {
        struct ovsdb_idl_txn *txn = TAKE(db->open);
        enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(txn);

        close_open(db);
        if (status == TXN_INCOMPLETE) {
            db->flying = txn;
        } else {
            finish(db, txn, status);
        }
    }
}

void
nt_ovsdb_discard(struct nt_ovsdb *db)
{
    close_open(db);
}

bool
nt_ovsdb_is_busy(const struct nt_ovsdb *db)
{
    return db->flying != NULL;
}

uint64_t
nt_ovsdb_n_committed(const struct nt_ovsdb *db)
{
    return db->n_committed;
}

uint64_t
nt_ovsdb_n_failed(const struct nt_ovsdb *db)
{
    return db->n_failed;
}

const char *
nt_ovsdb_last_error(const struct nt_ovsdb *db)
{
    return db->last_error;
}
