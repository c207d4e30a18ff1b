/* SPDX-License-Identifier: Apache-2.0 */
/* The bell of network interfaces and what rtnetlink tells of addresses, in a network namespace of
 * this process, by the kernel itself. */
#include "tests/unit/netns.h"

#include "drivers/nic-link.h"
#include "drivers/nic.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const struct netns_address global = { "cable0", "192.0.2.1/24", 0 };
static const struct netns_address local = { "cable0", "169.254.7.7/16", 0 };

static bool readable(int fd, int limit_msec)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, limit_msec) > 0;
}

/* What was rung until nothing has been for a while. */
static int heard_all(int fd)
{
	int heard = 0;

	while (readable(fd, 300)) {
		int r = nic_bell.heard(fd);

		assert_true(r >= 0);
		heard |= r;
	}
	return heard;
}

static int open_bell(void)
{
	struct fail f = { 0 };
	int fd = nic_bell.open(&f);

	if (fd < 0)
		fail_msg("%s", f.text);
	return fd;
}

/* Link-local addresses come when duplicate detection is done: within two seconds on a machine that
 * is not busy. */
static int open_quiet_bell(void)
{
	int fd = open_bell();

	for (int i = 0; i < 1000 && readable(fd, 2500); i++)
		assert_true(nic_bell.heard(fd) >= 0);
	return fd;
}

static int set_cable(void **state)
{
	const char *missing = *state;

	if (missing)
		return 0;
	netns_cable("cable0", "cable1");
	netns_set_up("cable0", true);
	netns_set_up("cable1", true);
	return 0;
}

static int remove_cable(void **state)
{
	if (!*state)
		netns_remove("cable0");
	return 0;
}

static void need_namespace(void **state)
{
	if (!*state)
		return;
	print_message("skipped: %s\n", (const char *)*state);
	skip();
}

static int enter(void **state)
{
	*state = (void *)netns_enter();
	return 0;
}

static void test_bell_is_silent_where_nothing_happens(void **state)
{
	_cleanup_close_ int fd = -1;

	need_namespace(state);
	fd = open_quiet_bell();
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(nic_bell.heard(fd), 0);
	assert_false(readable(fd, 500));
}

static void test_bell_rings_when_a_carrier_goes_and_comes(void **state)
{
	_cleanup_close_ int fd = -1;

	need_namespace(state);
	fd = open_bell();
	(void)heard_all(fd); /* what setting it up still says */
	netns_set_up("cable1", false);
	assert_true(readable(fd, 1000));
	assert_int_equal(heard_all(fd), 1);
	netns_set_up("cable1", true);
	assert_int_equal(heard_all(fd), 1);
}

static void test_bell_rings_for_addresses_that_count(void **state)
{
	_cleanup_close_ int fd = -1;

	need_namespace(state);
	fd = open_quiet_bell();
	netns_add(&global);
	assert_int_equal(heard_all(fd), 1);
	netns_drop(&global);
	assert_int_equal(heard_all(fd), 1);
	netns_add(&local);
	assert_true(readable(fd, 1000)); /* it is told, and passed over */
	assert_int_equal(heard_all(fd), 0);
	netns_drop(&local);
	assert_int_equal(heard_all(fd), 0);
}

static void test_bell_passes_over_a_lease_that_is_renewed(void **state)
{
	struct netns_address leased = { "cable0", "192.0.2.9/24", 600 };
	_cleanup_close_ int fd = -1;

	need_namespace(state);
	fd = open_quiet_bell();
	netns_add(&leased);
	assert_int_equal(heard_all(fd), 1);
	usleep(1200 * 1000);
	leased.lifetime_sec = 900;
	netns_add(&leased);
	assert_true(readable(fd, 1000));
	assert_int_equal(heard_all(fd), 0);
	netns_drop(&leased);
	assert_int_equal(heard_all(fd), 1);
}

