/* SPDX-License-Identifier: Apache-2.0 */
/* The host that is looked at before and after; see fault_rig.h. */
#include "tests/sim/fault_rig.h"

#include "tests/sim/fake_bpf.h"
#include "tests/sim/fake_cgroups.h"
#include "tests/sim/made_host.h"

#include "decode_resize.h"
#include "hold_resctrl.h"
#include "model/free.h"
#include "util/buf.h"
#include "util/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTING_LIMIT_BYTES = 1 << 21 };

static const struct api_caller root_caller = { 0 };

struct list_order {
	int dirfd, programs;
};

/* What they are, for their numbers say nothing: the same program may have been loaded again. */
static void list_programs(int folder, const char *numbers, struct buf *into)
{
	_cleanup_free_ char *copy = strdup(numbers);
	char *rest = NULL;

	for (char *id = strtok_r(copy, " \n", &rest); id; id = strtok_r(NULL, " \n", &rest)) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(fs_read(folder, id, LISTING_LIMIT_BYTES, &text, NULL), 0);
		assert_int_equal(buf_format(into, "program%s", strchr(text, ' ')), 0);
	}
}

/* Every name below a folder, with the text of its files, in order. */
static void list_below(const struct list_order *order, const char *path, struct buf *into)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int fd = fs_open_dir(order->dirfd, path);

	assert_int_equal(buf_format(into, "%s/\n", path), 0);
	assert_int_equal(fs_list(fd, ".", &names, NULL), 0);
	for (char **n = names; *n; n++) {
		_cleanup_free_ char *text = NULL;
		struct stat st;

		assert_int_equal(fstatat(fd, *n, &st, AT_SYMLINK_NOFOLLOW), 0);
		if (S_ISDIR(st.st_mode)) {
			list_below(&(struct list_order){ fd, order->programs }, *n, into);
			continue;
		}
		if (S_ISREG(st.st_mode))
			assert_int_equal(fs_read(fd, *n, LISTING_LIMIT_BYTES, &text, NULL), 0);
		if (strcmp(*n, FAKE_BPF_FILE) == 0)
			list_programs(order->programs, text, into);
		else
			assert_int_equal(
				buf_format(into, "%s %o %s\n", *n, st.st_mode, text ? text : ""),
				0);
	}
}

char *fault_host_now(const struct fault_rig *r)
{
	static const char *const folders[] = { "cgroup", "run", "sys", "proc" };
	_cleanup_(buf_done) struct buf b = { 0 };
	_cleanup_close_ int programs = -1;
	char path[128];

	buf_init(&b, LISTING_LIMIT_BYTES);
	(void)snprintf(path, sizeof(path), "%.60s/programs", r->agent.dir);
	programs = fs_open_dir(AT_FDCWD, path);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%.60s/%s", r->agent.dir, folders[i]);
		list_below(&(struct list_order){ AT_FDCWD, programs }, path, &b);
	}
	return buf_steal(&b);
}

static size_t descriptors_now(void)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t count = 0;

	assert_int_equal(fs_list(AT_FDCWD, "/proc/self/fd", &names, &count), 0);
	return count;
}

/* What /sys and /proc say of a machine with 8 huge pages, one cache of 12 ways and two interrupts,
 * one of which the kernel manages itself. */
static const struct {
	const char *path, *text;
} machine[] = {
	{ "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n" },
	{ "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "8\n" },
	{ "sys/devices/virtual/workqueue/cpumask", "ff\n" },
	{ "sys/devices/system/cpu/possible", "0-7\n" },
	{ "sys/class/block/fault0/dev", "8:16\n" },
	{ "sys/block/fault0/dev", "8:16\n" },
	{ "sys/fs/resctrl/schemata", "L3:0=fff\n" },
	{ "sys/fs/resctrl/tasks", "1\n" },
	{ "sys/fs/resctrl/info/L3/num_closids", "4\n" },
	{ "sys/fs/resctrl/info/L3/cbm_mask", "fff\n" },
	{ "sys/fs/resctrl/info/L3/min_cbm_bits", "1\n" },
	{ "proc/irq/default_smp_affinity", "ff\n" },
	{ "proc/irq/1/smp_affinity_list", "0-7\n" },
	{ "proc/irq/1/eth0/name", "\n" },
	{ "proc/irq/2/smp_affinity_list", "0-1\n" },
	{ "proc/irq/2/eth1/name", "\n" },
};

static void put_file(const struct fault_rig *r, const char *below, const char *text)
{
	char path[192], *slash;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%.60s/%s", r->agent.dir, below);
	slash = strrchr(path, '/');
	*slash = 0;
	assert_int_equal(fs_make_dirs(path, 0755), 0);
	*slash = '/';
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Every CPU has the one cache. */
static void put_caches(const struct fault_rig *r)
{
	static const char *const files[][2] = { { "level", "3\n" },
						{ "id", "0\n" },
						{ "size", "12288K\n" } };

	cpuset_each (cpu, r->agent.manager->inventory->machine.online)
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			char path[96];

			(void)snprintf(path, sizeof(path),
				       "sys/devices/system/cpu/cpu%d/cache/index0/%s", cpu,
				       files[i][0]);
			put_file(r, path, files[i][1]);
		}
}

static void add_disk(struct inventory *inventory)
{
	struct device *disk = NULL;

	assert_int_equal(device_new(&disk, DEVICE_DISK, "fault0"), 0);
	assert_int_equal(device_set_string(&disk->disk.name, "fault0"), 0);
	disk->disk.size_bytes = 1 << 20;
	inventory->sealed = false;
	assert_int_equal(inventory_add(inventory, &disk), 0);
	inventory_seal(inventory);
}

static void reopen(int *fd, const struct fault_rig *r, const char *below)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%.60s/%s", r->agent.dir, below);
	close_fd(*fd);
	*fd = fs_open_dir(AT_FDCWD, path);
	assert_true(*fd >= 0);
}

