/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware components; see component.h. Their names come from firmware (a DIMM's locator), which
 * repeats itself. None is ever offered: they are for the bill of materials. */
#include "drivers/component.h"

#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SAME_NAME_LIMIT = 1024, NAME_BYTES = 96 };

static void make_name(const char *name, char room[NAME_BYTES])
{
	size_t n = 0;

	for (; name[n] && n + 1 < NAME_BYTES; n++)
		room[n] = isalnum((unsigned char)name[n]) || strchr("-._", name[n]) ? name[n] : '_';
	room[n] = 0;
}

static bool is_taken(struct discovery *d, const char *name)
{
	char id[NAME_BYTES + 32];

	(void)snprintf(id, sizeof(id), "firmware-%s", name); /* fits */
	return discovery_find(d, id);
}

static int find_name(struct discovery *d, const char *name, char room[NAME_BYTES + 16])
{
	char clean[NAME_BYTES];

	make_name(name, clean);
	(void)snprintf(room, NAME_BYTES + 16, "%s", clean); /* fits */
	for (unsigned i = 2; is_taken(d, room); i++) {
		if (i > SAME_NAME_LIMIT)
			return -ENOSPC;
		(void)snprintf(room, NAME_BYTES + 16, "%s-%u", clean, i); /* fits */
	}
	return 0;
}

int component_add(struct discovery *d, const char *component, const char *name, struct device **ret)
{
	_cleanup_(device_freep) struct device *device = NULL;
	char free_name[NAME_BYTES + 16];
	struct device *added;
	int r = find_name(d, name, free_name);

	if (r == 0)
		r = device_new(&device, DEVICE_FIRMWARE, free_name);
	if (r < 0)
		return r;
	device->offerable = false;
	if (device_set_string(&device->reason, "firmware is not handed out") < 0 ||
	    device_set_string(&device->firmware.component, component) < 0)
		return -ENOMEM;
	added = device;
	r = discovery_add(d, &device);
	if (r == 0)
		*ret = added;
	return r;
}
