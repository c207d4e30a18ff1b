/* SPDX-License-Identifier: Apache-2.0 */
/* A slice ends, and the kernel still names its CPU as one of an isolated partition: that CPU stays
 * out of the offers and all else is free, it is told once, and when the kernel is right again the
 * slice goes. The hardware is made up, and so is what the kernel says of its partitions. */
#include "tests/sim/agent.h"
#include "tests/unit/discover.h"

#include "model/free.h"
#include "util/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NIC_ADDRESS "0000:02:00.0"
#define NIC_FUNCTION "sys/devices/pci0000:00/" NIC_ADDRESS
#define NIC_ID "nic-eth0"
#define ISOLATED "cgroup/cpuset.cpus.isolated"

enum { SECOND = 1000000, LOOKS_LIMIT_USEC = 30 * SECOND };

struct rig {
	struct agent agent;
	char *root;
	char slice[32];
	uint64_t seen; /* number of the last event that was looked at */
};

/* The real one is left alone: its cgroups are not those of this machine. */
static void put_hierarchy(struct rig *r)
{
	struct host *host = r->agent.manager->host;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/cgroup", r->root);
	close_fd(host->cgroup_fd);
	host->cgroup_fd = fs_open_dir(AT_FDCWD, path);
	assert_true(host->cgroup_fd >= 0);
	r->seen = journal_first(r->agent.manager->journal) - 1;
}

static void rig_open(struct rig *r)
{
	const char *missing = agent_missing(BACKEND_PROCESS);

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	*r = (struct rig){ .root = tree_new() };
	tree_file(r->root, "proc/meminfo", "MemTotal: 1048576 kB\n");
	tree_file(r->root, ISOLATED, "0,5\n"); /* 5: of a stranger */
	tree_pci(r->root, NIC_ADDRESS, "0x020000 0x15b3 0x1017", "mlx5_core");
	tree_file(r->root, NIC_FUNCTION "/net/eth0/type", "1\n");
	tree_file(r->root, NIC_FUNCTION "/net/eth0/carrier", "1\n");
	tree_file(r->root, NIC_FUNCTION "/net/eth0/flags", "0x1003\n");
	tree_link(r->root, NIC_FUNCTION "/net/eth0/device", "../..");
	tree_link(r->root, "sys/class/net/eth0",
		  "../../devices/pci0000:00/" NIC_ADDRESS "/net/eth0");
	agent_open_at(&r->agent, r->root);
	put_hierarchy(r);
	(void)snprintf(r->slice, sizeof(r->slice), "handback%d", (int)getpid());
}

/* Slices outlive their agent: what is left of them is ended. */
static void rig_close(struct rig *r)
{
	static const struct api_caller root = { 0 };
	const char *const names[] = { r->slice, "other" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct answer answer = { 0 };

		if (!manager_slice(r->agent.manager, names[i]))
			continue;
		api_slice_delete(r->agent.manager->api, &root, names[i], 0, answer_here(&answer));
		assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
		assert_int_equal(answer.error, 0);
		answer_done(&answer);
	}
	agent_done(&r->agent);
	tree_remove(r->root);
}

/* As agent_restart(), with the made hierarchy there when slices are adopted. */
static void restart(struct rig *r)
{
	struct fail f = { 0 };

	r->agent.manager = manager_free(r->agent.manager);
	if (manager_new(&r->agent.manager, &r->agent.config, &f) < 0)
		fail_msg("%s", f.text);
	put_hierarchy(r);
	adopt_slices(r->agent.manager);
}

static void create(struct rig *r, const char *name, const char *what)
{
	struct answer answer = { 0 };
	char request[200];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",%s}", name, what);
	agent_create(&r->agent, request, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
}

static void create_all(struct rig *r)
{
	create(r, r->slice,
	       "\"cores\":1,\"memory\":\"16MiB\",\"devices\":[{\"class\":\"nic\",\"count\":1}]");
}

