/* SPDX-License-Identifier: Apache-2.0 */
/* A slice with cores of its own and a share of the pool, on a hierarchy that is made up: the parts
 * that it has, the partition in one of them, and what becomes of both when the slice is resized,
 * when its agent is another, when the kernel refuses, and at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"
#include "tests/sim/fake_cgroups.h"
#include "tests/sim/made_host.h"

#include "channel.h"
#include "enforce.h"
#include "model/free.h"
#include "parts.h"
#include "resize.h"
#include "supervise.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECOND = 1000000, OPERATIONS_LIMIT = 1000 };

#define MIXED "\"cores\":1,\"shared_cpus\":0.5,\"memory\":\"64MiB\""

struct rig {
	struct agent agent;
	char root[64], slice[32];
};

static void rig_open(struct rig *r)
{
	const char *missing = agent_missing(BACKEND_PROCESS);

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	*r = (struct rig){ 0 };
	agent_open(&r->agent, BACKEND_PROCESS);
	if (cpuset_count(r->agent.manager->inventory->machine.online) < 2) {
		agent_done(&r->agent);
		print_message("skipped: a mixed slice needs two CPUs\n");
		skip();
	}
	/* A made-up control group takes no program. */
	assert_int_equal(config_set(&r->agent.config, "isolation", "device-filter", "no",
				    &(struct fail){ 0 }),
			 0);
	(void)snprintf(r->root, sizeof(r->root), "%.40s/cgroup", r->agent.dir);
	(void)snprintf(r->slice, sizeof(r->slice), "parts%d", (int)getpid());
	made_hierarchy(&r->agent);
}

static void create(struct rig *r, const char *what)
{
	struct answer answer = { 0 };
	char request[256];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",%s}", r->slice, what);
	agent_create(&r->agent, request, &answer);
	assert_true(agent_await(&r->agent, &answer, 40 * SECOND));
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
}

static void delete (struct rig *r)
{
	struct answer answer = { 0 };

	agent_delete(&r->agent, r->slice, 0, &answer);
	assert_true(agent_await(&r->agent, &answer, 60 * SECOND));
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
}

static void rig_close(struct rig *r)
{
	delete (r);
	agent_done(&r->agent);
}

static struct slice *slice_of(struct rig *r)
{
	return manager_slice(r->agent.manager, r->slice);
}

/* The text of a file of the slice's cgroup; the caller frees. */
static char *text_of(struct rig *r, const char *file)
{
	char *text = NULL;

	assert_int_equal(fs_read_line_new(slice_of(r)->cgroup_fd, file, &text), 0);
	return text;
}

static void assert_file(struct rig *r, const char *file, const char *expected)
{
	_cleanup_free_ char *text = text_of(r, file);

	if (strcmp(text, expected) != 0)
		fail_msg("%s says \"%s\", not \"%s\"", file, text, expected);
}

static const struct enforcement *row_of(struct rig *r, const char *limit)
{
	return enforcements_find(&slice_of(r)->enforced, limit);
}

static void assert_row(struct rig *r, const char *limit, enum mechanism by, const char *file)
{
	const struct enforcement *row = row_of(r, limit);

	assert_non_null(row);
	if (row->mechanism != by)
		fail_msg("%s is held by %s: %s", limit, mechanism_to_string(row->mechanism),
			 row->reason ? row->reason : "");
	if (file)
		assert_string_equal(row->file, file);
}

static void assert_mixed(struct rig *r)
{
	const struct allocation *a = ledger_find(r->agent.manager->ledger, r->slice);
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	struct view v = manager_view(r->agent.manager);
	_cleanup_free_ char *own = cpuset_format(a->cpus), *shared = NULL;

	assert_int_equal(view_shared_pool(&v, &pool), 0);
	shared = cpuset_format(pool);
	assert_non_null(shared);
	assert_file(r, "@exclusive/cpuset.cpus.partition", "isolated");
	assert_file(r, "@exclusive/cpuset.cpus.exclusive", own);
	assert_file(r, "@exclusive/cpuset.cpus", own);
	assert_file(r, "@shared/cpuset.cpus", shared);
	assert_file(r, "@shared/cpuset.cpus.partition", "member");
	assert_file(r, "cpuset.cpus.partition", "member");
	assert_file(r, "cpuset.cpus.exclusive", own);
	assert_file(r, "memory.max", "67108864");
	assert_file(r, "@shared/memory.max", "max");
	assert_row(r, "partition", MECHANISM_PARTITION, "@exclusive/cpuset.cpus.partition");
	assert_row(r, "exclusive_cpus", MECHANISM_CPUSET, "@exclusive/cpuset.cpus");
	assert_row(r, "shared_cpus", MECHANISM_CPUSET, "@shared/cpuset.cpus");
}

