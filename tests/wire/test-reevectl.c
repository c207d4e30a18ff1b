/* SPDX-License-Identifier: Apache-2.0 */
/* The reevectl binary against a stand-in for the agent: wire/http_server with canned answers of the
 * API, in this process, while the program runs as a child. It looks at what the program printed,
 * how it exited, and what it asked for. */
#include "util/cleanup.h"
#include "util/fs.h"
#include "wire/http_server.h"
#include "wire/json.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { REPLIES_MAX = 16, DEADLINE_SECONDS = 30 };

struct reply { /* to a method and a path; used up in order, the last one stays */
	const char *method, *path;
	unsigned status;
	const char *body;
	bool hold; /* leave it open until a stop was asked for, then answer */
};

struct agent {
	char directory[64], socket[96], out_path[96], err_path[96];
	sd_event *loop;
	struct http_server *server;
	const struct reply *replies; /* ends with a NULL method */
	bool used[REPLIES_MAX];
	struct http_request *held;
	const char *held_body;
	char *asked; /* "POST /v1/slices {..}\n"... */
	size_t asked_size;
	FILE *log;
	pid_t child;
	bool interrupt; /* send SIGINT to the child once a request is held */
	int status;
	char *out, *err;
};

/* A path that ends with '/' stands for all below it. */
static bool matches(const struct reply *r, const struct http_call *call)
{
	size_t length = strlen(r->path);

	if (strcmp(r->method, call->method) != 0)
		return false;
	return strncmp(r->path, call->path, length) == 0 &&
	       (r->path[length - 1] == '/' || !call->path[length]);
}

static const struct reply *choose(struct agent *a, const struct http_call *call)
{
	const struct reply *found = NULL;

	for (size_t i = 0; a->replies[i].method; i++) {
		if (!matches(&a->replies[i], call))
			continue;
		found = &a->replies[i];
		if (!a->used[i]) {
			a->used[i] = true;
			break;
		}
	}
	return found;
}

static void on_gone(void *userdata)
{
	((struct agent *)userdata)->held = NULL;
}

static void answer(struct agent *a, struct http_request *request, const struct reply *r)
{
	if (r->hold && !a->held) {
		a->held = request;
		a->held_body = r->body;
		http_defer(request, on_gone, a);
		if (a->interrupt)
			assert_int_equal(kill(a->child, SIGINT), 0);
		return;
	}
	http_reply(request, r->status,
		   r->status < 400 ? "application/json" : "application/problem+json", r->body,
		   strlen(r->body));
}

