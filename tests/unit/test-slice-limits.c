/* SPDX-License-Identifier: Apache-2.0 */
/* A request's limits as values of files and as unit properties, on a made-up host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

#include "manager.h"
#include "slice_limits_unit.h"

/* Two disks that the kernel has and one that it has not; the slice is a mere frame. */
struct stand {
	struct scratch sys, cgroup;
	struct host host;
	struct manager manager;
	struct slice slice;
};

static void add_disk(struct stand *s, const char *name, const char *number)
{
	struct device *d = NULL;
	char path[64];

	assert_int_equal(device_new(&d, DEVICE_DISK, name), 0);
	assert_int_equal(device_set_string(&d->disk.name, name), 0);
	assert_int_equal(inventory_add(s->manager.inventory, &d), 0);
	if (!number)
		return;
	(void)snprintf(path, sizeof(path), "block/%s", name);
	assert_int_equal(mkdirat(s->sys.fd, path, 0755), 0);
	(void)snprintf(path, sizeof(path), "block/%s/dev", name);
	put_file(s->sys.fd, path, number);
}

static void stand_open(struct stand *s)
{
	*s = (struct stand){ 0 };
	scratch_open(&s->sys);
	scratch_open(&s->cgroup);
	assert_int_equal(mkdirat(s->sys.fd, "block", 0755), 0);
	s->host = (struct host){ .sys_fd = s->sys.fd, .cgroup_fd = s->cgroup.fd };
	s->manager.host = &s->host;
	assert_int_equal(inventory_new(&s->manager.inventory), 0);
	add_disk(s, "nvme0n1", "259:0\n");
	add_disk(s, "sda", "8:0\n");
	add_disk(s, "sdb", NULL);
	inventory_seal(s->manager.inventory);
	s->slice.manager = &s->manager;
}

static void stand_close(struct stand *s)
{
	inventory_free(s->manager.inventory);
	scratch_done(&s->sys);
	scratch_done(&s->cgroup);
}

static void test_values_are_unset_where_nothing_is_asked(void **state)
{
	struct limits_values v = { 0 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct stand s;

	(void)state;
	stand_open(&s);
	assert_int_equal(limits_values(&s.slice, &v, &limits), 0);
	assert_true(limits.cpu_quota_usec == CG_UNSET && limits.cpu_burst_usec == CG_UNSET);
	assert_true(limits.memory_high_bytes == CG_UNSET && limits.swap_max_bytes == CG_UNSET);
	assert_int_equal(
		limits.io_count + limits.rdma_count + limits.misc_count + limits.dmem_count, 0);
	limits_values_done(&v);
	stand_close(&s);
}

/* What is said of a disk by name holds for it, what is said of all for the others. */
static void test_values_name_each_disk_by_its_number(void **state)
{
	char sda[] = "disk-sda", sdb[] = "disk-sdb";
	struct limits_io io[] = { { .read_bytes_per_second = 5, .latency_usec = 7 },
				  { .disk = sda, .weight = 200 },
				  { .disk = sdb, .weight = 300 } };
	struct limits_values v = { 0 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct enforcements rows = { 0 };
	struct stand s;

	(void)state;
	stand_open(&s);
	s.slice.request.limits = (struct request_limits){ .cpus_max_millicpus = 1500,
							  .burst_usec = 9,
							  .swap_limited = true,
							  .io = io,
							  .io_count = ARRAY_SIZE(io) };
	assert_int_equal(limits_values(&s.slice, &v, &limits), 0);
	assert_int_equal(limits.cpu_quota_usec, 150000);
	assert_int_equal(limits.cpu_period_usec, 100000);
	assert_int_equal(limits.cpu_burst_usec, 9);
	assert_int_equal(limits.swap_max_bytes, 0);
	assert_int_equal(limits.io_count, 2);
	assert_string_equal(limits.io[0].disk, "259:0");
	assert_int_equal(limits.io[0].read_bytes_per_second, 5);
	assert_true(limits.io[0].weight == CG_UNSET);
	assert_int_equal(limits.io[0].latency_usec, 7);
	assert_string_equal(limits.io[1].disk, "8:0");
	assert_true(limits.io[1].read_bytes_per_second == CG_UNSET);
	assert_int_equal(limits.io[1].weight, 200);
	assert_int_equal(limits_report_absent(&v, &rows), 0);
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.items[0].wanted, "disk-sdb");
	assert_int_equal(rows.items[0].mechanism, MECHANISM_NONE);
	enforcements_done(&rows);
	limits_values_done(&v);
	stand_close(&s);
}

static void test_unit_is_told_what_pid_1_knows(void **state)
{
	static const char *const names[] = {
		"MemoryMin",
		"MemoryLow",
		"MemoryHigh",
		"MemorySwapMax",
		"CPUQuotaPerSecUSec",
		"IOReadBandwidthMax",
		"IOWriteBandwidthMax",
		"IOReadIOPSMax",
		"IOWriteIOPSMax",
		"IODeviceWeight",
		"IODeviceLatencyTargetUSec",
	};
	struct limits_io io[] = { { NULL, 1, 2, 3, 4, 5, 6 } };
	struct limits_unit u = { 0 };
	struct stand s;

	(void)state;
	stand_open(&s);
	assert_int_equal(limits_unit_make(&s.slice, false, &u), 0);
	assert_int_equal(u.count, 0);
	limits_unit_done(&u);
	s.slice.request.limits = (struct request_limits){ .cpus_max_millicpus = 1500,
							  .burst_usec = 9,
							  .memory_min_bytes = 1,
							  .memory_low_bytes = 2,
							  .memory_high_bytes = 3,
							  .swap_limited = true,
							  .io = io,
							  .io_count = 1 };
	assert_int_equal(limits_unit_make(&s.slice, false, &u), 0);
	assert_int_equal(u.count, ARRAY_SIZE(names));
	for (size_t i = 0; i < u.count; i++)
		assert_string_equal(property_name(u.properties[i].property), names[i]);
	assert_int_equal(u.properties[2].number, 3);
	assert_int_equal(u.properties[4].number, 1500000);
	assert_int_equal(u.properties[5].pairs.count, 2);
	assert_string_equal(u.properties[5].pairs.items[0].path, "/dev/block/259:0");
	assert_string_equal(u.properties[10].pairs.items[1].path, "/dev/block/8:0");
	assert_int_equal(u.properties[10].pairs.items[1].number, 6);
	limits_unit_done(&u);
	s.slice.request.limits = (struct request_limits){ .memory_low_bytes = 2 };
	assert_int_equal(limits_unit_make(&s.slice, true, &u), 0);
	assert_int_equal(u.count, ARRAY_SIZE(names)); /* what there is no more as well */
	for (size_t i = 0; i < u.count; i++)
		assert_string_equal(property_name(u.properties[i].property), names[i]);
	assert_int_equal(u.properties[0].number, 0);
	assert_int_equal(u.properties[1].number, 2);
	assert_true(u.properties[3].number == UINT64_MAX && u.properties[4].number == UINT64_MAX);
	assert_int_equal(u.properties[5].pairs.count, 0);
	limits_unit_done(&u);
	stand_close(&s);
}

static void test_weight_holds_only_while_the_disk_is_scheduled_by_it(void **state)
{
	static const struct {
		const char *qos; /* NULL: no such file */
		bool holds;
	} vectors[] = {
		{ NULL, false },
		{ "", false },
		{ "259:0 enable=1 ctrl=auto\n", true },
		{ "8:0 enable=0 ctrl=auto\n259:0 enable=1 ctrl=auto\n", true },
		{ "259:0 enable=0 ctrl=auto\n", false },
		{ "1259:0 enable=1 ctrl=auto\n", false },
		{ "259:01 enable=1 ctrl=auto\n", false },
	};
	char wanted[] = "259:0 200";
	struct cg_readback b = {
		.limit = "io_weight", .controller = CG_IO, .wanted = wanted, .holds = true
	};
	struct stand s;

	(void)state;
	stand_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (vectors[i].qos)
			put_file(s.cgroup.fd, "io.cost.qos", vectors[i].qos);
		assert_int_equal(limits_hold(&s.slice, &b), vectors[i].holds);
	}
	assert_non_null(strstr(limits_reason(&b, CG_BIT(CG_IO)), "io.cost.qos"));
	b.limit = "io_max";
	assert_true(limits_hold(&s.slice, &b));
	b.holds = false;
	assert_false(limits_hold(&s.slice, &b));
	stand_close(&s);
}

