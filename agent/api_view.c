/* SPDX-License-Identifier: Apache-2.0 */
/* The API's views of the agent; see api.h. */
#include "api.h"

#include "apart.h"
#include "api_internal.h"
#include "backend.h"
#include "document.h"
#include "enforce.h"
#include "manager.h"
#include "model/placement.h"
#include "privs.h"
#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static json_t *controllers(const struct manager *m)
{
	json_t *list = json_array();

	for (enum cg_controller c = 0; list && c < CG_CONTROLLERS; c++)
		if (m->controllers & CG_BIT(c))
			json_array_append_new(list, json_string(cg_controller_to_string(c)));
	return list;
}

static json_t *missing_capabilities(void)
{
	const char *names[64];
	unsigned count = privs_missing(names, ARRAY_SIZE(names));
	json_t *list = json_array();

	for (unsigned i = 0; list && i < count; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *agent(const struct manager *m)
{
	return json_pack("{s:s,s:i,s:o,s:s,s:s*,s:s,s:o,s:o,s:I}", "version", REEVE_VERSION, "pid",
			 (int)getpid(), "started_at", document_time(m->started_usec), "backend",
			 m->backend->name, "cgroup", m->tree_path, "cgroup_layout",
			 cg_layout_to_string(m->layout), "controllers", controllers(m),
			 "capabilities_missing", missing_capabilities(), "last_event",
			 (json_int_t)journal_last(m->journal));
}

static json_t *node(struct manager *m)
{
	struct view v = manager_view(m);
	struct resources free_now, used;
	char name[256] = "";

	watch_look(m->watch);
	view_free(&v, &free_now);
	view_used(&v, &used);
	(void)gethostname(name, sizeof(name) - 1); /* a cut name is still one */
	return json_pack("{s:s,s:s,s:s,s:o,s:I,s:o,s:o,s:o,s:o}", "name", name, "boot_id",
			 m->boot_id, "verdict", verdict_to_string(health_verdict(m->health, NULL)),
			 "agent", agent(m), "generation", (json_int_t)m->inventory->generation,
			 "summary", document_summary(m->inventory), "free",
			 document_resources(&free_now), "used", document_resources(&used),
			 "pressure", watch_pressure(m->watch));
}

static json_t *offers(struct manager *m)
{
	struct view v = manager_view(m);
	json_t *document = NULL;

	return offers_issue(m->offers, &v, m->host->monotonic_usec(m->host), &document) == 0
		       ? document
		       : NULL;
}

static json_t *look(struct manager *m, enum api_view view)
{
	switch (view) {
	case API_NODE:
		return node(m);
	case API_INVENTORY:
		return document_inventory(m->inventory);
	case API_OFFERS:
		return offers(m);
	case API_HEALTH:
		watch_look(m->watch);
		return watch_health(m->watch);
	case API_HEARTBEAT:
		return watch_heartbeat(m->watch);
	}
	return NULL;
}

int api_look(struct api *a, enum api_view view, json_t **ret, struct fail *f)
{
	*ret = look(a->manager, view);
	return *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

int api_slices(struct api *a, const char *slice, json_t **ret, struct fail *f)
{
	_cleanup_json_ json_t *list = NULL;
	struct slice *s = NULL;
	size_t cursor = 0;

	if (slice) {
		int r = api_find_slice(a, slice, &s, f);

		*ret = r < 0 ? NULL : slice_document(s);
		return r < 0 ? r : *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
	}
	list = json_array();
	while ((s = map_next(a->manager->slices, &cursor, NULL)))
		if (!list || json_array_append_new(list, slice_document(s)) < 0)
			return fail_set(f, -ENOMEM, "out of memory");
	*ret = json_pack("{s:O}", "slices", list);
	return *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

static int list_tasks(const struct slice *s, json_t **ret, struct fail *f)
{
	_cleanup_json_ json_t *list = json_array();
	size_t cursor = 0;

	for (const struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));)
		if (!list || json_array_append_new(list, slice_task_document(s, t)) < 0)
			return fail_set(f, -ENOMEM, "out of memory");
	*ret = json_pack("{s:O}", "tasks", list);
	return *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

int api_tasks(struct api *a, const char *slice, const char *task, json_t **ret, struct fail *f)
{
	struct api_found found;
	struct slice *s = NULL;
	int r;

	if (!task) {
		r = api_find_slice(a, slice, &s, f);
		return r < 0 ? r : list_tasks(s, ret, f);
	}
	r = api_find_task(a, &(struct api_task_order){ slice, task }, &found, f);
	if (r < 0)
		return r;
	*ret = slice_task_document(found.slice, found.task);
	return *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

static void on_considered(const struct placement_considered *c, void *userdata)
{
	json_t *list = userdata;

	json_array_append_new(
		list,
		c->fits ? json_pack("{s:s,s:b,s:i,s:s}", "place", c->label, "fits", 1, "cost",
				    (int)c->cost, "why", c->why)
			: json_pack("{s:s,s:b,s:s}", "place", c->label, "fits", 0, "why", c->why));
}

int api_explain(struct api *a, struct request *request, json_t **ret, struct fail *f)
{
	_cleanup_(allocation_freep) struct allocation *found = NULL;
	_cleanup_json_ json_t *considered = json_array();
	struct view v = manager_view(a->manager);
	struct fail why = { 0 };
	int r = enforce_possible(a->manager, request, &why);

	if (r == 0 && request->offer)
		r = offers_accept(a->manager->offers, request,
				  a->manager->host->monotonic_usec(a->manager->host), &why);
	if (r == 0)
		r = apart_find(a->manager, request);
	if (r == 0)
		r = placement_decide(&v, request, &found, &why, on_considered, considered);
	request_done(request);
	if (r == -ENOMEM)
		return fail_set(f, r, "out of memory");
	if (r == 0)
		*ret = json_pack("{s:b,s:o,s:{s:s,s:i},s:O}", "admissible", 1, "resources",
				 document_allocation(found), "placement", "why", found->why, "cost",
				 (int)found->cost, "alternatives", considered);
	else
		*ret = json_pack("{s:b,s:s,s:s,s:O}", "admissible", 0, "code", why.code, "detail",
				 why.text, "alternatives", considered);
	return *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

static void metric(struct buf *b, const char *name, const char *help, double value)
{
	buf_format(b, "# TYPE reeve_%s gauge\n# HELP reeve_%s %s\nreeve_%s %.17g\n", name, name,
		   help, name, value);
}

static void resource_metrics(struct buf *b, const char *which, const struct resources *r)
{
	const struct {
		const char *name;
		double value;
	} rows[] = {
		{ "cores", r->cores },
		{ "threads", r->threads },
		{ "memory_bytes", (double)r->memory_bytes },
		{ "gpus", r->gpus },
		{ "nics", r->nics },
		{ "disks", r->disks },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[64], help[96];

		(void)snprintf(name, sizeof(name), "%s_%s", which, rows[i].name); /* short names */
		(void)snprintf(help, sizeof(help), "%s that are %s.", rows[i].name, which);
		metric(b, name, help, rows[i].value);
	}
}

/* OpenMetrics 1.0 text. */
int api_metrics(struct api *a, char **ret_text)
{
	struct manager *m = a->manager;
	_cleanup_(buf_done) struct buf b = { 0 };
	struct view v = manager_view(m);
	struct resources free_now, used;
	size_t cursor = 0, tasks = 0;

	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));)
		tasks += slice_tasks_alive(s);
	watch_look(m->watch);
	view_free(&v, &free_now);
	view_used(&v, &used);
	buf_format(
		&b,
		"# TYPE reeve_build info\n# HELP reeve_build Version and back end of the agent.\n"
		"reeve_build_info{version=\"%s\",backend=\"%s\"} 1\n",
		REEVE_VERSION, m->backend->name);
	metric(&b, "verdict", "0 ok, 1 unknown, 2 degraded, 3 failed.",
	       health_verdict(m->health, NULL));
	metric(&b, "inventory_generation", "Rises when the hardware changes.",
	       (double)m->inventory->generation);
	metric(&b, "slices", "Slices that exist.", (double)map_count(m->slices));
	metric(&b, "tasks", "Tasks that are not over.", (double)tasks);
	buf_format(&b,
		   "# TYPE reeve_events counter\n# HELP reeve_events Number of the last event.\n"
		   "reeve_events_total %" PRIu64 "\n",
		   journal_last(m->journal));
	resource_metrics(&b, "free", &free_now);
	resource_metrics(&b, "used", &used);
	buf_text(&b, "# EOF\n");
	*ret_text = buf_steal(&b);
	return *ret_text ? 0 : -ENOMEM;
}
