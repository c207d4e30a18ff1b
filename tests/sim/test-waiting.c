/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel that takes its time: while a write of it lasts, the slice that needs it waits, and
 * nothing else does. The write is a child's, and it lasts until the test lets it go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"
#include "tests/sim/fake_cgroups.h"
#include "tests/sim/made_host.h"

#include "decode_resize.h"
#include "room.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POOL "kernel/mm/hugepages/hugepages-2048kB/"
#define PAGES(count) "\"hugepages\":[{\"size\":\"2MiB\",\"count\":" #count "}]"

enum { SECOND = 1000000, LIMIT_USEC = 40 * SECOND, A_WHILE_USEC = 200000 };

struct rig {
	struct agent agent;
	char fifo[80];
	uint64_t seen; /* number of the event before the first */
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
	/* A made-up control group takes no program. */
	assert_int_equal(config_set(&r->agent.config, "isolation", "device-filter", "no",
				    &(struct fail){ 0 }),
			 0);
	made_hierarchy(&r->agent);
	made_hugepages(&r->agent, 8);
	(void)snprintf(r->fifo, sizeof(r->fifo), "%.40s/fifo", r->agent.dir);
	assert_int_equal(mkfifo(r->fifo, 0600), 0);
	r->seen = journal_first(r->agent.manager->journal) - 1;
}

static void hold_writes(const struct rig *r, const char *file)
{
	fake_hold(file, r->fifo);
}

/* The child that has come to the write, or will, goes on. A FIFO is opened for writing at once
 * where somebody waits to read it. */
static void release(struct rig *r)
{
	_cleanup_close_ int fd = -1;

	for (int i = 0; fd < 0 && i < LIMIT_USEC / 1000; i++) {
		fd = open(r->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			agent_turn(&r->agent, 1000);
	}
	assert_true(fd >= 0);
	fake_hold(NULL, NULL);
}

/* A child is on its way to the pools, or there. */
static void await_child(struct rig *r)
{
	for (int i = 0; !room_pools_busy(r->agent.manager); i++) {
		assert_true(i < LIMIT_USEC / 1000);
		agent_turn(&r->agent, 1000);
	}
}

static void rig_close(struct rig *r)
{
	assert_int_equal(map_count(r->agent.manager->slices), 0);
	assert_int_equal(ledger_count(r->agent.manager->ledger), 0);
	agent_done(&r->agent);
}

static void create(struct rig *r, const char *name, const char *what, struct answer *answer)
{
	char request[256];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s%d\",\"memory\":\"16MiB\",%s}",
		       name, (int)getpid(), what);
	agent_create(&r->agent, request, answer);
}

static void expect_well(struct rig *r, struct answer *answer)
{
	assert_true(agent_await(&r->agent, answer, LIMIT_USEC));
	if (answer->error)
		fail_msg("%s", answer->text);
	answer_done(answer);
}

static void create_well(struct rig *r, const char *name, const char *what)
{
	struct answer answer = { 0 };

	create(r, name, what, &answer);
	expect_well(r, &answer);
}

static void delete (struct rig *r, const char *name, struct answer *answer)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "%s%d", name, (int)getpid());
	agent_delete(&r->agent, id, 0, answer);
}

static void delete_well(struct rig *r, const char *name)
{
	struct answer answer = { 0 };

	delete (r, name, &answer);
	expect_well(r, &answer);
}

static uint64_t pages(const struct rig *r)
{
	uint64_t total = 0;

	assert_int_equal(fs_read_u64(r->agent.manager->host->sys_fd, POOL "nr_hugepages", &total),
			 0);
	return total;
}

/* Events of that kind about the slice; data: the last of them. */
static unsigned told(const struct rig *r, const char *kind, const char *name, char data[4096])
{
	struct journal_reader *reader = NULL;
	struct journal_record record;
	char wanted[64], id[32];
	unsigned count = 0;
	uint64_t from;

	(void)snprintf(wanted, sizeof(wanted), "\"kind\":\"%s\"", kind);
	(void)snprintf(id, sizeof(id), "%s%d", name, (int)getpid());
	assert_int_equal(
		journal_reader_new(&reader, r->agent.manager->journal, r->seen, NULL, NULL), 0);
	while (journal_reader_peek(reader, &record, &from) == JOURNAL_RECORD) {
		if (record.slice && strcmp(record.slice, id) == 0 && strstr(record.text, wanted)) {
			(void)snprintf(data, 4096, "%s", record.text);
			count++;
		}
		journal_reader_advance(reader);
	}
	journal_reader_free(reader);
	return count;
}

