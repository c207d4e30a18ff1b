/* SPDX-License-Identifier: Apache-2.0 */
/* Quiet CPUs on made hosts: what moves where for slices that come and go in any order, what
 * refuses, what others set meanwhile, and that all is as it was in the end, also for an agent that
 * has been killed in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attributes.h"
#include "discover.h"
#include "hold.h"
#include "manager.h"
#include "quiet_internal.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define _cleanup_cpuset_ _cleanup_(cpuset_freep)

struct stage {
	char *root, run[300];
	struct config config;
	struct manager manager;
	struct slice *slices[4];
	size_t count;
};

static struct cpuset *set_of(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

/* The agent's part that lives as long as the process does. */
static void start(struct stage *g)
{
	assert_int_equal(quiet_new(&g->manager.quiet, &g->manager), 0);
}

static void stop(struct stage *g)
{
	g->manager.quiet = quiet_free(g->manager.quiet);
}

static void open_stage(struct stage *g)
{
	struct manager *m = &g->manager;

	*g = (struct stage){ .root = tree_new() };
	(void)snprintf(g->run, sizeof(g->run), "%s/run", g->root);
	tree_directory(g->root, "run");
	assert_int_equal(config_init(&g->config, NULL), 0);
	free(g->config.runtime_dir);
	g->config.runtime_dir = strdup(g->run);
	m->config = &g->config;
	(void)snprintf(m->boot_id, sizeof(m->boot_id), "this-boot");
	assert_int_equal(host_open(&m->host, g->root, NULL), 0);
	assert_int_equal(ledger_new(&m->ledger), 0);
	assert_int_equal(map_new(&m->slices), 0);
	assert_int_equal(inventory_new(&m->inventory), 0);
	cpuset_free(m->inventory->machine.online);
	m->inventory->machine.online = set_of("0-7");
	tree_file(g->root, "proc/irq/default_smp_affinity", "ff\n");
	tree_file(g->root, "sys/devices/virtual/workqueue/cpumask", "ff\n");
	start(g);
}

static void close_stage(struct stage *g)
{
	stop(g);
	for (size_t i = 0; i < g->count; i++) {
		map_remove(g->manager.slices, g->slices[i]->id);
		slice_free(g->slices[i]);
	}
	map_free(g->manager.slices);
	ledger_free(g->manager.ledger);
	inventory_free(g->manager.inventory);
	host_free(g->manager.host);
	config_done(&g->config);
	tree_remove(g->root);
}

static struct slice *add_slice(struct stage *g, const char *id, const char *cpus,
			       const char *device)
{
	struct allocation *a = NULL;
	struct slice *s = NULL;

	assert_int_equal(slice_new(&s, &g->manager, id), 0);
	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup(id);
	cpuset_free(a->cpus);
	a->cpus = set_of(cpus);
	if (device)
		assert_int_equal(allocation_add_device(a, device), 0);
	assert_int_equal(ledger_take(g->manager.ledger, &a), 0);
	assert_int_equal(map_put(g->manager.slices, id, s), 0);
	g->slices[g->count++] = s;
	return s;
}

/* As if the rows of limits and partition had come before. */
static void take(struct slice *s, enum mechanism how, struct enforcements *rows)
{
	const struct enforcement row = {
		.resource = "cpu",
		.limit = how == MECHANISM_PARTITION ? "partition" : "cpus",
		.mechanism = how,
	};

	enforcements_done(rows);
	assert_int_equal(enforcements_add(rows, &row), 0);
	assert_int_equal(hold_quiet.take(s, rows, NULL), 0);
}

static void hold(struct slice *s)
{
	struct enforcements rows = { 0 };

	take(s, MECHANISM_CPUSET, &rows);
	enforcements_done(&rows);
}

static void hold_two(struct stage *g, struct slice **ret_a, struct slice **ret_b)
{
	*ret_a = add_slice(g, "a", "2-3", NULL);
	*ret_b = add_slice(g, "b", "6", NULL);
	hold(*ret_a);
	hold(*ret_b);
}

static void expect_row(const struct enforcements *rows, const char *limit, enum mechanism how,
		       const char *actual, const char *reason)
{
	const struct enforcement *row = enforcements_find(rows, limit);

	assert_non_null(row);
	assert_int_equal(row->mechanism, how);
	if (actual)
		assert_string_equal(row->actual, actual);
	else
		assert_null(row->actual);
	if (reason)
		assert_non_null(strstr(row->reason, reason));
	else
		assert_null(row->reason);
}

