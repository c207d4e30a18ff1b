/* SPDX-License-Identifier: Apache-2.0 */
/* A NIC is pulled out of a made machine while a slice holds it, and put back: what is said, what is
 * kept, and when it is to be had again. */
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

enum { SECOND = 1000000 };

struct rig {
	struct agent agent;
	char *root;
	char slice[32];
	uint64_t passed_usec; /* beside the real time */
	uint64_t seen;	      /* number of the last event that was looked at */
};

static uint64_t (*real_monotonic)(const struct host *host);

static uint64_t later(const struct host *host)
{
	const struct rig *r = host->clock_userdata;

	return real_monotonic(host) + r->passed_usec;
}

static void plug_in(const char *root)
{
	tree_pci(root, NIC_ADDRESS, "0x020000 0x15b3 0x1017", "mlx5_core");
	tree_file(root, NIC_FUNCTION "/net/eth0/type", "1\n");
	tree_file(root, NIC_FUNCTION "/net/eth0/mtu", "1500\n");
	tree_file(root, NIC_FUNCTION "/net/eth0/carrier", "1\n");
	tree_file(root, NIC_FUNCTION "/net/eth0/flags", "0x1003\n");
	tree_link(root, NIC_FUNCTION "/net/eth0/device", "../..");
	tree_link(root, "sys/class/net/eth0", "../../devices/pci0000:00/" NIC_ADDRESS "/net/eth0");
}

static void pull_out(const char *root)
{
	static const char *const paths[] = { "sys/class/net/eth0",
					     "sys/bus/pci/devices/" NIC_ADDRESS, NIC_FUNCTION };
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, paths[i]);
		if (unlink(path) < 0)
			assert_int_equal(fs_remove_tree(AT_FDCWD, path), 0);
	}
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
	plug_in(r->root);
	agent_open_at(&r->agent, r->root);
	real_monotonic = r->agent.manager->host->monotonic_usec;
	r->agent.manager->host->clock_userdata = r;
	r->agent.manager->host->monotonic_usec = later;
	watch_look(r->agent.manager->watch);
	(void)snprintf(r->slice, sizeof(r->slice), "presence%d", (int)getpid());
}

static void rig_close(struct rig *r)
{
	agent_done(&r->agent);
	tree_remove(r->root);
}

/* As after a bell. */
static void look(struct rig *r)
{
	struct fail f = { 0 };

	if (manager_rediscover(r->agent.manager, &f) < 0)
		fail_msg("%s", f.text);
	watch_look(r->agent.manager->watch);
}

