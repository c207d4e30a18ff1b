/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are gone; see presence.h. Nothing is kept here: who holds what is the ledger's,
 * what there is the inventory's, and what was said already health's. */
#include "presence.h"

#include <stdio.h>
#include <string.h>

typedef int (*presence_report)(const struct reading *reading, void *userdata);

/* Cores, nodes and the machine itself are not held by name: an id of the ledger is a device. */
static bool is_device(const char *subject)
{
	return strcmp(subject, "node") != 0 && strcmp(subject, "agent") != 0;
}

static int report_missing(const struct allocation *a, const char *id, presence_report report,
			  void *userdata)
{
	char evidence[256];
	const struct reading r = {
		.subject = id, .type = "presence", .verdict = VERDICT_FAILED, .evidence = evidence
	};

	(void)snprintf(evidence, sizeof(evidence), "the device is gone while slice %s holds it",
		       a->slice); /* may be cut */
	return report(&r, userdata);
}

static int report_held(const struct inventory *inv, const struct allocation *a,
		       presence_report report, void *userdata)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < a->devices_count; i++)
		if (!inventory_find(inv, a->devices[i]))
			r = report_missing(a, a->devices[i], report, userdata);
	return r < 0 ? r : 0;
}

static int report_returned(const struct inventory *inv, const struct health *health,
			   presence_report report, void *userdata)
{
	size_t cursor = 0;
	int r = 0;

	for (const struct condition *c; r >= 0 && (c = health_next(health, &cursor));) {
		const struct reading back = { .subject = c->subject, .type = "presence" };

		if (c->verdict != VERDICT_OK && strcmp(c->type, "presence") == 0 &&
		    inventory_find(inv, c->subject))
			r = report(&back, userdata);
	}
	return r < 0 ? r : 0;
}

int presence_check(const struct inventory *inv, const struct ledger *ledger,
		   const struct health *health, presence_report report, void *userdata)
{
	size_t cursor = 0;
	int r = 0;

	for (const struct allocation *a; r >= 0 && (a = ledger_next(ledger, &cursor));)
		r = report_held(inv, a, report, userdata);
	return r < 0 ? r : report_returned(inv, health, report, userdata);
}

const char *presence_gone(const struct inventory *inv, const struct ledger *ledger,
			  const struct health *health)
{
	size_t cursor = 0;

	for (const struct condition *c; (c = health_next(health, &cursor));)
		if (is_device(c->subject) && !inventory_find(inv, c->subject) &&
		    !ledger_device_holder(ledger, c->subject))
			return c->subject;
	return NULL;
}
