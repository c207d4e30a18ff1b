/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What reeve-init says of a task: one FRAME_STATUS, to the connected agents and, when it is final,
 * to the record file as a u32 length (host order) and that frame, which outlives reeve-init. */

#include <stddef.h>

#include "init/task.h"

enum { REPORT_BYTES = 640 }; /* a status: 17 fields, two short texts */

size_t report_encode(const struct task *t, void *room); /* REPORT_BYTES; the frame's size */
void report_task(const struct task *t);
