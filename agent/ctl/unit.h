/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Numbers as people read them. Pure but for the local time zone (TZ). */

#include "util/buf.h"

#include <stdint.h>

void unit_bytes(struct buf *into, uint64_t bytes);   /* "512 MiB", "1.5 GiB", "0 B" */
void unit_rate(struct buf *into, uint64_t megabits); /* "100 Gb/s" of 100000 */
void unit_size(struct buf *into, uint64_t bytes);    /* decimal, as disks are sold: "3.8 TB" */

/* RFC 3339 in UTC ("2026-01-02T03:04:05.678901Z") as local "2026-01-02 03:04:05"; what is not of
 * that form is written as it is, made safe. */
void unit_time(struct buf *into, const char *rfc3339);
