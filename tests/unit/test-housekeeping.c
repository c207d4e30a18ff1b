/* SPDX-License-Identifier: Apache-2.0 */
/* The CPUs of the host's units, asked of and told to a manager that runs beside, since the calls
 * are synchronous. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "systemd/housekeeping.h"

#include "pid1-fixture.h"

#include <pthread.h>

static void *run_loop(void *loop)
{
	return (void *)(intptr_t)sd_event_loop(loop);
}

static int on_stop(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)fd;
	(void)events;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

struct beside {
	struct pid1 pid1;
	sd_event *server_loop;
	pthread_t thread;
	int gate[2];
};

static void beside_open(struct beside *b, enum fake_answer answer)
{
	struct pid1 *p = &b->pid1;
	struct fail f = { 0 };

	*b = (struct beside){ 0 };
	assert_true(sd_event_new(&p->loop) >= 0);
	assert_true(sd_event_new(&b->server_loop) >= 0);
	assert_int_equal(fake_pid1_new(&p->fake, b->server_loop, p->loop, &p->client), 0);
	assert_int_equal(systemd_open(&p->systemd, p->loop, p->client, &f), 0);
	fake_pid1_answer(p->fake, answer, 0);
	assert_int_equal(pipe(b->gate), 0);
	assert_true(sd_event_add_io(b->server_loop, NULL, b->gate[0], EPOLLHUP, on_stop, NULL) >=
		    0);
	assert_int_equal(pthread_create(&b->thread, NULL, run_loop, b->server_loop), 0);
}

static void beside_done(struct beside *b)
{
	close_fd(b->gate[1]);
	assert_int_equal(pthread_join(b->thread, NULL), 0);
	close_fd(b->gate[0]);
	pid1_done(&b->pid1);
	sd_event_unref(b->server_loop);
}

static void expect(struct beside *b, const char *unit, const char *expected)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	_cleanup_free_ char *text = NULL;
	struct fail f = { 0 };

	assert_int_equal(housekeeping_read(b->pid1.systemd, unit, &cpus, &f), 0);
	text = cpuset_format(cpus);
	assert_string_equal(text, expected);
}

static void test_housekeeping_is_told_and_asked_of_every_unit(void **state)
{
	struct cpuset *cpus = NULL, *all = NULL;
	struct fail f = { 0 };
	struct beside b;

	(void)state;
	assert_int_equal(cpuset_parse("0-1,4-9", &cpus), 0);
	assert_int_equal(cpuset_parse("", &all), 0);
	beside_open(&b, FAKE_DONE);
	for (size_t i = 0; housekeeping_units[i]; i++) {
		const char *unit = housekeeping_units[i];

		expect(&b, unit, ""); /* it was not there before */
		assert_int_equal(housekeeping_write(b.pid1.systemd, unit, cpus, &f), 0);
		expect(&b, unit, "0-1,4-9");
		assert_int_equal(housekeeping_write(b.pid1.systemd, unit, all, &f), 0);
		expect(&b, unit, "");
	}
	beside_done(&b);
	cpuset_free(cpus);
	cpuset_free(all);
}

static void test_housekeeping_tells_who_refused_or_kept_silent(void **state)
{
	static const struct {
		enum fake_answer answer;
		int error;
	} vectors[] = { { FAKE_REFUSED, -EACCES }, { FAKE_SILENT, -ETIMEDOUT } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct cpuset *cpus = NULL;
		struct fail f = { 0 };
		struct beside b;

		beside_open(&b, vectors[i].answer);
		systemd_set_timeout(b.pid1.systemd, 50000);
		assert_int_equal(housekeeping_read(b.pid1.systemd, "system.slice", &cpus, &f),
				 vectors[i].error);
		assert_null(cpus);
		assert_non_null(strstr(f.text, "system.slice"));
		beside_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_housekeeping_is_told_and_asked_of_every_unit),
		cmocka_unit_test(test_housekeeping_tells_who_refused_or_kept_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
