/* SPDX-License-Identifier: Apache-2.0 */
/* Pressure in a whole agent: what the kernel announces is told, the steps of the host's rule reach
 * revocable slices and nobody else, and are given back. Cgroups are the kernel's own; how much
 * memory the host has is made up. */
#include "tests/sim/agent.h"

#include "cgroups/usage.h"
#include "pressure.h"
#include "util/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECOND = 1000000 };

#define SHORT "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: 99999 kB\n"
#define ENOUGH "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: 100000 kB\n"

struct rig {
	struct agent agent;
	char proc[64], first[32], second[32], other[32];
	uint64_t passed_usec; /* beside the real time */
	uint64_t seen;
};

static uint64_t (*real_monotonic)(const struct host *host);

static uint64_t later(const struct host *host)
{
	const struct rig *r = host->clock_userdata;

	return real_monotonic(host) + r->passed_usec;
}

static void put_memory(struct rig *r, const char *text)
{
	char path[96];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/meminfo", r->proc);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Only what the agent reads of memory and of pressure is made up. */
static void take_over(struct rig *r)
{
	struct host *host = r->agent.manager->host;

	real_monotonic = host->monotonic_usec;
	host->clock_userdata = r;
	host->monotonic_usec = later;
	close_fd(host->proc_fd);
	host->proc_fd = fs_open_dir(AT_FDCWD, r->proc);
	assert_true(host->proc_fd >= 0);
}

static void rig_open(struct rig *r)
{
	const char *missing = agent_missing(BACKEND_CGROUPFS);

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	*r = (struct rig){ 0 };
	(void)snprintf(r->proc, sizeof(r->proc), "/tmp/reeve-test-proc-XXXXXX");
	assert_non_null(mkdtemp(r->proc));
	(void)snprintf(r->first, sizeof(r->first), "press%d-a", (int)getpid());
	(void)snprintf(r->second, sizeof(r->second), "press%d-b", (int)getpid());
	(void)snprintf(r->other, sizeof(r->other), "press%d-c", (int)getpid());
	put_memory(r, SHORT);
	agent_open(&r->agent, BACKEND_CGROUPFS);
	take_over(r);
}

static void rig_close(struct rig *r)
{
	agent_done(&r->agent);
	assert_int_equal(fs_remove_tree(AT_FDCWD, r->proc), 0);
}

static void create(struct rig *r, const char *name, bool revocable)
{
	struct answer answer = { 0 };
	char request[128];

	(void)snprintf(request, sizeof(request),
		       "{\"name\":\"%s\",\"shared_cpus\":0.1,\"revocable\":%s}", name,
		       revocable ? "true" : "false");
	agent_create(&r->agent, request, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
	agent_start(&r->agent, name, "{\"name\":\"runs\",\"argv\":[\"sleep\",\"1000\"]}", &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
}

static void end(struct rig *r, const char *name)
{
	struct answer answer = { 0 };

	agent_delete(&r->agent, name, 0, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
}

static bool is_frozen(const struct rig *r, const char *name, const char *leaf)
{
	const struct slice *s = manager_slice(r->agent.manager, name);
	char path[64], text[8];

	assert_non_null(s);
	(void)snprintf(path, sizeof(path), "%s/cgroup.freeze", leaf);
	assert_int_equal(fs_read_line(s->cgroup_fd, path, text, sizeof(text)), 0);
	return strcmp(text, "1") == 0;
}

/* How many events of a kind that has the words there are since the last call. */
static unsigned events(struct rig *r, const char *kind, const char *words)
{
	struct journal_reader *reader;
	struct journal_record record;
	uint64_t from;
	unsigned count = 0;

	assert_int_equal(
		journal_reader_new(&reader, r->agent.manager->journal, r->seen, NULL, NULL), 0);
	while (journal_reader_peek(reader, &record, &from) == JOURNAL_RECORD) {
		count += strstr(record.text, kind) && strstr(record.text, words);
		journal_reader_advance(reader);
	}
	journal_reader_free(reader);
	return count;
}

static void mark(struct rig *r)
{
	r->seen = journal_last(r->agent.manager->journal);
}

static void announce(struct rig *r)
{
	mark(r);
	pressure_heard(r->agent.manager, NULL, PRESSURE_MEMORY);
}

static void test_steps_reach_the_revocable_one_after_the_other(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, r.first, true);
	create(&r, r.other, false);
	create(&r, r.second, true);
	announce(&r); /* throttle: no such controllers here, perhaps */
	assert_int_equal(events(&r, "node.pressure", "\"action\":\"throttle\""), 1);
	assert_false(is_frozen(&r, r.first, "runs"));
	announce(&r); /* at once again: nothing new */
	assert_int_equal(events(&r, "pressure", ""), 0);
	r.passed_usec += 2 * SECOND;
	announce(&r);
	assert_int_equal(events(&r, "node.pressure", "\"action\":\"freeze\""), 1);
	assert_int_equal(events(&r, "slice.pressure", "runs/cgroup.freeze: 0 -> 1"), 2);
	assert_true(is_frozen(&r, r.first, "runs") && is_frozen(&r, r.second, "runs"));
	assert_false(is_frozen(&r, r.first, "init") || is_frozen(&r, r.other, "runs"));
	r.passed_usec += 2 * SECOND;
	announce(&r);
	agent_turn(&r.agent, SECOND); /* memory is not counted here, so the newest went */
	assert_null(manager_slice(r.agent.manager, r.second));
	assert_int_equal(events(&r, "slice.revoked", "revoked: host memory pressure"), 1);
	assert_int_equal(events(&r, "slice.deleted", r.second), 1);
	r.passed_usec += 2 * SECOND;
	announce(&r);
	agent_turn(&r.agent, SECOND);
	assert_null(manager_slice(r.agent.manager, r.first));
	r.passed_usec += 2 * SECOND;
	announce(&r); /* nobody is left to take from */
	agent_turn(&r.agent, SECOND / 2);
	assert_int_equal(events(&r, "slice.revoked", ""), 0);
	assert_non_null(manager_slice(r.agent.manager, r.other));
	end(&r, r.other);
	rig_close(&r);
}

static void test_nothing_is_taken_while_memory_is_enough(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	put_memory(&r, ENOUGH);
	create(&r, r.first, true);
	announce(&r);
	assert_int_equal(events(&r, "node.pressure", "\"action\":\"report\""), 1);
	assert_int_equal(events(&r, "node.pressure", "97 of 976 MiB are available"), 1);
	for (unsigned i = 0; i < 5; i++) {
		r.passed_usec += 3 * SECOND;
		announce(&r);
	}
	assert_non_null(manager_slice(r.agent.manager, r.first));
	assert_false(is_frozen(&r, r.first, "runs"));
	end(&r, r.first);
	rig_close(&r);
}

static void freeze(struct rig *r)
{
	announce(r);
	r->passed_usec += 2 * SECOND;
	announce(r);
	assert_true(is_frozen(r, r->first, "runs"));
}

static void assert_heartbeat_says(const struct rig *r, const char *slice, bool frozen)
{
	_cleanup_json_ json_t *beat = watch_heartbeat(r->agent.manager->watch);
	const json_t *actions = json_object_get(json_object_get(beat, "pressure"), "actions"),
		     *first = json_array_get(actions, 0);

	assert_true(json_is_array(actions));
	assert_int_equal(json_array_size(actions), frozen);
	if (!frozen)
		return;
	assert_string_equal(json_string_value(json_object_get(first, "slice")), slice);
	assert_true(json_is_true(json_object_get(first, "frozen")));
}

static void test_what_was_taken_is_given_back_when_it_is_calm(void **state)
{
	struct rig r;
	char evidence[256];

	(void)state;
	rig_open(&r);
	create(&r, r.first, true);
	freeze(&r);
	assert_true(pressure_on_host(r.agent.manager->pressure, evidence, sizeof(evidence)));
	assert_string_equal(evidence, "memory of the host is short: freeze of revocable slices is "
				      "in force");
	assert_heartbeat_says(&r, r.first, true);
	agent_turn(&r.agent, 2 * SECOND); /* the timer reads: calm, but not for long */
	assert_true(is_frozen(&r, r.first, "runs"));
	r.passed_usec += 20 * SECOND;
	agent_turn(&r.agent, 2 * SECOND);
	assert_false(is_frozen(&r, r.first, "runs"));
	assert_int_equal(events(&r, "slice.pressure", "runs/cgroup.freeze: 1 -> 0"), 1);
	assert_int_equal(events(&r, "node.pressure", "restore"), 1);
	assert_false(pressure_on_host(r.agent.manager->pressure, evidence, sizeof(evidence)));
	assert_heartbeat_says(&r, r.first, false);
	end(&r, r.first);
	rig_close(&r);
}

static bool has_leaf(const struct rig *r, const char *name, const char *leaf)
{
	return fs_exists(manager_slice(r->agent.manager, name)->cgroup_fd, leaf);
}

/* One that stood still before its exec() would not be told to have started before the thaw. */
static void test_a_task_that_is_starting_is_frozen_when_it_runs(void **state)
{
	struct rig r;
	struct answer answer = { 0 };

	(void)state;
	rig_open(&r);
	create(&r, r.first, true);
	agent_start(&r.agent, r.first, "{\"name\":\"late\",\"argv\":[\"sleep\",\"1000\"]}",
		    &answer);
	for (int i = 0; i < 1000 && !has_leaf(&r, r.first, "late"); i++)
		(void)usleep(10000); /* reeve-init is at it, and the loop stands */
	freeze(&r);
	assert_true(is_frozen(&r, r.first, "runs"));
	assert_false(is_frozen(&r, r.first, "late"));
	assert_true(agent_await(&r.agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
	agent_turn(&r.agent, 2 * SECOND); /* the timer's look */
	assert_true(is_frozen(&r, r.first, "late"));
	agent_start(&r.agent, r.first, "{\"argv\":[\"true\"]}", &answer);
	assert_true(agent_await(&r.agent, &answer, 10 * SECOND));
	assert_string_equal(answer.code, "slice-frozen");
	answer_done(&answer);
	end(&r, r.first);
	rig_close(&r);
}

static void test_an_agent_that_stops_leaves_nobody_frozen(void **state)
{
	struct rig r;
	struct answer answer = { 0 };

	(void)state;
	rig_open(&r);
	create(&r, r.first, true);
	freeze(&r);
	agent_restart(&r.agent);
	agent_turn(&r.agent, SECOND);
	assert_false(is_frozen(&r, r.first, "runs"));
	take_over(&r);
	assert_true(manager_slice(r.agent.manager, r.first)->request.revocable);
	freeze(&r);
	agent_delete(&r.agent, r.first, 5 * SECOND, &answer); /* with grace, which needs a thaw */
	assert_true(agent_await(&r.agent, &answer, 3 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
	rig_close(&r);
}

static bool is_watched(const struct rig *r, const char *name)
{
	_cleanup_json_ json_t *document =
		pressure_slice_document(manager_slice(r->agent.manager, name));

	assert_non_null(document);
	return json_array_size(json_object_get(document, "watched")) > 0;
}

/* How many descriptors of a process are of that file. */
static size_t held(pid_t pid, const char *file)
{
	char path[64], target[PATH_MAX];
	size_t count = 0;

	for (int fd = 0; fd < 64; fd++) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = 0;
		count += n > 0 && strstr(target, file);
	}
	return count;
}

/* Two that want one CPU: some of them always waits. */
static void test_what_the_kernel_announces_is_told(void **state)
{
	static const char both[] = "{\"name\":\"both\",\"argv\":[\"taskset\",\"-c\",\"0\",\"sh\","
				   "\"-c\",\"while :; do :; done & while :; do :; done\"]}";
	struct answer answer = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(config_set(&r.agent.config, "pressure", "slice-cpu",
				    "some 50ms/500ms: report", NULL),
			 0);
	create(&r, r.first, false);
	agent_turn(&r.agent, SECOND);	/* it is a little later that it is watched */
	if (!is_watched(&r, r.first)) { /* why has been logged */
		print_message("skipped: this kernel announces no pressure of cgroups\n");
		end(&r, r.first);
		rig_close(&r);
		skip();
	}
	/* reeve-init is the last who closes them; the next agent's take their place. */
	assert_int_equal(held(manager_slice(r.agent.manager, r.first)->init_pid, "/cpu.pressure"),
			 1);
	agent_restart(&r.agent);
	take_over(&r);
	agent_turn(&r.agent, SECOND);
	assert_int_equal(held(manager_slice(r.agent.manager, r.first)->init_pid, "/cpu.pressure"),
			 1);
	mark(&r);
	agent_start(&r.agent, r.first, both, &answer);
	assert_true(agent_await(&r.agent, &answer, 10 * SECOND));
	answer_done(&answer);
	for (unsigned i = 0; i < 20 && !events(&r, "slice.pressure", "\"resource\":\"cpu\""); i++)
		agent_turn(&r.agent, SECOND / 2);
	assert_true(events(&r, "slice.pressure", "\"kind\":\"some\"") > 0);
	end(&r, r.first);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_reach_the_revocable_one_after_the_other),
		cmocka_unit_test(test_nothing_is_taken_while_memory_is_enough),
		cmocka_unit_test(test_what_was_taken_is_given_back_when_it_is_calm),
		cmocka_unit_test(test_a_task_that_is_starting_is_frozen_when_it_runs),
		cmocka_unit_test(test_an_agent_that_stops_leaves_nobody_frozen),
		cmocka_unit_test(test_what_the_kernel_announces_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