static void on_request(struct http_request *request, const struct http_call *call, void *userdata)
{
	struct agent *a = userdata;
	const struct reply *r = choose(a, call);

	(void)fprintf(a->log, "%s %s %s\n", call->method, call->path, call->body);
	if (r)
		answer(a, request, r);
	else
		http_problem(request, 404, "not-found", "there is no such thing");
	if (strstr(call->path, "/stop") && a->held) {
		struct http_request *held = a->held;

		a->held = NULL;
		http_reply(held, 200, "application/json", a->held_body, strlen(a->held_body));
	}
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct agent *a = userdata;

	(void)source;
	a->status = info->si_code == CLD_EXITED ? info->si_status : 1000 + info->si_status;
	return sd_event_exit(a->loop, 0);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct agent *a = userdata;

	(void)source, (void)usec;
	(void)kill(a->child, SIGKILL);
	return 0;
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void agent_init(struct agent *a, const struct reply *replies)
{
	struct fail f = { 0 };

	*a = (struct agent){ .replies = replies };
	strcpy(a->directory, "/tmp/reevectl-test-XXXXXX");
	assert_non_null(mkdtemp(a->directory));
	(void)snprintf(a->socket, sizeof(a->socket), "%s/sock", a->directory);
	(void)snprintf(a->out_path, sizeof(a->out_path), "%s/out", a->directory);
	(void)snprintf(a->err_path, sizeof(a->err_path), "%s/err", a->directory);
	a->log = open_memstream(&a->asked, &a->asked_size);
	assert_non_null(a->log);
	assert_true(sd_event_new(&a->loop) >= 0);
	assert_int_equal(
		http_server_new(&a->server, a->loop, listen_on(a->socket), NULL, on_request, a, &f),
		0);
}

static void exec_reevectl(const struct agent *a, char *const *arguments)
{
	const char *build = getenv("REEVE_BUILDDIR");
	char program[4096], *argv[32] = { program, NULL };
	int out = open(a->out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open(a->err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	sigset_t none;

	(void)snprintf(program, sizeof(program), "%s/agent/ctl/reevectl", build ? build : ".");
	for (size_t i = 0; arguments[i] && i < ARRAY_SIZE(argv) - 2; i++)
		argv[i + 1] = arguments[i];
	if (out < 0 || err < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(99);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setenv("REEVE_SOCKET", a->socket, 1);
	(void)setenv("TZ", "UTC", 1);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)setenv("COLUMNS", "100", 1);
	/* a sanitizer's finding must not look like a refusal */
	(void)setenv("ASAN_OPTIONS", "exitcode=199", 0);
	(void)setenv("UBSAN_OPTIONS", "exitcode=199", 0);
	execv(program, argv);
	_exit(98);
}

static void agent_run(struct agent *a, char *const *arguments)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	assert_int_equal(sigprocmask(SIG_BLOCK, &chld, NULL), 0);
	a->child = fork();
	assert_true(a->child >= 0);
	if (a->child == 0)
		exec_reevectl(a, arguments);
	assert_true(sd_event_add_child(a->loop, NULL, a->child, WEXITED, on_child, a) >= 0);
	assert_true(sd_event_add_time_relative(a->loop, NULL, CLOCK_MONOTONIC,
					       DEADLINE_SECONDS * UINT64_C(1000000), 0, on_deadline,
					       a) >= 0);
	assert_int_equal(sd_event_loop(a->loop), 0);
	(void)fflush(a->log);
	assert_int_equal(fs_read(AT_FDCWD, a->out_path, 1 << 20, &a->out, NULL), 0);
	assert_int_equal(fs_read(AT_FDCWD, a->err_path, 1 << 20, &a->err, NULL), 0);
}

static void agent_done(struct agent *a)
{
	a->server = http_server_free(a->server);
	sd_event_unref(a->loop);
	(void)fclose(a->log);
	free(a->asked);
	free(a->out);
	free(a->err);
	assert_int_equal(fs_remove_tree(AT_FDCWD, a->directory), 0);
}

#define SLICE                                                                                    \
	"{\"id\":\"s-1\",\"state\":\"active\",\"owner\":\"me\",\"resources\":{\"cpus\":\"2-3\"," \
	"\"nodes\":\"0\",\"memory_bytes\":1073741824},\"enforcement\":[{\"limit\":\"cpus\","     \
	"\"mechanism\":\"affinity\",\"wanted\":\"2-3\",\"actual\":\"2-3\"}],"                    \
	"\"placement\":{\"why\":\"node 0 has room\"},\"tasks\":[\"main\"]}"
#define TASK(rest) "{\"name\":\"main\",\"slice\":\"s-1\",\"argv\":[\"true\"]," rest "}"

static void check(const struct reply *replies, char *const *arguments, int status,
		  const char *out_has, const char *err_has)
{
	struct agent a;

	agent_init(&a, replies);
	agent_run(&a, arguments);
	if (a.status != status || !strstr(a.out, out_has) || !strstr(a.err, err_has))
		fail_msg("status %d\n--- out\n%s--- err\n%s--- asked\n%s", a.status, a.out, a.err,
			 a.asked);
	agent_done(&a);
}

#define ARGUMENTS(...) ((char *[]){ __VA_ARGS__, NULL })
#define W(text) ((char[]){ text })

static void test_slices_are_listed_as_a_table_and_as_json(void **state)
{
	static const struct reply replies[] = {
		{ "GET", "/v1/slices", 200, "{\"slices\":[" SLICE "]}", false },
		{ 0 },
	};

	(void)state;
	check(replies, ARGUMENTS(W("slice"), W("list")), 0,
	      "SLICE  STATE   OWNER  CPUS  NODES  MEMORY", "");
	check(replies, ARGUMENTS(W("slice"), W("list")), 0,
	      "s-1    active  me     2-3   0       1 GiB", "");
	check(replies, ARGUMENTS(W("-o"), W("json"), W("slice"), W("list")), 0,
	      "\"why\": \"node 0 has room\"", "");
}

static void test_a_refusal_is_one_sentence_and_status_1(void **state)
{
	static const struct reply replies[] = {
		{ "POST", "/v1/slices", 409,
		  "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,\"code\":\"no-"
		  "fit\","
		  "\"detail\":\"no node has 9 free cores\\u001b[2J\"}",
		  false },
		{ "POST", "/v1/explain", 200,
		  "{\"admissible\":false,\"code\":\"no-fit\",\"detail\":\"node 0 has 2 free "
		  "cores\"}",
		  false },
		{ 0 },
	};

	(void)state;
	check(replies, ARGUMENTS(W("slice"), W("create"), W("--cores=9")), 1, "",
	      "reevectl: no node has 9 free cores?[2J [no-fit]\n");
	check(replies, ARGUMENTS(W("explain"), W("--cores=9")), 1,
	      "it does not fit: node 0 has 2 free cores [no-fit]\n", "");
	check(replies, ARGUMENTS(W("run"), W("--cores=9"), W("true")), 125, "", "[no-fit]");
}

static void test_an_explanation_says_what_else_there_is(void **state)
{
	static const struct reply fits[] = {
		{ "POST", "/v1/explain", 200,
		  "{\"admissible\":true,\"placement\":{\"why\":\"node 0 has room\",\"cost\":10},"
		  "\"next_best\":{\"why\":\"without node 0 it is farther\",\"cost\":21}}",
		  false },
		{ 0 },
	};
	static const struct reply not [] = {
		{ "POST", "/v1/explain", 200,
		  "{\"admissible\":false,\"code\":\"no-fit\",\"detail\":\"no\",\"would_fit\":["
		  "{\"detail\":\"8 cores instead of 9\"},{\"detail\":\"any\\u001b NICs\"},7]}",
		  false },
		{ 0 },
	};

	(void)state;
	check(fits, ARGUMENTS(W("explain"), W("--cores=9")), 0,
	      "it fits: node 0 has room; cost 10\nnext best: without node 0 it is farther; cost "
	      "21\n",
	      "");
	check(not, ARGUMENTS(W("explain"), W("--cores=9")), 1,
	      "\nit would fit with\n  8 cores instead of 9\n  any? NICs\n", "");
}

static void test_a_place_is_marked_on_the_drawing(void **state)
{
	static const struct reply replies[] = {
		{ "POST", "/v1/explain", 200,
		  "{\"admissible\":true,\"placement\":{\"why\":\"room\",\"cost\":10},"
		  "\"resources\":{\"cpus\":\"1\",\"cores\":[\"core-1\"]}}",
		  false },
		{ "GET", "/v1/inventory", 200,
		  "{\"cores\":[{\"id\":\"core-0\",\"cpus\":\"0\"},{\"id\":\"core-1\",\"cpus\":"
		  "\"1\"},"
		  "{\"id\":\"core-2\",\"cpus\":\"2\"}]}",
		  false },
		{ "GET", "/v1/slices/s-1", 200, SLICE, false },
		{ "GET", "/v1/slices", 200, "{\"slices\":[" SLICE "]}", false },
		{ 0 },
	};

	(void)state;
	check(replies, ARGUMENTS(W("topology"), W("--slice"), W("s-1")), 0, "0 · │ 1 · │ 2 @ │",
	      "");
	check(replies, ARGUMENTS(W("topology"), W("--slice=s-2")), 1, "",
	      "reevectl: there is no slice s-2 [no-such-slice]\n");
	check(replies, ARGUMENTS(W("explain"), W("--draw"), W("s-1")), 0, "\nmarked    @ s-1", "");
	check(replies, ARGUMENTS(W("explain"), W("--draw"), W("--cores=1")), 0,
	      "it fits: room; cost 10\n\nthis machine", "");
	check(replies, ARGUMENTS(W("explain"), W("--draw"), W("--cores=1")), 0, "0 · │ 1 @ │ 2 A │",
	      "");
	check(replies, ARGUMENTS(W("explain"), W("--svg=-"), W("--cores=1")), 0, "<svg xmlns", "");
	check(replies, ARGUMENTS(W("explain"), W("--draw"), W("-o"), W("json"), W("--cores=1")), 0,
	      "\"admissible\": true", "");
}

static void test_offers_are_shown_with_their_bundles(void **state)
{
	static const struct reply replies[] = {
		{ "GET", "/v1/offers", 200,
		  "{\"bundles_complete\":false,\"offers\":[{\"id\":\"o-1-1-0\",\"cores\":48,"
		  "\"bundles\":[{\"id\":\"o-1-1-0-0\",\"times\":4,\"align\":\"node\",\"cores\":12,"
		  "\"memory_bytes\":128849018880,\"gpus\":1,\"nics\":1,\"model\":\"A100\"}]},"
		  "{\"id\":\"o-1-1-1\",\"bundles\":7},9]}",
		  false },
		{ 0 },
	};

	(void)state;
	check(replies, ARGUMENTS(W("offers")), 0,
	      "BUNDLE     TIMES  ALIGN  CORES   MEMORY  GPUS  NICS  GPU MODEL\n"
	      "o-1-1-0-0      4  node      12  120 GiB     1     1  A100\n"
	      "(there may be more: looking for all would take too long)\n",
	      "");
}

static void test_an_answer_that_is_not_of_the_api_is_status_4(void **state)
{
	static const char *const bodies[] = { "<html>", "[1,2]", "", "{\"a\":", "null" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const struct reply replies[] = { { "GET", "/v1/health", 200, bodies[i], false },
						 { 0 } };

		check(replies, ARGUMENTS(W("health")), 4, "", "[not-understood]");
	}
}

static void test_answers_of_wrong_types_crash_no_verb(void **state)
{
	static const struct reply replies[] = {
		{ "GET", "/", 200,
		  "{\"slices\":[1,{\"id\":[],\"resources\":7,\"tasks\":{}}],\"tasks\":[null],"
		  "\"offers\":{\"a\":1},\"conditions\":\"x\",\"enforcement\":[3],\"agent\":[],"
		  "\"cores\":[{\"cpus\":9}],\"summary\":null,\"placement\":\"p\",\"pressure\":[1]}",
		  false },
		{ "POST", "/", 200, "{\"admissible\":1,\"alternatives\":7,\"id\":3,\"name\":{}}",
		  false },
		{ 0 },
	};
	static char *const lines[][4] = {
		{ (char *)"slice", (char *)"list" },
		{ (char *)"slice", (char *)"show", (char *)"x" },
		{ (char *)"offers" },
		{ (char *)"health" },
		{ (char *)"node" },
		{ (char *)"inventory" },
		{ (char *)"topology" },
		{ (char *)"topology", (char *)"--svg=-" },
		{ (char *)"task", (char *)"list" },
		{ (char *)"task", (char *)"show", (char *)"x", NULL },
		{ (char *)"explain", (char *)"x" },
		{ (char *)"explain" },
		{ (char *)"run", (char *)"true" },
		{ (char *)"slice", (char *)"create" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct agent a;
		char *arguments[5] = { lines[i][0], lines[i][1], lines[i][2], lines[i][3], NULL };

		agent_init(&a, replies);
		agent_run(&a, arguments);
		if (a.status > 125) /* 1000 and more: a signal */
			fail_msg("reevectl %s %s: status %d, %s", lines[i][0],
				 lines[i][1] ? lines[i][1] : "", a.status, a.err);
		agent_done(&a);
	}
}

static void run_case(const char *ended, int status, const char *err_has)
{
	const struct reply replies[] = {
		{ "POST", "/v1/slices/s-1/tasks", 201, TASK("\"state\":\"running\""), false },
		{ "POST", "/v1/slices", 201, SLICE, false },
		{ "GET", "/v1/slices/s-1/tasks/main/logs", 200, "hello\n", false },
		{ "GET", "/v1/slices/s-1/tasks/main", 200, ended, false },
		{ "DELETE", "/v1/slices/s-1", 204, "", false },
		{ 0 },
	};
	struct agent a;

	agent_init(&a, replies);
	agent_run(&a,
		  ARGUMENTS(W("run"), W("-v"), W("--cores=2"), W("--env=A=b"), W("true"), W("-x")));
	if (a.status != status)
		fail_msg("status %d\n--- err\n%s--- asked\n%s", a.status, a.err, a.asked);
	assert_non_null(strstr(a.asked, "POST /v1/slices {\"cores\":2}\n"));
	assert_non_null(strstr(a.asked, "POST /v1/slices/s-1/tasks {\"env\":{\"A\":\"b\"},"
					"\"argv\":[\"true\",\"-x\"]}\n"));
	assert_non_null(strstr(a.asked, "DELETE /v1/slices/s-1"));
	assert_string_equal(a.out, "hello\n");
	assert_non_null(strstr(a.err, "hello\n")); /* the stand-in has one log for both */
	assert_non_null(strstr(a.err,
			       "slice s-1: cpus 2-3, node 0, 1 GiB; cpus by affinity (node 0 has "
			       "room)"));
	assert_non_null(strstr(a.err, err_has));
	agent_done(&a);
}

static void test_run_ends_with_the_status_of_the_task(void **state)
{
	(void)state;
	run_case(TASK("\"state\":\"exited\",\"exit_code\":0"), 0, "");
	run_case(TASK("\"state\":\"exited\",\"exit_code\":7"), 7, "");
	run_case(TASK("\"state\":\"exited\",\"exit_signal\":\"TERM\""), 128 + SIGTERM, "");
	run_case(TASK("\"state\":\"exited\",\"exit_signal\":\"KILL\",\"oom_killed\":1"),
		 128 + SIGKILL, "[oom-killed]");
	run_case(TASK("\"state\":\"failed\",\"reason\":\"exec true: No such file or directory\""),
		 127, "reevectl: exec true: No such file or directory\n");
	run_case(TASK("\"state\":\"failed\",\"reason\":\"exec true: Permission denied\""), 126,
		 "Permission denied");
	run_case(TASK("\"state\":\"failed\",\"reason\":\"chdir: No such file or directory\""), 125,
		 "chdir");
	run_case(TASK("\"state\":\"lost\",\"reason\":\"the agent was away\""), 125, "was away");
}

static void test_an_interrupted_run_stops_the_task_and_releases_the_slice(void **state)
{
	static const struct reply replies[] = {
		{ "POST", "/v1/slices/s-1/tasks/main/stop", 202, "", false },
		{ "POST", "/v1/slices/s-1/tasks", 201, TASK("\"state\":\"running\""), false },
		{ "POST", "/v1/slices", 201, SLICE, false },
		{ "GET", "/v1/slices/s-1/tasks/main/logs", 200, "", false },
		{ "GET", "/v1/slices/s-1/tasks/main", 200,
		  TASK("\"state\":\"exited\",\"exit_signal\":\"TERM\""), true },
		{ "DELETE", "/v1/slices/s-1", 204, "", false },
		{ 0 },
	};
	struct agent a;

	(void)state;
	agent_init(&a, replies);
	a.interrupt = true;
	agent_run(&a, ARGUMENTS(W("run"), W("sleep"), W("1000")));
	if (a.status != 128 + SIGTERM)
		fail_msg("status %d\n--- err\n%s--- asked\n%s", a.status, a.err, a.asked);
	assert_non_null(strstr(a.asked, "POST /v1/slices {\"cores\":1}\n"));
	assert_non_null(strstr(a.asked, "POST /v1/slices/s-1/tasks/main/stop {}"));
	assert_non_null(strstr(a.asked, "DELETE /v1/slices/s-1"));
	agent_done(&a);
}

static void test_a_run_outlives_an_agent_that_is_away_for_a_moment(void **state)
{
	static const struct reply replies[] = {
		{ "POST", "/v1/slices/s-1/tasks", 201, TASK("\"state\":\"running\""), false },
		{ "POST", "/v1/slices", 201, SLICE, false },
		{ "GET", "/v1/slices/s-1/tasks/main/logs", 200, "hel", false },
		{ "GET", "/v1/slices/s-1/tasks/main/logs", 200, "hel", false },
		{ "GET", "/v1/slices/s-1/tasks/main/logs", 200, "hello\n", false },
		{ "GET", "/v1/slices/s-1/tasks/main", 503, "{\"detail\":\"stopping\"}", false },
		{ "GET", "/v1/slices/s-1/tasks/main", 200,
		  TASK("\"state\":\"exited\",\"exit_code\":4"), false },
		{ "DELETE", "/v1/slices/s-1", 204, "", false },
		{ 0 },
	};
	struct agent a;

	(void)state;
	agent_init(&a, replies);
	agent_run(&a, ARGUMENTS(W("run"), W("true")));
	assert_int_equal(a.status, 4);
	assert_string_equal(a.out, "hello\n"); /* nothing twice, nothing lost */
	assert_non_null(strstr(a.asked, "DELETE /v1/slices/s-1"));
	agent_done(&a);
}

static void test_a_kept_slice_is_not_deleted(void **state)
{
	static const struct reply replies[] = {
		{ "POST", "/v1/slices/s-1/tasks", 201, TASK("\"state\":\"running\""), false },
		{ "POST", "/v1/slices", 201, SLICE, false },
		{ "GET", "/v1/slices/s-1/tasks/main/logs", 200, "", false },
		{ "GET", "/v1/slices/s-1/tasks/main", 200,
		  TASK("\"state\":\"exited\",\"exit_code\":0"), false },
		{ 0 },
	};
	struct agent a;

	(void)state;
	agent_init(&a, replies);
	agent_run(&a, ARGUMENTS(W("run"), W("--keep"), W("true")));
	assert_int_equal(a.status, 0);
	assert_null(strstr(a.asked, "DELETE"));
	assert_non_null(strstr(a.err, "slice s-1 is kept"));
	agent_done(&a);
}

static void test_events_are_lines_and_heartbeats_are_left_out(void **state)
{
	static const struct reply replies[] = {
		{ "GET", "/v1/events", 200,
		  "{\"seq\":7,\"time\":\"2026-03-01T10:00:00.000000Z\",\"kind\":\"task.exited\","
		  "\"slice\":\"s-1\",\"task\":\"main\",\"data\":{\"exit_code\":0}}\n"
		  "{\"kind\":\"heartbeat\",\"seq\":7,\"data\":{\"verdict\":\"ok\"}}\n"
		  "{\"seq\":8,\"time\":\"2026-03-01T10:00:01.000000Z\",\"kind\":\"slice.deleted\","
		  "\"slice\":\"s-1\"}\n",
		  false },
		{ 0 },
	};

	(void)state;
	check(replies, ARGUMENTS(W("events")), 0,
	      "     7  2026-03-01 10:00:00  task.exited         s-1/main  exit_code=0\n"
	      "     8  2026-03-01 10:00:01  slice.deleted       s-1\n",
	      "");
	check(replies, ARGUMENTS(W("events"), W("-f")), 0, "", "resume with --since 8");
	check(replies, ARGUMENTS(W("-ojson"), W("events")), 0,
	      "\"kind\":\"slice.deleted\",\"slice\":\"s-1\"}\n", "");
}

static void test_no_agent_is_status_3_and_says_how_to_start_one(void **state)
{
	static const struct reply replies[] = { { 0 } };

	(void)state;
	check(replies, ARGUMENTS(W("health"), W("--socket"), W("/nonexistent/sock")), 3, "",
	      "reeved does not seem to run: there is no socket /nonexistent/sock; start it with");
	check(replies, ARGUMENTS(W("run"), W("--socket"), W("/nonexistent/sock"), W("true")), 125,
	      "", "[unreachable]");
}

static void test_completion_knows_verbs_options_slices_and_tasks(void **state)
{
	static const struct reply replies[] = {
		{ "GET", "/v1/slices/s-1", 200, SLICE, false },
		{ "GET", "/v1/slices", 200, "{\"slices\":[" SLICE ",{\"id\":\"bad\\nname\"}]}",
		  false },
		{ 0 },
	};

	(void)state;
	check(replies, ARGUMENTS(W("__complete"), W("--"), W("sl")), 0, "slice\n", "");
	check(replies, ARGUMENTS(W("__complete"), W("--"), W("slice"), W("d")), 0, "delete\n", "");
	check(replies, ARGUMENTS(W("__complete"), W("--"), W("slice"), W("show"), W("")), 0,
	      "s-1\n", "");
	check(replies,
	      ARGUMENTS(W("__complete"), W("--"), W("task"), W("logs"), W("-f"), W("s-1"), W("m")),
	      0, "main\n", "");
	check(replies, ARGUMENTS(W("__complete"), W("--"), W("run"), W("--device"), W("g")), 0,
	      "gpu\n", "");
	check(replies, ARGUMENTS(W("__complete"), W("--"), W("run"), W("--ali")), 0,
	      "--align\n--align-required\n", "");
	check(replies, ARGUMENTS(W("__complete")), 0, "topology\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices_are_listed_as_a_table_and_as_json),
		cmocka_unit_test(test_a_refusal_is_one_sentence_and_status_1),
		cmocka_unit_test(test_an_explanation_says_what_else_there_is),
		cmocka_unit_test(test_a_place_is_marked_on_the_drawing),
		cmocka_unit_test(test_offers_are_shown_with_their_bundles),
		cmocka_unit_test(test_an_answer_that_is_not_of_the_api_is_status_4),
		cmocka_unit_test(test_answers_of_wrong_types_crash_no_verb),
		cmocka_unit_test(test_run_ends_with_the_status_of_the_task),
		cmocka_unit_test(test_an_interrupted_run_stops_the_task_and_releases_the_slice),
		cmocka_unit_test(test_a_run_outlives_an_agent_that_is_away_for_a_moment),
		cmocka_unit_test(test_a_kept_slice_is_not_deleted),
		cmocka_unit_test(test_events_are_lines_and_heartbeats_are_left_out),
		cmocka_unit_test(test_no_agent_is_status_3_and_says_how_to_start_one),
		cmocka_unit_test(test_completion_knows_verbs_options_slices_and_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
