/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl task start | list | show | signal | stop | logs | delete. Where a slice has one task,
 * its name may be left out. */
#include "ctl/follow.h"
#include "ctl/look.h"
#include "ctl/request.h"
#include "ctl/show.h"
#include "ctl/verb.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

const struct option_row task_stop_options[] = {
	{ "grace", 0, OPTION_DURATION, "TIME", NULL, "grace",
	  "between SIGTERM and SIGKILL (default: the task's own)" },
	{ 0 },
};

const struct option_row task_logs_options[] = {
	{ "follow", 'f', OPTION_FLAG, NULL, NULL, NULL, "go on until the task has ended" },
	{ "stderr", 0, OPTION_FLAG, NULL, NULL, NULL, "its standard error, not its output" },
	{ "tail", 0, OPTION_BYTES, "SIZE", NULL, NULL, "only the last SIZE bytes" },
	{ 0 },
};

static void task_path(struct buf *into, const char *slice, const char *task, const char *action)
{
	session_path(into, "/v1/slices/", slice);
	session_path(into, "/tasks/", task);
	buf_text(into, action);
}

/* The task that is meant: the second word, or the slice's only one; the caller frees. */
static enum ctl_exit which_task(struct session *s, const struct args *args, char **ret)
{
	_cleanup_(buf_done) struct buf path = { 0 }, names = { 0 };
	_cleanup_json_ json_t *slice = NULL;
	struct fail f = { 0 };
	json_t *tasks, *item;
	enum ctl_exit e;
	size_t i;

	if (args->words_count > 1) {
		*ret = strdup(args->words[1]);
		return *ret ? CTL_OK : CTL_REFUSED;
	}
	session_path(&path, "/v1/slices/", args->words[0]);
	e = session_get(s, path.data, &slice);
	if (e)
		return e;
	tasks = look_array(slice, "tasks");
	if (json_array_size(tasks) == 1 && json_is_string(json_array_get(tasks, 0))) {
		*ret = strdup(json_string_value(json_array_get(tasks, 0)));
		return *ret ? CTL_OK : CTL_REFUSED;
	}
	json_array_foreach (tasks, i, item)
		buf_format(&names, "%s%s", i ? ", " : ": ",
			   json_is_string(item) ? json_string_value(item) : "?");
	fail_code(&f, -EINVAL, "usage", "slice %s has %zu tasks; name one%s", args->words[0],
		  json_array_size(tasks), names.data ? names.data : "");
	return session_usage(s, &f);
}

enum ctl_exit verb_task_start(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *body = NULL, *task = NULL, *argv = json_array();
	_cleanup_(buf_done) struct buf path = { 0 };
	struct fail f = { 0 };
	enum ctl_exit e;

	if (request_build(args, SETS(task_request_options), &body, &f) < 0)
		return session_usage(s, &f);
	for (size_t i = 1; i < args->words_count; i++)
		if (json_array_append_new(argv, json_string(args->words[i])) < 0) {
			fail_code(&f, -EINVAL, "usage", "argument %zu is not valid UTF-8", i - 1);
			return session_usage(s, &f);
		}
	json_object_set(body, "argv", argv);
	session_path(&path, "/v1/slices/", args->words[0]);
	buf_text(&path, "/tasks");
	e = session_call(s, "POST", path.data, body, &task);
	return e ? e : session_show(s, show_task_columns, task, NULL);
}

/* Appends the slice's tasks to all. A slice that went away meanwhile has none. */
static void gather(struct session *s, const char *slice, json_t *all)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *answer = NULL;

	if (!slice)
		return;
	session_path(&path, "/v1/slices/", slice);
	buf_text(&path, "/tasks");
	answer = session_try(s, path.data);
	json_array_extend(all, look_array(answer, "tasks"));
}

static enum ctl_exit list_all(struct session *s)
{
	_cleanup_json_ json_t *slices = NULL, *document = json_object();
	json_t *all = json_array(), *slice;
	enum ctl_exit e;
	size_t i;

	if (json_object_set_new(document, "tasks", all) < 0)
		return CTL_REFUSED;
	e = session_get(s, "/v1/slices", &slices);
	if (e)
		return e;
	json_array_foreach (look_array(slices, "slices"), i, slice)
		gather(s, look_text(slice, "id"), all);
	return session_show(s, show_tasks_columns, document, "tasks");
}

enum ctl_exit verb_task_list(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *answer = NULL;
	enum ctl_exit e;

	if (args->words_count == 0)
		return list_all(s);
	session_path(&path, "/v1/slices/", args->words[0]);
	buf_text(&path, "/tasks");
	e = session_get(s, path.data, &answer);
	return e ? e : session_show(s, show_tasks_columns, answer, "tasks");
}

enum ctl_exit verb_task_show(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *task = NULL;
	_cleanup_free_ char *name = NULL;
	enum ctl_exit e = which_task(s, args, &name);

	if (e)
		return e;
	task_path(&path, args->words[0], name, "");
	e = session_get(s, path.data, &task);
	return e ? e : session_show(s, show_task_columns, task, NULL);
}

enum ctl_exit verb_task_signal(struct session *s, const struct args *args)
{
	const char *signal = args->words_count > 2 ? args->words[2] : "TERM";
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *body = NULL;

	if (strncasecmp(signal, "SIG", 3) == 0)
		signal += 3;
	body = json_pack("{s:s}", "signal", signal);
	task_path(&path, args->words[0], args->words[1], "/signal");
	return session_call(s, "POST", path.data, body, NULL);
}

enum ctl_exit verb_task_stop(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *body = NULL;
	_cleanup_free_ char *name = NULL;
	struct fail f = { 0 };
	enum ctl_exit e;

	if (request_build(args, SETS(task_stop_options), &body, &f) < 0)
		return session_usage(s, &f);
	e = which_task(s, args, &name);
	if (e)
		return e;
	task_path(&path, args->words[0], name, "/stop");
	return session_call(s, "POST", path.data, body, NULL);
}

static int logs_query(const struct args *args, struct buf *path, struct fail *f)
{
	const char *tail = args_value(args, "tail");
	uint64_t bytes;

	buf_format(path, "?stream=%s", args_value(args, "stderr") ? "stderr" : "stdout");
	if (tail && parse_bytes(tail, &bytes) < 0)
		return fail_code(f, -EINVAL, "usage", "--tail wants a size such as 64KiB, not '%s'",
				 tail);
	if (tail)
		buf_format(path, "&tail=%llu", (unsigned long long)bytes);
	if (args_value(args, "follow"))
		buf_text(path, "&follow=true");
	return 0;
}

enum ctl_exit verb_task_logs(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_free_ char *name = NULL;
	int out = STDOUT_FILENO;
	struct follow follow = { .data = follow_to_fd, .userdata = &out };
	struct fail f = { 0 };
	enum ctl_exit e = which_task(s, args, &name);

	if (e)
		return e;
	task_path(&path, args->words[0], name, "/logs");
	if (logs_query(args, &path, &f) < 0)
		return session_usage(s, &f);
	e = follow_start(&follow, s, path.data);
	if (!e)
		e = follow_wait(&follow, s);
	follow_done(&follow);
	return e;
}

enum ctl_exit verb_task_delete(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf path = { 0 };

	task_path(&path, args->words[0], args->words[1], "");
	return session_call(s, "DELETE", path.data, NULL, NULL);
}
