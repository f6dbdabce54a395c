/* How many addresses per second become durable: through the server's operations, and
 * beside them what SQLite itself can do.
 *
 *     bench-durable FOLDER SECONDS INSTANCES GROUP [NAME]
 *
 * FOLDER gets a database of its own, filled with INSTANCES.  Then, with GROUP of them to
 * a commit, short slices take turns, so that what else the machine does hits all alike,
 * until each has had SECONDS:
 *
 *     address  a port and its address, as the core makes them, each an operation
 *     boot     all that a boot leaves: instance, number, group member, port, address
 *     limit_address, limit_boot
 *              the same rows written by SQLite alone: prepared statements, values at
 *              hand, nothing read and nothing checked
 *     raw      one small row without an index each
 *
 * The file, its settings (WAL, synchronous=FULL) and the schema are the same for all.
 * With NAME only that one is run.  Prints JSON: {"NAME": {"per_s": how many a second,
 * "cpu_us": microseconds of processor time each}}. */
#include <config.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "server/core/hosts.h"
#include "server/core/images.h"
#include "server/core/instances.h"
#include "server/core/ipam.h"
#include "server/core/networks.h"
#include "server/core/ports.h"
#include "server/op.h"

#define N_ROUNDS 4

struct bench {
    struct core_env env;
    struct store *store;
    struct op_queue *ops;
    char image_id[NT_UUID_SIZE];
    struct network_row network;
    struct nt_instance owner; /* Of the ports of 'address'. */
    uint64_t n;               /* Made so far. */
    uint64_t n_done;
    double seconds; /* Of a slice. */
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "bench-durable: %s: %s\n", what, why);
    exit(1);
}

static void
must(int rc, const struct nt_err *err)
{
    if (rc < 0) {
        die("it went wrong", err->msg);
    }
}

static double
now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static double
cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

/* Through the core. */

static int
address_op(struct store *store, void *bench_, struct changes *out OVS_UNUSED, struct nt_err *err)
{
    struct bench *b = bench_;
    struct nt_fixed_ip fixed_ip;
    struct nt_port port;
    const struct ipam_wish wish = { &b->network.subnet, &port, NULL };

    /* An owner of its own: its ports are counted to number them. */
    nt_random_uuid(b->env.random, b->owner.id);
    return port_create(store, &b->env, b->network.network.id, &b->owner, &port, err) < 0
                   || ipam_allocate(store, &b->env, &wish, &fixed_ip, err) < 0
               ? -1
               : 0;
}

static int
boot_op(struct store *store, void *bench_, struct changes *out, struct nt_err *err)
{
    struct bench *b = bench_;
    char name[32];
    struct instance_create wish = {
        .name = name,
        .project_id = "demo",
        .user_id = "joe",
        .flavor_id = "1",
        .image_id = b->image_id,
        .availability_zone = "nova:compute-1",
    };
    struct nt_instance instance;

    snprintf(name, sizeof name, "vm%llu", (unsigned long long) ++b->n);
    if (instance_create(store, &b->env, &wish, &instance, out, err) < 0) {
        return -1;
    }
    nt_instance_clear(&instance);
    return 0;
}

static void
op_over(void *bench_, const struct nt_err *err)
{
    struct bench *b = bench_;

    must(err ? -1 : 0, err);
    b->n_done++;
}

static void
op_group(struct bench *b, op_fn *fn, int group)
{
    for (int i = 0; i < group; i++) {
        op_submit(b->ops, fn, b, op_over, b);
    }
    op_queue_run(b->ops);
}

static int
start_op(struct store *store, void *bench_, struct changes *out, struct nt_err *err)
{
    struct bench *b = bench_;
    struct network_create network = {
        .name = "novanetwork", .cidr = "10.0.0.0/8", .bridge = "br100", .multi_host = -1
    };
    struct nt_report_state_args report = { .host = "compute-1",
                                           .binary = "neutrino-compute",
                                           .topic = "compute",
                                           .ram_mb = 1 << 20,
                                           .vcpus = 64 };
    struct nt_image image = { .name = "cirros", .location = "/images/cirros" };
    struct nt_report_state_result result;

    if (image_put(store, &b->env, &image, err) < 0
        || network_create(store, &b->env, &network, &b->network, out, err) < 0
        || host_report_state(store, &b->env, &report, &result, err) < 0) {
        return -1;
    }
    ovs_strlcpy(b->image_id, image.id, sizeof b->image_id);
    return 0;
}

/* SQLite alone. */

struct row_copy {
    sqlite3_stmt *insert;
    sqlite3_value **values; /* Of a row that is there. */
    int n;
    int id, ip, number, mac, port, instance; /* Columns that differ from row to row, or -1. */
};

