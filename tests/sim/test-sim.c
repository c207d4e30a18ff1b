/* SPDX-License-Identifier: Apache-2.0 */
/* The system under random use: slices and tasks come and go, reeve-inits are killed, agents are
 * replaced, in an order that a printed seed gives again (REEVE_SIM_SEED, REEVE_SIM_STEPS). At every
 * quiet point the books must agree with what there is; in the end nothing may be left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"

#include "model/free.h"
#include "util/map.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 300, ANSWERS_MAX = 4096, SLICES_MAX = 6, NAME_BYTES = 40 };
enum { SECOND = 1000000 };

struct sim {
	struct agent agent;
	uint32_t random;
	unsigned slices_made, tasks_made;
	char prefix[16];
	char slices[SLICES_MAX][NAME_BYTES]; /* asked for and not yet asked to go; "" free */
	struct answer *answers;
	size_t answers_count;
	struct map *finals; /* "slice/task" -> how many final events */
	struct map *born;   /* "slice/task" that somebody was told of */
	struct api_events *events;
	struct resources at_start;
	uint64_t installed_bytes; /* then; a virtual machine may get memory while this runs */
};

/* xorshift32: Marsaglia, Journal of Statistical Software 8(14), 2003. */
static uint32_t next(struct sim *s, uint32_t below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 17;
	s->random ^= s->random << 5;
	return s->random % below;
}

static struct answer *new_answer(struct sim *s)
{
	assert_true(s->answers_count < ANSWERS_MAX);
	return &s->answers[s->answers_count++];
}

static void count(struct map *map, const char *key)
{
	uintptr_t n = (uintptr_t)map_remove(map, key) + 1;

	assert_int_equal(map_put(map, key, (void *)n), 0);
}

static int on_record(uint64_t seq, const char *kind, const char *text, size_t size, void *userdata)
{
	_cleanup_json_ json_t *event = NULL;
	struct sim *s = userdata;
	char key[2 * NAME_BYTES];
	const char *task;

	assert_true(seq > 0 || kind);
	if (seq == 0) {
		assert_string_not_equal(kind, "stream.lost");
		return 0;
	}
	assert_int_equal(json_parse_object(text, size, &event, NULL), 0);
	kind = json_string_value(json_object_get(event, "kind"));
	task = json_string_value(json_object_get(event, "task"));
	if (!task || (strcmp(kind, "task.exited") != 0 && strcmp(kind, "task.failed") != 0 &&
		      strcmp(kind, "task.lost") != 0))
		return 0;
	(void)snprintf(key, sizeof(key), "%.38s/%.38s",
		       json_string_value(json_object_get(event, "slice")), task);
	count(s->finals, key);
	return 0;
}

/* From the first event of this agent on: it has told some before anybody could listen. */
static void listen_to_events(struct sim *s)
{
	const struct api_events_order order = {
		.after = journal_first(s->agent.manager->journal) - 1,
		.follow = true,
		.record = on_record,
		.userdata = s,
	};
	struct fail f = { 0 };

	assert_int_equal(api_events_open(s->agent.manager->api, &order, &s->events, &f), 0);
	api_events_go(s->events);
}

static char *pick(struct sim *s, bool used)
{
	for (uint32_t i = 0, at = next(s, SLICES_MAX); i < SLICES_MAX; i++)
		if ((*s->slices[(at + i) % SLICES_MAX] != 0) == used)
			return s->slices[(at + i) % SLICES_MAX];
	return NULL;
}

static void step_create(struct sim *s)
{
	static const char *const wants[] = {
		"\"cores\":1",
		"\"cores\":1,\"memory\":\"64MiB\"",
		"\"shared_cpus\":0.1",
		"\"cores\":1,\"shared_cpus\":0.1",
		"\"cores\":2,\"align\":\"none\"",
		"\"shared_cpus\":0.25,\"memory\":\"16MiB\"",
		"\"cores\":60000",
	};
	char *name = pick(s, false), request[256];

	if (!name)
		return;
	(void)snprintf(name, NAME_BYTES, "%s-%u", s->prefix, ++s->slices_made);
	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",%s}", name,
		       wants[next(s, ARRAY_SIZE(wants))]);
	agent_create(&s->agent, request, new_answer(s));
}

