/* SPDX-License-Identifier: Apache-2.0 */
/* NICs that are away, as an agent that has just started knows them by what was written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager.h"
#include "network.h"
#include "scratch.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <string.h>

#define RECORD                                                                                    \
	"{\"container\":\"web.one.1\",\"slice\":\"web\",\"task\":\"one\",\"phase\":\"joined\","   \
	"\"nic\":{\"device\":\"nic-ens1\",\"boot\":\"b\",\"name\":\"ens1\",\"parent\":\"\","      \
	"\"mac\":\"\",\"number\":5,\"flags\":1,\"mtu_bytes\":1500,\"interface\":\"eth0\","        \
	"\"addresses\":[],\"gateways\":[],\"facts\":{\"pci\":\"0000:02:00.0\",\"physical\":true," \
	"\"link\":\"up\",\"mac\":\"52:54:00:00:00:10\"}}}"

struct stage {
	struct scratch scratch;
	char runtime[8];
	struct config config;
	struct manager manager;
	struct inventory *inventory;
};

static int set(void **state)
{
	static struct stage s;
	char path[128];
	int dir;

	s = (struct stage){ .runtime = "/none" };
	scratch_open(&s.scratch);
	(void)snprintf(path, sizeof(path), "%s/network", s.scratch.path);
	assert_int_equal(fs_make_dirs(path, 0700), 0);
	dir = fs_open_dir(AT_FDCWD, path);
	put_file(dir, "web.one.1.json", RECORD);
	put_file(dir, "garbage.json", "{\"container\":\"garbage\"}");
	put_file(dir, "web.two.2.json.new", "{\"container\":");
	close_fd(dir);
	s.config.state_dir = s.scratch.path;
	s.config.runtime_dir = s.runtime;
	s.manager.config = &s.config;
	assert_int_equal(inventory_new(&s.inventory), 0);
	assert_int_equal(networks_new(&s.manager.networks, &s.manager), 0);
	*state = &s;
	return 0;
}

static int clear(void **state)
{
	struct stage *s = *state;

	networks_free(s->manager.networks);
	inventory_free(s->inventory);
	scratch_done(&s->scratch);
	return 0;
}

static struct device *add(struct stage *s, enum device_kind kind, const char *name)
{
	struct device *d = NULL, *added;

	assert_int_equal(device_new(&d, kind, name), 0);
	added = d;
	assert_int_equal(inventory_add(s->inventory, &d), 0);
	return added;
}

static void test_nic_that_is_away_is_shown_and_not_offered(void **state)
{
	struct stage *s = *state;
	const struct device *nic;

	add(s, DEVICE_PCI, "0000:02:00.0");
	assert_int_equal(networks_add_moved(s->manager.networks, s->inventory), 0);
	nic = inventory_find(s->inventory, "nic-ens1");
	assert_non_null(nic);
	assert_true(nic->nic.physical && !nic->offerable);
	assert_string_equal(nic->reason, "task one of slice web has it in its network namespace");
	assert_int_equal(s->inventory->count, 2);
}

static void test_nic_that_was_pulled_is_not_shown(void **state)
{
	struct stage *s = *state;

	assert_int_equal(networks_add_moved(s->manager.networks, s->inventory), 0);
	assert_int_equal(s->inventory->count, 0);
}

static void test_nic_that_is_at_home_is_as_it_was_found(void **state)
{
	struct stage *s = *state;
	const struct device *nic = add(s, DEVICE_NIC, "ens1");

	add(s, DEVICE_PCI, "0000:02:00.0");
	assert_int_equal(networks_add_moved(s->manager.networks, s->inventory), 0);
	assert_true(inventory_find(s->inventory, "nic-ens1") == nic && nic->offerable);
}

static struct device *add_port(struct stage *s, const char *name, const char *mac)
{
	struct device *d = add(s, DEVICE_NIC, name);

	assert_int_equal(device_set_string(&d->pci, "0000:02:00.0"), 0);
	assert_int_equal(device_set_string(&d->nic.mac, mac), 0);
	return d;
}

/* The kernel has brought it home as eth0, and it is not named again yet. */
static void test_nic_under_a_foreign_name_is_not_offered(void **state)
{
	struct stage *s = *state;
	const struct device *stray = add_port(s, "eth0", "52:54:00:00:00:10"),
			    *other = add_port(s, "ens1d1", "52:54:00:00:00:11");

	add(s, DEVICE_PCI, "0000:02:00.0");
	assert_int_equal(networks_add_moved(s->manager.networks, s->inventory), 0);
	assert_non_null(inventory_find(s->inventory, "nic-ens1"));
	assert_false(stray->offerable);
	assert_non_null(strstr(stray->reason, "task one"));
	assert_true(other->offerable); /* another port of its function */
}

static void test_network_knows_who_has_a_nic(void **state)
{
	struct stage *s = *state;

	assert_string_equal(networks_task_with(s->manager.networks, "nic-ens1"), "one");
	assert_null(networks_task_with(s->manager.networks, "nic-ens2"));
	assert_null(networks_task_with(NULL, "nic-ens1"));
}

static void test_network_removes_only_half_a_record(void **state)
{
	static const char *const kept[] = { "web.one.1.json", "garbage.json" };
	struct stage *s = *state;
	_cleanup_close_ int dir = openat(s->scratch.fd, "network", O_RDONLY | O_DIRECTORY);

	assert_false(fs_exists(dir, "web.two.2.json.new"));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		assert_true(fs_exists(dir, kept[i]));
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, set, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(test_nic_that_is_away_is_shown_and_not_offered),
		ON_STAGE(test_nic_that_was_pulled_is_not_shown),
		ON_STAGE(test_nic_that_is_at_home_is_as_it_was_found),
		ON_STAGE(test_nic_under_a_foreign_name_is_not_offered),
		ON_STAGE(test_network_knows_who_has_a_nic),
		ON_STAGE(test_network_removes_only_half_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
