/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl run: carve, start, follow, release. It is driven by the loop: two streams of output, one
 * request that waits for the task's end, and the signals of the terminal. The first interrupt stops
 * the task gracefully, the second kills it; the slice is released on every way out, but for --keep
 * and an agent that went away. It does not pass standard input on. */
#include "ctl/follow.h"
#include "ctl/look.h"
#include "ctl/request.h"
#include "ctl/show.h"
#include "ctl/text.h"
#include "ctl/unit.h"
#include "ctl/verb.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { WAIT_RETRIES = 30 };
static const uint64_t retry_usec = 500000;  /* an agent that restarts is back within seconds */
static const uint64_t drain_usec = 5000000; /* output may trail the news of the task's end */

const struct option_row run_options[] = {
	{ "keep", 0, OPTION_FLAG, NULL, NULL, NULL, "leave the slice and the ended task" },
	{ "verbose", 'v', OPTION_FLAG, NULL, NULL, NULL, "say where it was placed, on stderr" },
	{ 0 },
};

struct stream { /* standard output or error of the task, passed on */
	struct run *run;
	const char *name; /* "stdout"; NULL: there is nothing to follow */
	int fd;		  /* ours, where it goes */
	struct follow follow;
	uint64_t seen, skip; /* bytes passed on; bytes of a new stream that were already */
};

struct run {
	struct session *session;
	char *slice, *task; /* names, once they exist; owned */
	struct stream streams[2];
	json_t *last;	  /* the task as last heard of; owned */
	bool ended, gone; /* gone: the agent does not answer any more */
	bool away;	  /* it did not answer a moment ago */
	bool drained;	  /* waited long enough for the last output */
	bool queued;	  /* perhaps: the request for the slice may wait */
	unsigned interrupts, retries;
	struct http_exchange *waiting;
	sd_event_source *timer, *signals[3];
};

static void run_done(struct run *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->streams); i++)
		follow_done(&r->streams[i].follow);
	if (r->waiting)
		http_exchange_cancel(r->waiting);
	sd_event_source_unref(r->timer);
	for (size_t i = 0; i < ARRAY_SIZE(r->signals); i++)
		sd_event_source_unref(r->signals[i]);
	json_decref(r->last);
	free(r->slice);
	free(r->task);
}

static void task_url(const struct run *r, struct buf *into, const char *action)
{
	session_path(into, "http://reeve/v1/slices/", r->slice);
	session_path(into, "/tasks/", r->task);
	buf_text(into, action);
}

static void ignore_done(unsigned status, const struct buf *body, const struct fail *why,
			void *userdata)
{
	(void)status, (void)body, (void)why, (void)userdata; /* the wait tells what came of it */
}

/* Stop or kill without waiting for the answer: what matters is the task's end. */
static void ask(struct run *r, const char *action, const char *body)
{
	_cleanup_(buf_done) struct buf url = { 0 };
	struct http_order order = { .method = "POST",
				    .body = body,
				    .body_size = strlen(body),
				    .timeout_usec = drain_usec,
				    .done = ignore_done };

	task_url(r, &url, action);
	order.url = url.data;
	(void)http_client_send(r->session->client, &order, NULL,
			       NULL); /* a further ^C tries again */
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct run *r = userdata;

	(void)source, (void)info; /* INT, TERM and HUP all mean: end it */
	r->interrupts++;
	if (r->queued)
		return sd_event_exit(r->session->loop, 0); /* whose client leaves waits no more */
	if (r->task && r->interrupts == 1)
		ask(r, "/stop", "{}");
	else if (r->task)
		ask(r, "/signal", "{\"signal\":\"KILL\"}");
	return 0;
}

static enum ctl_exit catch_signals(struct run *r)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaddset(&mask, numbers[i]);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return CTL_RUN_FAILED;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (sd_event_add_signal(r->session->loop, &r->signals[i], numbers[i], on_signal,
					r) < 0)
			return CTL_RUN_FAILED;
	return CTL_OK;
}

