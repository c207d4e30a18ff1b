/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over all drivers; see driver.h. It knows no hardware: it keeps the order of phases and
 * turns a class that is given up into a note, so that the rest of the inventory stands. */
#include "drivers/driver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int discovery_note(struct discovery *d, const char *driver, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* a long sentence is cut */
	va_end(arguments);
	return d->to->note(d->sink, driver, text);
}

static int probe(struct discovery *d, const struct driver *driver)
{
	struct fail f = { 0 };
	int r;

	if (driver->match && !driver->match(d))
		return 0;
	r = driver->probe(d, &f);
	if (r >= 0 || r == -ENOMEM)
		return r < 0 ? r : 0;
	if (!f.error)
		(void)fail_set(&f, r, "the probe failed: %s", fail_code_of_errno(r));
	return discovery_note(d, driver->name, "%s", f.text);
}

int discovery_run(struct discovery *d)
{
	for (int phase = 0; phase < DRIVER_PHASES; phase++)
		for (const struct driver *const *driver = drivers; *driver; driver++) {
			int r = (int)(*driver)->phase == phase ? probe(d, *driver) : 0;

			if (r < 0)
				return r;
		}
	return 0;
}

int driver_nodes(const struct host *host, const struct device *device, struct device_rules *into)
{
	int r = 0;

	for (const struct driver *const *driver = drivers; r == 0 && *driver; driver++)
		if ((*driver)->nodes)
			r = (*driver)->nodes(host, device, into);
	return r;
}
