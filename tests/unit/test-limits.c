/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a request: which contradict each other, which do not fit the machine or the slice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model-fixture.h"

#include "model/limits.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static void test_limits_that_contradict_are_refused(void **state)
{
	static const struct {
		struct request_limits limits;
		uint64_t memory_bytes;
		bool good;
	} vectors[] = {
		{ { 0 }, 0, true },
		{ { .memory_min_bytes = 1, .memory_low_bytes = 2, .memory_high_bytes = 3 },
		  4,
		  true },
		{ { .memory_min_bytes = 4, .memory_low_bytes = 4, .memory_high_bytes = 4 },
		  4,
		  true },
		{ { .memory_min_bytes = 3, .memory_low_bytes = 2 }, 0, false },
		{ { .memory_low_bytes = 3, .memory_high_bytes = 2 }, 0, false },
		{ { .memory_min_bytes = 3, .memory_high_bytes = 2 }, 0, false },
		{ { .memory_min_bytes = 5 }, 4, false },
		{ { .memory_low_bytes = 5 }, 4, false },
		{ { .memory_high_bytes = 5 }, 4, false },
		{ { .memory_high_bytes = 5 }, 0, true },
		{ { .swap_limited = true }, 4, true },
		{ { .burst_usec = 1 }, 0, false },
		{ { .cpus_max_millicpus = 500, .burst_usec = 50000 }, 0, true },
		{ { .cpus_max_millicpus = 500, .burst_usec = 50001 }, 0, false },
		{ { .cpus_max_millicpus = 65536000, .burst_usec = 50001 }, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct fail f = { 0 };
		int r = limits_consistent(&vectors[i].limits, vectors[i].memory_bytes, &f);

		if ((r == 0) != vectors[i].good)
			fail_msg("vector %zu: %d, %s", i, r, f.text);
		if (r < 0)
			assert_string_equal(f.code, "limits-contradict");
	}
}

static void test_limits_of_device_memory_that_contradict_are_refused(void **state)
{
	static const struct {
		uint64_t min, low, max;
		bool good;
	} vectors[] = {
		{ 1, 2, 3, true },
		{ 1, LIMITS_UNSET, LIMITS_UNSET, true },
		{ LIMITS_UNSET, LIMITS_UNSET, 0, true },
		{ 2, 1, LIMITS_UNSET, false },
		{ 2, LIMITS_UNSET, 1, false },
		{ LIMITS_UNSET, 2, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct limits_region region = { NULL, vectors[i].min, vectors[i].low,
						vectors[i].max };
		struct request_limits l = { .regions = &region, .regions_count = 1 };

		assert_int_equal(limits_consistent(&l, 0, NULL) == 0, vectors[i].good);
	}
}

static void test_limits_are_held_against_the_machine_and_its_use(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .nodes = 2, .memory_bytes = 8 * GIB });
	static const struct {
		struct request_limits limits;
		uint64_t memory_used, swap_used;
		const char *code; /* NULL: good */
	} vectors[] = {
		{ { .cpus_max_millicpus = 2000 }, 0, 0, NULL },
		{ { .cpus_max_millicpus = 2001 }, 0, 0, "limits-too-high" },
		{ { .memory_min_bytes = 16 * GIB }, 0, 0, NULL },
		{ { .memory_min_bytes = 16 * GIB + 1 }, 0, 0, "limits-too-high" },
		{ { .memory_low_bytes = 17 * GIB }, 0, 0, "limits-too-high" },
		{ { .memory_high_bytes = 100 }, 100, 0, NULL },
		{ { .memory_high_bytes = 100 }, 101, 0, "limits-too-low" },
		{ { .swap_limited = true, .swap_max_bytes = 0 }, 9, 0, NULL },
		{ { .swap_limited = true, .swap_max_bytes = 0 }, 0, 1, "limits-too-low" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct limits_room room = { inv, 2, vectors[i].memory_used, vectors[i].swap_used };
		struct fail f = { 0 };
		int r = limits_fit(&vectors[i].limits, &room, &f);

		if ((r == 0) != !vectors[i].code)
			fail_msg("vector %zu: %d, %s", i, r, f.text);
		if (r < 0)
			assert_string_equal(f.code, vectors[i].code);
	}
	inventory_free(inv);
}

static void test_limits_on_a_disk_that_is_not_there_are_refused(void **state)
{
	struct inventory *inv = shape_make((struct shape){ 0 });
	char there[] = "disk-sda", gone[] = "disk-sdb", nic[] = "nic-eth0";
	struct limits_io io = { .disk = there, .weight = 1 };
	struct request_limits l = { .io = &io, .io_count = 1 };
	struct limits_room room = { .inventory = inv, .cpus = 1 };
	struct fail f = { 0 };

	(void)state;
	shape_add_device(inv, DEVICE_DISK, "sda", -1);
	shape_add_device(inv, DEVICE_NIC, "eth0", -1);
	inventory_seal(inv);
	assert_int_equal(limits_fit(&l, &room, &f), 0);
	io.disk = NULL; /* all */
	assert_int_equal(limits_fit(&l, &room, &f), 0);
	io.disk = gone;
	assert_int_equal(limits_fit(&l, &room, &f), -EINVAL);
	assert_string_equal(f.code, "no-disk");
	assert_string_equal(f.text, "limits: there is no disk disk-sdb");
	io.disk = nic;
	assert_int_equal(limits_fit(&l, &room, &f), -EINVAL);
	inventory_free(inv);
}

static void test_limits_are_empty_until_one_is_set(void **state)
{
	struct request_limits l = { 0 };

	(void)state;
	assert_true(limits_empty(&l));
	l.swap_limited = true;
	assert_false(limits_empty(&l));
	limits_done(&l);
	assert_true(limits_empty(&l));
	l.cpus_max_millicpus = 1500;
	assert_false(limits_empty(&l));
	assert_int_equal(limits_quota_usec(&l), 150000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_that_contradict_are_refused),
		cmocka_unit_test(test_limits_of_device_memory_that_contradict_are_refused),
		cmocka_unit_test(test_limits_are_held_against_the_machine_and_its_use),
		cmocka_unit_test(test_limits_on_a_disk_that_is_not_there_are_refused),
		cmocka_unit_test(test_limits_are_empty_until_one_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
