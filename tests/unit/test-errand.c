/* SPDX-License-Identifier: Apache-2.0 */
/* Errands: the child answers, is ended at its deadline, and has nothing of its parent's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "errand.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct heard {
	sd_event *loop;
	struct errand *errand;
	char text[64];
	size_t size;
	int error;
};

static void on_done(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct heard *h = userdata;

	(void)snprintf(h->text, sizeof(h->text), "%s", answer);
	h->size = size;
	h->error = why ? why->error : 0;
	h->errand = errand_free(h->errand);
	(void)sd_event_exit(h->loop, 0);
}

static struct heard send_order(struct errand_order order)
{
	struct heard h = { .error = 1 };
	struct fail f = { 0 };

	order.limit_bytes = 1000;
	order.done = on_done;
	order.userdata = &h;
	assert_true(sd_event_new(&h.loop) >= 0);
	assert_int_equal(errand_start(&h.errand, h.loop, &order, &f), 0);
	assert_int_equal(sd_event_loop(h.loop), 0);
	sd_event_unref(h.loop);
	return h;
}

static struct heard send(void (*run)(void *, int), void *argument, uint64_t limit_usec)
{
	return send_order((struct errand_order){
		.run = run, .argument = argument, .limit_usec = limit_usec });
}

static void say(void *argument, int answer)
{
	(void)!write(answer, argument, strlen(argument));
}

static void run_a_child(void *argument, int answer)
{
	int status = -1;
	pid_t pid = fork();

	(void)argument;
	if (pid == 0)
		_exit(7);
	if (waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7)
		(void)!write(answer, "waited", 6);
}

static void look_for(void *argument, int answer)
{
	if (fcntl(*(int *)argument, F_GETFD) < 0 && errno == EBADF)
		(void)!write(answer, "closed", 6);
}

/* What the two descriptors are that were kept, and that there is no third. */
static void read_kept(void *argument, int answer)
{
	char room[16] = "";

	(void)argument;
	for (int i = 0; i < 3; i++)
		if (read(ERRAND_KEPT_FD + i, room, sizeof(room) - 1) < 0)
			(void)!write(answer, errno == EBADF ? "none " : "odd ", 5);
		else
			(void)!write(answer, room, strlen(room));
}

static void sleep_long(void *argument, int answer)
{
	(void)argument;
	(void)answer;
	for (;;)
		pause();
}

static void say_much(void *argument, int answer)
{
	char room[100] = "x";

	(void)argument;
	for (int i = 0; i < 100; i++)
		(void)!write(answer, room, sizeof(room));
}

static void test_errand_answers_and_may_wait_for_its_children(void **state)
{
	char words[] = "hello";
	struct heard h = send(say, words, 20 * 1000000);

	(void)state;
	assert_int_equal(h.error, 0);
	assert_string_equal(h.text, "hello");
	h = send(run_a_child, NULL, 20 * 1000000);
	assert_string_equal(h.text, "waited");
	assert_int_equal(waitpid(-1, NULL, 0), -1); /* the kernel reaped it */
}

static void test_errand_has_none_of_its_parents_descriptors(void **state)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY); /* not even close-on-exec */
	int high = fcntl(fd, F_DUPFD, 100);
	struct heard h = send(look_for, &high, 20 * 1000000);

	(void)state;
	close_fd(high);
	assert_string_equal(h.text, "closed");
}

static int pipe_with(const char *text)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close_fd(ends[1]);
	return ends[0];
}

/* Also where their numbers are those that they are to have, the other way round. */
static void test_errand_has_the_descriptors_it_is_to_keep(void **state)
{
	int pipes[] = { pipe_with("one "), pipe_with("two "), pipe_with("three ") };
	struct errand_order order = { .run = read_kept,
				      .limit_usec = 20 * 1000000,
				      .kept = { pipes[1], pipes[0] },
				      .kept_count = 2 };
	struct heard h = send_order(order);

	(void)state;
	assert_string_equal(h.text, "two one none ");
	order.kept[0] = -1;
	order.kept[1] = pipes[2];
	h = send_order(order);
	assert_string_equal(h.text, "none three none ");
	for (size_t i = 0; i < 3; i++)
		close_fd(pipes[i]);
}

static void test_errand_is_ended_at_its_deadline_and_when_it_says_too_much(void **state)
{
	struct heard h = send(sleep_long, NULL, 200000);

	(void)state;
	assert_int_equal(h.error, -ETIMEDOUT);
	h = send(say_much, NULL, 20 * 1000000);
	assert_int_equal(h.error, -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errand_answers_and_may_wait_for_its_children),
		cmocka_unit_test(test_errand_has_none_of_its_parents_descriptors),
		cmocka_unit_test(test_errand_has_the_descriptors_it_is_to_keep),
		cmocka_unit_test(test_errand_is_ended_at_its_deadline_and_when_it_says_too_much),
	};
	const struct sigaction reap = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };

	(void)sigaction(SIGCHLD, &reap, NULL); /* as the agent has it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
