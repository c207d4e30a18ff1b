/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether a process of a slice has a device node open, or a NIC for itself: what is in use is not
 * taken away. What it
 * has mapped and closed is not seen, nor a file system that is mounted. */

#include "slice.h"

/* 0: no process of the slice has it open. -EBUSY (code "device-in-use") with the process, also
 * where there is more to look through than can be done at once; -ENOMEM. */
int device_use_check(const struct slice *s, const char *device, struct fail *f);