static void irq(struct stage *g, unsigned number, const char *cpus)
{
	char path[128], text[128];

	(void)snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", number);
	(void)snprintf(text, sizeof(text), "%s\n", cpus);
	tree_file(g->root, path, text);
	(void)snprintf(path, sizeof(path), "proc/irq/%u/eth0/x", number);
	tree_file(g->root, path, "");
}

static void expect_file(const struct stage *g, const char *path, const char *expected)
{
	char line[256];

	assert_int_equal(fs_read_line(g->manager.host->root_fd, path, line, sizeof(line)), 0);
	assert_string_equal(line, expected);
}

static void expect_irq(const struct stage *g, unsigned number, const char *expected)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", number);
	expect_file(g, path, expected);
}

static bool has_record(const struct stage *g)
{
	return fs_exists(g->manager.host->root_fd, "run/quiet.json");
}

static void test_quiet_moves_what_touches_and_puts_it_back(void **state)
{
	struct enforcements rows = { 0 };
	struct stage g;
	struct slice *s;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	irq(&g, 2, "0-1");
	irq(&g, 3, "3");
	irq(&g, 4, "2-3,8-15"); /* 8 to 15 may be plugged in one day */
	s = add_slice(&g, "a", "2-3", NULL);
	take(s, MECHANISM_CPUSET, &rows);
	expect_irq(&g, 1, "0-1,4-7");
	expect_irq(&g, 2, "0-1");
	expect_irq(&g, 3, "0-1,4-7");
	expect_irq(&g, 4, "0-1,4-7"); /* nothing online would be left of it */
	expect_file(&g, "proc/irq/default_smp_affinity", "f3");
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "f3");
	expect_row(&rows, "interrupts", MECHANISM_HOST, "2-3", NULL);
	expect_row(&rows, "workqueues", MECHANISM_HOST, "2-3", NULL);
	assert_true(has_record(&g));
	hold_quiet.give(s);
	hold_quiet.give(s);
	expect_irq(&g, 1, "0-7");
	expect_irq(&g, 2, "0-1");
	expect_irq(&g, 3, "3");
	expect_irq(&g, 4, "2-3,8-15");
	expect_file(&g, "proc/irq/default_smp_affinity", "ff");
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "ff");
	assert_false(has_record(&g));
	enforcements_done(&rows);
	close_stage(&g);
}

static void test_quiet_gives_back_what_no_other_slice_holds(void **state)
{
	struct slice *a, *b;
	struct stage g;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	irq(&g, 2, "2");
	hold_two(&g, &a, &b);
	expect_irq(&g, 1, "0-1,4-5,7");
	expect_irq(&g, 2, "0-1,4-5,7");
	hold_quiet.give(a);
	expect_irq(&g, 1, "0-5,7");
	expect_irq(&g, 2, "2");
	expect_file(&g, "proc/irq/default_smp_affinity", "bf");
	hold_quiet.give(b);
	expect_irq(&g, 1, "0-7");
	expect_file(&g, "proc/irq/default_smp_affinity", "ff");
	assert_false(has_record(&g));
	close_stage(&g);
}

/* The kernel manages some itself: the write fails, the number is said, all else moves. A sealed
 * memory file refuses with EPERM, as Linux 6.12 does. */
static int sealed(struct stage *g, unsigned number, const char *cpus)
{
	int fd = memfd_create("managed", MFD_ALLOW_SEALING), r;
	char path[128], target[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, cpus, strlen(cpus)), strlen(cpus));
	r = fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	assert_int_equal(r, 0);
	(void)snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", number);
	(void)snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	tree_link(g->root, path, target);
	return fd;
}

