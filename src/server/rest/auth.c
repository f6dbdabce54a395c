#include <config.h>

#include "server/rest/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/text.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "wire/http/base64.h"

#define DIGEST_SIZE 32
#define MAX_TOKENS 4096
#define MAX_LINE 2048

struct user {
    struct hmap_node node; /* In 'users', by hash of the name. */
    struct identity who;
    unsigned char password[DIGEST_SIZE];
};

struct token {
    struct hmap_node node;  /* In 'tokens', by its digest. */
    struct ovs_list by_age; /* In 'ages', oldest first. */
    unsigned char digest[DIGEST_SIZE];
    struct identity who;
    int64_t expires_at;
};

struct auth {
    char *path;
    const struct nt_clock *clock;
    struct nt_random *random;
    struct hmap users, tokens;
    struct ovs_list ages;
};

static void
sha256(const char *text, unsigned char out[DIGEST_SIZE])
{
    unsigned int len = DIGEST_SIZE;

    EVP_Digest(text, strlen(text), out, &len, EVP_sha256(), NULL);
}

static void
users_clear(struct hmap *users)
{
    struct user *user;

    HMAP_FOR_EACH_POP (user, node, users) {
        free(user);
    }
    hmap_destroy(users);
}

static size_t
hash_name(const char *name)
{
    unsigned char digest[DIGEST_SIZE];
    size_t hash;

    sha256(name, digest);
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

static struct user *
find_user(const struct hmap *users, const char *name)
{
    struct user *user;

    HMAP_FOR_EACH_WITH_HASH (user, node, hash_name(name), users) {
        if (!strcmp(user->who.user, name)) {
            return user;
        }
    }
    return NULL;
}

/* One line of the file; what is wrong with it, or NULL. */
static const char *
parse_line(struct hmap *users, char *line)
{
    char *save = NULL;
    char *words[5] = { NULL };
    size_t n = 0;

    for (char *w = strtok_r(line, " \t\r\n", &save); w && n < 5;
         w = strtok_r(NULL, " \t\r\n", &save)) {
        words[n++] = w;
    }
    if (!n || words[0][0] == '#') {
        return NULL;
    }
    if (n != 4) {
        return "expected USER PASSWORD PROJECT ROLE";
    }
    if (strcmp(words[3], "admin") && strcmp(words[3], "member")) {
        return "the role must be admin or member";
    }
    if (strchr(words[0], ':') || strlen(words[0]) >= NT_NAME_SIZE
        || strlen(words[2]) >= NT_NAME_SIZE || !nt_is_utf8(words[0], strlen(words[0]))
        || !nt_is_utf8(words[2], strlen(words[2]))) {
        return "bad user or project name";
    }
    if (find_user(users, words[0])) {
        return "this user is there already";
    }

    struct user *user = xzalloc(sizeof *user);
    ovs_strlcpy(user->who.user, words[0], sizeof user->who.user);
    ovs_strlcpy(user->who.project, words[2], sizeof user->who.project);
    user->who.is_admin = !strcmp(words[3], "admin");
    sha256(words[1], user->password);
    hmap_insert(users, &user->node, hash_name(user->who.user));
    return NULL;
}

static int
open_private(const char *path, FILE **out, struct nt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0) {
        return nt_fail_errno(err, errno, "cannot read the credentials %s", path);
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_mode & (S_IRWXO | S_IWGRP)) {
        close(fd);
        return nt_fail(err, NT_INVALID,
                       "%s: the credentials must be a file that only its owner and group "
                       "may read (mode 0640 or less)",
                       path);
    }
    *out = fdopen(fd, "r");
    return 0;
}

static int
read_users(const char *path, struct hmap *users, struct nt_err *err)
{
    char line[MAX_LINE];
    const char *fault = NULL;
    FILE *file = NULL;
    unsigned n = 0;

    if (open_private(path, &file, err) < 0) {
        return -1;
    }
    while (!fault && fgets(line, sizeof line, file)) {
        n++;
        fault = strlen(line) == sizeof line - 1 ? "the line is too long" : parse_line(users, line);
    }
    fclose(file);
    explicit_bzero(line, sizeof line);
    return fault ? nt_fail(err, NT_INVALID, "%s:%u: %s", path, n, fault) : 0;
}

static void
drop_token(struct auth *auth, struct token *token)
{
    hmap_remove(&auth->tokens, &token->node);
    ovs_list_remove(&token->by_age);
    free(token);
}

static bool
same_identity(const struct identity *a, const struct identity *b)
{
    return !strcmp(a->user, b->user) && !strcmp(a->project, b->project)
           && a->is_admin == b->is_admin;
}

int
auth_reload(struct auth *auth, struct nt_err *err)
{
    struct hmap users = HMAP_INITIALIZER(&users);
    struct token *token, *next;

    if (read_users(auth->path, &users, err) < 0) {
        users_clear(&users);
        return -1;
    }
    hmap_swap(&auth->users, &users);
    users_clear(&users);

    LIST_FOR_EACH_SAFE (token, next, by_age, &auth->ages) {
        const struct user *user = find_user(&auth->users, token->who.user);

        if (!user || !same_identity(&user->who, &token->who)) {
            drop_token(auth, token);
        }
    }
    return 0;
}

