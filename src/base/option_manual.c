#include <config.h>

#include "base/mem.h"
#include "base/option.h"
#include "openvswitch/dynamic-string.h"

/* Text for roff; with 'by_sentence' each sentence begins a line. */
static void
put_roff(struct ds *out, const char *text, bool by_sentence)
{
    bool at_start = true;

    for (; *text; text++) {
        if (at_start && *text == '.') {
            ds_put_cstr(out, "\\&");
        }
        at_start = false;
        if (*text == '-') {
            ds_put_cstr(out, "\\-");
        } else if (*text == '\'') {
            ds_put_cstr(out, "\\(aq");
        } else if (*text == '\\') {
            ds_put_cstr(out, "\\e");
        } else if (by_sentence && *text == '.' && text[1] == ' ') {
            ds_put_cstr(out, ".\n");
            text++;
            at_start = true;
        } else {
            ds_put_char(out, *text);
        }
    }
}

static void
put_option(struct ds *out, const struct nt_option *o)
{
    ds_put_format(out, ".TP\n.BR %s \" (", o->name);
    put_roff(out, o->type == NT_OPT_CHOICE ? o->choices : nt_option_type_name(o), false);
    if ((o->type == NT_OPT_INT || o->type == NT_OPT_SECONDS) && (o->min || o->max)) {
        AUTO_FREE char *range = xasprintf(" %lld to %lld", o->min, o->max);

        put_roff(out, range, false);
    }
    ds_put_cstr(out, ", default: ");
    put_roff(out, *o->def ? o->def : "none", false);
    ds_put_cstr(out, ")\"\n");
    put_roff(out, o->help, true);
    if (o->more) {
        ds_put_char(out, '\n');
        put_roff(out, o->more, true);
    }
    ds_put_char(out, '\n');
}

void
nt_option_manual(const struct nt_option *options, const char *whose, struct ds *out)
{
    const struct nt_option *last = NULL;

    for (const struct nt_option *o = options; o->name; o++) {
        if (o->ignored) {
            last = o;
            continue;
        }
        if (o->group) {
            ds_put_format(out, ".SS %s\n", o->group);
        }
        put_option(out, o);
    }
    ds_put_format(out, ".SS Accepted without effect\n%s\n", whose);
    for (const struct nt_option *o = options; o->name; o++) {
        if (o->ignored) {
            ds_put_format(out, ".BR %s %s\n", o->name, o == last ? "." : ",");
        }
    }
}
