/* SPDX-License-Identifier: Apache-2.0 */
/* What the child does with a NIC: real namespaces and interfaces, where this process may make
 * them. What it does with CNI networks is in test-cni-run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/netns.h"
#include "network_errand.h"
#include "scratch.h"
#include "tests/unit/netns.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

struct stage {
	const char *why_not;
	struct scratch scratch;
	struct network_record record;
	struct network_task task;
	char netns[128];
};

static int begin(void **state)
{
	static struct stage s;

	*state = &s;
	s.why_not = netns_enter();
	if (!s.why_not &&
	    (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		s.why_not = "no mount namespace can be made";
	return 0;
}

static json_t *nic_of(const char *name, const char *pci)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:s,s:[s],s:[],s:{s:s*}}", "device",
			 "nic-cable0", "boot", "this", "name", name, "parent", "", "mac", "",
			 "number", (int)if_nametoindex("cable0"), "flags", IFF_UP, "mtu_bytes",
			 1500, "interface", "eth0", "addresses", "192.0.2.2/24", "gateways",
			 "facts", "pci", pci);
}

static int set(void **state)
{
	struct stage *s = *state;

	if (s->why_not)
		return 0;
	scratch_open(&s->scratch);
	netns_cable("cable0", "cable1");
	(void)snprintf(s->netns, sizeof(s->netns), "%s/netns/one", s->scratch.path);
	s->record = (struct network_record){ .nic = nic_of("cable0", NULL) };
	s->task =
		(struct network_task){ .record = &s->record, .netns = s->netns, .boot_id = "this" };
	return 0;
}

static int clear(void **state)
{
	struct stage *s = *state;

	if (s->why_not)
		return 0;
	network_record_done(&s->record);
	if (if_nametoindex("cable1"))
		netns_remove("cable1");
	(void)netns_unpin(s->netns); /* of a test that failed */
	scratch_done(&s->scratch);
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

/* The errand's answer, read as the agent reads it. */
static int run(struct stage *s, bool join, struct fail *f)
{
	char answer[4096];
	json_t *result = NULL;
	ssize_t n;
	int ends[2], r;

	assert_int_equal(pipe(ends), 0);
	s->task.join = join;
	network_errand(&s->task, ends[1]);
	close(ends[1]);
	n = read(ends[0], answer, sizeof(answer));
	close(ends[0]);
	assert_true(n > 0);
	r = network_answer(answer, (size_t)n, &result, f);
	json_decref(result);
	return r;
}

static void expect(struct stage *s, bool join)
{
	struct fail f = { 0 };

	if (run(s, join, &f) < 0)
		fail_msg("%s", f.text);
}

static bool is_there(const struct stage *s)
{
	_cleanup_close_ int there = netns_open(s->netns);
	_cleanup_close_ int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	bool found;

	if (there < 0)
		return false;
	assert_int_equal(setns(there, CLONE_NEWNET), 0);
	found = if_nametoindex("eth0") > 0;
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	return found;
}

static void test_nic_is_taken_and_given_back(void **state)
{
	struct stage *s = need(state);

	expect(s, true);
	assert_true(is_there(s));
	assert_int_equal(if_nametoindex("cable0"), 0);
	expect(s, false);
	assert_true(if_nametoindex("cable0") > 0);
	assert_int_equal(netns_open(s->netns), -ENOENT);
	assert_int_equal(access(s->netns, F_OK), -1);
	expect(s, false); /* once more */
}

static void test_nic_of_the_host_is_not_taken(void **state)
{
	struct stage *s = need(state);
	static const struct netns_address own = { "cable0", "198.51.100.1/24", 0 };
	struct fail f = { 0 };

	netns_add(&own);
	assert_int_equal(run(s, true, &f), -EBUSY);
	assert_non_null(strstr(f.text, "198.51.100.1"));
	assert_true(if_nametoindex("cable0") > 0);
	assert_int_equal(access(s->netns, F_OK), -1);
	expect(s, false); /* as it is always followed by */
	assert_true(if_nametoindex("cable0") > 0);
}

static void test_nic_that_was_taken_half_is_given_back(void **state)
{
	struct stage *s = need(state);

	assert_int_equal(netns_make(s->netns, NULL), 0); /* killed after this */
	expect(s, false);
	assert_true(if_nametoindex("cable0") > 0);
	assert_int_equal(netns_open(s->netns), -ENOENT);
}

static void test_nic_whose_name_is_taken_keeps_its_namespace(void **state)
{
	struct stage *s = need(state);
	struct fail f = { 0 };

	expect(s, true);
	netns_cable("cable0", "thief");
	assert_int_equal(run(s, false, &f), -EEXIST);
	assert_non_null(strstr(f.text, "cable0"));
	assert_true(is_there(s));
	netns_remove("thief");
	expect(s, false);
	assert_false(is_there(s));
	assert_true(if_nametoindex("cable0") > 0);
}

static void test_nic_of_an_earlier_boot_is_nobodys(void **state)
{
	struct stage *s = need(state);

	s->task.boot_id = "another";
	(void)json_object_set_new(s->record.nic, "name", json_string("other0"));
	expect(s, false);
	assert_true(if_nametoindex("cable0") > 0); /* it has the number, and is left alone */
}

static void test_nic_that_is_on_its_way_home_is_waited_for(void **state)
{
	struct stage *s = need(state);
	struct fail f = { 0 };
	char some[256] = "";
	DIR *dir = opendir("/sys/bus/pci/devices");

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			(void)snprintf(some, sizeof(some), "%s", e->d_name);
	if (dir)
		closedir(dir);
	netns_remove("cable1"); /* and cable0 is in neither place */
	json_decref(s->record.nic);
	s->record.nic = nic_of("cable0", "ffff:ff:1f.7");
	(void)json_object_set_new(s->record.nic, "number", json_integer(4711));
	expect(s, false); /* unplugged */
	if (!some[0]) {
		print_message("this machine has no PCI devices\n");
		skip();
	}
	(void)json_object_set_new(json_object_get(s->record.nic, "facts"), "pci",
				  json_string(some));
	assert_int_equal(run(s, false, &f), -EAGAIN);
	assert_non_null(strstr(f.text, some));
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, set, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(test_nic_is_taken_and_given_back),
		ON_STAGE(test_nic_of_the_host_is_not_taken),
		ON_STAGE(test_nic_that_was_taken_half_is_given_back),
		ON_STAGE(test_nic_whose_name_is_taken_keeps_its_namespace),
		ON_STAGE(test_nic_of_an_earlier_boot_is_nobodys),
		ON_STAGE(test_nic_that_is_on_its_way_home_is_waited_for),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
