/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that are moved, in network namespaces of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/nic-move.h"
#include "tests/unit/netns.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct stage {
	int home, other; /* namespaces */
	struct nic_home nic;
	const char *why_not;
};

static int here(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* An ioctl about an interface of a namespace; its error, positive. */
static int ask(int netns, unsigned long what, struct ifreq *request)
{
	_cleanup_close_ int back = here();
	_cleanup_close_ int fd = -1;
	int r;

	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = ioctl(fd, what, request) < 0 ? errno : 0;
	assert_int_equal(setns(back, CLONE_NEWNET), 0);
	return r;
}

static struct ifreq named(const char *name)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, name, strlen(name));
	return request;
}

/* Its number; 0: there is none of that name. */
static int number_in(int netns, const char *name)
{
	struct ifreq request = named(name);

	return ask(netns, SIOCGIFINDEX, &request) ? 0 : request.ifr_ifindex;
}

static bool is_up(int netns, const char *name)
{
	struct ifreq request = named(name);

	assert_int_equal(ask(netns, SIOCGIFFLAGS, &request), 0);
	return request.ifr_flags & IFF_UP;
}

static void read_mac(int netns, const char *name, char room[NIC_MAC_SIZE])
{
	struct ifreq request = named(name);
	const uint8_t *b = (const uint8_t *)request.ifr_hwaddr.sa_data;

	assert_int_equal(ask(netns, SIOCGIFHWADDR, &request), 0);
	(void)snprintf(room, NIC_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
		       b[4], b[5]);
}

static void rename_in(int netns, const char *name, const char *to)
{
	struct ifreq request = named(name);

	request.ifr_flags = 0;
	assert_int_equal(ask(netns, SIOCSIFFLAGS, &request), 0);
	memcpy(request.ifr_newname, to, strlen(to) + 1);
	assert_int_equal(ask(netns, SIOCSIFNAME, &request), 0);
}

/* As nic_home_read does, of a namespace that has no sysfs here. */
static struct nic_home home_of(int netns, const char *name)
{
	struct nic_home h = { .mtu_bytes = 1500, .flags = IFF_UP | IFF_MULTICAST };

	(void)snprintf(h.name, sizeof(h.name), "%s", name);
	h.number = (uint32_t)number_in(netns, name);
	read_mac(netns, name, h.mac);
	return h;
}

static int begin(void **state)
{
	static struct stage s;

	*state = &s;
	s.why_not = netns_enter();
	return 0;
}

static int set(void **state)
{
	struct stage *s = *state;

	if (s->why_not)
		return 0;
	netns_cable("cable0", "cable1");
	netns_set_up("cable0", true);
	s->home = here();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	s->other = here();
	assert_int_equal(setns(s->home, CLONE_NEWNET), 0);
	s->nic = home_of(s->home, "cable0");
	return 0;
}

static int clear(void **state)
{
	struct stage *s = *state;

	if (s->why_not)
		return 0;
	netns_remove("cable1"); /* with cable0, wherever that is */
	close_fd(s->home);
	close_fd(s->other);
	return 0;
}

static struct stage *need(void **state)
{
	struct stage *s = *state;

	if (!s->why_not)
		return s;
	print_message("%s\n", s->why_not);
	skip();
	return NULL;
}

static void move_there(struct stage *s, const struct nic_dress *dress)
{
	struct fail f = { 0 };

	if (nic_move_there(&s->nic, s->other, dress, &f) < 0)
		fail_msg("it was not moved: %s", f.text);
}

static const struct nic_dress plain = { .name = "eth0" };

static void move_back(struct stage *s, int netns)
{
	struct fail f = { 0 };

	if (nic_move_back(&s->nic, netns, &f) < 0)
		fail_msg("it was not moved back: %s", f.text);
	assert_int_equal(number_in(s->home, "cable0"), s->nic.number);
	assert_true(is_up(s->home, "cable0"));
}

static void test_nic_goes_there_up_and_comes_back_as_it_was(void **state)
{
	struct stage *s = need(state);
	struct ifreq request;
	char mac[NIC_MAC_SIZE];

	move_there(s, &plain);
	assert_int_equal(number_in(s->home, "cable0"), 0);
	assert_int_equal(number_in(s->other, "cable0"), 0);
	assert_int_equal(number_in(s->other, "eth0"), s->nic.number);
	assert_true(is_up(s->other, "eth0"));
	request = named("eth0");
	request.ifr_mtu = 1400;
	assert_int_equal(ask(s->other, SIOCSIFMTU, &request), 0);
	memcpy(request.ifr_hwaddr.sa_data, "\x02\x00\x00\x00\x00\x01", 6);
	request.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
	assert_int_equal(ask(s->other, SIOCSIFHWADDR, &request), 0);
	request.ifr_flags = IFF_UP | IFF_PROMISC;
	assert_int_equal(ask(s->other, SIOCSIFFLAGS, &request), 0);
	move_back(s, s->other);
	assert_int_equal(number_in(s->other, "eth0"), 0);
	read_mac(s->home, "cable0", mac);
	assert_string_equal(mac, s->nic.mac);
	request = named("cable0");
	assert_int_equal(ask(s->home, SIOCGIFMTU, &request), 0);
	assert_int_equal(request.ifr_mtu, 1500);
	assert_int_equal(ask(s->home, SIOCGIFFLAGS, &request), 0);
	assert_false(request.ifr_flags & IFF_PROMISC);
	move_back(s, s->other); /* once more */
	move_back(s, -1);
}