/* The agent that has just started looked at the real host. */
static void use_host(struct fault_rig *r)
{
	struct manager *m = r->agent.manager;
	struct fail f = { 0 };

	reopen(&m->host->cgroup_fd, r, "cgroup");
	reopen(&m->host->sys_fd, r, "sys");
	reopen(&m->host->proc_fd, r, "proc");
	free(m->host->cgroup_path);
	m->host->cgroup_path = strdup(r->root);
	m->layout = CG_LAYOUT_UNIFIED;
	made_pages(m->inventory, 8);
	add_disk(m->inventory);
	assert_int_equal(resctrl_discover(m, m->inventory), 0);
	if (r->backend->open(m, &f) < 0)
		fail_msg("%s", f.text);
	m->backend = r->backend;
	if (r->connect)
		r->connect(r);
}

static void set(struct fault_rig *r, const char *section, const char *key, const char *value)
{
	struct fail f = { 0 };

	if (config_set(&r->agent.config, section, key, value, &f) < 0)
		fail_msg("%s", f.text);
}

/* What the stand-ins stand in for is not left alone here. */
static void configure(struct fault_rig *r)
{
	static const char *const wanted[] = { "interrupts", "workqueues", "hugepages", "resctrl" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		set(r, "isolation", wanted[i], "yes");
	(void)snprintf(path, sizeof(path), "%.60s/run/cdi", r->agent.dir);
	set(r, "isolation", "cdi-dir", path);
	set(r, "pressure", "slice-memory", "full 200ms/1s: report");
}

static void put_host(struct fault_rig *r)
{
	char path[128];

	(void)snprintf(r->root, sizeof(r->root), "%.40s/cgroup", r->agent.dir);
	(void)snprintf(r->run, sizeof(r->run), "%.40s/run", r->agent.dir);
	(void)snprintf(path, sizeof(path), "%.60s/programs", r->agent.dir);
	assert_int_equal(mkdir(r->root, 0755), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(machine); i++)
		put_file(r, machine[i].path, machine[i].text);
	put_caches(r);
	fake_cgroups_open(r->root);
	fake_programs(path);
	(void)snprintf(path, sizeof(path), "%.60s/sys", r->agent.dir);
	fake_attributes(path);
	(void)snprintf(path, sizeof(path), "%.60s/proc", r->agent.dir);
	fake_attributes(path);
	(void)snprintf(path, sizeof(path), "%.60s/sys/fs/resctrl", r->agent.dir);
	fake_classes(path);
}

static unsigned seed_of(void)
{
	const char *text = getenv("REEVE_SIM_SEED");

	return text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)getpid();
}

void fault_rig_prepare(struct fault_rig *r)
{
	const char *missing = agent_missing(BACKEND_PROCESS);

	*r = (struct fault_rig){ .seed = seed_of() };
	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	print_message("REEVE_SIM_SEED=%u\n", r->seed);
	agent_open(&r->agent, BACKEND_PROCESS);
	(void)snprintf(r->slice, sizeof(r->slice), "fault%d", (int)getpid());
	put_host(r);
	configure(r);
}

void fault_rig_open(struct fault_rig *r, const struct backend *backend)
{
	r->backend = backend;
	use_host(r);
}

void fault_rig_remember(struct fault_rig *r)
{
	agent_turn(&r->agent, 10000);
	free(r->before);
	r->before = fault_host_now(r);
	r->descriptors = descriptors_now();
}

