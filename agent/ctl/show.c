/* SPDX-License-Identifier: Apache-2.0 */
/* How slices, what enforces them, and tasks look as tables and records. */
#include "ctl/show.h"

#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/unit.h"

#include <string.h>

static void cpus_cell(struct buf *into, const json_t *row, const struct screen *screen)
{
	const char *cpus = look_text(row, "resources.cpus");
	double shared = look_number_or(row, "resources.shared_cpus", 0);

	if (shared > 0) {
		buf_format(into, "%.6g shared of ", shared);
		cpus = look_text(row, "resources.shared_pool");
	}
	text_safe(into, cpus, screen->utf8);
}

static void memory_cell(struct buf *into, const json_t *row, const struct screen *screen)
{
	uint64_t bytes;

	(void)screen;
	if (look_u64(row, "resources.memory_bytes", &bytes) && bytes)
		unit_bytes(into, bytes);
}

static void by_node_cell(struct buf *into, const json_t *row, const struct screen *screen)
{
	json_t *item;
	size_t i;

	(void)screen;
	json_array_foreach (look_array(row, "resources.memory_by_node"), i, item) {
		buf_format(into, "%snode %llu: ", i ? ", " : "",
			   (unsigned long long)look_u64_or(item, "node", 0));
		unit_bytes(into, look_u64_or(item, "bytes", 0));
	}
}

/* "exit 1", "signal KILL", "out of memory" */
static void result_cell(struct buf *into, const json_t *row, const struct screen *screen)
{
	const char *signal = look_text(row, "exit_signal"), *reason = look_text(row, "reason");
	uint64_t code;

	if (signal) {
		buf_text(into, "signal ");
		text_safe(into, signal, screen->utf8);
	} else if (look_u64(row, "exit_code", &code)) {
		buf_format(into, "exit %llu", (unsigned long long)code);
	}
	if (look_u64_or(row, "oom_killed", 0))
		buf_text(into, ", out of memory");
	if (reason && *reason) {
		buf_text(into, into->size ? ": " : "");
		text_safe(into, reason, screen->utf8);
	}
}

const struct column show_slices_columns[] = {
	{ "SLICE", "id", COLUMN_TEXT, NULL },
	{ "STATE", "state", COLUMN_VERDICT, NULL },
	{ "OWNER", "owner", COLUMN_TEXT, NULL },
	{ "CPUS", NULL, COLUMN_TEXT, cpus_cell },
	{ "NODES", "resources.nodes", COLUMN_TEXT, NULL },
	{ "MEMORY", NULL, COLUMN_BYTES, memory_cell },
	{ "DEVICES", "resources.devices", COLUMN_LIST, NULL },
	{ "TASKS", "tasks", COLUMN_COUNT, NULL },
	{ "CREATED", "created_at", COLUMN_TIME, NULL },
	{ 0 },
};

static const struct column slice_columns[] = {
	{ "slice", "id", COLUMN_TEXT, NULL },
	{ "state", "state", COLUMN_VERDICT, NULL },
	{ "owner", "owner", COLUMN_TEXT, NULL },
	{ "owner uid", "owner_uid", COLUMN_NUMBER, NULL },
	{ "role", "role", COLUMN_TEXT, NULL },
	{ "labels", "labels", COLUMN_LIST, NULL },
	{ "created", "created_at", COLUMN_TIME, NULL },
	{ "cpus", NULL, COLUMN_TEXT, cpus_cell },
	{ "cores", "resources.cores", COLUMN_LIST, NULL },
	{ "nodes", "resources.nodes", COLUMN_TEXT, NULL },
	{ "memory", NULL, COLUMN_TEXT, memory_cell },
	{ "memory by node", NULL, COLUMN_TEXT, by_node_cell },
	{ "hugepages", "resources.hugepages", COLUMN_HUGEPAGES, NULL },
	{ "devices", "resources.devices", COLUMN_LIST, NULL },
	{ "cdi", "cdi", COLUMN_LIST, NULL },
	{ "tasks", "tasks", COLUMN_LIST, NULL },
	{ "frozen", "frozen", COLUMN_YES, NULL },
	{ "smaller at", "resizing.at", COLUMN_TIME, NULL },
	{ "backend", "backend", COLUMN_TEXT, NULL },
	{ "cgroup", "cgroup", COLUMN_TEXT, NULL },
	{ 0 },
};

