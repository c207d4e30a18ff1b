/* SPDX-License-Identifier: Apache-2.0 */
/* Pressure: the kernel's lines, what is not of their form, and triggers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

#include "cgroups/usage.h"

#include <math.h>

#define SOME "some avg10=1.50 avg60=100.00 avg300=0.07 total=8663094\n"
#define FULL "full avg10=0.25 avg60=0.02 avg300=0.00 total=0\n"

static void assert_near(double a, double b)
{
	assert_true(fabs(a - b) < 1e-9);
}

static void test_pressure_reads_some_and_full(void **state)
{
	struct cg_pressure p;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_pressure_read(s.fd, CG_PRESSURE_MEMORY, &p), -ENOENT);
	put_file(s.fd, "memory.pressure", SOME FULL);
	assert_int_equal(cg_pressure_read(s.fd, CG_PRESSURE_MEMORY, &p), 0);
	assert_near(p.some10, 1.5);
	assert_near(p.some60, 100);
	assert_near(p.full10, 0.25);
	assert_near(p.full60, 0.02);
	assert_int_equal(p.some_usec, 8663094);
	assert_int_equal(p.full_usec, 0);
	put_file(s.fd, "cpu.pressure", SOME); /* before 5.13 */
	assert_int_equal(cg_pressure_read(s.fd, CG_PRESSURE_CPU, &p), 0);
	assert_near(p.full10, -1);
	scratch_done(&s);
}

static void test_pressure_refuses_what_the_kernel_would_not_say(void **state)
{
	static const char *const garbage[] = {
		"",
		"\n",
		FULL,
		"some\n",
		"most avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0,54 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.5 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=101.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=-1.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg60=0.00 avg10=0.00 avg300=0.00 total=0\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=0 more\n",
		"some avg10=nan avg60=0.00 avg300=0.00 total=0\n",
		SOME "full avg10=",
	};
	struct cg_pressure p = { .some10 = 42 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		put_file(s.fd, "io.pressure", garbage[i]);
		assert_int_equal(cg_pressure_read(s.fd, CG_PRESSURE_IO, &p), -EBADMSG);
	}
	assert_near(p.some10, 42);
	assert_int_equal(cg_pressure_read(s.fd, CG_PRESSURES, &p), -EINVAL);
	scratch_done(&s);
}

static void test_pressure_trigger_writes_its_last_digit(void **state)
{
	struct scratch s;
	int fd = -1;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "memory.pressure", "");
	const struct cg_trigger memory = { .kind = CG_PRESSURE_MEMORY,
					   .stall_usec = 150000,
					   .window_usec = 1000000 };
	assert_int_equal(cg_pressure_trigger(s.fd, &memory, &fd), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_file(s.fd, "memory.pressure", "some 150000 1000000");
	assert_int_equal(lseek(fd, 0, SEEK_END), 20); /* and the NUL that the kernel wants */
	close_fd(fd);
	scratch_done(&s);
}

static void test_pressure_trigger_refuses_windows_the_kernel_refuses(void **state)
{
	static const uint64_t bad[][2] = {
		{ 0, 1000000 },	 { 1000001, 1000000 },	     { 1, 499999 },
		{ 1, 10000001 }, { UINT64_MAX, UINT64_MAX }, { 1ull << 32, 1000000 },
	};
	struct scratch s;
	int fd = -1;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "io.pressure", "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct cg_trigger trigger = { .kind = CG_PRESSURE_IO,
						    .full = true,
						    .stall_usec = bad[i][0],
						    .window_usec = bad[i][1] };

		assert_int_equal(cg_pressure_trigger(s.fd, &trigger, &fd), -EINVAL);
	}
	assert_int_equal(fd, -1);
	const struct cg_trigger of_host = { .host = true,
					    .kind = CG_PRESSURE_IO,
					    .full = true,
					    .stall_usec = 1,
					    .window_usec = 500000 };
	assert_int_equal(cg_pressure_trigger(s.fd, &of_host, &fd), -ENOENT);
	scratch_done(&s);
}

static void test_pressure_of_this_machine_is_told_and_triggers_are_taken(void **state)
{
	struct host *host = NULL;
	struct cg_pressure p;
	int fd = -1, r;

	(void)state;
	assert_int_equal(host_open(&host, NULL, NULL), 0);
	r = cg_pressure_read_host(host, CG_PRESSURE_CPU, &p);
	if (r == -ENOENT || r == -EOPNOTSUPP) {
		print_message("skipped: the kernel does not tell pressure here\n");
	} else {
		assert_int_equal(r, 0);
		assert_true(p.some10 >= 0 && p.some10 <= 100);
		/* 2 s: also the unprivileged may ask for that (since 6.5) */
		const struct cg_trigger slow = { .host = true,
						 .kind = CG_PRESSURE_MEMORY,
						 .stall_usec = 1900000,
						 .window_usec = 2000000 };

		r = cg_pressure_trigger(host->proc_fd, &slow, &fd);
		if (r == -EACCES || r == -EPERM) {
			print_message("skipped: triggers need privileges here\n");
		} else {
			struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };

			assert_int_equal(r, 0);
			assert_true(poll(&poll_fd, 1, 0) >= 0);
			assert_false(poll_fd.revents & POLLERR); /* would mean: no trigger there */
			close_fd(fd);
		}
	}
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pressure_reads_some_and_full),
		cmocka_unit_test(test_pressure_refuses_what_the_kernel_would_not_say),
		cmocka_unit_test(test_pressure_trigger_writes_its_last_digit),
		cmocka_unit_test(test_pressure_trigger_refuses_windows_the_kernel_refuses),
		cmocka_unit_test(test_pressure_of_this_machine_is_told_and_triggers_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