static void test_reason_says_what_is_lacking(void **state)
{
	static const struct {
		enum cg_controller controller;
		int error;
		const char *reason;
	} vectors[] = {
		{ CG_DMEM, 0, "this host has no such controller on cgroup v2" },
		{ CG_IO, -ENOENT, "this kernel has no such limit" },
		{ CG_IO, -EOPNOTSUPP,
		  "the kernel schedules this disk without weights (see io.cost.qos)" },
		{ CG_MISC, -EINVAL, "the kernel counts no such resource (see misc.capacity)" },
		{ CG_RDMA, -ENODEV, "the kernel knows no such device" },
		{ CG_CPU, -EINVAL, "Invalid argument" },
		{ CG_CPU, 0, "the kernel holds another value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct cg_readback b = { .limit = "x",
					 .controller = vectors[i].controller,
					 .error = vectors[i].error };

		assert_string_equal(limits_reason(&b, ~CG_BIT(CG_DMEM)), vectors[i].reason);
	}
}

static void test_controllers_are_those_that_limits_need(void **state)
{
	struct request_limits l = { 0 };

	(void)state;
	assert_int_equal(limits_controllers(&l), 0);
	l.cpus_max_millicpus = 10;
	l.swap_limited = true;
	l.regions_count = 1;
	assert_int_equal(limits_controllers(&l),
			 CG_BIT(CG_CPU) | CG_BIT(CG_MEMORY) | CG_BIT(CG_DMEM));
	l = (struct request_limits){ .io_count = 1, .rdma_count = 1, .misc_count = 1 };
	assert_int_equal(limits_controllers(&l), CG_BIT(CG_IO) | CG_BIT(CG_RDMA) | CG_BIT(CG_MISC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_unset_where_nothing_is_asked),
		cmocka_unit_test(test_values_name_each_disk_by_its_number),
		cmocka_unit_test(test_unit_is_told_what_pid_1_knows),
		cmocka_unit_test(test_weight_holds_only_while_the_disk_is_scheduled_by_it),
		cmocka_unit_test(test_reason_says_what_is_lacking),
		cmocka_unit_test(test_controllers_are_those_that_limits_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
