#include <config.h>

#include "wire/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

void
nt_hmac_sha256_hex(const char *key, const char *text, char out[NT_HMAC_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
    unsigned int len = sizeof digest;

    HMAC(EVP_sha256(), key, strlen(key), (const unsigned char *) text, strlen(text), digest, &len);
    for (size_t i = 0; i < (NT_HMAC_HEX_SIZE - 1) / 2; i++) {
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
}

void
nt_sha1(const char *text, uint8_t out[NT_SHA1_SIZE])
{
    EVP_Digest(text, strlen(text), out, NULL, EVP_sha1(), NULL);
}

uint32_t
nt_sha1_32(const char *text)
{
    uint8_t d[NT_SHA1_SIZE] = { 0 };

    nt_sha1(text, d);
    return (uint32_t) d[0] << 24 | (uint32_t) d[1] << 16 | (uint32_t) d[2] << 8 | d[3];
}

bool
nt_text_equal_ct(const char *secret, const char *given)
{
    unsigned char a[32] = { 0 }, b[32] = { 0 };

    /* Digests have one length, so that the secret's own does not show. */
    EVP_Digest(secret, strlen(secret), a, NULL, EVP_sha256(), NULL);
    EVP_Digest(given, strlen(given), b, NULL, EVP_sha256(), NULL);
    return CRYPTO_memcmp(a, b, sizeof a) == 0;
}
