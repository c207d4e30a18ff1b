/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation fails once, in turn: a slice that cannot be made leaves the host as it was before
 * the first write, and says why; one that cannot be taken down says why, and goes at the second
 * try. The hierarchy of control groups is made up (fake_cgroups.h), reeve-init is real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"
#include "tests/sim/fake_cgroups.h"
#include "tests/sim/made_host.h"

#include "model/free.h"
#include "util/buf.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECOND = 1000000, LISTING_LIMIT_BYTES = 1 << 20, OPERATIONS_LIMIT = 1000 };

static const int errors[] = { EIO, ENOMEM, EBUSY, ENOSPC, EACCES };

/* Best effort lets a slice live without a limit that the kernel refuses; required does not. */
static const char *const requests[] = {
	"\"cores\":1,\"memory\":\"64MiB\",\"processes_max\":50,\"isolation\":\"required\"",
	("\"cores\":1,\"memory\":\"64MiB\",\"processes_max\":50,"
	 "\"hugepages\":[{\"size\":\"2MiB\",\"count\":2}]"),
	("\"shared_cpus\":0.5,\"memory\":\"64MiB\","
	 "\"hugepages\":[{\"size\":\"2MiB\",\"count\":12}]"), /* four are to be added */
	"\"shared_cpus\":0.5,\"memory\":\"64MiB\",\"processes_max\":50,\"isolation\":\"required\"",
};

struct rig {
	struct agent agent;
	char root[64], run[64], sys[64], slice[32];
	char *before; /* what the host is like without the slice */
	size_t descriptors;
	unsigned refused, made, stuck;
};

/* Every name below a folder, with the text of its files, in order. */
static void list_below(int dirfd, const char *path, struct buf *into)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int fd = fs_open_dir(dirfd, path);

	assert_int_equal(buf_format(into, "%s/\n", path), 0);
	assert_int_equal(fs_list(fd, ".", &names, NULL), 0);
	for (char **n = names; *n; n++) {
		_cleanup_free_ char *text = NULL;
		struct stat st;

		assert_int_equal(fstatat(fd, *n, &st, AT_SYMLINK_NOFOLLOW), 0);
		if (S_ISDIR(st.st_mode)) {
			list_below(fd, *n, into);
			continue;
		}
		if (S_ISREG(st.st_mode))
			assert_int_equal(fs_read(fd, *n, LISTING_LIMIT_BYTES, &text, NULL), 0);
		assert_int_equal(buf_format(into, "%s %o %s\n", *n, st.st_mode, text ? text : ""),
				 0);
	}
}

static char *host_now(const struct rig *r)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	buf_init(&b, LISTING_LIMIT_BYTES);
	list_below(AT_FDCWD, r->root, &b);
	list_below(AT_FDCWD, r->run, &b);
	list_below(AT_FDCWD, r->sys, &b);
	return buf_steal(&b);
}

static size_t descriptors_now(void)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t count = 0;

	assert_int_equal(fs_list(AT_FDCWD, "/proc/self/fd", &names, &count), 0);
	return count;
}

static void create(struct rig *r, const char *what, struct answer *answer)
{
	char request[256];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",%s}", r->slice, what);
	agent_create(&r->agent, request, answer);
	assert_true(agent_await(&r->agent, answer, 40 * SECOND));
}

static void delete (struct rig *r, struct answer *answer)
{
	agent_delete(&r->agent, r->slice, 0, answer);
	assert_true(agent_await(&r->agent, answer, 60 * SECOND));
}

static void create_well(struct rig *r, const char *what)
{
	struct answer answer = { 0 };

	create(r, what, &answer);
	if (answer.error)
		fail_msg("%s: %s", what, answer.text);
	answer_done(&answer);
}

static void delete_well(struct rig *r)
{
	struct answer answer = { 0 };

	delete (r, &answer);
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
}