static void test_others_go_on_while_pages_of_one_slice_are_added(void **state)
{
	struct answer slow = { 0 }, second = { 0 }, third = { 0 }, gone = { 0 };
	char data[4096] = "";
	struct rig r;

	(void)state;
	rig_open(&r);
	hold_writes(&r, "nr_hugepages");
	create(&r, "slow", PAGES(12), &slow);
	await_child(&r);
	create_well(&r, "quick", "\"shared_cpus\":0.1");
	assert_int_equal(told(&r, "slice.created", "quick", data), 1);
	create(&r, "second", PAGES(3), &second); /* waits for the pools */
	create(&r, "third", PAGES(3), &third);
	agent_turn(&r.agent, A_WHILE_USEC);
	delete (&r, "third", &gone); /* and does not any more */
	expect_well(&r, &gone);
	assert_true(third.calls == 1 && third.error == -EBUSY);
	answer_done(&third);
	delete_well(&r, "quick");
	assert_int_equal(slow.calls + second.calls, 0);
	assert_int_equal(pages(&r), 8);

	release(&r);
	expect_well(&r, &slow);
	expect_well(&r, &second);
	assert_int_equal(pages(&r), 15);
	assert_int_equal(told(&r, "slice.created", "slow", data), 1);
	delete_well(&r, "second");
	delete_well(&r, "slow");
	assert_int_equal(pages(&r), 8);
	rig_close(&r);
}

static void test_a_slice_that_is_deleted_while_pages_are_added_gives_them_back(void **state)
{
	struct answer slow = { 0 }, gone = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	hold_writes(&r, "nr_hugepages");
	create(&r, "slow", PAGES(12), &slow);
	await_child(&r);
	delete (&r, "slow", &gone);
	agent_turn(&r.agent, A_WHILE_USEC);
	assert_true(slow.calls == 1 && slow.error == -EBUSY);
	assert_int_equal(gone.calls, 0); /* the child is at it yet */
	release(&r);
	expect_well(&r, &gone);
	assert_int_equal(pages(&r), 8);
	answer_done(&slow);
	rig_close(&r);
}

static void test_an_agent_that_stops_while_pages_are_added_leaves_none(void **state)
{
	struct answer slow = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	hold_writes(&r, "nr_hugepages");
	create(&r, "slow", PAGES(12), &slow);
	await_child(&r);
	fake_hold(NULL, NULL); /* the next write is the agent's own */
	r.agent.manager = manager_free(r.agent.manager);
	assert_true(slow.calls == 1 && slow.error < 0);
	answer_done(&slow);
	agent_restart(&r.agent);
	made_hierarchy(&r.agent);
	assert_int_equal(map_count(r.agent.manager->slices), 0);
	rig_close(&r);
}

static void test_others_go_on_while_what_a_slice_left_is_reclaimed(void **state)
{
	struct answer gone = { 0 };
	char data[4096] = "";
	struct rig r;

	(void)state;
	rig_open(&r);
	create_well(&r, "full", "\"shared_cpus\":0.1");
	hold_writes(&r, "memory.reclaim");
	delete (&r, "full", &gone);
	agent_turn(&r.agent, A_WHILE_USEC);
	assert_int_equal(gone.calls, 0);
	create_well(&r, "quick", "\"shared_cpus\":0.1");
	assert_int_equal(told(&r, "slice.created", "quick", data), 1);
	assert_int_equal(gone.calls, 0);
	release(&r);
	expect_well(&r, &gone);
	assert_int_equal(told(&r, "slice.deleted", "full", data), 1);
	assert_non_null(strstr(data, "\"unreclaimed_bytes\":0"));
	delete_well(&r, "quick");
	rig_close(&r);
}

static void resize(struct rig *r, const char *name, const char *body, struct answer *answer)
{
	static const struct api_caller root = { 0 };
	_cleanup_json_ json_t *object = NULL;
	struct resize_change change;
	struct fail f = { 0 };
	char id[32];

	(void)snprintf(id, sizeof(id), "%s%d", name, (int)getpid());
	resize_change_init(&change);
	if (json_parse_object(body, strlen(body), &object, &f) < 0 ||
	    decode_resize(object, &change, &f) < 0)
		fail_msg("%s: %s", body, f.text);
	api_slice_resize(r->agent.manager->api, &root, id, &change, answer_here(answer));
	assert_int_equal(answer->calls, 1); /* at once */
}