const struct column show_resources_columns[] = {
	{ "cores", "cores", COLUMN_NUMBER, NULL },
	{ "threads", "threads", COLUMN_NUMBER, NULL },
	{ "memory", "memory_bytes", COLUMN_BYTES, NULL },
	{ "hugepages", "hugepages", COLUMN_HUGEPAGES, NULL },
	{ "gpus", "gpus", COLUMN_NUMBER, NULL },
	{ "nics", "nics", COLUMN_NUMBER, NULL },
	{ "disks", "disks", COLUMN_NUMBER, NULL },
	{ 0 },
};

const struct column show_enforcement_columns[] = {
	{ "LIMIT", "limit", COLUMN_TEXT, NULL },
	{ "MECHANISM", "mechanism", COLUMN_VERDICT, NULL },
	{ "FILE", "file", COLUMN_TEXT, NULL },
	{ "ASKED", "wanted", COLUMN_TEXT, NULL },
	{ "KERNEL SAYS", "actual", COLUMN_TEXT, NULL },
	{ "REASON", "reason", COLUMN_TEXT, NULL },
	{ 0 },
};

const struct column show_tasks_columns[] = {
	{ "SLICE", "slice", COLUMN_TEXT, NULL },
	{ "TASK", "name", COLUMN_TEXT, NULL },
	{ "STATE", "state", COLUMN_VERDICT, NULL },
	{ "PID", "pid", COLUMN_NUMBER, NULL },
	{ "USER", "user", COLUMN_TEXT, NULL },
	{ "STARTED", "started_at", COLUMN_TIME, NULL },
	{ "RESULT", NULL, COLUMN_TEXT, result_cell },
	{ "COMMAND", "argv", COLUMN_LIST, NULL },
	{ 0 },
};

const struct column show_task_columns[] = {
	{ "task", "name", COLUMN_TEXT, NULL },
	{ "slice", "slice", COLUMN_TEXT, NULL },
	{ "state", "state", COLUMN_VERDICT, NULL },
	{ "command", "argv", COLUMN_LIST, NULL },
	{ "pid", "pid", COLUMN_NUMBER, NULL },
	{ "user", "user", COLUMN_TEXT, NULL },
	{ "cgroup", "cgroup", COLUMN_TEXT, NULL },
	{ "network", "network.cni", COLUMN_TEXT, NULL },
	{ "nic", "network.nic", COLUMN_TEXT, NULL },
	{ "addresses", "network.addresses", COLUMN_LIST, NULL },
	{ "started", "started_at", COLUMN_TIME, NULL },
	{ "ended", "ended_at", COLUMN_TIME, NULL },
	{ "result", NULL, COLUMN_TEXT, result_cell },
	{ "restarts", "restarts", COLUMN_NUMBER, NULL },
	{ "user time (s)", "usage.cpu_user_seconds", COLUMN_NUMBER, NULL },
	{ "system time (s)", "usage.cpu_system_seconds", COLUMN_NUMBER, NULL },
	{ "memory peak", "usage.memory_peak_bytes", COLUMN_BYTES, NULL },
	{ 0 },
};

void show_slice_text(struct buf *into, const struct screen *screen, const json_t *slice)
{
	const char *why = look_text(slice, "placement.why");
	const json_t *enforcement = look_array(slice, "enforcement");

	writer_record(into, screen, slice_columns, slice);
	if (json_array_size(enforcement)) {
		buf_format(into, "\n%swhat holds it there%s\n", writer_bold_on(screen),
			   writer_off(screen));
		writer_table(into, screen, show_enforcement_columns, enforcement, NULL);
	}
	if (why) {
		buf_format(into, "\n%swhy it is there%s\n", writer_bold_on(screen),
			   writer_off(screen));
		text_safe(into, why, screen->utf8);
		buf_text(into, "\n");
	}
}

enum ctl_exit show_slice(struct session *s, const json_t *slice)
{
	struct buf text = { 0 };
	enum ctl_exit e;

	if (s->screen.json)
		writer_json(&text, slice);
	else
		show_slice_text(&text, &s->screen, slice);
	e = session_print(s, &text);
	buf_done(&text);
	return e;
}
