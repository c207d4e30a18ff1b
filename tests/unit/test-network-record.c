/* SPDX-License-Identifier: Apache-2.0 */
/* Records of networks: what is written is read again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network_nic.h"
#include "network_record.h"
#include "scratch.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

#define LIST "\"list\":{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"p\"}]}"

static void test_network_record_is_read_as_it_was_written(void **state)
{
	_cleanup_(network_record_done) struct network_record r = {
		.container = strdup("web.one.00c0ffee"),
		.slice = strdup("web"),
		.task = strdup("one"),
		.phase = NETWORK_LEAVING,
		.list = json_pack("{s:s,s:s,s:[{s:s}]}", "name", "n", "cniVersion", "1.0.0",
				  "plugins", "type", "p"),
		.result = json_pack("{s:s}", "cniVersion", "1.0.0"),
	};
	_cleanup_(network_record_done) struct network_record back = { 0 };
	_cleanup_close_ int dir = -1;
	struct scratch s;
	char path[128];
	struct stat st;

	(void)state;
	scratch_open(&s);
	(void)snprintf(path, sizeof(path), "%s/a/b", s.path);
	assert_int_equal(network_record_write(path, &r, NULL), 0);
	dir = fs_open_dir(AT_FDCWD, path);
	assert_int_equal(fstatat(dir, "web.one.00c0ffee.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(network_record_read(dir, "web.one.00c0ffee.json", &back, NULL), 0);
	assert_string_equal(back.container, r.container);
	assert_string_equal(back.slice, "web");
	assert_string_equal(back.task, "one");
	assert_int_equal(back.phase, NETWORK_LEAVING);
	assert_true(json_equal(back.list, r.list) && json_equal(back.result, r.result));
	assert_string_equal(network_record_name(&back), "n");
	assert_int_equal(network_record_remove(path, &r), 0);
	assert_int_equal(network_record_remove(path, &r), 0);
	assert_false(fs_exists(dir, "web.one.00c0ffee.json"));
	scratch_done(&s);
	assert_true(network_record_write("/proc/nowhere", &r, NULL) < 0);
}

#define NIC(number, more)                                                                    \
	"\"nic\":{\"device\":\"nic-ens1\",\"boot\":\"b\",\"name\":\"ens1\",\"parent\":\""    \
	"0000:02:00.0\",\"mac\":\"52:54:00:00:00:10\",\"number\":" number                    \
	",\"flags\":4099,\"mtu_bytes\":1500,\"interface\":\"eth0\",\"addresses\":[" more     \
	"],\"gateways\":[],\"facts\":{\"id\":\"nic-x\",\"pci\":\"0000:02:00.0\",\"node\":1," \
	"\"offerable\":true,\"local_cpus\":\"0-3\",\"mac\":\"52:54:00:00:00:10\","           \
	"\"link\":\"up\",\"speed_mbps\":100000,\"physical\":true,\"driver\":7,\"more\":{}}}"
#define HEAD "{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\","

static void test_network_record_of_a_nic_brings_it_home(void **state)
{
	_cleanup_(network_record_done) struct network_record r = { 0 };
	_cleanup_(network_record_done) struct network_record again = { 0 };
	_cleanup_(device_freep) struct device *d = NULL;
	_cleanup_json_ json_t *summary = NULL;
	struct network_nic nic;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "x.json", HEAD NIC("5", "\"192.0.2.2/24\"") "}");
	assert_int_equal(network_record_read(s.fd, "x.json", &r, NULL), 0);
	assert_null(r.list);
	assert_int_equal(network_record_write(s.path, &r, NULL), 0);
	assert_int_equal(network_record_read(s.fd, "x.json", &again, NULL), 0);
	assert_true(json_equal(r.nic, again.nic));
	scratch_done(&s);
	assert_string_equal(network_record_name(&r), "nic-ens1");
	assert_int_equal(network_nic_read(r.nic, &nic, NULL), 0);
	assert_string_equal(nic.boot, "b");
	assert_string_equal(nic.home.name, "ens1");
	assert_string_equal(nic.home.parent, "0000:02:00.0");
	assert_int_equal(nic.home.number, 5);
	assert_int_equal(nic.home.flags, 4099);
	assert_int_equal(nic.home.mtu_bytes, 1500);
	assert_string_equal(nic.interface, "eth0");
	assert_string_equal(nic.addresses[0], "192.0.2.2/24");
	assert_true(!nic.addresses[1] && !nic.gateways[0]);
	assert_int_equal(json_object_set_new(r.nic, "rdma", json_string("mlx5_2")), 0);
	assert_int_equal(network_nic_read(r.nic, &nic, NULL), 0);
	summary = network_nic_summary(r.nic);
	assert_string_equal(json_string_value(json_object_get(summary, "rdma")), "mlx5_2");
	assert_string_equal(json_string_value(json_object_get(summary, "nic")), "nic-ens1");
	assert_null(json_object_get(summary, "gateways"));
	assert_int_equal(network_nic_device(&r, &d), 0);
	assert_string_equal(d->id, "nic-ens1");
	assert_string_equal(d->pci, "0000:02:00.0");
	assert_int_equal(d->node, 1);
	assert_true(cpuset_count(d->local_cpus) == 4 && d->nic.physical && !d->offerable);
	assert_int_equal(d->nic.speed_mbps, 100000);
	assert_null(d->nic.link);
	assert_null(d->nic.driver); /* what is no text is not known */
	assert_non_null(strstr(d->reason, "task b of slice a"));
}

static const char *const bad[] = {
	HEAD "\"result\":{}}",
	HEAD LIST "," NIC("5", "") "}",
	HEAD "\"nic\":{}}",
	HEAD "\"nic\":1}",
	HEAD NIC("0", "") "}",
	HEAD NIC("4294967296", "") "}",
	HEAD NIC("\"5\"", "") "}",
	HEAD NIC("5", "1") "}",
	HEAD NIC("5,\"more\":1", "") "}",

	"",
	"{}",
	"[]",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\"}",
	"{\"container\":\"y\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\"," LIST "}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"never\"," LIST "}",
	"{\"container\":\"x\",\"slice\":\"../a\",\"task\":\"b\",\"phase\":\"joined\"," LIST "}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\",\"more\":1," LIST
	"}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\",\"list\":{}}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\",\"result\":"
	"1," LIST "}",
};

static void test_network_record_that_is_none_is_refused(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct network_record r = { 0 };
		struct fail f = { 0 };

		put_file(s.fd, "x.json", bad[i]);
		if (network_record_read(s.fd, "x.json", &r, &f) >= 0)
			fail_msg("%s was taken", bad[i]);
		assert_true(f.text[0] && !r.container && !r.list);
	}
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_record_is_read_as_it_was_written),
		cmocka_unit_test(test_network_record_of_a_nic_brings_it_home),
		cmocka_unit_test(test_network_record_that_is_none_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