static void assert_plain(struct rig *r)
{
	const struct allocation *a = ledger_find(r->agent.manager->ledger, r->slice);
	_cleanup_free_ char *own = cpuset_format(a->cpus);

	assert_false(parts_exist(slice_of(r)));
	assert_false(fs_exists(slice_of(r)->cgroup_fd, FRAME_PART_EXCLUSIVE));
	assert_file(r, "cpuset.cpus.partition", "isolated");
	assert_file(r, "cpuset.cpus", own);
	assert_row(r, "partition", MECHANISM_PARTITION, "cpuset.cpus.partition");
	assert_null(row_of(r, "exclusive_cpus"));
}

/* As it is while its parts cannot go. */
static void assert_exclusive(struct rig *r)
{
	if (!parts_exist(slice_of(r))) {
		assert_plain(r);
		return;
	}
	assert_file(r, "@exclusive/cpuset.cpus.partition", "isolated");
	assert_row(r, "partition", MECHANISM_PARTITION, "@exclusive/cpuset.cpus.partition");
}

static int resize(struct rig *r, uint64_t cores, uint64_t shared_millicpus, struct fail *f)
{
	struct resize_change change;

	resize_change_init(&change);
	change.cores = cores;
	change.shared_millicpus = shared_millicpus;
	return resize_start(slice_of(r), &change, f);
}

static void resize_well(struct rig *r, uint64_t cores, uint64_t shared_millicpus)
{
	struct fail f = { 0 };

	if (resize(r, cores, shared_millicpus, &f) != 0)
		fail_msg("%s", f.text);
}

static void test_mixed_slice_has_its_partition_in_a_part(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, MIXED ",\"isolation\":\"required\"");
	assert_mixed(&r);
	delete (&r);
	assert_false(fs_exists(r.agent.manager->tree_fd, r.slice));
	create(&r, "\"cores\":1,\"isolation\":\"required\"");
	assert_plain(&r);
	rig_close(&r);
}

static void test_form_follows_the_size_while_nothing_runs(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, "\"cores\":1,\"memory\":\"64MiB\",\"isolation\":\"required\"");
	assert_plain(&r);
	resize_well(&r, 1, 500);
	assert_mixed(&r);
	resize_well(&r, 1, 250);
	assert_mixed(&r);
	resize_well(&r, 1, 0);
	assert_plain(&r);
	resize_well(&r, 0, 500); /* both for a moment, which makes no parts */
	assert_false(parts_exist(slice_of(&r)));
	assert_null(row_of(&r, "partition"));
	assert_null(row_of(&r, "exclusive_cpus"));
	rig_close(&r);
}

/* A task of the slice, as reeve-init would tell of it. */
static struct slice_task *add_task(struct rig *r, const char *name, const char *cpus)
{
	_cleanup_json_ json_t *request = cpus ? json_pack("{s:s}", "cpus", cpus) : json_object();
	struct slice_task *t = NULL;

	assert_int_equal(slice_task_add(slice_of(r), name, request, &t), 0);
	t->state = TASK_RUNNING;
	return t;
}

