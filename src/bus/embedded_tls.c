#include <config.h>

#include "bus/embedded_tls.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/mem.h"

#define IDENTITY "neutrino"
#define CIPHER "TLS_AES_128_GCM_SHA256"
#define MIN_KEY 32
#define MAX_KEY 64

static const unsigned char cipher_id[2] = { 0x13, 0x01 };

struct nt_tls {
    SSL_CTX *ctx;
    bool is_server;
    unsigned char key[MAX_KEY];
    size_t key_len;
};

/* Hex digits to bytes, blanks ignored. */
static int
parse_key(const char *text, size_t len, struct nt_tls *tls)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = text[i];

        if (isspace(c)) {
            continue;
        }
        if (!isxdigit(c) || n >= 2 * MAX_KEY) {
            return -1;
        }

        unsigned digit = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
        tls->key[n / 2] = tls->key[n / 2] << 4 | digit;
        n++;
    }
    tls->key_len = n / 2;
    return n % 2 || tls->key_len < MIN_KEY ? -1 : 0;
}

static int
read_key(const char *path, int fd, struct nt_tls *tls, struct nt_err *err)
{
    char text[4 * MAX_KEY];
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return nt_fail(err, NT_INVALID, "key file %s is not a regular file", path);
    }
    if (st.st_mode & 007) {
        return nt_fail(err, NT_INVALID,
                       "key file %s has mode %04o: others may use it, want 0640 or 0600", path,
                       (unsigned) (st.st_mode & 07777));
    }

    ssize_t n = read(fd, text, sizeof text);
    int rc = n < 0 ? -1 : parse_key(text, n, tls);

    OPENSSL_cleanse(text, sizeof text);
    return rc ? nt_fail(err, NT_INVALID, "key file %s does not hold %d to %d bytes in hex", path,
                        MIN_KEY, MAX_KEY)
              : 0;
}

static struct nt_tls *
tls_of(SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* The session that stands for our key; given to OpenSSL. */
static SSL_SESSION *
key_session(SSL *ssl)
{
    struct nt_tls *tls = tls_of(ssl);
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, cipher_id);
    SSL_SESSION *session = SSL_SESSION_new();

    if (!cipher || !session || !SSL_SESSION_set1_master_key(session, tls->key, tls->key_len)
        || !SSL_SESSION_set_cipher(session, cipher)
        || !SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION)) {
        SSL_SESSION_free(session);
        return NULL;
    }
    return session;
}

/* Client: offers the key. */
static int
use_session(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
            SSL_SESSION **session)
{
    *session = key_session(ssl);
    *id = (const unsigned char *) IDENTITY;
    *id_len = strlen(IDENTITY);
    return *session != NULL;
}

/* Server: an identity that is not ours finds nothing, and the handshake fails for
 * want of a certificate. */
static int
find_session(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
    *session = NULL;
    if (id_len == strlen(IDENTITY) && !memcmp(id, IDENTITY, id_len)) {
        *session = key_session(ssl);
        return *session != NULL;
    }
    return 1;
}

static int
set_up(struct nt_tls *tls)
{
    SSL_CTX *ctx = tls->ctx = SSL_CTX_new(TLS_method());

    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION)
        || !SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION)
        || !SSL_CTX_set_ciphersuites(ctx, CIPHER) || !SSL_CTX_set_num_tickets(ctx, 0)) {
        return -1;
    }
    SSL_CTX_set_app_data(ctx, tls);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                              | SSL_MODE_RELEASE_BUFFERS);
    if (tls->is_server) {
        SSL_CTX_set_psk_find_session_callback(ctx, find_session);
    } else {
        /* No trusted certificate exists: a server that does not take the key but
         * comes with a certificate is refused. */
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_psk_use_session_callback(ctx, use_session);
    }
    return 0;
}

int
nt_tls_new(const char *key_file, bool is_server, struct nt_tls **out, struct nt_err *err)
{
    AUTO(nt_tls) tls = xzalloc(sizeof *tls);
    int fd;

    if (!key_file || !*key_file) {
        return nt_fail(err, NT_INVALID, "a bus over TCP needs a key file");
    }
    fd = open(key_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return nt_fail(err, NT_INVALID, "cannot read key file %s: %s", key_file, strerror(errno));
    }
    tls->is_server = is_server;

    int rc = read_key(key_file, fd, tls, err);
    close(fd);
    if (rc < 0) {
        return -1;
    }
    if (set_up(tls) < 0) {
        return nt_fail(err, NT_FAULT, "cannot set up TLS 1.3: %s", nt_tls_error());
    }
    *out = TAKE(tls);
    return 0;
}

void
nt_tls_free(struct nt_tls *tls)
{
    if (tls) {
        SSL_CTX_free(tls->ctx);
        OPENSSL_cleanse(tls->key, sizeof tls->key);
        free(tls);
    }
}

SSL *
nt_tls_session(struct nt_tls *tls, int fd)
{
    SSL *ssl = SSL_new(tls->ctx);

    if (!ssl || !SSL_set_fd(ssl, fd)) {
        ovs_abort(0, "out of memory for TLS");
    }
    if (tls->is_server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    return ssl;
}

bool
nt_tls_is_proved(const SSL *ssl)
{
    return SSL_version(ssl) == TLS1_3_VERSION && SSL_session_reused(ssl);
}

const char *
nt_tls_error(void)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason ? reason : "connection closed";
}