/* The slice's end, which is told to have left something. */
static void end_leaking(struct rig *r)
{
	struct answer answer = { 0 };

	agent_delete(&r->agent, r->slice, 0, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_not_equal(answer.error, 0);
	assert_string_equal(answer.code, "leak");
	assert_non_null(strstr(answer.text, "CPUs 0 are still in an isolated partition"));
	answer_done(&answer);
}

/* Events since the last call of that kind, about the slice. */
static unsigned told(struct rig *r, const char *kind)
{
	struct journal_reader *reader = NULL;
	struct journal_record record;
	char wanted[64];
	uint64_t from;
	unsigned count = 0;

	(void)snprintf(wanted, sizeof(wanted), "\"kind\":\"%s\"", kind);
	assert_int_equal(
		journal_reader_new(&reader, r->agent.manager->journal, r->seen, NULL, NULL), 0);
	while (journal_reader_peek(reader, &record, &from) == JOURNAL_RECORD) {
		count += record.slice && strcmp(record.slice, r->slice) == 0 &&
			 strstr(record.text, wanted);
		journal_reader_advance(reader);
	}
	journal_reader_free(reader);
	return count;
}

static void forget_told(struct rig *r)
{
	r->seen = journal_last(r->agent.manager->journal);
}

static enum verdict leak_verdict(const struct rig *r)
{
	size_t cursor = 0;

	for (const struct condition *c; (c = health_next(r->agent.manager->health, &cursor));)
		if (strcmp(c->subject, "node") == 0 && strcmp(c->type, "leak") == 0)
			return c->verdict;
	return VERDICT_UNKNOWN;
}

static void assert_only_the_cpu_is_out(const struct rig *r)
{
	const struct manager *m = r->agent.manager;
	struct slice *s = manager_slice(m, r->slice);
	struct view v = manager_view(m);
	struct resources free_now, used;

	assert_non_null(s);
	assert_int_equal(s->state, SLICE_DELETING);
	assert_int_equal(s->leaks.count, 1);
	view_free(&v, &free_now);
	view_used(&v, &used);
	assert_int_equal(free_now.cores, 0);
	assert_int_equal(used.cores, 1);
	assert_string_equal(ledger_cpu_holder(m->ledger, 0), r->slice);
	assert_int_equal(used.memory_bytes, 0);
	assert_int_equal(free_now.nics, 1);
	assert_true(view_device_free(&v, inventory_find(m->inventory, NIC_ID)));
	assert_int_equal(leak_verdict(r), VERDICT_DEGRADED);
}

/* Without its leak the slice goes by itself. */
static void assert_goes_when_the_kernel_is_right(struct rig *r)
{
	const struct manager *m = r->agent.manager;

	tree_file(r->root, ISOLATED, "5\n");
	for (uint64_t i = 0; i < LOOKS_LIMIT_USEC && manager_slice(m, r->slice); i += SECOND / 20)
		agent_turn(&r->agent, SECOND / 20);
	assert_null(manager_slice(m, r->slice));
	assert_null(ledger_find(m->ledger, r->slice));
	assert_int_equal(told(r, "slice.deleted"), 1);
}

static void leave_cpu(struct rig *r)
{
	rig_open(r);
	create_all(r);
	forget_told(r);
	end_leaking(r);
}

static void test_cpu_that_is_not_back_stays_out_of_the_offers_alone(void **state)
{
	struct rig r;

	(void)state;
	leave_cpu(&r);
	assert_only_the_cpu_is_out(&r);
	create(&r, "other",
	       "\"shared_cpus\":0,\"memory\":\"16MiB\","
	       "\"devices\":[{\"class\":\"nic\",\"count\":1}]");
	agent_turn(&r.agent, 3 * SECOND); /* it was looked at again meanwhile */
	assert_int_equal(told(&r, "slice.failed"), 1);
	assert_int_equal(told(&r, "slice.deleted"), 0);
	assert_goes_when_the_kernel_is_right(&r);
	create(&r, r.slice, "\"cores\":1");
	rig_close(&r);
}

static void test_delete_of_a_slice_that_leaks_still_is_answered(void **state)
{
	struct answer answer = { 0 };
	struct rig r;

	(void)state;
	leave_cpu(&r);
	end_leaking(&r);
	assert_only_the_cpu_is_out(&r);
	assert_int_equal(told(&r, "slice.failed"), 1);
	tree_file(r.root, ISOLATED, "\n");
	agent_delete(&r.agent, r.slice, 0, &answer);
	assert_true(agent_await(&r.agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	assert_null(manager_slice(r.agent.manager, r.slice));
	assert_int_equal(told(&r, "slice.deleted"), 1);
	answer_done(&answer);
	rig_close(&r);
}

static void test_next_agent_goes_on_looking_for_what_is_not_back(void **state)
{
	struct rig r;

	(void)state;
	leave_cpu(&r);
	create(&r, "other", "\"memory\":\"16MiB\",\"devices\":[{\"class\":\"nic\",\"count\":1}]");
	for (unsigned i = 0; i < 2; i++) {
		restart(&r);
		assert_non_null(manager_slice(r.agent.manager, "other"));
		assert_int_equal(manager_slice(r.agent.manager, r.slice)->state, SLICE_DELETING);
		assert_string_equal(ledger_cpu_holder(r.agent.manager->ledger, 0), r.slice);
		assert_string_equal(ledger_device_holder(r.agent.manager->ledger, NIC_ID), "other");
		assert_int_equal(leak_verdict(&r), VERDICT_DEGRADED);
	}
	r.seen = journal_first(r.agent.manager->journal) - 1;
	tree_file(r.root, ISOLATED, "5\n");
	restart(&r); /* the proof can be given at once */
	assert_null(manager_slice(r.agent.manager, r.slice));
	assert_null(ledger_cpu_holder(r.agent.manager->ledger, 0));
	create(&r, r.slice, "\"cores\":1");
	rig_close(&r);
}

static void test_leak_that_ends_under_the_next_agent_is_told_as_the_end_of_the_slice(void **state)
{
	struct rig r;

	(void)state;
	leave_cpu(&r);
	restart(&r);
	assert_only_the_cpu_is_out(&r);
	assert_int_equal(told(&r, "slice.failed"), 1);
	assert_goes_when_the_kernel_is_right(&r);
	restart(&r);
	assert_null(manager_slice(r.agent.manager, r.slice));
	assert_int_equal(told(&r, "slice.lost"), 0); /* nobody knows of it any more */
	rig_close(&r);
}

/* The agent was killed between a slice's birth and its end, and its processes with it. */
static void test_slice_that_was_lost_is_proved_to_be_back_as_well(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	create_all(&r);
	assert_int_equal(kill(manager_slice(r.agent.manager, r.slice)->init_pid, SIGKILL), 0);
	restart(&r);
	assert_int_equal(told(&r, "slice.lost"), 1);
	assert_only_the_cpu_is_out(&r);
	assert_goes_when_the_kernel_is_right(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_that_is_not_back_stays_out_of_the_offers_alone),
		cmocka_unit_test(test_delete_of_a_slice_that_leaks_still_is_answered),
		cmocka_unit_test(test_next_agent_goes_on_looking_for_what_is_not_back),
		cmocka_unit_test(
			test_leak_that_ends_under_the_next_agent_is_told_as_the_end_of_the_slice),
		cmocka_unit_test(test_slice_that_was_lost_is_proved_to_be_back_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
