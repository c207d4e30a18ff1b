/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and device nodes, by the real kernel: a slice that owns a disk opens it and others do not.
 * No test machine has a disk to give away, so a loop device is put into the inventory as one: all
 * else, its numbers, the program and who may open it, is real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"
#include "tests/unit/scratch.h"

#include "cgroups/device_filter.h"
#include "devices.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { SECOND = 1000000, LOOP_MAJOR = 7, LOOP_NUMBER = 0 }; /* Documentation/.../devices.txt */
#define DISK "loop0"

struct rig {
	struct agent agent;
	char owner[32], other[32];
	char node[96]; /* of the disk, made by the test */
};

/* Made before the first agent: it gives up the right to make nodes, and it is this process. */
struct nodes {
	char dir[64];	     /* with the disk's node: /tmp is often mounted without nodes */
	char many[64];	     /* with more of them than a program has room for */
	const char *missing; /* why they could not be made */
};

static void skip_because(const char *why)
{
	print_message("skipped: %s\n", why);
	skip();
}

static bool takes_programs(void)
{
	static const struct device_rule null = { false, 1, 3, DEVICE_ACCESS_USE };
	struct cg_device_program p;

	assert_int_equal(
		cg_device_load(&(struct device_rules){ (struct device_rule *)&null, 1 }, &p), 0);
	if (p.fd < 0)
		print_message("%s\n", p.reason);
	cg_device_unload(&p);
	return p.error == 0;
}

/* As the disk driver would have found it. */
static void add_disk(struct rig *r)
{
	struct inventory *inventory = r->agent.manager->inventory;
	struct device *disk = NULL;

	assert_int_equal(device_new(&disk, DEVICE_DISK, DISK), 0);
	assert_int_equal(device_set_string(&disk->disk.name, DISK), 0);
	disk->disk.size_bytes = 1 << 20;
	inventory->sealed = false;
	assert_int_equal(inventory_add(inventory, &disk), 0);
	inventory_seal(inventory);
}

static void set(struct rig *r, const char *key, const char *value)
{
	struct fail f = { 0 };

	if (config_set(&r->agent.config, "isolation", key, value, &f) < 0)
		fail_msg("%s", f.text);
}

static const char *make_nodes(struct nodes *n)
{
	char path[96];
	int fd;

	(void)snprintf(n->dir, sizeof(n->dir), "/dev/reeve-nodes-%d", (int)getpid());
	(void)snprintf(n->many, sizeof(n->many), "/dev/shm/reeve-nodes-%d", (int)getpid());
	if (geteuid() != 0 || mkdir(n->dir, 0755) < 0 || mkdir(n->many, 0700) < 0)
		return "directories for device nodes cannot be made here";
	for (unsigned i = 0; i < 600; i++) {
		(void)snprintf(path, sizeof(path), "%s/%u", n->many, i);
		if (mknod(path, S_IFBLK | 0600, makedev(8, i)) < 0)
			return "device nodes cannot be made here";
	}
	(void)snprintf(path, sizeof(path), "%s/disk", n->dir);
	if (mknod(path, S_IFBLK | 0666, makedev(LOOP_MAJOR, LOOP_NUMBER)) < 0)
		return "device nodes cannot be made here";
	fd = open(path, O_RDONLY | O_CLOEXEC);
	close_fd(fd);
	return fd < 0 ? "the loop device can be opened by nobody here" : NULL;
}

static int make_all(void **state)
{
	struct nodes *n = calloc(1, sizeof(*n));

	if (!n)
		return -1;
	n->missing = make_nodes(n);
	*state = n;
	return 0;
}

static int remove_all(void **state)
{
	struct nodes *n = *state;
	int r = fs_remove_tree(AT_FDCWD, n->dir) | fs_remove_tree(AT_FDCWD, n->many);

	free(n);
	return r;
}