static void test_quiet_leaves_and_counts_what_refuses(void **state)
{
	struct enforcements rows = { 0 };
	struct slice *a, *b;
	struct stage g;
	int idle, managed, unused, bound;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	managed = sealed(&g, 2, "3,6"); /* a queue that the slice shares with others */
	tree_file(g.root, "proc/irq/2/nvme0q3/x", "");
	tree_file(g.root, "proc/irq/2/effective_affinity_list", "3\n");
	bound = sealed(&g, 5, "5"); /* a queue of one CPU alone */
	tree_file(g.root, "proc/irq/5/nvme0q5/x", "");
	idle = sealed(&g, 3, "0-7"); /* may go there, and does not */
	tree_file(g.root, "proc/irq/3/nvme0q0/x", "");
	tree_file(g.root, "proc/irq/3/effective_affinity_list", "0\n");
	unused = sealed(&g, 4, "3"); /* no driver has it */
	a = add_slice(&g, "a", "2-3", NULL);
	b = add_slice(&g, "b", "5", NULL);
	take(a, MECHANISM_CPUSET, &rows);
	expect_irq(&g, 1, "0-1,4-7");
	expect_row(&rows, "interrupts", MECHANISM_HOST, "2",
		   "1 interrupts in use cannot be moved, the first is 2: Operation not permitted");
	take(b, MECHANISM_CPUSET, &rows);
	expect_row(&rows, "interrupts", MECHANISM_HOST, "5", "1 interrupts stay, the first is 5");
	hold_quiet.give(a);
	hold_quiet.give(b);
	expect_irq(&g, 1, "0-7");
	expect_irq(&g, 2, "3,6");
	assert_false(has_record(&g));
	enforcements_done(&rows);
	close_stage(&g);
	close_fd(managed);
	close_fd(bound);
	close_fd(idle);
	close_fd(unused);
}

static void test_quiet_passes_garbage_and_holes_by(void **state)
{
	struct enforcements rows = { 0 };
	struct stage g;
	struct slice *s;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "all of them");
	tree_directory(g.root, "proc/irq/2/smp_affinity_list"); /* cannot be read */
	tree_directory(g.root, "proc/irq/9");			/* nothing in it */
	irq(&g, 1000, "0-7");
	tree_file(g.root, "proc/irq/default_smp_affinity", "0-7\n"); /* no mask */
	tree_file(g.root, "sys/devices/virtual/workqueue/cpumask", "none\n");
	s = add_slice(&g, "a", "2-3", NULL);
	take(s, MECHANISM_CPUSET, &rows);
	expect_irq(&g, 1, "all of them");
	expect_irq(&g, 1000, "0-1,4-7");
	expect_file(&g, "proc/irq/default_smp_affinity", "0-7");
	expect_row(&rows, "interrupts", MECHANISM_HOST, "2-3", NULL);
	expect_row(&rows, "workqueues", MECHANISM_NONE, NULL, "cannot be read");
	hold_quiet.give(s);
	expect_irq(&g, 1000, "0-7");
	enforcements_done(&rows);
	close_stage(&g);
}

static void test_quiet_says_where_the_host_shows_nothing(void **state)
{
	struct enforcements rows = { 0 };
	char path[400];
	struct stage g;

	(void)state;
	open_stage(&g);
	(void)snprintf(path, sizeof(path), "%s/proc/irq", g.root);
	assert_int_equal(fs_remove_tree(AT_FDCWD, path), 0);
	(void)snprintf(path, sizeof(path), "%s/sys/devices/virtual", g.root);
	assert_int_equal(fs_remove_tree(AT_FDCWD, path), 0);
	take(add_slice(&g, "a", "2-3", NULL), MECHANISM_CPUSET, &rows);
	expect_row(&rows, "interrupts", MECHANISM_NONE, NULL, "/proc/irq cannot be listed");
	expect_row(&rows, "workqueues", MECHANISM_NONE, NULL, "cannot be read");
	expect_row(&rows, "housekeeping", MECHANISM_NONE, NULL, "PID 1 is not systemd");
	enforcements_done(&rows);
	close_stage(&g);
}

static void test_quiet_touches_nothing_for_cpus_that_no_cpuset_holds(void **state)
{
	struct enforcements rows = { 0 };
	struct stage g;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	take(add_slice(&g, "a", "2-3", NULL), MECHANISM_AFFINITY, &rows);
	expect_irq(&g, 1, "0-7");
	expect_file(&g, "proc/irq/default_smp_affinity", "ff");
	expect_row(&rows, "interrupts", MECHANISM_NONE, NULL, "no cpuset holds these CPUs");
	assert_null(enforcements_find(&rows, "workqueues"));
	take(add_slice(&g, "shared", "", NULL), MECHANISM_CPUSET, &rows);
	assert_null(enforcements_find(&rows, "interrupts"));
	assert_false(has_record(&g));
	enforcements_done(&rows);
	close_stage(&g);
}

static void test_quiet_does_what_the_configuration_lets_it(void **state)
{
	struct enforcements rows = { 0 };
	struct stage g;

	(void)state;
	open_stage(&g);
	g.config.interrupts = g.config.workqueues = g.config.housekeeping = false;
	irq(&g, 1, "0-7");
	take(add_slice(&g, "a", "2-3", NULL), MECHANISM_CPUSET, &rows);
	expect_irq(&g, 1, "0-7");
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "ff");
	expect_row(&rows, "interrupts", MECHANISM_NONE, NULL, "off in the configuration");
	expect_row(&rows, "workqueues", MECHANISM_NONE, NULL, "off in the configuration");
	expect_row(&rows, "housekeeping", MECHANISM_NONE, NULL, "off in the configuration");
	enforcements_done(&rows);
	close_stage(&g);
}