/* Directories and descriptors that are made once and stay are made by a first slice. */
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
	(void)snprintf(r->slice, sizeof(r->slice), "fault%d", (int)getpid());
	(void)snprintf(r->root, sizeof(r->root), "%.40s/cgroup", r->agent.dir);
	(void)snprintf(r->run, sizeof(r->run), "%.40s/run", r->agent.dir);
	(void)snprintf(r->sys, sizeof(r->sys), "%.40s/sys", r->agent.dir);
	made_hierarchy(&r->agent);
	made_hugepages(&r->agent, 8);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		create_well(r, requests[i]);
		delete_well(r);
	}
	agent_turn(&r->agent, 10000);
	r->before = host_now(r);
	r->descriptors = descriptors_now();
}

static void rig_close(struct rig *r)
{
	print_message("%u refused, %u made in spite of it, %u stuck once\n", r->refused, r->made,
		      r->stuck);
	free(r->before);
	agent_done(&r->agent);
}

/* A killed one is there for a moment. Slices run nothing but reeve-init here, a child of ours. */
static bool children_left(struct rig *r)
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

static void assert_as_before(struct rig *r)
{
	const struct manager *m = r->agent.manager;
	_cleanup_free_ char *now = host_now(r);
	size_t same = 0;

	while (now[same] && now[same] == r->before[same])
		same++;
	if (now[same] != r->before[same])
		fail_msg("after \"%s\" failed the host is\n%.300s\nwhere it was\n%.300s",
			 fake_failed(), now + same, r->before + same);
	if (map_count(m->slices) > 0 || ledger_count(m->ledger) > 0 ||
	    !cpuset_empty(ledger_cpus(m->ledger)))
		fail_msg("after \"%s\" failed something is booked", fake_failed());
	if (children_left(r))
		fail_msg("after \"%s\" failed a process is left", fake_failed());
	if (descriptors_now() != r->descriptors)
		fail_msg("after \"%s\" failed there are %zu descriptors, not %zu", fake_failed(),
			 descriptors_now(), r->descriptors);
}

/* false: there is no n-th operation. */
static bool create_with_fault(struct rig *r, const char *what, unsigned n, int error)
{
	struct answer answer = { 0 };
	unsigned operations;

	fake_fail(n, error, r->run);
	create(r, what, &answer);
	operations = fake_fail_end();
	if (answer.error) {
		assert_true(*answer.text);
		assert_true(strlen(answer.text) > 10);
		r->refused++;
	} else {
		delete_well(r);
		r->made++;
	}
	answer_done(&answer);
	assert_as_before(r);
	return n <= operations;
}

static bool delete_with_fault(struct rig *r, const char *what, unsigned n, int error)
{
	struct answer answer = { 0 };
	unsigned operations;

	create_well(r, what);
	fake_fail(n, error, r->run);
	delete (r, &answer);
	operations = fake_fail_end();
	if (answer.error) {
		assert_true(strlen(answer.text) > 10);
		assert_non_null(manager_slice(r->agent.manager, r->slice));
		delete_well(r);
		r->stuck++;
	} else {
		r->made++;
	}
	answer_done(&answer);
	assert_as_before(r);
	return n <= operations;
}

/* Errors take turns, as the agent looks at few of them; REEVE_SIM_FAULTS=all tries each with each.
 */
static void each_fault(bool (*with_fault)(struct rig *r, const char *what, unsigned n, int error))
{
	size_t turns = getenv("REEVE_SIM_FAULTS") ? ARRAY_SIZE(errors) : 1;
	bool more;
	struct rig r;
	unsigned n;

	rig_open(&r);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		for (n = 1, more = true; more; n++) {
			assert_true(n < OPERATIONS_LIMIT);
			for (size_t e = 0; e < turns; e++)
				more = with_fault(&r, requests[i], n,
						  errors[(i + n + e) % ARRAY_SIZE(errors)]);
		}
		assert_true(n > 10); /* else nothing was counted */
	}
	rig_close(&r);
}

static void test_creation_that_fails_anywhere_leaves_the_host_as_it_was(void **state)
{
	(void)state;
	each_fault(create_with_fault);
}

static void test_deletion_that_fails_anywhere_succeeds_at_the_second_try(void **state)
{
	(void)state;
	each_fault(delete_with_fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_creation_that_fails_anywhere_leaves_the_host_as_it_was),
		cmocka_unit_test(test_deletion_that_fails_anywhere_succeeds_at_the_second_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