static void rig_open(struct rig *r, void **state)
{
	const struct nodes *n = *state;
	const char *missing = agent_missing(BACKEND_CGROUPFS);

	if (!missing)
		missing = n->missing;
	if (missing)
		skip_because(missing);
	if (!takes_programs())
		skip_because("the kernel takes no device programs from us");
	if (!fs_exists(AT_FDCWD, "/sys/class/block/" DISK "/dev"))
		skip_because("there is no loop device");
	agent_open(&r->agent, BACKEND_CGROUPFS);
	(void)snprintf(r->owner, sizeof(r->owner), "owner%d", (int)getpid());
	(void)snprintf(r->other, sizeof(r->other), "other%d", (int)getpid());
	(void)snprintf(r->node, sizeof(r->node), "%s/disk", n->dir);
	add_disk(r);
}

/* As agent_restart(), with the disk there when slices are adopted; and, where one is named, without
 * the filter of that slice. */
static void restart(struct rig *r, const char *bare)
{
	_cleanup_close_ int cgroup = -1;
	struct fail f = { 0 };

	if (bare)
		cgroup =
			fcntl(manager_slice(r->agent.manager, bare)->cgroup_fd, F_DUPFD_CLOEXEC, 3);
	r->agent.manager = manager_free(r->agent.manager);
	if (bare)
		assert_int_equal(cg_device_remove(cgroup), 0);
	if (manager_new(&r->agent.manager, &r->agent.config, &f) < 0)
		fail_msg("%s", f.text);
	add_disk(r);
	adopt_slices(r->agent.manager);
	agent_turn(&r->agent, SECOND / 5); /* the welcomes of the reeve-inits */
}

static void make_slice(struct rig *r, const char *name, const char *devices)
{
	struct answer answer = { 0 };
	char request[160];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",\"shared_cpus\":0.1%s}", name,
		       devices);
	agent_create(&r->agent, request, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
}

static void make_both(struct rig *r)
{
	make_slice(r, r->owner, ",\"devices\":[{\"class\":\"disk\",\"count\":1}]");
	make_slice(r, r->other, "");
}

static void rig_done(struct rig *r)
{
	const char *const names[] = { r->owner, r->other };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct answer answer = { 0 };

		agent_delete(&r->agent, names[i], 0, &answer);
		assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
		assert_int_equal(answer.error, 0);
		answer_done(&answer);
	}
	assert_int_equal(agent_cgroups(&r->agent), 0);
	agent_done(&r->agent);
}

