#include <config.h>

#include "compute/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

#define ID "99999999-9999-4999-8999-999999999999"
#define PORT "88888888-8888-4888-8888-888888888888"
#define NET "77777777-7777-4777-8777-777777777777"

static struct nt_vif vifs[] = {
    { .port_id = PORT,
      .network_id = NET,
      .network_name = "novanetwork",
      .mac = "fa:16:3e:2c:e8:ec",
      .address = "10.0.0.2",
      .cidr = "10.0.0.0/24",
      .gateway_ip = "10.0.0.1",
      .dhcp_server = "10.0.0.1",
      .bridge = "br100",
      .mtu = 1450 },
    { .port_id = NET,
      .network_id = PORT,
      .network_name = "second",
      .mac = "fa:16:3e:00:00:02",
      .address = "10.1.0.2",
      .cidr = "10.1.0.0/16",
      .bridge = "br200",
      .multi_host = true },
};

static const struct nt_instance_view cirros = {
    .id = ID,
    .number = 9,
    .name = "cirros \"\xc3\xa4\"",
    .hostname = "cirros",
    .vm_state = "building",
    .task_state = "spawning",
    .ram_mb = 512,
    .vcpus = 1,
    .image_name = "cirros",
    .image_location = "/usr/share/neutrino/guests/cirros",
    .revision = 3,
    .vifs = vifs,
    .n_vifs = 2,
};

static int
set_up(void **state)
{
    char *dir = xstrdup("/tmp/nt-test-guest-XXXXXX");

    assert_non_null(mkdtemp(dir));
    *state = dir;
    return 0;
}

static int
tear_down(void **state)
{
    int rc = nt_remove_tree(*state);

    free(*state);
    return rc;
}

static void
put_file(const char *path, const void *bytes, size_t n)
{
    assert_int_equal(nt_file_replace(path, bytes, n, 0644, NULL, NULL), 0);
}

static void
folder_is_named_after_the_number_in_hex(void **state)
{
    (void) state;
    AUTO_FREE char *folder = guest_folder("/i", 9);
    AUTO_FREE char *file = guest_file("/i", 0x1234, "console.log");

    assert_string_equal(folder, "/i/instance-00000009");
    assert_string_equal(file, "/i/instance-00001234/console.log");
}

static void
record_brings_the_guest_back(void **state)
{
    const char *dir = *state;
    AUTO(guest) guest = guest_new(&cirros);
    AUTO(guest) again = NULL;
    AUTO_FREE char *folder = guest_folder(dir, 9);
    struct nt_err err = { 0 };

    strcpy(guest->ifnames[0], "vnet0");
    strcpy(guest->ifnames[1], "vnet3");
    strcpy(guest->handle, "vm-cirros");
    guest->pid = 4711;
    guest->pid_start = INT64_C(123456789012);
    guest->generation = 5;
    guest->wants_off = guest->started = guest->launched = true;
    guest->reboot = GUEST_REBOOT_HARD;
    strcpy(guest->fault, "why");
    assert_int_equal(nt_mkdirs(folder, 0755, &err), 0);
    assert_int_equal(guest_save(guest, dir, &err), 0);

    assert_int_equal(guest_load(folder, &again, &err), 0);
    assert_string_equal(again->view.name, cirros.name);
    assert_string_equal(again->view.image_location, cirros.image_location);
    assert_int_equal(again->view.number, 9);
    assert_int_equal(again->view.n_vifs, 2);
    assert_memory_equal(again->view.vifs, vifs, sizeof vifs);
    assert_string_equal(again->ifnames[0], "vnet0");
    assert_string_equal(again->ifnames[1], "vnet3");
    assert_string_equal(again->handle, "vm-cirros");
    assert_int_equal(again->pid, 4711);
    assert_int_equal(again->pid_start, INT64_C(123456789012));
    assert_int_equal(again->generation, 5);
    assert_true(again->wants_off && again->started && again->launched);
    assert_int_equal(again->reboot, GUEST_REBOOT_HARD);
    assert_string_equal(again->fault, "why");
}

