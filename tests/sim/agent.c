/* SPDX-License-Identifier: Apache-2.0 */
/* An agent for tests; see agent.h. */
#include "tests/sim/agent.h"

#include "decode.h"
#include "util/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROCESS_TEXT_BYTES = 1 << 17 };

static const struct api_caller root_caller = { 0 };

static bool find_init(void)
{
	const char *build = getenv("REEVE_BUILDDIR");
	char path[4096];

	if (!getenv("REEVE_INIT") && build) {
		(void)snprintf(path, sizeof(path), "%s/agent/init/reeve-init", build);
		(void)setenv("REEVE_INIT", path, 1);
	}
	return getenv("REEVE_INIT") && access(getenv("REEVE_INIT"), X_OK) == 0;
}

const char *agent_missing(enum backend_choice backend)
{
	_cleanup_(host_freep) struct host *host = NULL;
	char name[32];
	int fd = -1;

	if (geteuid() != 0)
		return "only root can make slices";
	if (!find_init())
		return "there is no reeve-init: build it, or set REEVE_BUILDDIR";
	if (backend == BACKEND_PROCESS)
		return NULL;
	if (host_open(&host, NULL, NULL) < 0 || host->cgroup_fd < 0)
		return "no cgroup v2 hierarchy is mounted";
	(void)snprintf(name, sizeof(name), "reeve-try-%d", (int)getpid());
	if (cg_make(host->cgroup_fd, name, &fd) < 0)
		return "the cgroup v2 hierarchy cannot be written";
	close_fd(fd);
	(void)cg_remove(host->cgroup_fd, name); /* it is empty */
	return NULL;
}

static void set(struct config *c, const char *section, const char *key, const char *value)
{
	struct fail f = { 0 };

	if (config_set(c, section, key, value, &f) < 0)
		fail_msg("%s", f.text);
}

static void begin(struct agent *a)
{
	struct fail f = { 0 };

	if (manager_new(&a->manager, &a->config, &f) < 0)
		fail_msg("%s", f.text);
	adopt_slices(a->manager);
}

static void open_agent(struct agent *a, enum backend_choice backend, const char *root)
{
	static const char *const names[] = { "auto", "systemd", "cgroupfs", "process" };
	static const struct {
		const char *key, *below;
	} paths[] = {
		{ "runtime-dir", "run" },
		{ "state-dir", "state" },
		{ "socket", "run/reeve.sock" },
	};
	/* A cgroup hierarchy may be a stand-in; this machine's interrupts and pages are none. */
	static const char *const host_settings[] = { "interrupts",   "workqueues", "irqbalance",
						     "housekeeping", "hugepages",  "resctrl" };
	/* Nor is how busy it is: such events come at any time. */
	static const char *const reports[] = { "host-cpu", "host-io", "slice-memory", "slice-io" };
	char path[128];

	*a = (struct agent){ 0 };
	(void)snprintf(a->dir, sizeof(a->dir), "/tmp/reeve-sim-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	assert_int_equal(config_init(&a->config, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", a->dir, paths[i].below);
		set(&a->config, "agent", paths[i].key, path);
	}
	set(&a->config, "agent", "backend", names[backend]);
	set(&a->config, "reserve", "cores", "0");
	set(&a->config, "reserve", "memory", "0");
	for (size_t i = 0; i < ARRAY_SIZE(host_settings); i++)
		set(&a->config, "isolation", host_settings[i], "no");
	set(&a->config, "isolation", "cdi-dir", "none");
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		set(&a->config, "pressure", reports[i], "off");
	a->config.root = root ? strdup(root) : NULL;
	begin(a);
}

void agent_open(struct agent *a, enum backend_choice backend)
{
	open_agent(a, backend, NULL);
}

void agent_open_at(struct agent *a, const char *root)
{
	open_agent(a, BACKEND_PROCESS, root);
}

void agent_done(struct agent *a)
{
	a->manager = manager_free(a->manager);
	config_done(&a->config);
	assert_int_equal(fs_remove_tree(AT_FDCWD, a->dir), 0);
}