/* The exit status of a shell command, run as a task. */
static int run(struct rig *r, const char *slice, const char *task, const char *command)
{
	struct slice *s = manager_slice(r->agent.manager, slice);
	struct answer answer = { 0 };
	char request[512];

	(void)snprintf(request, sizeof(request),
		       "{\"name\":\"%s\",\"argv\":[\"/bin/sh\",\"-c\",\"%s\",\"sh\",\"%s\"]}", task,
		       command, r->node);
	agent_start(&r->agent, slice, request, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
	for (int i = 0; i < 500 && slice_task_find(s, task)->state != TASK_EXITED; i++)
		agent_turn(&r->agent, 10000);
	assert_int_equal(slice_task_find(s, task)->state, TASK_EXITED);
	return slice_task_find(s, task)->exit_code;
}

#define READ_DISK "exec 3<$1"
#define WRITE_DISK "exec 3<>$1"

static const struct enforcement *row_of(struct rig *r, const char *slice, const char *limit)
{
	const struct slice *s = manager_slice(r->agent.manager, slice);

	for (size_t i = 0; i < s->enforced.count; i++)
		if (strcmp(s->enforced.items[i].limit, limit) == 0)
			return &s->enforced.items[i];
	return NULL;
}

static void assert_held(struct rig *r, const char *slice, const char *limit)
{
	const struct enforcement *row = row_of(r, slice, limit);

	assert_non_null(row);
	assert_string_equal(row->resource, "devices");
	assert_int_equal(row->mechanism, MECHANISM_CGROUP);
	assert_string_equal(row->file, "bpf:cgroup_device");
	assert_non_null(row->wanted);
	assert_string_equal(row->wanted, row->actual);
	assert_null(row->reason);
}

static void test_device_is_opened_by_its_owner_and_by_no_other_slice(void **state)
{
	struct rig r;

	rig_open(&r, state);
	make_both(&r);
	assert_int_equal(run(&r, r.owner, "reads", READ_DISK), 0);
	assert_int_not_equal(run(&r, r.other, "reads", READ_DISK), 0);
	assert_int_not_equal(run(&r, r.other, "writes", WRITE_DISK), 0);
	assert_held(&r, r.owner, "device_filter");
	assert_held(&r, r.other, "device_filter");
	assert_held(&r, r.owner, "disk-" DISK);
	assert_string_equal(row_of(&r, r.owner, "disk-" DISK)->wanted, "b 7:0 rw");
	assert_string_not_equal(row_of(&r, r.owner, "device_filter")->actual,
				row_of(&r, r.other, "device_filter")->actual);
	rig_done(&r);
}

static void test_tasks_have_what_ordinary_processes_need(void **state)
{
	static const char *const opens[] = {
		"exec 3<>/dev/null",   "exec 3</dev/zero",  "exec 3</dev/random",
		"exec 3</dev/urandom", "exec 3<>/dev/ptmx", "mknod $1.made c 10 232 && rm $1.made",
	};
	struct rig r;

	rig_open(&r, state);
	make_both(&r);
	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "open%zu", i);
		if (run(&r, r.other, name, opens[i]) != 0)
			fail_msg("a task cannot do: %s", opens[i]);
	}
	assert_int_not_equal(run(&r, r.other, "kmsg", "mknod $1.log c 1 11; exec 3<$1.log"), 0);
	rig_done(&r);
}

static void test_filter_stays_over_a_restart_and_is_put_back_when_it_is_gone(void **state)
{
	struct slice *s;
	uint32_t before;
	struct rig r;

	rig_open(&r, state);
	make_both(&r);
	before = manager_slice(r.agent.manager, r.owner)->filter.id;
	restart(&r, NULL);
	s = manager_slice(r.agent.manager, r.owner);
	assert_true(cg_device_holds(s->cgroup_fd, before));
	assert_int_equal(run(&r, r.owner, "reads", READ_DISK), 0);
	assert_int_equal(s->filter.id, before); /* the same was found, so nothing was replaced */
	assert_held(&r, r.owner, "disk-" DISK);

	restart(&r, r.other);
	assert_int_not_equal(run(&r, r.other, "reads", READ_DISK), 0);
	assert_held(&r, r.other, "device_filter");
	rig_done(&r);
}

static void test_filter_follows_what_the_site_allows(void **state)
{
	struct rig r;

	rig_open(&r, state);
	set(&r, "device-allow", "/dev/no-such-node*, b 7:0 r");
	make_both(&r);
	assert_int_equal(run(&r, r.other, "reads", READ_DISK), 0);
	assert_int_not_equal(run(&r, r.other, "writes", WRITE_DISK), 0);
	assert_held(&r, r.other, "device_filter");
	rig_done(&r);
}

static void test_filter_that_is_switched_off_is_taken_away_and_said(void **state)
{
	const struct enforcement *row;
	struct rig r;

	rig_open(&r, state);
	make_both(&r);
	assert_int_not_equal(run(&r, r.other, "before", READ_DISK), 0);
	set(&r, "device-filter", "no");
	restart(&r, NULL);
	assert_int_equal(run(&r, r.other, "after", READ_DISK), 0);
	assert_null(row_of(&r, r.other, "device_filter"));
	row = row_of(&r, r.owner, "disk-" DISK);
	assert_non_null(row);
	assert_int_equal(row->mechanism, MECHANISM_NONE);
	assert_non_null(strstr(row->reason, "device-filter"));
	rig_done(&r);
}

