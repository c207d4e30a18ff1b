/* SPDX-License-Identifier: Apache-2.0 */
/* Devices and CPUs that are gone; see presence.h. Nothing is kept here: who holds what is the
 * ledger's, what there is the inventory's, and what was said already health's. */
#include "presence.h"

#include "util/cleanup.h"

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

/* One reading for all of them: a CPU is no device by itself, and its core may be gone with it. */
static int report_cpus(const struct inventory *inv, const struct ledger *ledger,
		       presence_report report, void *userdata)
{
	_cleanup_(cpuset_freep) struct cpuset *off = NULL;
	_cleanup_free_ char *text = NULL;
	char evidence[256];
	struct reading reading = { .subject = "node", .type = "held-cpus" };
	int r = cpuset_copy(&off, ledger_cpus(ledger));

	if (r == 0)
		r = cpuset_subtract(off, inv->machine.online);
	if (r < 0)
		return r;
	if (!cpuset_empty(off)) {
		text = cpuset_format(off);
		(void)snprintf(evidence, sizeof(evidence),
			       "offline while slices hold them: CPUs %s, the first by slice %s",
			       text ? text : "?", /* a long list may be cut */
			       ledger_cpu_holder(ledger, (unsigned)cpuset_next(off, -1)));
		reading.verdict = VERDICT_DEGRADED;
		reading.evidence = evidence;
	}
	return report(&reading, userdata);
}

int presence_check(const struct inventory *inv, const struct ledger *ledger,
		   const struct health *health, presence_report report, void *userdata)
{
	size_t cursor = 0;
	int r = 0;

	for (const struct allocation *a; r >= 0 && (a = ledger_next(ledger, &cursor));)
		r = report_held(inv, a, report, userdata);
	if (r >= 0)
		r = report_cpus(inv, ledger, report, userdata);
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
