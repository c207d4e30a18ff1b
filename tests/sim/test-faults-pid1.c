/* SPDX-License-Identifier: Apache-2.0 */
/* Every call to PID 1 fails once, in turn, in every way: it is refused, its job fails, nobody
 * answers, the connection breaks and can be made again. Whatever part of a slice's life that is,
 * what is left in the end is nothing: no unit, cgroup, process, descriptor or entry in the books. A
 * slice that cannot be made or taken down says why, and goes at the second try. The PID 1 is made
 * up (fake_pid1.h), with its cgroups, and runs in a thread, as it must answer while the agent
 * waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/fake_cgroups.h"
#include "tests/sim/fake_pid1.h"
#include "tests/sim/fault_rig.h"

#include "backend.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { SILENT_USEC = 1000000, SAMPLES = 5, CALLS_LIMIT = 300, DYING_MSEC = 2000 };

/* Exclusive CPUs without a partition have PID 1 keep its own units away. */
static const char *const requests[] = {
	"\"cores\":1,\"memory\":\"64MiB\",\"processes_max\":50",
	"\"shared_cpus\":0.5,\"memory\":\"64MiB\"",
};

static const struct fake_fault faults[] = {
	{ .error = "org.freedesktop.DBus.Error.NoReply" },
	{ .error = "org.freedesktop.DBus.Error.AccessDenied" },
	{ .error = "org.freedesktop.DBus.Error.LimitsExceeded" },
	{ .error = "org.freedesktop.systemd1.UnitExists" },
	{ .error = "org.freedesktop.systemd1.NoSuchUnit" },
	{ .error = "org.freedesktop.systemd1.TransactionIsDestructive" },
	{ .result = "failed" },
	{ .result = "timeout" },
	{ .result = "dependency" },
	{ .result = "canceled" },
	{ .hang_up = true },
	{ 0 }, /* silent */
};

/* One a process: what stands before libsystemd's functions finds it here. */
static struct {
	char root[64];
	sd_event *loop;
	struct fake_pid1 *fake;
	pthread_t thread;
	int gate[2]; /* connections for the thread; its end ends the thread */
	uint64_t deadline_usec;
} pid1;

int sd_booted(void)
{
	return 1;
}

int sd_bus_open_system(sd_bus **ret)
{
	sd_bus *bus = NULL;
	int fds[2], r = sd_bus_new(&bus);

	if (r < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return r < 0 ? r : -errno;
	if (write(pid1.gate[1], &fds[0], sizeof(fds[0])) != sizeof(fds[0]))
		return -EIO;
	r = sd_bus_set_fd(bus, fds[1], fds[1]);
	if (r >= 0)
		r = sd_bus_start(bus);
	*ret = bus;
	return r;
}

static int on_gate(sd_event_source *source, int gate, uint32_t revents, void *userdata)
{
	int fd;

	(void)revents;
	(void)userdata;
	if (read(gate, &fd, sizeof(fd)) != sizeof(fd))
		return sd_event_exit(sd_event_source_get_event(source), 0);
	return fake_pid1_serve(pid1.fake, fd);
}

static void *run_loop(void *loop)
{
	return (void *)(intptr_t)sd_event_loop(loop);
}

static void put(const char *folder, const char *file, const char *text)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close_fd(fd);
}

/* Each folder on the way, with the controllers handed down as for a unit that is delegated. */
static void make_cgroup(const char *cgroup, const char *pids)
{
	char path[256];
	size_t length = (size_t)snprintf(path, sizeof(path), "%s%s", pid1.root, cgroup);

	for (char *slash = strchr(path + strlen(pid1.root) + 1, '/');;
	     slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		if (mkdirat(AT_FDCWD, path, 0755) == 0 && (slash || !pids))
			for (const char *const *c =
				     (const char *const[]){ "+cpuset", "+cpu", "+io", "+memory",
							    "+pids", NULL };
			     *c; c++)
				put(path, "cgroup.subtree_control", *c);
		if (!slash)
			break;
		*slash = '/';
	}
	assert_true(length < sizeof(path));
	if (pids)
		put(path, "cgroup.procs", pids);
}

/* Children first; what was killed takes a moment to die. */
static void remove_cgroup(const char *path)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int fd = fs_open_dir(AT_FDCWD, path);

	if (fd < 0)
		return;
	assert_int_equal(cg_children(fd, &names, NULL), 0);
	for (char **name = names; *name; name++) {
		char child[300];

		(void)snprintf(child, sizeof(child), "%s/%s", path, *name);
		remove_cgroup(child);
	}
	for (int i = 0; unlinkat(AT_FDCWD, path, AT_REMOVEDIR) < 0; i++) {
		assert_int_equal(errno, EBUSY);
		assert_true(i < DYING_MSEC);
		(void)usleep(1000);
	}
}

static void on_change(const char *cgroup, const char *pids, bool there)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s%s", pid1.root, cgroup);
	if (there) {
		make_cgroup(cgroup, pids);
		return;
	}
	if (faccessat(AT_FDCWD, path, F_OK, 0) == 0)
		put(path, "cgroup.kill", "1");
	remove_cgroup(path);
}

static const char *failed(const struct fault_rig *r)
{
	(void)r;
	return fake_pid1_failed(pid1.fake);
}

static void on_connected(struct fault_rig *r)
{
	systemd_set_timeout(r->agent.manager->systemd, pid1.deadline_usec);
}