/* --- output --- */

static int on_output(const char *bytes, size_t size, void *userdata)
{
	struct stream *t = userdata;
	size_t old = t->skip < size ? (size_t)t->skip : size;

	t->skip -= old;
	t->seen += size - old;
	return follow_to_fd(bytes + old, size - old, &t->fd);
}

/* Follows the task's log from its beginning, without what was passed on already. */
static void stream_start(struct stream *t)
{
	_cleanup_(buf_done) struct buf path = { 0 };

	follow_done(&t->follow);
	t->follow = (struct follow){ .data = on_output, .userdata = t };
	t->skip = t->seen;
	session_path(&path, "/v1/slices/", t->run->slice);
	session_path(&path, "/tasks/", t->run->task);
	buf_format(&path, "/logs?stream=%s&follow=true", t->name);
	t->follow.over = follow_start(&t->follow, t->run->session, path.data) != CTL_OK;
}

static void streams_start(struct run *r, const json_t *body)
{
	static const char *const names[] = { "stdout", "stderr" };
	static const int fds[] = { STDOUT_FILENO, STDERR_FILENO };

	for (size_t i = 0; i < ARRAY_SIZE(r->streams); i++) {
		const char *where = look_text(body, names[i]);
		bool elsewhere = where && strcmp(where, "file") != 0;

		r->streams[i] = (struct stream){ .run = r,
						 .name = elsewhere ? NULL : names[i],
						 .fd = fds[i],
						 .follow.over = elsewhere };
		if (!elsewhere)
			stream_start(&r->streams[i]);
	}
}

static bool streams_over(const struct run *r)
{
	return r->drained || (r->streams[0].follow.over && r->streams[1].follow.over);
}

/* An agent that was restarted ended the streams; the rest of the output is in its logs. */
static void streams_resume(struct run *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->streams); i++)
		if (r->streams[i].name && r->streams[i].follow.over)
			stream_start(&r->streams[i]);
}

/* --- waiting for the end --- */

static void wait_for_end(struct run *r);

static bool has_ended(const json_t *task)
{
	const char *state = look_text(task, "state");

	return state && (strcmp(state, "exited") == 0 || strcmp(state, "failed") == 0 ||
			 strcmp(state, "lost") == 0);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct run *r = userdata;

	(void)source, (void)usec;
	r->timer = sd_event_source_unref(r->timer);
	if (r->ended)
		r->drained = true; /* no more output is to be had in time */
	else
		wait_for_end(r);
	return 0;
}

static void after(struct run *r, uint64_t usec)
{
	r->timer = sd_event_source_unref(r->timer);
	if (sd_event_add_time_relative(r->session->loop, &r->timer, CLOCK_MONOTONIC, usec, 0,
				       on_timer, r) < 0)
		r->gone = true;
}

static void on_waited(unsigned status, const struct buf *body, const struct fail *why,
		      void *userdata)
{
	struct run *r = userdata;
	json_t *task = NULL;

	(void)why; /* told only if the agent does not come back */
	r->waiting = NULL;
	if (status == 200 && body && body->size &&
	    json_parse_object(body->data, body->size, &task, NULL) == 0) {
		json_decref(r->last);
		r->last = task;
		r->retries = 0;
		if (r->away)
			streams_resume(r);
		r->away = false;
	} else if (status >= 400 && status < 500) {
		r->gone = true; /* somebody else deleted it */
		return;
	}
	r->ended = has_ended(r->last);
	if (r->ended)
		after(r, drain_usec);
	else if (task && look_text(task, "state"))
		wait_for_end(r);
	else if (r->retries++ < WAIT_RETRIES)
		after(r, retry_usec);
	else
		r->gone = true;
	r->away = !task;
}

static void wait_for_end(struct run *r)
{
	_cleanup_(buf_done) struct buf url = { 0 };
	struct http_order order = { .method = "GET", .done = on_waited, .userdata = r };

	task_url(r, &url, "?wait=60s");
	order.url = url.data;
	if (http_client_send(r->session->client, &order, &r->waiting, NULL) < 0)
		r->gone = true;
}