struct limit {
    sqlite3 *db;
    struct row_copy port, fixed_ip, instance, member;
    sqlite3_stmt *counter, *subnet, *raw;
    struct nt_random *random;
    uint64_t n;
};

static void
check(struct limit *l, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        die("SQLite", sqlite3_errmsg(l->db));
    }
}

static sqlite3_stmt *
prepare(struct limit *l, const char *sql)
{
    sqlite3_stmt *s;

    check(l, sqlite3_prepare_v3(l->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL));
    return s;
}

static void
run_once(struct limit *l, sqlite3_stmt *s)
{
    check(l, sqlite3_step(s));
    check(l, sqlite3_reset(s));
}

static int
column_of(sqlite3_stmt *s, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        if (!strcmp(sqlite3_column_name(s, i), name)) {
            return i;
        }
    }
    return -1;
}

static void
row_copy_init(struct limit *l, struct row_copy *copy, const char *table, const char *where)
{
    AUTO_FREE char *select = xasprintf("SELECT * FROM %s %s LIMIT 1", table, where);
    sqlite3_stmt *s = prepare(l, select);

    if (sqlite3_step(s) != SQLITE_ROW) {
        die(table, "has no row to copy");
    }
    copy->n = sqlite3_column_count(s);
    copy->values = xcalloc(copy->n, sizeof *copy->values);

    AUTO_FREE char *marks = xasprintf("%.*s", 2 * copy->n - 1,
                                      "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
                                      "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,");
    AUTO_FREE char *insert = xasprintf("INSERT INTO %s VALUES (%s)", table, marks);
    for (int i = 0; i < copy->n; i++) {
        copy->values[i] = sqlite3_value_dup(sqlite3_column_value(s, i));
    }
    copy->id = column_of(s, "id");
    copy->ip = column_of(s, "ip");
    copy->number = column_of(s, "number");
    copy->mac = column_of(s, "mac_address");
    copy->port = column_of(s, "port_id");
    copy->instance = MAX(column_of(s, "instance_id"), column_of(s, "device_id"));
    sqlite3_finalize(s);
    copy->insert = prepare(l, insert);
    for (int i = 0; i < copy->n; i++) {
        check(l, sqlite3_bind_value(copy->insert, i + 1, copy->values[i]));
    }
}

static void
row_copy_deinit(struct row_copy *copy)
{
    for (int i = 0; i < copy->n; i++) {
        sqlite3_value_free(copy->values[i]);
    }
    free(copy->values);
    sqlite3_finalize(copy->insert);
}

static void
bind_text(struct limit *l, struct row_copy *copy, int column, const char *text)
{
    if (column >= 0) {
        check(l, sqlite3_bind_text(copy->insert, column + 1, text, -1, SQLITE_STATIC));
    }
}

static void
bind_int(struct limit *l, struct row_copy *copy, int column, int64_t value)
{
    if (column >= 0) {
        check(l, sqlite3_bind_int64(copy->insert, column + 1, value));
    }
}

static void
limit_address_of(struct limit *l, const char *instance_id)
{
    char port_id[NT_UUID_SIZE], mac[NT_MAC_SIZE];
    struct nt_mac m = { { 2 } };

    l->n++;
    memcpy(m.b + 1, &l->n, 5);
    nt_mac_format(&m, mac);
    nt_random_uuid(l->random, port_id);
    bind_text(l, &l->port, l->port.id, port_id);
    bind_text(l, &l->port, l->port.mac, mac);
    bind_text(l, &l->port, l->port.instance, instance_id);
    run_once(l, l->port.insert);
    bind_int(l, &l->fixed_ip, l->fixed_ip.ip, INT64_C(0xc0000000) + (int64_t) l->n);
    bind_text(l, &l->fixed_ip, l->fixed_ip.port, port_id);
    bind_text(l, &l->fixed_ip, l->fixed_ip.instance, instance_id);
    run_once(l, l->fixed_ip.insert);
    run_once(l, l->subnet);
}

static void
limit_address(struct limit *l)
{
    char instance_id[NT_UUID_SIZE];

    nt_random_uuid(l->random, instance_id);
    limit_address_of(l, instance_id);
}

static void
limit_boot(struct limit *l)
{
    char instance_id[NT_UUID_SIZE];

    nt_random_uuid(l->random, instance_id);
    bind_text(l, &l->instance, l->instance.id, instance_id);
    bind_int(l, &l->instance, l->instance.number, INT64_C(1000000000) + (int64_t) l->n);
    run_once(l, l->instance.insert);
    run_once(l, l->counter);
    bind_text(l, &l->member, l->member.instance, instance_id);
    run_once(l, l->member.insert);
    limit_address_of(l, instance_id);
}

