/* What a machine's monitor says: the client of QMP.
 *
 * The first byte chooses how many bytes come at a time, so that lines are cut anywhere;
 * commands are sent in between.  Whatever comes, the queues stay within their bounds, a
 * closed connection stays closed and says why, and nothing is kept beyond a message's
 * greatest size. */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "wire/qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

static void
take_all(struct nt_qmp *qmp)
{
    struct nt_qmp_message m;
    size_t n = 0;

    while (nt_qmp_take(qmp, &m)) {
        check(++n <= NT_QMP_MAX_QUEUE);
        check(strlen(m.name) < sizeof m.name);
        (void) nt_qmp_text(m.data, "reason");
        json_destroy(m.data);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(nt_qmp) qmp = nt_qmp_new();

    if (!size) {
        return 0;
    }

    size_t step = data[0] ? data[0] : 1;
    for (size_t i = 1; i < size; i += step) {
        (void) nt_qmp_send(qmp, "query-status");
        nt_qmp_feed(qmp, (const char *) data + i, size - i < step ? size - i : step);
        if (i % 3 == 0) {
            take_all(qmp);
        }
        if (nt_qmp_get_state(qmp) == NT_QMP_CLOSED) {
            check(*nt_qmp_why(qmp));
            check(!nt_qmp_send(qmp, "quit"));
        }
    }
    take_all(qmp);
    return 0;
}
