#include <config.h>

#include "wire/ssh_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "wire/http/base64.h"

#define RSA_BITS 2048

static const char *const types[] = {
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-dss",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
};

static const char *
find_type(const char *text, size_t len)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(types); i++) {
        if (strlen(types[i]) == len && !memcmp(types[i], text, len)) {
            return types[i];
        }
    }
    return NULL;
}

/* The blob is nothing but strings (RFC 4251: a length of four bytes, then the
 * bytes): first the type, then the numbers of the key. */
static bool
check_blob(const uint8_t *blob, size_t len, const char *type)
{
    size_t n = 0;

    for (size_t at = 0; at < len; n++) {
        if (len - at < 4) {
            return false;
        }

        size_t size = (size_t) blob[at] << 24 | (size_t) blob[at + 1] << 16
                      | (size_t) blob[at + 2] << 8 | blob[at + 3];
        at += 4;
        if (!size || size > len - at
            || (!n && (size != strlen(type) || memcmp(blob + at, type, size)))) {
            return false;
        }
        at += size;
    }
    return n >= 2;
}

static void
put_fingerprint(const void *blob, size_t len, char out[NT_SSH_FINGERPRINT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };

    EVP_Digest(blob, len, digest, NULL, EVP_md5(), NULL);
    for (size_t i = 0; i < NT_SSH_FINGERPRINT_SIZE / 3; i++) {
        snprintf(out + 3 * i, 4, "%02x%s", digest[i],
                 i + 1 < NT_SSH_FINGERPRINT_SIZE / 3 ? ":" : "");
    }
}

int
nt_ssh_public_key_check(const char *text, char fingerprint[NT_SSH_FINGERPRINT_SIZE],
                        struct nt_err *err)
{
    size_t type_len = strcspn(text, " \t");
    const char *type = find_type(text, type_len);
    const char *base64 = text + type_len + strspn(text + type_len, " \t");
    AUTO_FREE char *word = xmemdup0(base64, strcspn(base64, " \t"));
    AUTO_FREE char *blob = NULL;
    size_t len;

    if (strlen(text) > NT_SSH_KEY_MAX) {
        return nt_fail(err, NT_INVALID, "the public key is longer than %d bytes", NT_SSH_KEY_MAX);
    }
    if (text[strcspn(text, "\r\n")]) {
        return nt_fail(err, NT_INVALID, "the public key is more than one line");
    }
    if (!type) {
        return nt_fail(err, NT_INVALID,
                       "the public key does not begin with a known type, such as ssh-rsa");
    }
    if (!nt_base64_decode(word, &blob, &len) || !check_blob((const uint8_t *) blob, len, type)) {
        return nt_fail(err, NT_INVALID, "the public key is damaged: this is no %s key", type);
    }
    put_fingerprint(blob, len, fingerprint);
    return 0;
}

static void
put_length(struct ds *blob, size_t len)
{
    const char bytes[] = { len >> 24, len >> 16, len >> 8, len };

    ds_put_buffer(blob, bytes, sizeof bytes);
}

/* A positive number: big endian, with a zero in front of a high bit. */
static void
put_number(struct ds *blob, const BIGNUM *number)
{
    size_t len = BN_num_bytes(number);
    AUTO_FREE unsigned char *bytes = xmalloc(len + 1);
    bool has_high_bit = BN_num_bits(number) % 8 == 0;

    bytes[0] = 0;
    BN_bn2bin(number, bytes + 1);
    put_length(blob, len + has_high_bit);
    ds_put_buffer(blob, (const char *) bytes + !has_high_bit, len + has_high_bit);
}

static char *
public_text(const BIGNUM *n, const BIGNUM *e, const char *comment)
{
    struct ds blob = DS_EMPTY_INITIALIZER;

    put_length(&blob, strlen("ssh-rsa"));
    ds_put_cstr(&blob, "ssh-rsa");
    put_number(&blob, e);
    put_number(&blob, n);

    AUTO_FREE char *base64 = nt_base64_encode(blob.string, blob.length);
    ds_destroy(&blob);
    return xasprintf("ssh-rsa %s %s", base64, comment);
}

static char *
private_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    char *bytes;

    if (bio && PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL)) {
        long len = BIO_get_mem_data(bio, &bytes);

        text = xmemdup0(bytes, len);
        explicit_bzero(bytes, len);
    }
    BIO_free(bio);
    return text;
}

int
nt_ssh_pair_generate(const char *comment, struct nt_ssh_pair *out, struct nt_err *err)
{
    EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    BIGNUM *n = NULL, *e = NULL;
    struct nt_ssh_pair pair = { NULL, NULL };

    if (key && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n)
        && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e)) {
        pair.private_pem = private_text(key);
        pair.public_key = public_text(n, e, comment);
    }
    BN_free(n);
    BN_free(e);
    EVP_PKEY_free(key);
    if (!pair.private_pem) {
        nt_ssh_pair_clear(&pair);
        return nt_fail(err, NT_FAULT, "OpenSSL cannot make a key");
    }
    *out = pair;
    return 0;
}

void
nt_ssh_pair_clear(struct nt_ssh_pair *pair)
{
    if (pair->private_pem) {
        explicit_bzero(pair->private_pem, strlen(pair->private_pem));
    }
    free(pair->private_pem);
    free(pair->public_key);
    *pair = (struct nt_ssh_pair){ NULL, NULL };
}
