/* What somebody wants of a guest's power: stopped, started, rebooted.
 *
 *     RUNNING -> ENDING -> DOWN                      stop
 *                DOWN -> PLUG -> GUARD -> START      start: devices that are there stay
 *     RUNNING -> ENDING -> PLUG -> GUARD -> START    reboot
 *
 * A wish has a number that only grows (nt_instance.power_generation), so it may come
 * twice, by cast and in the list after a reconnection, and is done once. */
#pragma once

#include <stdint.h>

#include "compute/model.h"

/* The wish that an instance's task stands for ("powering-off" and so on); other tasks,
 * and wishes that were seen before, only bring a report. */
void power_wish(struct compute *, struct guest *, const char *task_state, int64_t generation);

/* Goes on with what an earlier process left half-done; the guest runs. */
void power_resume(struct compute *, struct guest *);

/* The task to be reported while the guest is on its way; NULL: none. */
const char *power_task(const struct guest *);

/* Phase GUEST_ENDING. */
void power_ending(struct compute *, struct guest *);