/* --- the steps --- */

static void tell_placement(const struct session *s, const json_t *slice)
{
	_cleanup_(buf_done) struct buf line = { 0 };
	const char *why = look_text(slice, "placement.why");
	json_t *item;
	uint64_t bytes;
	size_t i;

	buf_format(&line, "slice %s: cpus %s", look_text(slice, "id"),
		   look_text(slice, "resources.cpus") ? look_text(slice, "resources.cpus") : "?");
	if (look_text(slice, "resources.nodes"))
		buf_format(&line, ", node %s", look_text(slice, "resources.nodes"));
	if (look_u64(slice, "resources.memory_bytes", &bytes) && bytes) {
		buf_text(&line, ", ");
		unit_bytes(&line, bytes);
	}
	json_array_foreach (look_array(slice, "resources.devices"), i, item)
		if (json_is_string(item))
			buf_format(&line, ", %s", json_string_value(item));
	json_array_foreach (look_array(slice, "enforcement"), i, item)
		if (look_text(item, "limit") && look_text(item, "mechanism"))
			buf_format(&line, "; %s by %s", look_text(item, "limit"),
				   look_text(item, "mechanism"));
	if (why)
		buf_format(&line, " (%s)", why);
	session_complain(s, line.data, NULL);
}

/* A command without a word about resources gets one core for itself. */
static int ask_for_something(json_t *body)
{
	static const char *const resources[] = { "cores",     "shared_cpus", "memory",
						 "hugepages", "devices",     "offer" };

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++)
		if (json_object_get(body, resources[i]))
			return 0;
	return json_put(body, "cores", json_integer(1));
}

static enum ctl_exit carve(struct run *r, const struct args *args)
{
	_cleanup_json_ json_t *body = NULL, *slice = NULL;
	struct fail f = { 0 };
	enum ctl_exit e;

	if (request_build(args, slice_create_tables, &body, &f) < 0)
		return session_usage(r->session, &f);
	if (ask_for_something(body) < 0)
		return CTL_RUN_FAILED;
	r->queued = json_object_get(body, "wait") != NULL;
	e = session_call(r->session, "POST", "/v1/slices", body, &slice);
	r->queued = false;
	if (e)
		return r->interrupts ? CTL_SIGNALLED + SIGINT : e;
	if (!look_text(slice, "id")) {
		session_complain(r->session, "the agent made a slice and did not tell its name",
				 "not-understood");
		return CTL_STRANGE;
	}
	r->slice = strdup(look_text(slice, "id"));
	if (args_value(args, "verbose"))
		tell_placement(r->session, slice);
	return r->slice ? CTL_OK : CTL_RUN_FAILED;
}

static enum ctl_exit start(struct run *r, const json_t *body)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	enum ctl_exit e;

	session_path(&path, "/v1/slices/", r->slice);
	buf_text(&path, "/tasks");
	e = session_call(r->session, "POST", path.data, body, &r->last);
	if (e)
		return e;
	if (!look_text(r->last, "name")) {
		session_complain(r->session, "the agent started a task and did not tell its name",
				 "not-understood");
		return CTL_STRANGE;
	}
	r->task = strdup(look_text(r->last, "name"));
	return r->task ? CTL_OK : CTL_RUN_FAILED;
}

static void turn_until_ended(struct run *r, const json_t *body)
{
	streams_start(r, body);
	if (r->interrupts) /* it came while the task was being started */
		ask(r, "/stop", "{}");
	wait_for_end(r);
	while (!r->gone && !(r->ended && streams_over(r))) {
		int k = sd_event_run(r->session->loop, UINT64_MAX);

		if (k < 0 && k != -EINTR)
			r->gone = true;
	}
}