static void step_delete(struct sim *s)
{
	char *name = pick(s, true);
	uint64_t grace = next(s, 2) ? 0 : 50000;

	if (!name)
		return;
	agent_delete(&s->agent, name, grace, new_answer(s));
	if (next(s, 3) == 0) /* somebody else wants it too, and is told as well */
		agent_delete(&s->agent, name, 0, new_answer(s));
	*name = 0;
}

static void step_start(struct sim *s)
{
	static const char *const programs[] = {
		"\"argv\":[\"sleep\",\"1000\"]",
		"\"argv\":[\"true\"]",
		"\"argv\":[\"false\"],\"restart\":\"on-failure\",\"restart_backoff\":\"5ms\","
		"\"restarts_max\":3",
		"\"argv\":[\"/nonexistent\"]",
		"\"argv\":[\"sh\",\"-c\",\"trap '' TERM; sleep 1000 & sleep 1000\"],"
		"\"kill_grace\":\"20ms\"",
		"\"argv\":[\"sh\",\"-c\",\"sleep 1000 & exit 3\"]",
	};
	char *slice = pick(s, true), task[NAME_BYTES], request[320];

	if (!slice)
		return;
	(void)snprintf(task, sizeof(task), "t%u", ++s->tasks_made);
	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",%s}", task,
		       programs[next(s, ARRAY_SIZE(programs))]);
	agent_start(&s->agent, slice, request, new_answer(s));
}

static struct slice *some_slice(struct sim *s)
{
	char *name = pick(s, true);

	return name ? manager_slice(s->agent.manager, name) : NULL;
}

static struct slice_task *some_task(struct sim *s, struct slice *slice)
{
	size_t cursor = 0,
	       at = map_count(slice->tasks) ? next(s, (uint32_t)map_count(slice->tasks)) : 0;
	struct slice_task *t = map_next(slice->tasks, &cursor, NULL);

	for (size_t i = 0; t && i < at; i++)
		t = map_next(slice->tasks, &cursor, NULL);
	return t;
}

static void step_signal_or_stop(struct sim *s)
{
	const struct api_caller root = { 0 };
	struct slice *slice = some_slice(s);
	struct slice_task *t = slice ? some_task(s, slice) : NULL;
	struct api_task_order order;
	struct fail f = { 0 };

	if (!t)
		return;
	order = (struct api_task_order){ .slice = slice->id, .task = t->name };
	/* Either may be refused: the task is over, or its reeve-init is gone. */
	if (next(s, 2))
		(void)api_task_signal(s->agent.manager->api, &root, &order,
				      next(s, 2) ? SIGKILL : SIGTERM, &f);
	else
		(void)api_task_stop(s->agent.manager->api, &root, &order, next(s, 2) * 30000, &f);
	assert_true(f.error == 0 || *f.text);
}

static void step_kill_init(struct sim *s)
{
	struct slice *slice = some_slice(s);

	if (!slice || slice->init_pid <= 1 || next(s, 3))
		return;
	(void)kill(slice->init_pid, SIGKILL); /* it may just have gone */
}

static void step_resize(struct sim *s)
{
	static const struct {
		uint64_t cores, shared, memory, grace;
	} sizes[] = {
		{ 1, RESIZE_SAME, RESIZE_SAME, 0 },
		{ 2, 0, 32 << 20, 0 },
		{ 0, 200, RESIZE_SAME, 5000 },
		{ 1, 100, RESIZE_SAME, 20000 },
		{ RESIZE_SAME, RESIZE_SAME, 16 << 20, 0 },
		{ 60000, RESIZE_SAME, RESIZE_SAME, 0 },
	};
	const struct api_caller root = { 0 };
	struct slice *slice = some_slice(s);
	uint32_t n = next(s, ARRAY_SIZE(sizes));
	struct resize_change change;

	if (!slice)
		return;
	resize_change_init(&change);
	change.cores = sizes[n].cores;
	change.shared_millicpus = sizes[n].shared;
	change.memory_bytes = sizes[n].memory;
	change.grace_usec = sizes[n].grace;
	api_slice_resize(s->agent.manager->api, &root, slice->id, &change,
			 answer_here(new_answer(s)));
}