static void test_filter_without_room_for_all_nodes_says_so(void **state)
{
	char path[96];
	const struct enforcement *row;
	struct rig r;

	rig_open(&r, state);
	make_both(&r);
	(void)snprintf(path, sizeof(path), "%s/*", ((struct nodes *)*state)->many);
	set(&r, "device-allow", path);
	restart(&r, NULL);
	assert_int_not_equal(run(&r, r.other, "reads", READ_DISK), 0); /* the old one stays */
	row = row_of(&r, r.other, "device_filter");
	assert_non_null(row);
	assert_int_equal(row->mechanism, MECHANISM_NONE);
	assert_non_null(strstr(row->reason, "rules"));
	assert_int_equal(row_of(&r, r.owner, "disk-" DISK)->mechanism, MECHANISM_NONE);
	rig_done(&r);
}

static void test_device_that_the_machine_lost_is_shut_and_opens_when_it_is_back(void **state)
{
	const struct enforcement *row;
	struct slice *s;
	size_t rows;
	struct rig r;

	rig_open(&r, state);
	make_both(&r);
	s = manager_slice(r.agent.manager, r.owner);
	rows = s->enforced.count;
	assert_int_equal(manager_rediscover(r.agent.manager, NULL), 0);
	assert_int_equal(s->enforced.count, rows);
	row = row_of(&r, r.owner, "disk-" DISK);
	assert_non_null(row);
	assert_int_equal(row->mechanism, MECHANISM_NONE);
	assert_non_null(row->reason);
	assert_held(&r, r.owner, "device_filter");
	assert_int_not_equal(run(&r, r.owner, "gone", READ_DISK), 0);
	add_disk(&r);
	devices_inventory_changed(r.agent.manager);
	assert_int_equal(s->enforced.count, rows);
	assert_held(&r, r.owner, "disk-" DISK);
	assert_int_equal(run(&r, r.owner, "back", READ_DISK), 0);
	rig_done(&r);
}

static void test_device_that_a_stranger_has_open_is_not_offered_until_it_closes_it(void **state)
{
	struct answer answer = { 0 };
	const struct manager *m;
	struct rig r;
	pid_t stranger;

	rig_open(&r, state);
	make_both(&r);
	m = r.agent.manager;
	stranger = start_user(r.node, O_RDONLY); /* stands in no cgroup of the slice */
	agent_delete(&r.agent, r.owner, 0, &answer);
	assert_true(agent_await(&r.agent, &answer, 10 * SECOND));
	assert_string_equal(answer.code, "leak");
	assert_non_null(strstr(answer.text, "block node 7:0 of device disk-" DISK " open"));
	answer_done(&answer);
	assert_string_equal(ledger_device_holder(m->ledger, "disk-" DISK), r.owner);
	assert_int_equal(ledger_find(m->ledger, r.owner)->shared_millicpus, 0);
	assert_int_equal(kill(stranger, SIGKILL),
			 0); /* the agent here leaves nobody to be reaped */
	for (int i = 0; i < 1500 && manager_slice(m, r.owner); i++)
		agent_turn(&r.agent, 20000);
	assert_null(manager_slice(m, r.owner));
	assert_null(ledger_device_holder(m->ledger, "disk-" DISK));
	make_slice(&r, r.owner, ",\"devices\":[{\"class\":\"disk\",\"count\":1}]");
	rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_is_opened_by_its_owner_and_by_no_other_slice),
		cmocka_unit_test(test_tasks_have_what_ordinary_processes_need),
		cmocka_unit_test(test_filter_stays_over_a_restart_and_is_put_back_when_it_is_gone),
		cmocka_unit_test(test_filter_follows_what_the_site_allows),
		cmocka_unit_test(test_filter_that_is_switched_off_is_taken_away_and_said),
		cmocka_unit_test(test_filter_without_room_for_all_nodes_says_so),
		cmocka_unit_test(
			test_device_that_the_machine_lost_is_shut_and_opens_when_it_is_back),
		cmocka_unit_test(
			test_device_that_a_stranger_has_open_is_not_offered_until_it_closes_it),
	};

	return cmocka_run_group_tests(tests, make_all, remove_all);
}
