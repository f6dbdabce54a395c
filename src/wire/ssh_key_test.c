#include <config.h>

#include "wire/ssh_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIJk9KEaE/kUJc4eDZE5/fiYa/tqWMEc+sd5JLiSIUqhN"

static void
fingerprint_is_what_openssh_says(void **state)
{
    static const char *const good[] = {
        "ssh-ed25519 " BLOB " joe@host",
        "ssh-ed25519 " BLOB,
        "ssh-ed25519  " BLOB "\tjoe at host",
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(good); i++) {
        char fingerprint[NT_SSH_FINGERPRINT_SIZE];
        struct nt_err err = { 0 };

        assert_int_equal(nt_ssh_public_key_check(good[i], fingerprint, &err), 0);
        assert_string_equal(fingerprint, "79:f8:17:06:f0:6f:3e:5a:7f:a7:1f:aa:d2:85:9c:7d");
    }
}

static void
anything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "ssh-ed25519",
        "ssh-ed25519 ",
        "ssh-rsa " BLOB,            /* Another type inside. */
        "ssh-rot13 " BLOB,          /* No such type. */
        "ssh-ed25519 " BLOB "AAAA", /* Bytes left over. */
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5/////w==",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 !!!!",
        "ssh-ed25519 " BLOB " joe\nssh-ed25519 " BLOB,
        "ssh-ed25519 " BLOB "\r",
        "command=\"sh\" ssh-ed25519 " BLOB,
    };
    char fingerprint[NT_SSH_FINGERPRINT_SIZE];
    AUTO_FREE char *text = xmalloc(NT_SSH_KEY_MAX + 2);

    for (size_t i = 0; i < NT_ARRAY_SIZE(bad); i++) {
        struct nt_err err = { 0 };

        if (nt_ssh_public_key_check(bad[i], fingerprint, &err) == 0) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_int_equal(err.code, NT_INVALID);
    }
    memset(text, 'x', NT_SSH_KEY_MAX + 1);
    text[NT_SSH_KEY_MAX + 1] = '\0';
    memcpy(text, "ssh-ed25519 " BLOB " ", strlen("ssh-ed25519 " BLOB " "));
    assert_int_equal(nt_ssh_public_key_check(text, fingerprint, NULL), -1);
}

static void
both_halves_of_a_new_pair_belong_together(void **state)
{
    struct nt_ssh_pair pair;
    char fingerprint[NT_SSH_FINGERPRINT_SIZE];
    struct nt_err err = { 0 };

    assert_int_equal(nt_ssh_pair_generate("me", &pair, &err), 0);
    assert_int_equal(nt_ssh_public_key_check(pair.public_key, fingerprint, &err), 0);
    assert_int_equal(strncmp(pair.public_key, "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ", 38), 0);
    assert_string_equal(pair.public_key + strlen(pair.public_key) - 3, " me");
    assert_non_null(strstr(pair.private_pem, "-----BEGIN RSA PRIVATE KEY-----"));

    BIO *bio = BIO_new_mem_buf(pair.private_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_get_bits(key), 2048);
    EVP_PKEY_free(key);
    BIO_free(bio);
    nt_ssh_pair_clear(&pair);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprint_is_what_openssh_says),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(both_halves_of_a_new_pair_belong_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
