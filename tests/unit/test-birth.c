/* SPDX-License-Identifier: Apache-2.0 */
/* A birth beside many descriptors: the child has what it is given and nothing else, and the parent
 * all that it had. A script stands for reeve-init. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "birth.h"
#include "scratch.h"

enum { MANY = 700 }; /* the usual limit is 1024 */

/* Without exec of anything: what it lists are its own descriptors. */
static const char script[] = "#!/bin/sh\n"
			     "for d in /proc/$$/fd/*; do echo \"${d##*/}\"; done >&5\n"
			     "echo \"$1\" >&5\n"
			     "echo listener >&3\n"
			     "echo cgroup >&4\n";

struct rig {
	struct scratch s;
	struct birth_seats seats;
	char path[96];
	int files[3]; /* listener, cgroup, record */
	int many[MANY];
};

static int file_of(const struct rig *r, const char *name)
{
	int fd = openat(r->s.fd, name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void rig_open(struct rig *r)
{
	static const char *const names[] = { "listener", "cgroup", "record" };
	int fd;

	*r = (struct rig){ 0 };
	assert_int_equal(birth_seats_open(&r->seats), 0);
	scratch_open(&r->s);
	(void)snprintf(r->path, sizeof(r->path), "%s/init", r->s.path);
	fd = openat(r->s.fd, "init", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_int_equal(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	close_fd(fd);
	/* Some of them are not closed by exec(2): a library's. */
	for (size_t i = 0; i < MANY; i++) {
		r->many[i] = open("/dev/null", O_RDONLY | (i % 3 ? O_CLOEXEC : 0));
		assert_true(r->many[i] >= 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		r->files[i] = file_of(r, names[i]);
}

static void rig_done(struct rig *r)
{
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(close(r->many[i]), 0); /* it was there */
	for (size_t i = 0; i < ARRAY_SIZE(r->files); i++)
		assert_int_equal(close(r->files[i]), 0);
	birth_seats_close(&r->seats);
	scratch_done(&r->s);
}

static struct birth birth_of(const struct rig *r)
{
	return (struct birth){ .path = r->path,
			       .slice = "mine",
			       .listener = r->files[0],
			       .cgroup = r->files[1],
			       .record = r->files[2],
			       .leaf_fd = -1,
			       .pin = { 0 } };
}

static void give_birth(struct rig *r, const struct birth *b, int wanted_status)
{
	int status = -1, pidfd = -1;
	struct fail f = { 0 };
	pid_t pid = 0;

	if (birth_init(b, &r->seats, &pid, &pidfd, &f) < 0)
		fail_msg("%s", f.text);
	assert_true(pid > 0);
	assert_true(pidfd >= 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), wanted_status);
	close_fd(pidfd);
}

/* Up to 5 what it was given, and what the shell itself has open, 10 and a few. */
static void assert_few(const char *numbers)
{
	unsigned given = 0;

	for (const char *line = numbers; *line >= '0' && *line <= '9';) {
		char *end;
		unsigned long fd = strtoul(line, &end, 10);

		given += fd < 6;
		if (fd > 15)
			fail_msg("it has the descriptor %lu: %s", fd, numbers);
		line = end + (*end != 0);
	}
	assert_int_equal(given, 6);
}

static void test_birth_gives_the_child_what_it_is_to_have_and_nothing_else(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct birth b;
	struct rig r;

	(void)state;
	rig_open(&r);
	b = birth_of(&r);
	give_birth(&r, &b, 0);
	assert_int_equal(fs_read(r.s.fd, "record", 4096, &text, NULL), 0);
	assert_few(text);
	assert_non_null(strstr(text, "\nmine\n"));
	assert_file(r.s.fd, "listener", "listener\n");
	assert_file(r.s.fd, "cgroup", "cgroup\n");
	rig_done(&r);
}

static void assert_seat_is_nothing(int fd)
{
	_cleanup_free_ char *target = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(fs_readlink(AT_FDCWD, path, &target), 0);
	assert_string_equal(target, "/dev/null");
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void test_birth_leaves_the_seats_as_they_were(void **state)
{
	struct birth b;
	struct rig r;

	(void)state;
	rig_open(&r);
	b = birth_of(&r);
	for (int i = 0; i < 3; i++) {
		b.cgroup = i == 1 ? -1 : r.files[1];
		give_birth(&r, &b, 0);
	}
	for (size_t i = 0; i < BIRTH_SEATS; i++) {
		assert_true(r.seats.fds[i] > STDERR_FILENO && r.seats.fds[i] < MANY);
		assert_seat_is_nothing(r.seats.fds[i]);
	}
	rig_done(&r);
}

static void test_birth_of_what_cannot_be_executed_ends_the_child(void **state)
{
	struct birth b;
	struct rig r;

	(void)state;
	rig_open(&r);
	b = birth_of(&r);
	b.path = "/no/such/program";
	give_birth(&r, &b, 127);
	for (size_t i = 0; i < BIRTH_SEATS; i++)
		assert_seat_is_nothing(r.seats.fds[i]);
	rig_done(&r);
}

static void test_birth_that_fails_leaves_the_seats_as_they_were(void **state)
{
	int pidfd = -1;
	struct fail f = { 0 };
	pid_t pid = 0;
	struct birth b;
	struct rig r;

	(void)state;
	rig_open(&r);
	b = birth_of(&r);
	b.leaf_fd = r.files[0]; /* no cgroup */
	assert_true(birth_init(&b, &r.seats, &pid, &pidfd, &f) < 0);
	assert_int_equal(pid, 0);
	assert_int_equal(pidfd, -1);
	assert_true(strlen(f.text) > 10);
	for (size_t i = 0; i < BIRTH_SEATS; i++)
		assert_seat_is_nothing(r.seats.fds[i]);
	rig_done(&r);
}

static void test_birth_seats_that_were_never_opened_are_not_closed(void **state)
{
	struct birth_seats none = { 0 };

	(void)state;
	birth_seats_close(&none);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_birth_gives_the_child_what_it_is_to_have_and_nothing_else),
		cmocka_unit_test(test_birth_leaves_the_seats_as_they_were),
		cmocka_unit_test(test_birth_of_what_cannot_be_executed_ends_the_child),
		cmocka_unit_test(test_birth_that_fails_leaves_the_seats_as_they_were),
		cmocka_unit_test(test_birth_seats_that_were_never_opened_are_not_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