static void test_nic_that_was_down_comes_back_down(void **state)
{
	struct stage *s = need(state);
	struct fail f = { 0 };

	s->nic.flags = IFF_MULTICAST;
	move_there(s, &plain);
	assert_int_equal(nic_move_back(&s->nic, s->other, &f), 0);
	assert_false(is_up(s->home, "cable0"));
}

static void test_nic_is_found_under_any_name(void **state)
{
	struct stage *s = need(state);
	_cleanup_close_ int back = here();

	move_there(s, &plain);
	rename_in(s->other, "eth0", "mine");
	assert_int_equal(setns(s->other, CLONE_NEWNET), 0);
	netns_cable("cable0", "peer"); /* and its own name is taken there */
	assert_int_equal(setns(back, CLONE_NEWNET), 0);
	move_back(s, s->other);
	assert_true(number_in(s->other, "cable0") > 0);
}

static void test_nic_whose_name_was_given_away_stays_there(void **state)
{
	struct stage *s = need(state);
	struct fail f = { 0 };

	move_there(s, &plain);
	netns_cable("cable0", "thief");
	assert_int_equal(nic_move_back(&s->nic, s->other, &f), -EEXIST);
	assert_non_null(strstr(f.text, "cable0"));
	assert_int_equal(number_in(s->other, "eth0"), s->nic.number);
	netns_remove("thief");
	move_back(s, s->other);
}

static void test_nic_that_the_kernel_brought_back_is_named_again(void **state)
{
	struct stage *s = need(state);
	struct fail f = { 0 };

	rename_in(s->home, "cable0", "dev0");
	netns_cable("cable0", "thief");
	assert_int_equal(nic_move_back(&s->nic, -1, &f), -EEXIST);
	netns_remove("thief");
	move_back(s, -1);
	assert_int_equal(number_in(s->home, "dev0"), 0);
}

static void add_alias(int number, const char *alias)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINKPROP, NLM_F_EXCL | NLM_F_CREATE);
	struct ifinfomsg about = { .ifi_index = number };
	struct nlattr *list;

	assert_int_equal(nl_connect(socket, NETLINK_ROUTE), 0);
	assert_int_equal(nlmsg_append(message, &about, sizeof(about), NLMSG_ALIGNTO), 0);
	list = nla_nest_start(message, IFLA_PROP_LIST | NLA_F_NESTED);
	assert_int_equal(nla_put_string(message, IFLA_ALT_IFNAME, alias), 0);
	nla_nest_end(message, list);
	assert_int_equal(nl_send_sync(socket, message), 0);
	nl_socket_free(socket);
}

/* What udev does with one that comes home under a name that is not of its choice. */
static void test_nic_whose_name_became_its_alias_is_named_again(void **state)
{
	struct stage *s = need(state);

	rename_in(s->home, "cable0", "dev0");
	add_alias((int)s->nic.number, "cable0");
	move_back(s, -1);
	assert_int_equal(number_in(s->home, "dev0"), 0);
}

static void test_nic_that_is_gone_is_back(void **state)
{
	struct stage *s = need(state);
	struct fail f = { 0 };
	struct nic_home gone = s->nic;

	gone.number += 1000;
	(void)snprintf(gone.name, sizeof(gone.name), "gone0");
	assert_int_equal(nic_move_back(&gone, s->other, &f), NIC_MOVE_GONE);
	assert_int_equal(nic_move_back(&gone, -1, &f), NIC_MOVE_GONE);
	assert_int_equal(nic_move_there(&gone, s->other, &plain, &f), -ENODEV);
	assert_non_null(strstr(f.text, "gone0"));
	assert_int_equal(number_in(s->home, "cable0"), s->nic.number);
}

/* A namesake on the same device is the one that was plugged in again; another device's is not. */
static void test_nic_of_another_device_is_left_alone(void **state)
{
	struct stage *s = need(state);
	struct fail f = { 0 };
	struct nic_home old = s->nic;

	old.number += 1000;
	(void)snprintf(old.parent, sizeof(old.parent), "0000:01:00.0");
	old.mtu_bytes = 1300;
	old.flags = 0;
	assert_int_equal(nic_move_back(&old, -1, &f), NIC_MOVE_GONE);
	assert_true(is_up(s->home, "cable0"));
}