static void test_quiet_leaves_unbound_work_to_the_kernel_where_it_does_it(void **state)
{
	struct enforcements rows = { 0 };
	struct stage g;
	struct slice *s;

	(void)state;
	open_stage(&g);
	tree_file(g.root, "sys/devices/virtual/workqueue/cpumask", "f3\n");
	tree_file(g.root, "sys/devices/virtual/workqueue/cpumask_isolated", "0c\n");
	tree_file(g.root, "sys/devices/virtual/workqueue/cpumask_requested", "ff\n");
	s = add_slice(&g, "a", "2-3", NULL);
	take(s, MECHANISM_PARTITION, &rows);
	expect_row(&rows, "workqueues", MECHANISM_PARTITION, "2-3", NULL);
	assert_null(enforcements_find(&rows, "housekeeping"));
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "f3"); /* not written */
	hold_quiet.give(s);
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "f3");
	enforcements_done(&rows);
	close_stage(&g);
}

/* All CPUs are given away: somebody must serve interrupts, and do the kernel's work. */
static void test_quiet_never_leaves_an_empty_set(void **state)
{
	struct enforcements rows = { 0 };
	struct stage g;
	struct slice *s;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	s = add_slice(&g, "a", "0-7", NULL);
	take(s, MECHANISM_CPUSET, &rows);
	expect_irq(&g, 1, "0-7");
	expect_file(&g, "proc/irq/default_smp_affinity", "ff");
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "ff");
	expect_row(&rows, "interrupts", MECHANISM_NONE, "", "no other CPU is left");
	expect_row(&rows, "workqueues", MECHANISM_NONE, "", "no other CPU is left");
	hold_quiet.give(s);
	assert_false(has_record(&g));
	enforcements_done(&rows);
	close_stage(&g);
}

static void test_quiet_survives_an_agent_that_is_killed(void **state)
{
	struct slice *a, *b;
	struct stage g;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	irq(&g, 2, "2");
	hold_two(&g, &a, &b);
	stop(&g); /* as it dies: nothing is put back */
	a->quiet = b->quiet = QUIET_NO;
	expect_irq(&g, 1, "0-1,4-5,7");
	start(&g);
	quiet_adopted(&g.manager);
	expect_irq(&g, 1, "0-1,4-5,7");
	assert_int_equal(a->quiet, QUIET_PARTITION);
	hold_quiet.give(a);
	expect_irq(&g, 1, "0-5,7");
	expect_irq(&g, 2, "2");
	stop(&g); /* and the other slice is lost meanwhile */
	ledger_release(g.manager.ledger, "b");
	start(&g);
	quiet_adopted(&g.manager);
	expect_irq(&g, 1, "0-7");
	expect_file(&g, "proc/irq/default_smp_affinity", "ff");
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "ff");
	assert_false(has_record(&g));
	close_stage(&g);
}

/* It was killed when the record was written and nothing, or half of it, done. */
static void test_quiet_survives_a_kill_between_record_and_writes(void **state)
{
	_cleanup_free_ char *record = NULL;
	struct slice *a, *b;
	struct stage g;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	irq(&g, 2, "1-2");
	hold_two(&g, &a, &b);
	assert_int_equal(fs_read(g.manager.host->root_fd, "run/quiet.json", 1 << 16, &record, NULL),
			 0);
	stop(&g);
	irq(&g, 1, "0-1,4-7"); /* as it was before b */
	irq(&g, 2, "1-2");     /* as it was before all */
	tree_file(g.root, "proc/irq/default_smp_affinity", "f3\n");
	start(&g);
	quiet_adopted(&g.manager);
	expect_irq(&g, 1, "0-1,4-5,7");
	expect_irq(&g, 2, "1");
	expect_file(&g, "proc/irq/default_smp_affinity", "b3");
	hold_quiet.give(b);
	hold_quiet.give(a);
	expect_irq(&g, 1, "0-7");
	expect_irq(&g, 2, "1-2");
	expect_file(&g, "proc/irq/default_smp_affinity", "ff");
	close_stage(&g);
}