static void
damaged_record_is_invalid_and_named(void **state)
{
    static const char *const damaged[] = {
        "",
        "{",
        "{}",
        "{\"instance\": 1}",
        "{\"instance\": {\"id\": \"no\", \"number\": 9}}",
        "{\"instance\": {\"id\": \"" ID "\", \"number\": 9, \"vifs\": [{\"mac\": 1}]}}",
    };
    AUTO_FREE char *folder = guest_folder(*state, 9);
    AUTO_FREE char *path = guest_file(*state, 9, "instance.json");
    struct guest *guest = NULL;
    struct nt_err err = { 0 };

    assert_int_equal(nt_mkdirs(folder, 0755, &err), 0);
    assert_int_equal(guest_load(folder, &guest, &err), -1);
    assert_int_equal(err.code, NT_FAULT);
    for (size_t i = 0; i < NT_ARRAY_SIZE(damaged); i++) {
        put_file(path, damaged[i], strlen(damaged[i]));
        err = (struct nt_err){ 0 };
        assert_int_equal(guest_load(folder, &guest, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_non_null(strstr(err.msg, path));
        assert_null(guest);
    }
}

static void
check_console(const char *dir, const char *bytes, size_t n, int64_t n_lines, size_t max,
              const char *wanted)
{
    AUTO_FREE char *path = nt_path_join(dir, "console.log");

    put_file(path, bytes, n);

    AUTO_FREE char *text = guest_console(path, n_lines, max);
    assert_string_equal(text, wanted);
}

static void
console_is_its_last_lines(void **state)
{
    const char *text = "one\ntwo\nthree\n";
    size_t n = strlen(text);

    check_console(*state, text, n, 0, 1000, text);
    check_console(*state, text, n, 1, 1000, "three\n");
    check_console(*state, text, n, 2, 1000, "two\nthree\n");
    check_console(*state, text, n, 3, 1000, text);
    check_console(*state, text, n, 1000000, 1000, text);
    check_console(*state, text, n, 0, 6, "three\n");
    check_console(*state, text, n - 1, 1, 1000, "three");
    check_console(*state, "\n\n", 2, 1, 1000, "\n");
    check_console(*state, "", 0, 5, 1000, "");
}

static void
console_without_a_file_is_empty(void **state)
{
    (void) state;
    AUTO_FREE char *text = guest_console("/nonexistent/console.log", 10, 1000);

    assert_string_equal(text, "");
}

#define CLEAN(dir, bytes, wanted) check_console(dir, bytes, sizeof bytes - 1, 0, 1000, wanted)

static void
console_is_valid_utf8_without_controls(void **state)
{
    CLEAN(*state, "tab\there\r\n", "tab\there\r\n");
    CLEAN(*state, "nul\0bel\a esc\033[1m del\177", "nulbel esc[1m del");
    CLEAN(*state, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
          "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
    CLEAN(*state, "overlong \xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf.", "overlong   .");
    CLEAN(*state, "surrogate \xed\xa0\x80.", "surrogate .");
    CLEAN(*state, "beyond \xf4\x90\x80\x80 \xf5\x80\x80\x80.", "beyond  .");
    CLEAN(*state, "cut \xe2\x82", "cut ");
    CLEAN(*state, "\xa4 tail of a letter that was cut off", " tail of a letter that was cut off");
    CLEAN(*state, "broken \xc3(", "broken (");
}

static void
a_long_console_gives_back_its_beginning(void **state)
{
    char path[] = "/tmp/nt-test-console-XXXXXX";
    char part[4096];
    struct stat before, after;
    int fd = mkstemp(path);

    (void) state;
    memset(part, 'x', sizeof part);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(write(fd, part, sizeof part), sizeof part);
    }
    assert_int_equal(write(fd, "the end\n", 8), 8);
    assert_int_equal(fstat(fd, &before), 0);
    guest_console_trim(path, sizeof part * 2);
    assert_int_equal(fstat(fd, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_true(after.st_blocks * 512 <= (blkcnt_t) sizeof part * 4);

    AUTO_FREE char *text = guest_console(path, 0, sizeof part);
    assert_int_equal(strlen(text), sizeof part);
    assert_string_equal(text + sizeof part - 8, "the end\n");
    close(fd);
    unlink(path);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_console_gives_back_its_beginning),
        cmocka_unit_test(folder_is_named_after_the_number_in_hex),
        T(record_brings_the_guest_back),
        T(damaged_record_is_invalid_and_named),
        T(console_is_its_last_lines),
        cmocka_unit_test(console_without_a_file_is_empty),
        T(console_is_valid_utf8_without_controls),
    };

    return cmocka_run_group_tests_name("compute/guest", tests, NULL, NULL);
}