static void test_a_resize_waits_for_pages_and_nothing_else_does(void **state)
{
	struct answer answer = { 0 };
	char data[4096] = "";
	struct rig r;

	(void)state;
	rig_open(&r);
	create_well(&r, "grows", PAGES(4));
	hold_writes(&r, "nr_hugepages");
	resize(&r, "grows", "{" PAGES(12) "}", &answer);
	assert_int_equal(answer.error, 0);
	assert_non_null(json_object_get(answer.document, "resizing"));
	answer_done(&answer);
	assert_int_equal(told(&r, "slice.resizing", "grows", data), 1);
	create_well(&r, "quick", "\"shared_cpus\":0.1");
	resize(&r, "grows", "{" PAGES(6) "}", &answer);
	assert_string_equal(answer.code, "slice-busy");
	answer_done(&answer);
	assert_int_equal(told(&r, "slice.resized", "grows", data), 0);
	assert_int_equal(pages(&r), 8);
	release(&r);
	for (int i = 0; i < 1000 && told(&r, "slice.resized", "grows", data) == 0; i++)
		agent_turn(&r.agent, 10000);
	assert_int_equal(told(&r, "slice.resized", "grows", data), 1);
	assert_int_equal(pages(&r), 12);
	delete_well(&r, "quick");
	delete_well(&r, "grows");
	assert_int_equal(pages(&r), 8);
	rig_close(&r);
}

static void test_limits_below_what_is_used_are_refused_before_any_write(void **state)
{
	static const struct {
		const char *file, *use, *body, *code;
	} vectors[] = {
		{ "memory.current", "50331648", "{\"memory\":\"40MiB\"}", "memory-in-use" },
		{ "pids.current", "30", "{\"processes_max\":20}", "processes-in-use" },
		{ "hugetlb.2MB.current", "8388608", "{" PAGES(3) "}", "hugepages-in-use" },
		{ "hugetlb.2MB.rsvd.current", "8388608", "{" PAGES(3) "}", "hugepages-in-use" },
		{ "memory.current", "0", "{\"memory\":\"8MiB\"}", "limits-contradict" },
	};
	static const struct {
		const char *file, *text;
	} held[] = {
		{ "memory.max", "67108864" }, { "memory.min", "12582912" },
		{ "pids.max", "50" },	      { "hugetlb.2MB.max", "8388608" },
		{ "memory.reclaim", "" },
	};
	struct answer answer = { 0 };
	char data[4096] = "", request[256], id[32];
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r);
	(void)snprintf(id, sizeof(id), "full%d", (int)getpid());
	(void)snprintf(request, sizeof(request),
		       "{\"name\":\"%s\",\"memory\":\"64MiB\",\"processes_max\":50,"
		       "\"limits\":{\"memory_min\":\"12MiB\"}," PAGES(4) "}",
		       id);
	agent_create(&r.agent, request, &answer);
	expect_well(&r, &answer);
	s = manager_slice(r.agent.manager, id);
	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		assert_int_equal(fs_write(s->top_fd, vectors[i].file, vectors[i].use), 0);
		resize(&r, "full", vectors[i].body, &answer);
		if (!answer.code || strcmp(answer.code, vectors[i].code) != 0)
			fail_msg("%s at %s of %s: %s", vectors[i].body, vectors[i].use,
				 vectors[i].file, answer.error ? answer.text : "not refused");
		answer_done(&answer);
		assert_int_equal(fs_write(s->top_fd, vectors[i].file, "0"), 0);
		for (size_t k = 0; k < ARRAY_SIZE(held); k++) {
			char line[32];

			assert_int_equal(fs_read_line(s->top_fd, held[k].file, line, sizeof(line)),
					 0);
			assert_string_equal(line, held[k].text);
		}
	}
	assert_int_equal(told(&r, "slice.resizing", "full", data), 0);
	delete_well(&r, "full");
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_others_go_on_while_pages_of_one_slice_are_added),
		cmocka_unit_test(
			test_a_slice_that_is_deleted_while_pages_are_added_gives_them_back),
		cmocka_unit_test(test_an_agent_that_stops_while_pages_are_added_leaves_none),
		cmocka_unit_test(test_a_resize_waits_for_pages_and_nothing_else_does),
		cmocka_unit_test(test_limits_below_what_is_used_are_refused_before_any_write),
		cmocka_unit_test(test_others_go_on_while_what_a_slice_left_is_reclaimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