static void test_quiet_reads_no_record_that_is_garbage(void **state)
{
	struct stage g;
	struct slice *s;

	(void)state;
	open_stage(&g);
	stop(&g);
	tree_file(g.root, "run/quiet.json", "{\"form\":1}");
	start(&g);
	irq(&g, 1, "0-7");
	s = add_slice(&g, "a", "2-3", NULL);
	hold(s);
	expect_irq(&g, 1, "0-1,4-7");
	hold_quiet.give(s);
	expect_irq(&g, 1, "0-7");
	assert_false(has_record(&g));
	close_stage(&g);
}

static void test_quiet_changes_nothing_that_it_cannot_write_down(void **state)
{
	struct enforcements rows = { 0 };
	struct stage g;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	tree_directory(g.root, "run/quiet.json"); /* no file can take its place */
	take(add_slice(&g, "a", "2-3", NULL), MECHANISM_CPUSET, &rows);
	expect_irq(&g, 1, "0-7");
	expect_file(&g, "sys/devices/virtual/workqueue/cpumask", "ff");
	expect_row(&rows, "interrupts", MECHANISM_NONE, NULL, "cannot be written down");
	expect_row(&rows, "workqueues", MECHANISM_NONE, NULL, "cannot be written down");
	enforcements_done(&rows);
	close_stage(&g);
}

/* A driver sets up its queues, an administrator moves one, an interface goes and another comes. */
static void test_quiet_follows_what_others_do(void **state)
{
	char path[400];
	struct slice *s;
	struct stage g;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	irq(&g, 2, "0-7");
	irq(&g, 3, "0-7");
	s = add_slice(&g, "a", "2-3", NULL);
	hold(s);
	irq(&g, 1, "3");	/* onto the slice's */
	irq(&g, 2, "5");	/* elsewhere: that is theirs */
	irq(&g, 10, "2");	/* a new queue */
	irq(&g, 11, "0-1,4-7"); /* new, by the narrowed default */
	(void)snprintf(path, sizeof(path), "%s/proc/irq/3", g.root);
	assert_int_equal(fs_remove_tree(AT_FDCWD, path), 0);
	quiet_look(&g.manager);
	expect_irq(&g, 1, "0-1,4-7");
	expect_irq(&g, 2, "5");
	expect_irq(&g, 10, "0-1,4-7");
	hold_quiet.give(s);
	expect_irq(&g, 1, "3"); /* what they had set last */
	expect_irq(&g, 2, "5");
	expect_irq(&g, 10, "2");
	expect_irq(&g, 11, "0-7");
	assert_false(has_record(&g));
	close_stage(&g);
}

static void test_quiet_prefers_cpus_of_the_interrupts_node(void **state)
{
	struct slice *s;
	struct stage g;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "5");
	tree_file(g.root, "proc/irq/1/node", "1\n");
	tree_file(g.root, "sys/devices/system/node/node1/cpulist", "4-7\n");
	s = add_slice(&g, "a", "4-5", NULL);
	hold(s);
	expect_irq(&g, 1, "6-7");
	hold_quiet.give(s);
	expect_irq(&g, 1, "5");
	close_stage(&g);
}

static void test_quiet_spreads_a_slices_own_interrupts_over_its_cpus(void **state)
{
	struct enforcements rows = { 0 };
	struct device *nic = NULL;
	struct slice *s, *other;
	struct stage g;

	(void)state;
	open_stage(&g);
	assert_int_equal(device_new(&nic, DEVICE_NIC, "eth0"), 0);
	assert_int_equal(device_set_string(&nic->pci, "0000:01:00.0"), 0);
	assert_int_equal(inventory_add(g.manager.inventory, &nic), 0);
	for (unsigned i = 30; i < 33; i++) {
		char path[128];

		irq(&g, i, "0-7");
		(void)snprintf(path, sizeof(path), "sys/bus/pci/devices/0000:01:00.0/msi_irqs/%u",
			       i);
		tree_file(g.root, path, "msix\n");
	}
	irq(&g, 1, "0-7");
	other = add_slice(&g, "b", "6", NULL);
	hold(other);
	s = add_slice(&g, "a", "2-3", "nic-eth0");
	s->request.interrupts = INTERRUPTS_SLICE;
	take(s, MECHANISM_CPUSET, &rows);
	expect_irq(&g, 30, "2");
	expect_irq(&g, 31, "3");
	expect_irq(&g, 32, "2");
	expect_irq(&g, 1, "0-1,4-5,7");
	expect_row(&rows, "interrupts", MECHANISM_HOST, "2-3", NULL);
	expect_row(&rows, "device_interrupts", MECHANISM_HOST, "2-3", NULL);
	hold_quiet.give(s);
	expect_irq(&g, 30, "0-5,7");
	hold_quiet.give(other);
	expect_irq(&g, 30, "0-7");
	expect_irq(&g, 31, "0-7");
	expect_irq(&g, 32, "0-7");
	other->request.interrupts = INTERRUPTS_SLICE; /* and owns none */
	take(other, MECHANISM_CPUSET, &rows);
	expect_row(&rows, "device_interrupts", MECHANISM_NONE, "", "owns no device");
	enforcements_done(&rows);
	close_stage(&g);
}