static void test_tasks_that_run_keep_the_form(void **state)
{
	struct fail f = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, "\"cores\":1,\"memory\":\"64MiB\"");
	(void)add_task(&r, "loop", NULL);
	resize_well(&r, 1, 500);
	assert_false(parts_exist(slice_of(&r)));
	assert_row(&r, "exclusive_cpus", MECHANISM_NONE, NULL);
	assert_non_null(strstr(row_of(&r, "exclusive_cpus")->reason, "were started before"));
	slice_task_remove(slice_of(&r), "loop");
	assert_int_equal(enforce_apply(slice_of(&r), &f), 0);
	assert_mixed(&r);

	(void)add_task(&r, "loader", "shared");
	(void)add_task(&r, "loop", "exclusive");
	assert_int_equal(resize(&r, 1, 0, &f), -EBUSY);
	assert_string_equal(f.code, "shared-in-use");
	assert_mixed(&r);
	slice_task_remove(slice_of(&r), "loader");
	resize_well(&r, 1, 0);
	assert_file(&r, "@exclusive/cpuset.cpus.partition", "isolated");
	assert_null(row_of(&r, "shared_cpus"));
	resize_well(&r, 1, 500);
	assert_mixed(&r);
	slice_task_remove(slice_of(&r), "loop");
	rig_close(&r);
}

static void end_task(struct rig *r, const char *name)
{
	struct channel_status status = { .state = FRAME_STATE_ENDED, .pid = 1 };

	(void)snprintf(status.task, sizeof(status.task), "%s", name);
	supervise_status(slice_of(r), &status);
}

/* Nobody has to ask for it. */
static void test_form_follows_the_size_when_the_last_task_has_ended(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, "\"cores\":1,\"memory\":\"64MiB\"");
	(void)add_task(&r, "first", NULL);
	(void)add_task(&r, "last", NULL);
	resize_well(&r, 1, 500);
	end_task(&r, "first");
	assert_false(parts_exist(slice_of(&r)));
	assert_row(&r, "exclusive_cpus", MECHANISM_NONE, NULL);
	end_task(&r, "last");
	assert_mixed(&r);
	rig_close(&r);
}

static void test_share_that_is_wanted_by_force_is_refused_under_tasks(void **state)
{
	struct fail f = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, "\"cores\":1,\"memory\":\"64MiB\",\"isolation\":\"required\"");
	(void)add_task(&r, "loop", NULL);
	assert_int_equal(resize(&r, 1, 500, &f), -EOPNOTSUPP);
	assert_string_equal(f.code, "isolation-unavailable");
	assert_non_null(strstr(f.text, "were started before"));
	assert_plain(&r);
	slice_task_remove(slice_of(&r), "loop");
	rig_close(&r);
}

static void test_task_is_put_where_it_asks_to_be(void **state)
{
	static const struct {
		const char *slice;
		enum task_cpus asked;
		int error;
		enum frame_cpus part;
	} vectors[] = {
		{ MIXED, TASK_CPUS_DEFAULT, 0, FRAME_CPUS_EXCLUSIVE },
		{ MIXED, TASK_CPUS_EXCLUSIVE, 0, FRAME_CPUS_EXCLUSIVE },
		{ MIXED, TASK_CPUS_SHARED, 0, FRAME_CPUS_SHARED },
		{ "\"cores\":1", TASK_CPUS_DEFAULT, 0, FRAME_CPUS_ALL },
		{ "\"cores\":1", TASK_CPUS_EXCLUSIVE, 0, FRAME_CPUS_ALL },
		{ "\"cores\":1", TASK_CPUS_SHARED, -EINVAL, FRAME_CPUS_ALL },
		{ "\"shared_cpus\":0.5", TASK_CPUS_SHARED, 0, FRAME_CPUS_ALL },
		{ "\"shared_cpus\":0.5", TASK_CPUS_EXCLUSIVE, -EINVAL, FRAME_CPUS_ALL },
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		enum frame_cpus part = FRAME_CPUS_COUNT;
		struct fail f = { 0 };
		int error;

		create(&r, vectors[i].slice);
		error = parts_choose(slice_of(&r), vectors[i].asked, &part, &f);
		assert_int_equal(error, vectors[i].error);
		if (error)
			assert_string_equal(f.code, "cpus-not-held");
		else
			assert_int_equal(part, vectors[i].part);
		delete (&r);
	}
	agent_done(&r.agent);
}