static void start_pid1(void)
{
	sd_bus *client = NULL;

	assert_true(sd_event_new(&pid1.loop) >= 0);
	assert_int_equal(fake_pid1_new(&pid1.fake, pid1.loop, pid1.loop, &client), 0);
	sd_bus_close_unref(client);
	fake_pid1_cgroups(pid1.fake, on_change);
	pid1.deadline_usec = SYSTEMD_TIMEOUT_USEC;
	assert_int_equal(pipe2(pid1.gate, O_CLOEXEC), 0);
	assert_true(sd_event_add_io(pid1.loop, NULL, pid1.gate[0], EPOLLIN, on_gate, NULL) >= 0);
	assert_int_equal(pthread_create(&pid1.thread, NULL, run_loop, pid1.loop), 0);
}

static void stop_pid1(void)
{
	close_fd(pid1.gate[1]);
	assert_int_equal(pthread_join(pid1.thread, NULL), 0);
	close_fd(pid1.gate[0]);
	fake_pid1_free(pid1.fake);
	sd_event_unref(pid1.loop);
}

/* Whether an answer says why, where it says no. */
static void judge(struct fault_rig *r, struct answer *answer)
{
	if (answer->error) {
		assert_true(strlen(answer->text) > 10);
		r->refused++;
	}
	answer_done(answer);
}

static bool is_there(const struct fault_rig *r)
{
	const struct slice *s = manager_slice(r->agent.manager, r->slice);

	return s && s->state == SLICE_ACTIVE;
}

/* The whole life of a slice, as far as it gets. */
static void live(struct fault_rig *r, const char *what)
{
	struct answer answer = { 0 };

	fault_create(r, what, &answer);
	judge(r, &answer);
	if (is_there(r)) {
		fault_resize(r, "{\"memory\":\"96MiB\"}", &answer);
		judge(r, &answer);
	}
	if (is_there(r)) {
		fault_freeze(r, true, &answer);
		judge(r, &answer);
		fault_freeze(r, false, &answer);
		judge(r, &answer);
	}
	if (is_there(r)) {
		fault_rig_restart(r);
		adopt_slices(r->agent.manager);
		agent_turn(&r->agent, FAULT_SECOND / 50);
		r->lost += !is_there(r);
	}
	fault_end(r);
}

/* PID 1 takes calls in order, and those that nobody waits for may be on their way. */
static unsigned settle(struct fault_rig *r, unsigned units)
{
	for (int i = 0; i < 200 && fake_pid1_units(pid1.fake) != units; i++)
		agent_turn(&r->agent, 10000);
	return fake_pid1_units(pid1.fake);
}

static bool is_silent(const struct fake_fault *fault)
{
	return !fault->error && !fault->result && !fault->hang_up;
}

static unsigned try(struct fault_rig *r, const char *what, unsigned n,
		    const struct fake_fault *fault)
{
	const unsigned units = fake_pid1_units(pid1.fake);
	unsigned calls;

	if (is_silent(fault))
		pid1.deadline_usec = SILENT_USEC; /* else that of a busy machine's PID 1 */
	on_connected(r);
	fake_pid1_fail(pid1.fake, n, fault);
	live(r, what);
	calls = fake_pid1_fail_end(pid1.fake);
	pid1.deadline_usec = SYSTEMD_TIMEOUT_USEC;
	on_connected(r);
	agent_turn(&r->agent, 10000);	   /* a connection that broke just now is noticed */
	fault_create_well(r, requests[1]); /* it can be used; and what an agent makes and keeps */
	fault_delete_well(r);
	if (n == 0)
		fault_rig_remember(r);
	if (settle(r, units) != units && n > 0)
		fail_msg("after \"%s\" failed PID 1 has %u units, not %u", failed(r),
			 fake_pid1_units(pid1.fake), units);
	fault_assert_as_before(r);
	return calls;
}

static void set(struct fault_rig *r, const char *key, const char *value)
{
	assert_int_equal(config_set(&r->agent.config, "isolation", key, value, &(struct fail){ 0 }),
			 0);
}

static void try_some(struct fault_rig *r, const char *what)
{
	const unsigned calls = try(r, what, 0, &faults[0]);
	const bool all = getenv("REEVE_SIM_FAULTS") != NULL;

	assert_true(calls > 5 && calls < CALLS_LIMIT);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		const unsigned samples = is_silent(&faults[i]) ? SAMPLES / 2 : SAMPLES;
		const unsigned stride = all ? 1 : (calls + samples - 1) / samples;

		for (unsigned n = 1 + (unsigned)rand_r(&r->seed) % stride; n <= calls; n += stride)
			(void)try(r, what, n, &faults[i]);
	}
}

static void test_call_to_pid1_that_fails_anywhere_leaves_nothing_in_the_end(void **state)
{
	struct fault_rig r;

	(void)state;
	start_pid1();
	fault_rig_prepare(&r);
	(void)snprintf(pid1.root, sizeof(pid1.root), "%s", r.root);
	set(&r, "partitions", "no");
	set(&r, "housekeeping", "yes");
	r.connect = on_connected;
	r.failed = failed;
	fault_rig_open(&r, &backend_systemd);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		live(&r, requests[i]); /* what is made once and stays */
	fault_rig_remember(&r);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		try_some(&r, requests[i]);
	fault_rig_close(&r);
	stop_pid1();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_to_pid1_that_fails_anywhere_leaves_nothing_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
