#include <config.h>

#include "agent/plan/plan.h"

#include <stdarg.h>

#include "base/mem.h"

void
plan_init(struct plan *plan)
{
    *plan = (struct plan){ 0 };
}

void
plan_clear(struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        free(plan->lines[i].flow);
    }
    plan->n = 0;
}

void
plan_deinit(struct plan *plan)
{
    plan_clear(plan);
    free(plan->lines);
    plan_init(plan);
}

void
plan_flow(struct plan *plan, const char *bridge, const char *format, ...)
{
    va_list args;

    if (plan->n >= plan->allocated) {
        plan->lines = x2nrealloc(plan->lines, &plan->allocated, sizeof *plan->lines);
    }
    va_start(args, format);
    plan->lines[plan->n++] = (struct plan_line){ bridge, xvasprintf(format, args) };
    va_end(args);
}
