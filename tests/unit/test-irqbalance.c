/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to irqbalance and heard from it, against a stand-in that speaks its protocol as
 * irqbalance 1.9.2 does: one read of at most 500 bytes, root by SCM_CREDENTIALS, then it hangs up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discover.h"
#include "irqbalance.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define _cleanup_cpuset_ _cleanup_(cpuset_freep)
#define PID 4711

static void expect(const struct cpuset *s, const char *expected)
{
	_cleanup_free_ char *text = cpuset_format(s);

	assert_string_equal(text, expected);
}

static struct cpuset *set_of(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

struct stand_in {
	char *root;
	struct host *host;
	int fd;
	pid_t child;
};

/* A tree with its process and its socket. */
static void open_tree(struct stand_in *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int yes = 1;

	s->child = 0;
	s->root = tree_new();
	tree_directory(s->root, "run/irqbalance");
	tree_file(s->root, "proc/4711/stat", "");
	tree_file(s->root, "run/irqbalance/irqbalance.sock", "");   /* no number */
	tree_file(s->root, "run/irqbalance/irqbalance1x.sock", ""); /* garbage */
	tree_file(s->root, "run/irqbalance/irqbalance99.sock", ""); /* of a dead one */
	assert_int_equal(host_open(&s->host, s->root, NULL), 0);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "%.70s/run/irqbalance/irqbalance%d.sock", s->root, PID);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setsockopt(s->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)), 0);
	assert_int_equal(listen(s->fd, 1), 0);
}

static void close_tree(struct stand_in *s)
{
	if (s->child > 0) {
		assert_int_equal(kill(s->child, SIGKILL), 0);
		assert_int_equal(waitpid(s->child, NULL, 0), s->child);
	}
	close_fd(s->fd);
	host_free(s->host);
	tree_remove(s->root);
}

/* What a connection said, as irqbalance takes it; -1 where the sender did not say that it is root.
 */
static ssize_t take_order(int fd, char room[500])
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { .iov_base = room, .iov_len = 500 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(fd, &message, 0);
	const struct cmsghdr *header = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
	struct ucred who;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
		return -1;
	memcpy(&who, CMSG_DATA(header), sizeof(who));
	return who.uid == geteuid() ? n : -1;
}

/* Serves: "setup" gets the answer, all else is appended to the file `heard`, a line each. */
static void serve(struct stand_in *s, const char *answer)
{
	s->child = fork();
	assert_true(s->child >= 0);
	if (s->child > 0)
		return;
	for (;;) {
		int one = accept(s->fd, NULL, NULL), heard;
		char room[501];
		ssize_t n = take_order(one, room);

		if (n == 5 && memcmp(room, "setup", 5) == 0) {
			(void)!send(one, answer, strlen(answer), MSG_NOSIGNAL);
		} else if (n > 0) {
			room[n] = '\n';
			heard = openat(s->host->root_fd, "heard", O_WRONLY | O_CREAT | O_APPEND,
				       0600);
			(void)!write(heard, room, (size_t)n + 1);
			(void)close(heard);
		}
		(void)close(one);
	}
}

static void expect_heard(const struct stand_in *s, const char *expected)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(fs_read(s->host->root_fd, "heard", 1 << 16, &text, NULL), 0);
	assert_string_equal(text, expected);
}

static void test_irqbalance_is_found_by_its_socket(void **state)
{
	struct stand_in s;
	pid_t pid = 0;

	(void)state;
	open_tree(&s);
	assert_int_equal(irqbalance_find(s.host, &pid), 0);
	assert_int_equal(pid, PID);
	tree_remove(s.root); /* all of it: nobody there */
	s.root = tree_new();
	host_free(s.host);
	assert_int_equal(host_open(&s.host, s.root, NULL), 0);
	assert_int_equal(irqbalance_find(s.host, &pid), -ENOENT);
	close_tree(&s);
}

