/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of pressure; see pressure.h. */
#include "pressure_internal.h"

#include "cgroups/usage.h"
#include "meminfo.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)PRESSURE_CPU == (int)CG_PRESSURE_CPU &&
		       (int)PRESSURE_MEMORY == (int)CG_PRESSURE_MEMORY &&
		       (int)PRESSURE_IO == (int)CG_PRESSURE_IO,
	       "one order of resources");

void pressure_read(const struct pressure_point *p, struct cg_pressure *ret, double *ret_avg10)
{
	const enum cg_pressure_kind kind = (enum cg_pressure_kind)p->resource;
	struct cg_pressure unknown = { -1, -1, -1, -1, 0, 0 };
	int r = p->slice ? cg_pressure_read(p->slice->top_fd, kind, ret)
			 : cg_pressure_read_host(p->manager->host, kind, ret);

	if (r < 0)
		*ret = unknown;
	*ret_avg10 = p->rule->full ? ret->full10 : ret->some10;
}

bool pressure_available(const struct host *host, uint64_t *ret_bytes, uint64_t *ret_total_bytes)
{
	return meminfo_read(host->proc_fd, "meminfo", "MemAvailable:", ret_bytes) == 0 &&
	       meminfo_read(host->proc_fd, "meminfo", "MemTotal:", ret_total_bytes) == 0;
}

static int put_numbers(json_t *data, const struct pressure_point *p)
{
	struct cg_pressure now;
	double avg10;

	pressure_read(p, &now, &avg10);
	if (avg10 < 0)
		return 0;
	if (json_put(data, "avg10", json_real(avg10)) < 0)
		return -1;
	return json_put(data, "total_usec",
			json_integer((json_int_t)(p->rule->full ? now.full_usec : now.some_usec)));
}

static json_t *event_data(const struct pressure_point *p, const struct pressure_story *story)
{
	const struct pressure_rule *rule = p->rule;
	_cleanup_json_ json_t *data =
		json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:s*}", "scope",
			  pressure_scope_to_string(p->slice ? PRESSURE_SLICE : PRESSURE_HOST),
			  "resource", pressure_resource_to_string(p->resource), "kind",
			  rule->full ? "full" : "some", "stall_usec", (json_int_t)rule->stall_usec,
			  "window_usec", (json_int_t)rule->window_usec, "action", story->action,
			  "evidence", *story->evidence ? story->evidence : NULL);

	if (!data || put_numbers(data, p) < 0)
		return NULL;
	if (story->slices && json_put(data, "slices", json_incref(story->slices)) < 0)
		return NULL;
	return TAKE_PTR(data);
}

void pressure_tell(const struct pressure_point *p, const struct pressure_story *story)
{
	_cleanup_json_ json_t *data = event_data(p, story);
	_cleanup_free_ char *text = data ? json_text(data) : NULL;
	const char *id = story->about ? story->about->id : NULL;

	log_notice(&(struct log_about){ .slice = id }, "%s pressure of %s: %s%s%s",
		   pressure_resource_to_string(p->resource), p->slice ? "the slice" : "the host",
		   story->action, *story->evidence ? ": " : "", story->evidence);
	if (journal_report(p->manager->journal, id ? EVENT_SLICE_PRESSURE : EVENT_NODE_PRESSURE,
			   &(struct event_about){ .slice = id }, text) < 0)
		log_error(&(struct log_about){ .slice = id }, "an event was lost");
}

bool pressure_on_host(const struct pressure *p, char *evidence, size_t size)
{
	*evidence = 0;
	for (size_t i = 0; i < PRESSURE_RESOURCES; i++) {
		const struct pressure_point *point = &p->points[i];
		const size_t used = strlen(evidence);

		if (!point->rule->on || !pressure_acting(point->rule, &point->state))
			continue;
		(void)snprintf(
			evidence + used, size - used,
			"%s%s of the host is short: %s of revocable "
			"slices is in force",
			used ? "; " : "", pressure_resource_to_string((enum pressure_resource)i),
			pressure_action_to_string(
				point->rule->steps[point->state.level - 1].action)); /* may be cut
										      */
	}
	return *evidence;
}

static unsigned bits_of(const struct slice *s)
{
	return s->pressure && s->pressure->relief ? relief_bits(s->pressure->relief) : 0;
}

json_t *pressure_actions(const struct manager *m)
{
	json_t *list = json_array();
	size_t cursor = 0;

	for (const struct slice *s; list && (s = map_next(m->slices, &cursor, NULL));) {
		const unsigned bits = bits_of(s);

		if (bits)
			json_array_append_new(list, json_pack("{s:s,s:b,s:b}", "slice", s->id,
							      "throttled", !!(bits & RELIEF_CPU),
							      "frozen", !!(bits & RELIEF_FREEZE)));
	}
	return list;
}

json_t *pressure_slice_document(const struct slice *s)
{
	const struct pressure_slice *p = s->pressure;
	const unsigned bits = bits_of(s);
	json_t *watched = json_array();

	for (size_t i = 0; watched && p && i < PRESSURE_RESOURCES; i++)
		if (p->points[i].trigger)
			json_array_append_new(watched, json_string(pressure_resource_to_string(
							       (enum pressure_resource)i)));
	return json_pack("{s:o,s:b,s:b,s:s*}", "watched", watched, "throttled",
			 !!(bits & (RELIEF_CPU | RELIEF_MEMORY)), "frozen",
			 !!(bits & RELIEF_FREEZE), "reason", p && *p->reason ? p->reason : NULL);
}
