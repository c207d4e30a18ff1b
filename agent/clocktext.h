/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A time as the API shows it: RFC 3339, UTC, microseconds ("2026-01-31T12:00:00.000001Z"). */

#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { CLOCK_TEXT_SIZE = 40 };

static inline void clock_text(uint64_t realtime_usec, char room[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(realtime_usec / 1000000);
	struct tm utc = { 0 };
	size_t n;

	(void)gmtime_r(&seconds, &utc); /* a year that does not fit an int leaves zeroes */
	n = strftime(room, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(room + n, CLOCK_TEXT_SIZE - n, ".%06uZ",
		       (unsigned)(realtime_usec % 1000000));
}
