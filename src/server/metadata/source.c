#include <config.h>

#include "server/metadata/source.h"

#include <string.h>

#include "base/mem.h"
#include "wire/http/base64.h"

int
tree_answer_text(struct tree_answer *out, char *text, const char *content_type)
{
    out->body = text;
    out->len = strlen(text);
    out->content_type = content_type;
    return 0;
}

int
tree_not_found(struct nt_err *err)
{
    return nt_fail(err, NT_NOT_FOUND, "no such metadata");
}

char *
tree_hostname(const struct tree_source *s)
{
    return xasprintf("%s%s%s", s->info->instance.hostname, *s->domain ? "." : "", s->domain);
}

int
tree_user_data(const struct tree_source *s, struct tree_answer *out, struct nt_err *err)
{
    const char *user_data = s->info->instance.user_data;

    if (!user_data || !nt_base64_decode(user_data, &out->body, &out->len)) {
        return tree_not_found(err);
    }
    out->content_type = "application/octet-stream";
    return 0;
}