/* Only addresses that do not count: what is lost might have been anything. */
static void test_bell_that_was_overrun_rings(void **state)
{
	_cleanup_close_ int fd = -1;
	int smallest = 1;

	need_namespace(state);
	fd = open_quiet_bell();
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest)), 0);
	for (int i = 0; i < 40; i++) {
		netns_add(&local);
		netns_drop(&local);
	}
	assert_int_equal(nic_bell.heard(fd), 1);
	(void)heard_all(fd);
	netns_set_up("cable1", false); /* and it goes on */
	assert_int_equal(heard_all(fd), 1);
}

static void test_bell_reads_a_bounded_part_at_a_time(void **state)
{
	_cleanup_close_ int fd = -1;
	int rounds = 0;

	need_namespace(state);
	fd = open_quiet_bell();
	for (int i = 0; i < 50; i++) { /* 100 messages */
		netns_add(&local);
		netns_drop(&local);
	}
	for (; readable(fd, 0) && rounds < 10; rounds++)
		assert_true(nic_bell.heard(fd) >= 0);
	assert_true(rounds > 1);
	assert_true(rounds < 10);
}

static void test_bell_that_is_no_socket_is_given_up(void **state)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(nic_bell.heard(fd), -ENOTSOCK);
	assert_int_equal(nic_bell.heard(-1), -EBADF);
}

static void test_bell_that_cannot_be_had_says_why(void **state)
{
	struct rlimit before, none;
	struct fail f = { 0 };
	int fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	fd = nic_bell.open(&f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(fd, -EMFILE);
	assert_non_null(strstr(f.text, "rtnetlink"));
}

static void test_bell_takes_garbage_for_nothing(void **state)
{
	static const char datagrams[][40] = { "", "x", "\x04", "\x10\0\0\0\x14\0",
					      "\x28\0\0\0\x14\0\0\0\0\0\0\0\0\0\0\0\x02\x18" };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i < ARRAY_SIZE(datagrams); i++)
		for (size_t n = 0; n <= sizeof(datagrams[i]); n++) {
			assert_int_equal(send(pair[0], datagrams[i], n, 0), n);
			assert_in_range(nic_bell.heard(pair[1]), 0, 1);
		}
	close(pair[0]);
	close(pair[1]);
}

static void address_is(const char *expected)
{
	_cleanup_(nic_links_done) struct nic_links links = { 0 };
	const struct nic_link *link;

	assert_int_equal(nic_links_load(&links), 0);
	link = nic_links_find(&links, "cable0");
	assert_non_null(link);
	assert_string_equal(link->address, expected);
}

static void test_link_with_addresses_of_its_own_only_carries_none(void **state)
{
	const struct netns_address six = { "cable0", "2001:db8::1/64", 0 };

	need_namespace(state);
	sleep(2);
	address_is(""); /* fe80:: alone */
	netns_add(&local);
	address_is("");
	netns_add(&six);
	address_is("2001:db8::1/64");
	netns_add(&global);
	address_is("192.0.2.1/24"); /* IPv4 is dumped first */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bell_is_silent_where_nothing_happens,
						set_cable, remove_cable),
		cmocka_unit_test_setup_teardown(test_bell_rings_when_a_carrier_goes_and_comes,
						set_cable, remove_cable),
		cmocka_unit_test_setup_teardown(test_bell_rings_for_addresses_that_count, set_cable,
						remove_cable),
		cmocka_unit_test_setup_teardown(test_bell_passes_over_a_lease_that_is_renewed,
						set_cable, remove_cable),
		cmocka_unit_test_setup_teardown(test_bell_that_was_overrun_rings, set_cable,
						remove_cable),
		cmocka_unit_test_setup_teardown(test_bell_reads_a_bounded_part_at_a_time, set_cable,
						remove_cable),
		cmocka_unit_test_setup_teardown(
			test_link_with_addresses_of_its_own_only_carries_none, set_cable,
			remove_cable),
		cmocka_unit_test(test_bell_that_is_no_socket_is_given_up),
		cmocka_unit_test(test_bell_that_cannot_be_had_says_why),
		cmocka_unit_test(test_bell_takes_garbage_for_nothing),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
