/* SPDX-License-Identifier: Apache-2.0 */
/* Housekeeping CPUs; see housekeeping.h. */
#include "systemd/housekeeping.h"

#include "systemd/connection.h"
#include "systemd/transient.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

/* systemd.special(7): services, user sessions, PID 1 itself; and the agent. */
const char *const housekeeping_units[] = { "system.slice", "user.slice", "init.scope",
					   "reeved.slice", NULL };

static int ask(struct systemd *s, const char *unit, sd_bus_error *error, struct cpuset **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *loaded = NULL, *answer = NULL;
	const size_t length = strlen(unit);
	const bool scope = length > 6 && strcmp(unit + length - 6, ".scope") == 0;
	const char *path;
	int r = sd_bus_call_method(s->bus, MANAGER_NAME, MANAGER_PATH, MANAGER_INTERFACE,
				   "LoadUnit", error, &loaded, "s", unit);

	if (r >= 0)
		r = sd_bus_message_read(loaded, "o", &path);
	if (r >= 0)
		r = sd_bus_get_property(s->bus, MANAGER_NAME, path,
					scope ? "org.freedesktop.systemd1.Scope"
					      : "org.freedesktop.systemd1.Slice",
					property_name(PROPERTY_ALLOWED_CPUS), error, &answer,
					property_signature(PROPERTY_ALLOWED_CPUS));
	return r < 0 ? r : property_read_set(answer, ret);
}

int housekeeping_read(struct systemd *s, const char *unit, struct cpuset **ret, struct fail *f)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = systemd_connect(s, f);

	if (r < 0)
		return r;
	r = ask(s, unit, &error, ret);
	if (r < 0 && !sd_bus_error_is_set(&error))
		(void)sd_bus_error_set_errno(&error, r); /* gives back what it is given */
	return r < 0 ? systemd_refusal(&error, "tell the CPUs of", unit, f) : 0;
}

int housekeeping_write(struct systemd *s, const char *unit, const struct cpuset *cpus,
		       struct fail *f)
{
	return transient_set(
		s, unit, &(struct property_value){ .property = PROPERTY_ALLOWED_CPUS, .set = cpus },
		1, f);
}