static void test_irqbalance_says_what_it_leaves_alone(void **state)
{
	static const struct {
		const char *answer, *cpus, *irqs; /* cpus NULL: it is no answer */
	} vectors[] = {
		{ "SLEEP 10 BANNED 00000000", "", "" },
		{ "SLEEP 10 BANNED 000000ff,ffff0000", "16-39", "" },
		{ "SLEEP 1 IRQ 31 LOAD 12 DIFF 3 CLASS 5 IRQ 9 LOAD 0 DIFF 0 CLASS 0 BANNED 8", "3",
		  "9,31" },
		{ "", NULL, NULL },
		{ "SLEEP", NULL, NULL },
		{ "SLEEP ten BANNED 0", NULL, NULL },
		{ "SLEEP 10", NULL, NULL },
		{ "SLEEP 10 BANNED", NULL, NULL },
		{ "SLEEP 10 BANNED xyz", NULL, NULL },
		{ "SLEEP 10 BANNED 0 0", NULL, NULL },
		{ "SLEEP 10 IRQ 31 LOAD 0 BANNED 0", NULL, NULL },
		{ "SLEEP 10 IRQ x LOAD 0 DIFF 0 CLASS 0 BANNED 0", NULL, NULL },
		{ "TYPE 0 NUMBER 0", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
		struct stand_in s;
		int r;

		open_tree(&s);
		serve(&s, vectors[i].answer);
		r = irqbalance_ask(s.host, PID, &setup);
		assert_int_equal(r, vectors[i].cpus ? 0 : -EBADMSG);
		if (r == 0) {
			expect(setup.cpus, vectors[i].cpus);
			expect(setup.irqs, vectors[i].irqs);
		} else {
			assert_null(setup.cpus);
		}
		close_tree(&s);
	}
}

static void test_irqbalance_is_told_in_its_own_words(void **state)
{
	_cleanup_cpuset_ struct cpuset *none = set_of(""), *some = set_of("2-3,8");
	struct stand_in s;

	(void)state;
	open_tree(&s);
	serve(&s, "");
	assert_int_equal(irqbalance_tell_cpus(s.host, PID, some), 0);
	assert_int_equal(irqbalance_tell_irqs(s.host, PID, some), 0);
	assert_int_equal(irqbalance_tell_cpus(s.host, PID, none), 0);
	assert_int_equal(irqbalance_tell_irqs(s.host, PID, none), 0);
	expect_heard(&s, "settings cpus 2-3,8\nsettings ban irqs 2 3 8\nsettings cpus NULL\n"
			 "settings ban irqs NONE\n");
	close_tree(&s);
}

/* It reads no more than 500 bytes, and would take half of a list for the whole. */
static void test_irqbalance_is_not_told_what_it_would_not_read(void **state)
{
	_cleanup_cpuset_ struct cpuset *many = set_of("");
	struct stand_in s;

	(void)state;
	for (unsigned cpu = 0; cpu < 400; cpu += 2)
		assert_int_equal(cpuset_add(many, cpu), 0);
	open_tree(&s);
	assert_int_equal(irqbalance_tell_cpus(s.host, PID, many), -E2BIG);
	assert_int_equal(irqbalance_tell_irqs(s.host, PID, many), -E2BIG);
	close_tree(&s);
}

static uint64_t now_usec(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* It stands (SIGSTOP) or is busy: the socket takes the connection, and nobody answers. */
static void test_irqbalance_that_does_not_answer_is_given_up(void **state)
{
	struct irqbalance_setup setup = { 0 };
	struct stand_in s;
	uint64_t before = now_usec();

	(void)state;
	open_tree(&s);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ETIMEDOUT);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ETIMEDOUT);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ETIMEDOUT); /* its queue is full */
	assert_true(now_usec() - before >= 3 * IRQBALANCE_TIMEOUT_USEC);
	close_tree(&s);
}

static void test_irqbalance_that_has_ended_leaves_a_socket_that_refuses(void **state)
{
	struct irqbalance_setup setup = { 0 };
	struct stand_in s;

	(void)state;
	open_tree(&s);
	s.fd = close_fd(s.fd);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ECONNREFUSED);
	assert_int_equal(irqbalance_ask(s.host, 98, &setup), -ENOENT);
	close_tree(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_irqbalance_is_found_by_its_socket),
		cmocka_unit_test(test_irqbalance_says_what_it_leaves_alone),
		cmocka_unit_test(test_irqbalance_is_told_in_its_own_words),
		cmocka_unit_test(test_irqbalance_is_not_told_what_it_would_not_read),
		cmocka_unit_test(test_irqbalance_that_does_not_answer_is_given_up),
		cmocka_unit_test(test_irqbalance_that_has_ended_leaves_a_socket_that_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