static void
limit_raw(struct limit *l)
{
    check(l, sqlite3_bind_int64(l->raw, 1, (int64_t) ++l->n));
    run_once(l, l->raw);
}

static void
limit_init(struct limit *l, const char *path, struct nt_random *random)
{
    l->random = random;
    if (sqlite3_open_v2(path, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)) {
        die(path, "cannot be opened");
    }
    check(l, sqlite3_exec(l->db,
                          "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                          "CREATE TABLE raw (n BIGINT NOT NULL)",
                          NULL, NULL, NULL));
    row_copy_init(l, &l->port, "ports", "");
    row_copy_init(l, &l->fixed_ip, "fixed_ips", "WHERE port_id IS NOT NULL");
    row_copy_init(l, &l->instance, "instances", "");
    row_copy_init(l, &l->member, "security_group_members", "");
    l->counter =
        prepare(l, "UPDATE counters SET next_value = next_value + 1 WHERE name = 'instances'");
    l->subnet = prepare(l, "UPDATE subnets SET next_ip = next_ip + 1");
    l->raw = prepare(l, "INSERT INTO raw VALUES (?)");
}

static void
limit_deinit(struct limit *l)
{
    row_copy_deinit(&l->port);
    row_copy_deinit(&l->fixed_ip);
    row_copy_deinit(&l->instance);
    row_copy_deinit(&l->member);
    sqlite3_finalize(l->counter);
    sqlite3_finalize(l->subnet);
    sqlite3_finalize(l->raw);
    sqlite3_close(l->db);
}

static void
limit_group(struct limit *l, void (*one)(struct limit *), int group)
{
    check(l, sqlite3_exec(l->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    for (int i = 0; i < group; i++) {
        one(l);
    }
    check(l, sqlite3_exec(l->db, "COMMIT", NULL, NULL, NULL));
}

/* Slices that take turns. */

static struct slice {
    const char *name;
    op_fn *fn;                   /* Or: */
    void (*one)(struct limit *); /* Exactly one of the two. */
    double n, seconds, cpu;
} slices[] = {
    { "address", address_op, NULL }, { "limit_address", NULL, limit_address },
    { "boot", boot_op, NULL },       { "limit_boot", NULL, limit_boot },
    { "raw", NULL, limit_raw },
};

static void
run_slice(struct slice *slice, struct bench *b, struct limit *l, int group)
{
    double start = now_s(), end = start, cpu = cpu_s();

    for (; end < start + b->seconds; end = now_s()) {
        if (slice->fn) {
            op_group(b, slice->fn, group);
        } else {
            limit_group(l, slice->one, group);
        }
        slice->n += group;
    }
    slice->seconds += end - start;
    slice->cpu += cpu_s() - cpu;
}

static void
measure(struct bench *b, struct limit *l, int group, const char *only)
{
    const char *comma = "";

    for (int round = 0; round < N_ROUNDS; round++) {
        for (size_t i = 0; i < NT_ARRAY_SIZE(slices); i++) {
            if (!only || !strcmp(only, slices[i].name)) {
                run_slice(&slices[i], b, l, group);
            }
        }
    }
    printf("{");
    for (struct slice *s = slices; s < slices + NT_ARRAY_SIZE(slices); s++) {
        if (s->n) {
            printf("%s\"%s\": {\"per_s\": %.1f, \"cpu_us\": %.1f}", comma, s->name,
                   s->n / s->seconds, s->cpu / s->n * 1e6);
            comma = ", ";
        }
    }
    printf("}\n");
}

int
main(int argc, char *argv[])
{
    struct bench b = { .n = 0 };
    struct limit l = { .n = 0 };
    struct nt_err err = { 0 };

    if (argc != 5 && argc != 6) {
        die("usage", "bench-durable FOLDER SECONDS INSTANCES GROUP [NAME]");
    }

    AUTO_FREE char *url = xasprintf("sqlite:///%s/durable.sqlite", argv[1]);
    b.seconds = atof(argv[2]) / N_ROUNDS;
    core_env_init(&b.env, nt_clock_system(), nt_random_system());
    for (size_t i = 0; i < QUOTA_N; i++) {
        b.env.quotas[i] = -1;
    }
    b.env.service_down_time_s = 86400;
    must(store_open(url, &b.store, &err), &err);
    b.ops = op_queue_new(b.store);
    op_submit(b.ops, start_op, &b, op_over, &b);
    op_queue_run(b.ops);
    op_group(&b, boot_op, MAX(atoi(argv[3]), 1));
    limit_init(&l, store_path(b.store), b.env.random);
    measure(&b, &l, MAX(atoi(argv[4]), 1), argc == 6 ? argv[5] : NULL);
    limit_deinit(&l);
    op_queue_free(b.ops);
    store_free(b.store);
    nt_random_free(b.env.random);
    return 0;
}