static void step_freeze(struct sim *s)
{
	const struct api_caller root = { 0 };
	struct slice *slice = some_slice(s);

	if (slice)
		api_slice_freeze(s->agent.manager->api, &root, slice->id, next(s, 3) == 0,
				 answer_here(new_answer(s)));
}

static void step_turn(struct sim *s)
{
	agent_turn(&s->agent, next(s, 20000));
}

static bool all_answered(const struct sim *s)
{
	for (size_t i = 0; i < s->answers_count; i++)
		if (s->answers[i].calls == 0)
			return false;
	return true;
}

/* A task of which somebody was told that it started, or did not. One that still was starting when
 * the agent stopped is none: its reeve-init may have died without a word. */
static void note_task(struct sim *s, const json_t *document)
{
	const char *slice = json_string_value(json_object_get(document, "slice"));
	const char *state = json_string_value(json_object_get(document, "state"));
	char key[2 * NAME_BYTES];

	if (!slice || strcmp(state, "starting") == 0)
		return;
	(void)snprintf(key, sizeof(key), "%.38s/%.38s", slice,
		       json_string_value(json_object_get(document, "name")));
	count(s->born, key);
}

static void forget_answers(struct sim *s)
{
	for (size_t i = 0; i < s->answers_count; i++) {
		assert_int_equal(s->answers[i].calls, 1);
		if (s->answers[i].error) {
			assert_non_null(s->answers[i].code);
			assert_true(*s->answers[i].text);
		}
		note_task(s, s->answers[i].document);
		answer_done(&s->answers[i]);
	}
	s->answers_count = 0;
}

/* An agent that stops tells everybody; nobody is told twice. */
static void step_restart(struct sim *s)
{
	if (next(s, 4))
		return;
	s->events = api_events_close(s->events);
	agent_restart(&s->agent);
	forget_answers(s);
	listen_to_events(s);
}

static uint64_t installed_bytes(const struct manager *m)
{
	uint64_t sum = 0;

	inventory_each (node, m->inventory, DEVICE_NODE)
		if (node->memory.memory_bytes != DEVICE_UNKNOWN_U64)
			sum += node->memory.memory_bytes;
	return sum;
}

/* What could be had at the start, if this machine had had as much memory then as it has now: each
 * restart discovers it again. */
static struct resources whole_now(const struct sim *s)
{
	struct resources whole = s->at_start;

	whole.memory_bytes += installed_bytes(s->agent.manager) - s->installed_bytes;
	return whole;
}

static void check_books(struct sim *s)
{
	struct manager *m = s->agent.manager;
	struct view v = manager_view(m);
	struct resources free_now, used, whole = whole_now(s);
	uint32_t cores = 0;
	size_t cursor = 0;

	assert_int_equal(ledger_count(m->ledger), map_count(m->slices));
	for (const struct slice *slice; (slice = map_next(m->slices, &cursor, NULL));) {
		const struct allocation *a = ledger_find(m->ledger, slice->id);

		assert_non_null(a);
		assert_true(list_empty(&slice->waiters));
		cores += cpuset_count(a->cores);
		cpuset_each (cpu, a->cpus)
			assert_string_equal(ledger_cpu_holder(m->ledger, (unsigned)cpu), slice->id);
	}
	view_free(&v, &free_now);
	view_used(&v, &used);
	assert_int_equal(used.cores, cores);
	assert_int_equal(free_now.cores + used.cores, whole.cores);
	assert_int_equal(free_now.memory_bytes + used.memory_bytes, whole.memory_bytes);
}

static void settle(struct sim *s)
{
	for (unsigned i = 0; i < 3000 && !all_answered(s); i++)
		agent_turn(&s->agent, 10000);
	assert_true(all_answered(s));
	forget_answers(s);
	check_books(s);
}