/* No sibling of a partition may name its CPUs. */
static void test_shared_part_yields_what_becomes_exclusive(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	_cleanup_free_ char *before = NULL;
	struct view v;
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, MIXED);
	v = manager_view(r.agent.manager);
	before = text_of(&r, "@shared/cpuset.cpus");
	assert_int_equal(
		parts_yield(slice_of(&r), ledger_find(r.agent.manager->ledger, r.slice)->cpus), 0);
	assert_file(&r, "@shared/cpuset.cpus", before);
	assert_int_equal(view_shared_pool(&v, &pool), 0);
	assert_int_equal(parts_yield(slice_of(&r), pool), 0);
	assert_file(&r, "@shared/cpuset.cpus", "");
	rig_close(&r);
}

/* What could not be told to reeve-init is not passed over in silence. */
static void test_old_init_is_told_of_no_parts(void **state)
{
	enum frame_cpus part;
	struct fail f = { 0 };
	struct channel *channel;
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, "\"cores\":1,\"memory\":\"64MiB\"");
	s = slice_of(&r);
	channel = s->channel;
	s->channel = NULL; /* of which nothing is known */
	resize_well(&r, 1, 500);
	assert_false(parts_exist(s));
	assert_row(&r, "exclusive_cpus", MECHANISM_NONE, NULL);
	assert_non_null(strstr(row_of(&r, "exclusive_cpus")->reason, "keeps no tasks apart"));
	assert_int_equal(parts_choose(s, TASK_CPUS_DEFAULT, &part, &f), 0);
	assert_int_equal(part, FRAME_CPUS_ALL);
	assert_int_equal(parts_choose(s, TASK_CPUS_SHARED, &part, &f), -EOPNOTSUPP);
	assert_string_equal(f.code, "old-init");
	s->channel = channel;
	rig_close(&r);
}

static void test_next_agent_finds_the_parts(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	create(&r, MIXED);
	r.agent.manager = manager_free(r.agent.manager);
	assert_int_equal(manager_new(&r.agent.manager, &r.agent.config, &(struct fail){ 0 }), 0);
	made_hierarchy(&r.agent);
	adopt_slices(r.agent.manager);
	assert_non_null(slice_of(&r));
	agent_turn(&r.agent, SECOND / 2);
	assert_mixed(&r);
	rig_close(&r);
}

/* false: there is no n-th operation. */
static bool resize_with_fault(struct rig *r, unsigned n, bool mixed, unsigned *refused)
{
	struct fail f = { 0 };
	unsigned operations;
	int error;

	resize_well(r, 1, mixed ? 0 : 500);
	fake_fail(n, EIO, r->root);
	error = resize(r, 1, mixed ? 500 : 0, &f);
	operations = fake_fail_end();
	*refused += error < 0;
	if ((error == 0) == mixed)
		assert_mixed(r);
	else
		assert_exclusive(r);
	return n <= operations;
}

/* Each operation of a resize fails once: the slice has one size or the other, wholly. */
static void test_resize_that_fails_anywhere_leaves_one_size(void **state)
{
	unsigned n = 1, refused = 0;
	struct rig r;
	bool more = true;

	(void)state;
	rig_open(&r);
	create(&r, "\"cores\":1,\"memory\":\"64MiB\",\"isolation\":\"required\"");
	for (; more && n < OPERATIONS_LIMIT; n++) {
		more = resize_with_fault(&r, n, true, &refused);
		more |= resize_with_fault(&r, n, false, &refused);
	}
	print_message("%u operations, %u refused\n", n, refused);
	assert_true(n > 20 && refused > 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixed_slice_has_its_partition_in_a_part),
		cmocka_unit_test(test_form_follows_the_size_while_nothing_runs),
		cmocka_unit_test(test_tasks_that_run_keep_the_form),
		cmocka_unit_test(test_form_follows_the_size_when_the_last_task_has_ended),
		cmocka_unit_test(test_share_that_is_wanted_by_force_is_refused_under_tasks),
		cmocka_unit_test(test_task_is_put_where_it_asks_to_be),
		cmocka_unit_test(test_shared_part_yields_what_becomes_exclusive),
		cmocka_unit_test(test_old_init_is_told_of_no_parts),
		cmocka_unit_test(test_next_agent_finds_the_parts),
		cmocka_unit_test(test_resize_that_fails_anywhere_leaves_one_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