static int signal_number(const json_t *task)
{
	const char *name = look_text(task, "exit_signal");
	uint64_t number;

	if (look_u64(task, "exit_signal", &number) && number < NSIG)
		return (int)number;
	if (name && strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; name && i < NSIG; i++)
		if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), name) == 0)
			return i;
	return name ? SIGKILL
		    : 0; /* a signal whose name is unknown here was a signal all the same */
}

/* A task that could not be started: env(1)'s 127 for a missing program, 126 for one that cannot be
 * executed, else 125. The agent's sentence begins with the step that failed, as reeve-init told it;
 * a missing working directory ("chdir: ...") is none of the program's. */
static enum ctl_exit failed_status(const struct session *s, const json_t *task)
{
	const char *reason = look_text(task, "reason");
	bool exec = reason && strncmp(reason, "exec", 4) == 0;

	session_complain(s, reason ? reason : "the task could not be run", NULL);
	if (exec && strstr(reason, strerrordesc_np(ENOENT)))
		return CTL_NOT_FOUND;
	return exec ? CTL_NOT_EXECUTABLE : CTL_RUN_FAILED;
}

static enum ctl_exit task_status(const struct run *r)
{
	const char *state = look_text(r->last, "state");
	int number = signal_number(r->last);
	uint64_t code;

	if (look_u64_or(r->last, "oom_killed", 0))
		session_complain(r->session, "the kernel ended it for want of memory",
				 "oom-killed");
	if (number)
		return CTL_SIGNALLED + (unsigned)number;
	if (look_u64(r->last, "exit_code", &code))
		return (enum ctl_exit)(code & 0xff);
	if (state && strcmp(state, "exited") == 0)
		return CTL_OK;
	return failed_status(r->session, r->last);
}

static void release(struct run *r, bool keep)
{
	_cleanup_(buf_done) struct buf path = { 0 };

	if (!r->slice)
		return;
	if (keep || r->gone) {
		char text[256];

		(void)snprintf(text, sizeof(text), "slice %s %s; reevectl slice delete %s",
			       r->slice, keep ? "is kept" : "may still be there", r->slice);
		session_complain(r->session, text, NULL);
		return;
	}
	session_path(&path, "/v1/slices/", r->slice);
	(void)session_call(r->session, "DELETE", path.data, NULL, NULL); /* it said why itself */
}

static enum ctl_exit task_body(struct session *s, const struct args *args, json_t **ret)
{
	_cleanup_json_ json_t *body = NULL;
	struct fail f = { 0 };
	json_t *argv;

	if (request_build(args, SETS(task_request_options), &body, &f) < 0)
		return session_usage(s, &f);
	argv = json_array();
	for (size_t i = 0; i < args->words_count; i++)
		if (json_array_append_new(argv, json_string(args->words[i])) < 0) {
			fail_code(&f, -EINVAL, "usage", "argument %zu is not valid UTF-8", i);
			json_decref(argv);
			return session_usage(s, &f);
		}
	if (json_put(body, "argv", argv) < 0)
		return CTL_RUN_FAILED;
	*ret = TAKE_PTR(body);
	return CTL_OK;
}

enum ctl_exit verb_run(struct session *s, const struct args *args)
{
	_cleanup_(run_done) struct run r = { .session = s };
	_cleanup_json_ json_t *body = NULL;
	enum ctl_exit e = task_body(s, args, &body);

	if (!e)
		e = session_open(s);
	if (!e)
		e = catch_signals(&r);
	if (!e)
		e = carve(&r, args);
	if (!e && r.interrupts)
		e = CTL_SIGNALLED + SIGINT;
	if (!e)
		e = start(&r, body);
	if (!e) {
		turn_until_ended(&r, body);
		if (r.gone)
			session_complain(s,
					 "lost sight of the task: the agent does not answer, or it "
					 "was deleted",
					 "lost");
		e = r.gone ? CTL_RUN_FAILED : task_status(&r);
		s->ran = true;
	}
	release(&r, args_value(args, "keep") != NULL);
	return e;
}
