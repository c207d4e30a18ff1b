/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own protection, on a made-up host: what is written, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

#include "protect.h"

#include <sys/mman.h>

/* A host whose /proc and cgroup root are plain files, and the agent at the root of the latter. */
struct stand {
	struct scratch proc, cgroup;
	int controllers; /* a file that says the same whatever is written to it */
	struct host host;
};

static void stand_open(struct stand *s, const char *path)
{
	char cgroup[128];

	(void)unsetenv("SYSTEMD_EXEC_PID");
	scratch_open(&s->proc);
	scratch_open(&s->cgroup);
	assert_int_equal(mkdirat(s->proc.fd, "self", 0755), 0);
	(void)snprintf(cgroup, sizeof(cgroup), "0::%s\n", path);
	put_file(s->proc.fd, "self/oom_score_adj", "0\n");
	put_file(s->proc.fd, "self/cgroup", cgroup);
	s->host = (struct host){ .proc_fd = s->proc.fd, .cgroup_fd = s->cgroup.fd };
	s->controllers = memfd_create("controllers", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(s->controllers, "cpu memory\n", 11), 11);
	assert_int_equal(fcntl(s->controllers, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
	(void)snprintf(cgroup, sizeof(cgroup), "/proc/self/fd/%d", s->controllers);
	assert_int_equal(symlinkat(cgroup, s->cgroup.fd, "cgroup.subtree_control"), 0);
}

static void stand_close(struct stand *s)
{
	scratch_done(&s->proc);
	scratch_done(&s->cgroup);
	close_fd(s->controllers);
}

/* Its files are there before: a real kernel makes them with the directory. */
static void stand_make_own(struct stand *s)
{
	static const char *const files[] = { "own/cgroup.procs", "own/cpu.weight",
					     "own/memory.min" };

	assert_int_equal(mkdirat(s->cgroup.fd, "own", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_file(s->cgroup.fd, files[i], "");
}

static void test_protect_does_what_the_units_do(void **state)
{
	struct stand s;
	char *lacks = NULL, pid[16];

	(void)state;
	stand_open(&s, "/");
	stand_make_own(&s);
	assert_int_equal(protect_self(&s.host, "own", &lacks), 0);
	assert_file(s.proc.fd, "self/oom_score_adj", "-900");
	assert_null(lacks);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_file(s.cgroup.fd, "own/cgroup.procs", pid);
	assert_file(s.cgroup.fd, "own/cpu.weight", "1000");
	assert_file(s.cgroup.fd, "own/memory.min", "33554432");
	stand_close(&s);
}

static void test_protect_stays_where_somebody_has_put_it(void **state)
{
	struct stand s;
	char *lacks = NULL;

	(void)state;
	stand_open(&s, "/system.slice/other.service");
	stand_make_own(&s);
	assert_int_equal(protect_self(&s.host, "own", &lacks), 0);
	assert_null(lacks);
	assert_file(s.cgroup.fd, "own/cgroup.procs", "");
	stand_close(&s);
}

static void test_protect_leaves_a_unit_to_its_file(void **state)
{
	struct stand s;
	char *lacks = NULL, pid[16];

	(void)state;
	stand_open(&s, "/");
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(setenv("SYSTEMD_EXEC_PID", pid, 1), 0);
	assert_int_equal(protect_self(&s.host, "own", &lacks), 0);
	assert_file(s.proc.fd, "self/oom_score_adj", "0\n");
	/* what was started from within a unit is none */
	assert_int_equal(setenv("SYSTEMD_EXEC_PID", "1", 1), 0);
	assert_int_equal(protect_self(&s.host, NULL, &lacks), 0);
	assert_file(s.proc.fd, "self/oom_score_adj", "-900");
	assert_null(lacks);
	stand_close(&s);
}

static void test_protect_keeps_a_lower_score_and_says_what_it_cannot(void **state)
{
	struct stand s;
	char *lacks = NULL;

	(void)state;
	stand_open(&s, "/");
	put_file(s.proc.fd, "self/oom_score_adj", "-1000\n");
	assert_int_equal(protect_self(&s.host, NULL, &lacks), 0);
	assert_file(s.proc.fd, "self/oom_score_adj", "-1000\n");
	assert_null(lacks);
	assert_int_equal(unlinkat(s.proc.fd, "self/oom_score_adj", 0), 0);
	stand_make_own(&s);
	assert_int_equal(unlinkat(s.cgroup.fd, "own/memory.min", 0), 0);
	assert_int_equal(protect_self(&s.host, "own", &lacks), 0);
	assert_string_equal(lacks, "oom_score_adj: No such file or directory; memory_min: No such "
				   "file or directory");
	free(lacks);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protect_does_what_the_units_do),
		cmocka_unit_test(test_protect_stays_where_somebody_has_put_it),
		cmocka_unit_test(test_protect_leaves_a_unit_to_its_file),
		cmocka_unit_test(test_protect_keeps_a_lower_score_and_says_what_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
