/* SPDX-License-Identifier: Apache-2.0 */
/* The CPUs' microcode as a firmware component of each package, for the bill of materials: what the
 * CPU driver found, said once more where firmware is listed. */
#include "drivers/component.h"
#include "drivers/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int add(struct discovery *d, const struct device *package)
{
	struct device *device;
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "microcode-%u", package->package.number); /* fits */
	r = component_add(d, "microcode", name, &device);
	if (r < 0)
		return r;
	if (device_set_string(&device->firmware.version, package->package.microcode) < 0 ||
	    device_set_string(&device->firmware.vendor, package->package.vendor) < 0 ||
	    device_set_string(&device->firmware.product, package->package.model) < 0)
		return -ENOMEM;
	return 0;
}

static int microcode_probe(struct discovery *d, struct fail *f)
{
	size_t cursor = 0;
	int r = 0;

	for (struct device *p; r == 0 && (p = discovery_next(d, DEVICE_PACKAGE, &cursor));)
		if (p->package.microcode)
			r = add(d, p);
	return r < 0 ? fail_set(f, r, "cannot list the microcode: %s", strerror(-r)) : 0;
}

const struct driver driver_microcode = {
	.name = "microcode",
	.phase = DRIVER_PHASE_ANNOTATE,
	.probe = microcode_probe,
};