int
auth_new(const char *path, const struct nt_clock *clock, struct nt_random *random,
         struct auth **out, struct nt_err *err)
{
    AUTO(auth) auth = xzalloc(sizeof *auth);

    auth->path = xstrdup(path);
    auth->clock = clock;
    auth->random = random;
    hmap_init(&auth->users);
    hmap_init(&auth->tokens);
    ovs_list_init(&auth->ages);
    if (auth_reload(auth, err) < 0) {
        return -1;
    }
    *out = TAKE(auth);
    return 0;
}

void
auth_free(struct auth *auth)
{
    struct token *token, *next;

    if (!auth) {
        return;
    }
    LIST_FOR_EACH_SAFE (token, next, by_age, &auth->ages) {
        drop_token(auth, token);
    }
    hmap_destroy(&auth->tokens);
    users_clear(&auth->users);
    free(auth->path);
    free(auth);
}

int
auth_password(struct auth *auth, const char *name, const char *password, struct identity *out,
              struct nt_err *err)
{
    static const unsigned char nobody[DIGEST_SIZE];
    const struct user *user = find_user(&auth->users, name);
    unsigned char digest[DIGEST_SIZE];

    /* Compared for unknown users too, so that time does not tell them apart. */
    sha256(password, digest);
    if (CRYPTO_memcmp(digest, user ? user->password : nobody, DIGEST_SIZE) || !user) {
        return nt_fail(err, NT_UNAUTHORIZED, "wrong user name or password");
    }
    *out = user->who;
    return 0;
}

/* Base64 of USER:PASSWORD. */
static int
basic(struct auth *auth, const char *text, struct identity *out, struct nt_err *err)
{
    char *plain = NULL;
    size_t len = 0;
    int retval = -1;

    if (!nt_base64_decode(text, &plain, &len)) {
        return nt_fail(err, NT_UNAUTHORIZED, "the credentials are not base64");
    }

    char *colon = memchr(plain, ':', len);
    if (!colon || strlen(plain) != len) {
        nt_fail(err, NT_UNAUTHORIZED, "the credentials are not USER:PASSWORD");
    } else {
        *colon = '\0';
        retval = auth_password(auth, plain, colon + 1, out, err);
    }
    explicit_bzero(plain, len);
    free(plain);
    return retval;
}

static struct token *
find_token(struct auth *auth, const char *text)
{
    unsigned char digest[DIGEST_SIZE];
    struct token *token;
    size_t hash;

    sha256(text, digest);
    memcpy(&hash, digest, sizeof hash);
    HMAP_FOR_EACH_WITH_HASH (token, node, hash, &auth->tokens) {
        if (!CRYPTO_memcmp(token->digest, digest, DIGEST_SIZE)) {
            return token;
        }
    }
    return NULL;
}

int
auth_token(struct auth *auth, const char *text, struct identity *out, struct nt_err *err)
{
    struct token *token = find_token(auth, text);

    if (token && token->expires_at <= nt_wall_ms(auth->clock)) {
        drop_token(auth, token);
        token = NULL;
    }
    if (!token) {
        return nt_fail(err, NT_UNAUTHORIZED, "the token is not known or has expired");
    }
    *out = token->who;
    return 0;
}

int
auth_request(struct auth *auth, const struct nt_http_request *req, struct identity *out,
             struct nt_err *err)
{
    const char *authorization = nt_http_header(req, "authorization");
    const char *token = nt_http_header(req, "x-auth-token");

    if (authorization && !strncasecmp(authorization, "basic ", 6)) {
        return basic(auth, authorization + 6 + strspn(authorization + 6, " "), out, err);
    }
    if (!token) {
        return nt_fail(err, NT_UNAUTHORIZED, "the request has no credentials");
    }
    if (auth_token(auth, token, out, NULL) == 0 || basic(auth, token, out, NULL) == 0) {
        return 0;
    }
    return nt_fail(err, NT_UNAUTHORIZED, "the token is not known or has expired");
}

void
auth_each(const struct auth *auth, void (*take)(void *aux, const struct identity *), void *aux)
{
    const struct user *user;

    HMAP_FOR_EACH (user, node, &auth->users) {
        take(aux, &user->who);
    }
}

void
auth_issue(struct auth *auth, const struct identity *who, char text[AUTH_TOKEN_SIZE],
           int64_t *expires_at)
{
    struct token *token = xzalloc(sizeof *token);
    size_t hash;

    if (hmap_count(&auth->tokens) >= MAX_TOKENS) {
        drop_token(auth, CONTAINER_OF(ovs_list_front(&auth->ages), struct token, by_age));
    }
    nt_random_hex(auth->random, "token", (AUTH_TOKEN_SIZE - 1) / 2, text);
    sha256(text, token->digest);
    token->who = *who;
    token->expires_at = nt_wall_ms(auth->clock) + AUTH_TOKEN_LIFE_MS;
    memcpy(&hash, token->digest, sizeof hash);
    hmap_insert(&auth->tokens, &token->node, hash);
    ovs_list_push_back(&auth->ages, &token->by_age);
    *expires_at = token->expires_at;
}