static int create(struct rig *r, const char *name)
{
	struct answer answer = { 0 };
	char request[128];
	int error;

	(void)snprintf(request, sizeof(request),
		       "{\"name\":\"%s\",\"shared_cpus\":0.1,"
		       "\"devices\":[{\"class\":\"nic\",\"count\":1}]}",
		       name);
	agent_create(&r->agent, request, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	error = answer.error;
	answer_done(&answer);
	return error;
}

static void end(struct rig *r, const char *name)
{
	struct answer answer = { 0 };

	agent_delete(&r->agent, name, 0, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
}

static void run_task(struct rig *r)
{
	struct answer answer = { 0 };

	agent_start(&r->agent, r->slice, "{\"name\":\"runs\",\"argv\":[\"sleep\",\"1000\"]}",
		    &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
}

static bool nic_is_free(const struct rig *r)
{
	const struct manager *m = r->agent.manager;
	const struct device *nic = inventory_find(m->inventory, NIC_ID);
	struct view v = manager_view(m);

	return nic && view_device_free(&v, nic);
}

static enum verdict verdict(const struct rig *r)
{
	return health_verdict(r->agent.manager->health, NIC_ID);
}

/* Events since the last call with both texts in them. */
static unsigned told(struct rig *r, const char *text, const char *other)
{
	struct journal *j = r->agent.manager->journal;
	struct journal_reader *reader = NULL;
	struct journal_record record;
	uint64_t from;
	unsigned count = 0;

	assert_int_equal(journal_reader_new(&reader, j, r->seen, NULL, NULL), 0);
	while (journal_reader_peek(reader, &record, &from) == JOURNAL_RECORD) {
		count += strstr(record.text, text) && strstr(record.text, other);
		r->seen = record.seq;
		journal_reader_advance(reader);
	}
	journal_reader_free(reader);
	return count;
}

static void assert_slice_runs(struct rig *r)
{
	struct slice *s = manager_slice(r->agent.manager, r->slice);

	assert_non_null(s);
	assert_int_equal(slice_task_find(s, "runs")->state, TASK_RUNNING);
	assert_int_equal(kill(slice_task_find(s, "runs")->pid, 0), 0);
}

static void hold_and_pull_out(struct rig *r)
{
	rig_open(r);
	assert_true(nic_is_free(r));
	assert_int_equal(create(r, r->slice), 0);
	run_task(r);
	assert_false(nic_is_free(r));
	(void)told(r, "", "");
	pull_out(r->root);
	look(r);
}

static void test_device_gone_under_a_slice_is_a_failed_condition(void **state)
{
	struct rig r;
	uint64_t seen;

	(void)state;
	hold_and_pull_out(&r);
	seen = r.seen;
	assert_int_equal(told(&r, "inventory.changed", "\"removed\",\"id\":\"" NIC_ID "\""), 1);
	r.seen = seen;
	assert_int_equal(told(&r, "health.changed", "while slice presence"), 1);
	assert_int_equal(verdict(&r), VERDICT_FAILED);
	assert_int_equal(health_verdict(r.agent.manager->health, NULL), VERDICT_FAILED);
	agent_turn(&r.agent, SECOND / 5);
	assert_slice_runs(&r);
	watch_look(r.agent.manager->watch); /* it is said once */
	assert_int_equal(told(&r, "health.changed", NIC_ID), 0);
	assert_true(create(&r, "other") < 0);
	end(&r, r.slice);
	watch_look(r.agent.manager->watch); /* nobody misses it any more */
	assert_int_equal(told(&r, "health.changed", "\"verdict\":\"ok\""), 1);
	assert_int_equal(verdict(&r), VERDICT_OK);
	assert_true(create(&r, "other") < 0);
	rig_close(&r);
}

static void test_device_back_under_its_slice_is_held_until_that_is_gone(void **state)
{
	struct rig r;

	(void)state;
	hold_and_pull_out(&r);
	plug_in(r.root);
	look(&r);
	assert_false(nic_is_free(&r));
	assert_slice_runs(&r);
	assert_int_equal(verdict(&r), VERDICT_FAILED); /* a contact that is loose comes and goes */
	r.passed_usec = HEALTH_IMPROVE_USEC + SECOND;
	watch_look(r.agent.manager->watch);
	assert_int_equal(verdict(&r), VERDICT_OK);
	assert_false(nic_is_free(&r));
	assert_true(create(&r, "other") < 0);
	end(&r, r.slice);
	assert_true(nic_is_free(&r));
	assert_int_equal(create(&r, "other"), 0);
	end(&r, "other");
	rig_close(&r);
}

static void test_device_back_after_its_slice_must_prove_itself(void **state)
{
	struct rig r;

	(void)state;
	hold_and_pull_out(&r);
	end(&r, r.slice);
	plug_in(r.root);
	look(&r);
	assert_false(nic_is_free(&r));
	r.passed_usec = HEALTH_IMPROVE_USEC + SECOND;
	watch_look(r.agent.manager->watch);
	assert_true(nic_is_free(&r));
	rig_close(&r);
}

static void test_device_gone_that_nobody_holds_is_forgotten(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	tree_file(r.root, NIC_FUNCTION "/net/eth0/carrier", "0\n");
	look(&r);
	assert_int_equal(verdict(&r), VERDICT_DEGRADED);
	(void)told(&r, "", "");
	pull_out(r.root);
	look(&r);
	assert_int_equal(verdict(&r), VERDICT_OK);
	assert_int_equal(told(&r, "health.changed", "\"verdict\":\"ok\""), 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_gone_under_a_slice_is_a_failed_condition),
		cmocka_unit_test(test_device_back_under_its_slice_is_held_until_that_is_gone),
		cmocka_unit_test(test_device_back_after_its_slice_must_prove_itself),
		cmocka_unit_test(test_device_gone_that_nobody_holds_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