static void check_finals(const struct sim *s)
{
	size_t cursor = 0;
	const char *key;

	while (map_next(s->born, &cursor, &key)) {
		unsigned n = (unsigned)(uintptr_t)map_get(s->finals, key);

		if (n != 1)
			fail_msg("task %s has %u final events", key, n);
	}
	cursor = 0;
	for (void *n; (n = map_next(s->finals, &cursor, &key));)
		if ((uintptr_t)n > 1)
			fail_msg("task %s has %zu final events", key, (size_t)(uintptr_t)n);
}

static void check_empty(struct sim *s)
{
	struct manager *m = s->agent.manager;
	struct view v = manager_view(m);
	struct resources free_now, whole = whole_now(s);

	assert_int_equal(map_count(m->slices), 0);
	assert_int_equal(ledger_count(m->ledger), 0);
	view_free(&v, &free_now);
	assert_memory_equal(&free_now, &whole, sizeof(free_now));
	assert_int_equal(agent_cgroups(&s->agent), 0);
	for (unsigned i = 0; i < 100 && agent_processes(&s->agent, s->prefix) > 0; i++)
		agent_turn(&s->agent, 20000);
	assert_int_equal(agent_processes(&s->agent, s->prefix), 0);
}

static void delete_all(struct sim *s)
{
	size_t cursor = 0;

	for (const struct slice *slice;
	     (slice = map_next(s->agent.manager->slices, &cursor, NULL));)
		agent_delete(&s->agent, slice->id, 0, new_answer(s));
}

static void (*const steps[])(struct sim *s) = {
	step_create,	     step_create,  step_start,	step_start,  step_start,
	step_signal_or_stop, step_delete,  step_turn,	step_turn,   step_turn,
	step_kill_init,	     step_restart, step_resize, step_resize, step_freeze,
};

static unsigned number_of(const char *name, unsigned initial)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : initial;
}

static void sim_open(struct sim *s, enum backend_choice backend)
{
	struct view v;

	*s = (struct sim){ .random = number_of("REEVE_SIM_SEED", (unsigned)time(NULL)) | 1 };
	print_message("REEVE_SIM_SEED=%u\n", s->random);
	(void)snprintf(s->prefix, sizeof(s->prefix), "sim%d", (int)getpid());
	s->answers = calloc(ANSWERS_MAX, sizeof(*s->answers));
	assert_non_null(s->answers);
	assert_int_equal(map_new(&s->finals), 0);
	assert_int_equal(map_new(&s->born), 0);
	agent_open(&s->agent, backend);
	v = manager_view(s->agent.manager);
	view_free(&v, &s->at_start);
	s->installed_bytes = installed_bytes(s->agent.manager);
	listen_to_events(s);
}

static void sim_done(struct sim *s)
{
	s->events = api_events_close(s->events);
	agent_done(&s->agent);
	map_free(s->finals);
	map_free(s->born);
	free(s->answers);
}

static void simulate(enum backend_choice backend)
{
	const char *missing = agent_missing(backend);
	unsigned count_steps = number_of("REEVE_SIM_STEPS", STEPS);
	struct sim s;

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	sim_open(&s, backend);
	for (unsigned i = 0; i < count_steps; i++) {
		steps[next(&s, ARRAY_SIZE(steps))](&s);
		if (i % 25 == 24)
			settle(&s);
	}
	settle(&s);
	delete_all(&s);
	settle(&s);
	check_empty(&s);
	print_message("%zu tasks in %u slices\n", map_count(s.born), s.slices_made);
	check_finals(&s);
	sim_done(&s);
}

static void test_random_use_of_cgroupfs_leaves_nothing(void **state)
{
	(void)state;
	simulate(BACKEND_CGROUPFS);
}

static void test_random_use_of_processes_leaves_nothing(void **state)
{
	(void)state;
	simulate(BACKEND_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_use_of_cgroupfs_leaves_nothing),
		cmocka_unit_test(test_random_use_of_processes_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
