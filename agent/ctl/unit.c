/* SPDX-License-Identifier: Apache-2.0 */
/* Units for people: two or three significant digits, binary for memory, decimal for disks and
 * links. */
#include "ctl/unit.h"

#include "ctl/text.h"

#include <string.h>
#include <time.h>

static void scaled(struct buf *into, uint64_t value, unsigned base, const char *const *names)
{
	double scaled_value = (double)value;
	unsigned step = 0;

	while (scaled_value >= base && names[step + 1]) {
		scaled_value /= base;
		step++;
	}
	/* one decimal below 100 where it says something, so that 1.5 GiB is not 1 and 4.0 is 4 */
	if (step && scaled_value < 100 && (uint64_t)(scaled_value * 10 + 0.5) % 10)
		buf_format(into, "%.1f %s", scaled_value, names[step]);
	else
		buf_format(into, "%.0f %s", scaled_value, names[step]);
}

void unit_bytes(struct buf *into, uint64_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL };

	scaled(into, bytes, 1024, names);
}

void unit_size(struct buf *into, uint64_t bytes)
{
	static const char *const names[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB", NULL };

	scaled(into, bytes, 1000, names);
}

void unit_rate(struct buf *into, uint64_t megabits)
{
	static const char *const names[] = { "Mb/s", "Gb/s", "Tb/s", NULL };

	scaled(into, megabits, 1000, names);
}

void unit_time(struct buf *into, const char *rfc3339)
{
	struct tm utc = { 0 }, local;
	const char *rest;
	char text[32];
	time_t when;

	if (!rfc3339)
		return;
	rest = strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &utc);
	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || strcmp(rest, "Z") != 0) {
		text_safe(into, rfc3339, true);
		return;
	}
	when = timegm(&utc);
	if (localtime_r(&when, &local) && strftime(text, sizeof(text), "%F %T", &local))
		buf_text(into, text);
}