void fault_rig_restart(struct fault_rig *r)
{
	struct fail f = { 0 };

	r->agent.manager = manager_free(r->agent.manager);
	if (manager_new(&r->agent.manager, &r->agent.config, &f) < 0)
		fail_msg("%s", f.text);
	use_host(r);
}

void fault_rig_close(struct fault_rig *r)
{
	print_message("%u refused, %u made in spite of it, %u stuck once, %u lost\n", r->refused,
		      r->made, r->stuck, r->lost);
	free(r->before);
	agent_done(&r->agent);
}

/* A killed one is there for a moment. Slices run nothing but reeve-init here, a child of ours. */
static bool children_left(struct fault_rig *r)
{
	char text[64] = "";

	for (int i = 0; i < 200; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
		assert_int_equal(fs_read_line(AT_FDCWD, path, text, sizeof(text)), 0);
		if (!*text)
			return false;
		agent_turn(&r->agent, 10000);
	}
	return true;
}

/* The lines from the first that differs on, without those that are the same. */
static void print_difference(const char *now, const char *then)
{
	for (int shown = 0; shown < 12 && *now && *then;) {
		const size_t n = strcspn(now, "\n"), k = strcspn(then, "\n");

		if (n != k || memcmp(now, then, n) != 0) {
			print_message("now  %.*s\nthen %.*s\n", (int)n, now, (int)k, then);
			shown++;
		}
		now += n + (now[n] != 0);
		then += k + (then[k] != 0);
	}
}

void fault_assert_same(const struct fault_rig *r, const char *then)
{
	_cleanup_free_ char *now = fault_host_now(r);

	if (strcmp(now, then) == 0)
		return;
	print_difference(now, then);
	fail_msg("after \"%s\" failed the host is another one", r->failed(r));
}

void fault_assert_as_before(struct fault_rig *r)
{
	const struct manager *m = r->agent.manager;

	fault_assert_same(r, r->before);
	if (map_count(m->slices) > 0 || ledger_count(m->ledger) > 0 ||
	    !cpuset_empty(ledger_cpus(m->ledger)))
		fail_msg("after \"%s\" failed something is booked", r->failed(r));
	if (children_left(r))
		fail_msg("after \"%s\" failed a process is left", r->failed(r));
	if (descriptors_now() != r->descriptors)
		fail_msg("after \"%s\" failed there are %zu descriptors, not %zu", r->failed(r),
			 descriptors_now(), r->descriptors);
}

void fault_create(struct fault_rig *r, const char *what, struct answer *answer)
{
	char request[512];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",%s}", r->slice, what);
	agent_create(&r->agent, request, answer);
	assert_true(agent_await(&r->agent, answer, 40 * FAULT_SECOND));
}

void fault_delete(struct fault_rig *r, struct answer *answer)
{
	agent_delete(&r->agent, r->slice, 0, answer);
	assert_true(agent_await(&r->agent, answer, 60 * FAULT_SECOND));
}

void fault_resize(struct fault_rig *r, const char *change, struct answer *answer)
{
	_cleanup_json_ json_t *object = NULL;
	struct resize_change c;
	struct fail f = { 0 };

	resize_change_init(&c);
	if (json_parse_object(change, strlen(change), &object, &f) < 0 ||
	    decode_resize(object, &c, &f) < 0)
		fail_msg("%s: %s", change, f.text);
	api_slice_resize(r->agent.manager->api, &root_caller, r->slice, &c, answer_here(answer));
	assert_true(agent_await(&r->agent, answer, 20 * FAULT_SECOND));
}

void fault_freeze(struct fault_rig *r, bool frozen, struct answer *answer)
{
	api_slice_freeze(r->agent.manager->api, &root_caller, r->slice, frozen,
			 answer_here(answer));
	assert_true(agent_await(&r->agent, answer, 20 * FAULT_SECOND));
}

void fault_create_well(struct fault_rig *r, const char *what)
{
	struct answer answer = { 0 };

	fault_create(r, what, &answer);
	if (answer.error)
		fail_msg("%s: %s", what, answer.text);
	answer_done(&answer);
}

void fault_delete_well(struct fault_rig *r)
{
	struct answer answer = { 0 };

	fault_delete(r, &answer);
	if (answer.error)
		fail_msg("after \"%s\" failed: %s", r->failed(r), answer.text);
	answer_done(&answer);
}

void fault_end(struct fault_rig *r)
{
	struct answer answer = { 0 };

	if (!manager_slice(r->agent.manager, r->slice))
		return;
	fault_delete(r, &answer);
	if (answer.error && manager_slice(r->agent.manager, r->slice)) {
		assert_true(strlen(answer.text) > 10);
		r->stuck++;
		fault_delete_well(r);
	}
	answer_done(&answer);
}