/* What did not come back is no resource, but is said. */
static void test_quiet_tells_what_is_not_back(void **state)
{
	struct leaks leaks = { 0 };
	char path[400];
	struct stage g;
	struct slice *s;
	int fd;

	(void)state;
	open_stage(&g);
	irq(&g, 1, "0-7");
	s = add_slice(&g, "a", "2-3", NULL);
	hold(s);
	(void)snprintf(path, sizeof(path), "%s/proc/irq/1/smp_affinity_list", g.root);
	assert_int_equal(unlink(path), 0);
	fd = sealed(&g, 1, "0-1,4-7"); /* the kernel will not have it any more */
	hold_quiet.give(s);
	assert_true(has_record(&g));
	assert_int_equal(hold_quiet.left(s, &leaks), 0);
	assert_int_equal(leaks.count, 1);
	assert_false(leaks_hold(&leaks));
	leaks_done(&leaks);
	assert_int_equal(unlink(path), 0);
	irq(&g, 1, "0-1,4-7");
	quiet_look(&g.manager);
	expect_irq(&g, 1, "0-7");
	assert_int_equal(hold_quiet.left(s, &leaks), 0);
	assert_int_equal(leaks.count, 0);
	assert_false(has_record(&g));
	close_stage(&g);
	close_fd(fd);
}

static double milliseconds(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void test_quiet_manages_4096_interrupts(void **state)
{
	enum { COUNT = 4096 };
	struct slice *s;
	struct stage g;
	double at[3];

	(void)state;
	open_stage(&g);
	for (unsigned i = 0; i < COUNT; i++)
		irq(&g, 2 * i, i % 8 ? "0-7" : "3"); /* with holes */
	s = add_slice(&g, "a", "2-3", NULL);
	at[0] = milliseconds();
	hold(s);
	at[1] = milliseconds();
	for (unsigned i = 0; i < COUNT; i++)
		expect_irq(&g, 2 * i, "0-1,4-7");
	at[2] = milliseconds();
	hold_quiet.give(s);
	print_message("%d interrupts: taken in %.1f ms, given back in %.1f ms\n", COUNT,
		      at[1] - at[0], milliseconds() - at[2]);
	for (unsigned i = 0; i < COUNT; i++)
		expect_irq(&g, 2 * i, i % 8 ? "0-7" : "3");
	assert_false(has_record(&g));
	close_stage(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet_moves_what_touches_and_puts_it_back),
		cmocka_unit_test(test_quiet_gives_back_what_no_other_slice_holds),
		cmocka_unit_test(test_quiet_leaves_and_counts_what_refuses),
		cmocka_unit_test(test_quiet_passes_garbage_and_holes_by),
		cmocka_unit_test(test_quiet_says_where_the_host_shows_nothing),
		cmocka_unit_test(test_quiet_touches_nothing_for_cpus_that_no_cpuset_holds),
		cmocka_unit_test(test_quiet_does_what_the_configuration_lets_it),
		cmocka_unit_test(test_quiet_leaves_unbound_work_to_the_kernel_where_it_does_it),
		cmocka_unit_test(test_quiet_never_leaves_an_empty_set),
		cmocka_unit_test(test_quiet_survives_an_agent_that_is_killed),
		cmocka_unit_test(test_quiet_survives_a_kill_between_record_and_writes),
		cmocka_unit_test(test_quiet_reads_no_record_that_is_garbage),
		cmocka_unit_test(test_quiet_changes_nothing_that_it_cannot_write_down),
		cmocka_unit_test(test_quiet_follows_what_others_do),
		cmocka_unit_test(test_quiet_prefers_cpus_of_the_interrupts_node),
		cmocka_unit_test(test_quiet_spreads_a_slices_own_interrupts_over_its_cpus),
		cmocka_unit_test(test_quiet_tells_what_is_not_back),
		cmocka_unit_test(test_quiet_manages_4096_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