void agent_restart(struct agent *a)
{
	a->manager = manager_free(a->manager);
	begin(a);
}

void answer_done(struct answer *a)
{
	json_decref(a->document);
	*a = (struct answer){ 0 };
}

static void on_answer(json_t *document, const struct fail *why, void *userdata)
{
	struct answer *a = userdata;

	a->calls++;
	a->document = json_incref(document);
	if (!why)
		return;
	a->error = why->error;
	a->code = why->code;
	(void)snprintf(a->text, sizeof(a->text), "%s", why->text);
}

struct api_reply answer_here(struct answer *a)
{
	return (struct api_reply){ .done = on_answer, .userdata = a };
}

static json_t *parse(const char *text)
{
	json_t *object = NULL;
	struct fail f = { 0 };

	if (json_parse_object(text, strlen(text), &object, &f) < 0)
		fail_msg("%s: %s", text, f.text);
	return object;
}

void agent_create(struct agent *a, const char *request, struct answer *ret)
{
	_cleanup_json_ json_t *object = parse(request);
	struct request r;
	struct fail f = { 0 };

	request_init(&r);
	if (decode_request(object, &r, &f) < 0)
		fail_msg("%s: %s", request, f.text);
	api_slice_create(a->manager->api, &root_caller, &r, answer_here(ret));
}

void agent_delete(struct agent *a, const char *slice, uint64_t grace_usec, struct answer *ret)
{
	api_slice_delete(a->manager->api, &root_caller, slice, grace_usec, answer_here(ret));
}

void agent_start(struct agent *a, const char *slice, const char *task, struct answer *ret)
{
	_cleanup_json_ json_t *object = parse(task);
	struct api_task order = { .request = object };
	struct fail f = { 0 };

	task_spec_init(&order.spec);
	if (decode_task(object, &order.spec, &f) < 0)
		fail_msg("%s: %s", task, f.text);
	api_task_start(a->manager->api, &root_caller, slice, &order, answer_here(ret));
}

static uint64_t now_usec(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

bool agent_await(struct agent *a, const struct answer *answer, uint64_t limit_usec)
{
	uint64_t end = now_usec() + limit_usec;

	while (answer->calls == 0 && now_usec() < end)
		assert_true(sd_event_run(a->manager->loop, 10000) >= 0);
	return answer->calls > 0;
}

void agent_turn(struct agent *a, uint64_t usec)
{
	uint64_t end = now_usec() + usec, now;

	while ((now = now_usec()) < end)
		assert_true(sd_event_run(a->manager->loop, end - now) >= 0);
}

static bool file_has(const char *pid, const char *file, const char *wanted)
{
	_cleanup_free_ char *room = malloc(PROCESS_TEXT_BYTES);
	_cleanup_close_ int fd = -1;
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_non_null(room);
	n = fd < 0 ? -1 : read(fd, room, PROCESS_TEXT_BYTES);
	return n > 0 && memmem(room, (size_t)n, wanted, strlen(wanted));
}

unsigned agent_processes(const struct agent *a, const char *slice_prefix)
{
	_cleanup_(fs_names_freep) char **pids = NULL;
	char environment[128];
	unsigned count = 0;

	(void)snprintf(environment, sizeof(environment), "REEVE_SOCKET=%s/", a->dir);
	assert_int_equal(fs_list(AT_FDCWD, "/proc", &pids, NULL), 0);
	for (char **p = pids; *p; p++) {
		bool init;

		if (!isdigit((unsigned char)**p))
			continue;
		init = file_has(*p, "cmdline", "reeve-init") &&
		       file_has(*p, "cmdline", slice_prefix);
		count += init || file_has(*p, "environ", environment);
	}
	return count;
}

unsigned agent_cgroups(const struct agent *a)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	unsigned count = 0;

	if (a->manager->tree_fd < 0)
		return 0;
	assert_int_equal(fs_list(a->manager->tree_fd, ".", &names, NULL), 0);
	for (char **n = names; *n; n++) {
		int fd = fs_open_dir(a->manager->tree_fd, *n);

		count += fd >= 0;
		close_fd(fd);
	}
	return count;
}