static void test_nic_is_dressed_there(void **state)
{
	struct stage *s = need(state);
	const char *const addresses[] = { "192.0.2.2/24", "2001:db8::2/64", NULL };
	const char *const gateways[] = { "192.0.2.1", "2001:db8::1", NULL };
	const char *const nowhere[] = { "198.51.100.1", NULL };
	struct nic_dress dress = { "eth0", addresses, gateways };
	_cleanup_close_ int back = here();
	struct nic_home there;
	struct fail f = { 0 };

	netns_set_up("cable1", true);
	move_there(s, &dress);
	there = home_of(s->other, "eth0");
	assert_int_equal(setns(s->other, CLONE_NEWNET), 0);
	assert_int_equal(nic_move_check(&there, &f), -EBUSY); /* as it would be at home */
	assert_non_null(strstr(f.text, "192.0.2.2"));
	assert_int_equal(setns(back, CLONE_NEWNET), 0);
	move_back(s, s->other);
	assert_int_equal(nic_move_check(&s->nic, &f), 0); /* its addresses did not come with it */
	dress.gateways = nowhere;
	assert_true(nic_move_there(&s->nic, s->other, &dress, &f) < 0);
	assert_non_null(strstr(f.text, "198.51.100.1"));
	move_back(s, s->other);
}

static void test_nic_on_the_way_out_is_the_hosts(void **state)
{
	struct stage *s = need(state);
	static const struct netns_address local = { "cable0", "169.254.1.1/16", 0 };
	const char *const gateways[] = { "169.254.1.2", NULL };
	const struct nic_dress route = { "cable0", NULL, gateways };
	struct fail f = { 0 };

	netns_set_up("cable1", true);
	netns_add(&local); /* which does not count by itself */
	assert_int_equal(nic_move_check(&s->nic, &f), 0);
	assert_int_equal(nic_move_there(&s->nic, s->home, &route, &f), 0); /* nowhere, so */
	assert_int_equal(nic_move_check(&s->nic, &f), -EBUSY);
	assert_non_null(strstr(f.text, "default route"));
}

static void test_nic_is_known_by_its_device_and_number(void **state)
{
	static const struct {
		struct nic_home home;
		struct nic_seen seen;
		int there, at_home;
	} rows[] = {
		{ { "ens1", "a", .number = 5 }, { 5, "eth0", "a" }, 3, 3 },
		{ { "ens1", "a", .number = 5 }, { 5, "eth0", "b" }, 0, 0 },
		{ { "ens1", "a", .number = 5 }, { 5, "ens1", "b" }, 0, 0 },
		{ { "ens1", "a", .number = 5 }, { 5, "eth0", "" }, 2, 2 },
		{ { "ens1", "", .number = 5 }, { 5, "eth0", "a" }, 2, 2 },
		{ { "ens1", "a", .number = 5 }, { 6, "eth0", "a" }, 1, 0 }, /* another port? */
		{ { "ens1", "a", .number = 5 }, { 6, "ens1", "a" }, 1, 1 },
		{ { "ens1", "a", .number = 5 }, { 6, "ens1", "" }, 0, 0 },
		{ { "ens1", "", .number = 5 }, { 6, "ens1", "" }, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (nic_likeness(&rows[i].home, &rows[i].seen, false) != rows[i].there ||
		    nic_likeness(&rows[i].home, &rows[i].seen, true) != rows[i].at_home)
			fail_msg("row %zu", i);
}

static void test_nic_home_is_read(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	struct nic_home home;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(host_open(&host, NULL, &f), 0);
	assert_int_equal(nic_home_read(host, "no-such-one", &home, &f), -ENODEV);
	assert_int_equal(nic_home_read(host, "a-name-that-is-too-long", &home, &f), -ENODEV);
	if (access("/sys/class/net/lo", F_OK) < 0)
		skip();
	assert_int_equal(nic_home_read(host, "lo", &home, &f), 0);
	assert_int_equal(home.number, 1);
	assert_string_equal(home.name, "lo");
	assert_string_equal(home.mac, "");
	assert_string_equal(home.parent, "");
	assert_true(home.mtu_bytes > 0);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, set, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(test_nic_goes_there_up_and_comes_back_as_it_was),
		ON_STAGE(test_nic_that_was_down_comes_back_down),
		ON_STAGE(test_nic_is_found_under_any_name),
		ON_STAGE(test_nic_whose_name_was_given_away_stays_there),
		ON_STAGE(test_nic_that_the_kernel_brought_back_is_named_again),
		ON_STAGE(test_nic_whose_name_became_its_alias_is_named_again),
		ON_STAGE(test_nic_that_is_gone_is_back),
		ON_STAGE(test_nic_of_another_device_is_left_alone),
		ON_STAGE(test_nic_is_dressed_there),
		ON_STAGE(test_nic_on_the_way_out_is_the_hosts),
		cmocka_unit_test(test_nic_is_known_by_its_device_and_number),
		cmocka_unit_test(test_nic_home_is_read),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
