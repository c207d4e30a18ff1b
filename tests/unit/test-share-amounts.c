/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts: their text, and what a request or an allocation amounts to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/share_amounts.h"
#include "tests/unit/model-fixture.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

#define NONE SHARE_NO_LIMIT

static void test_amounts_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int error;
		uint64_t cores, cpus, memory, gpus, slices;
	} vectors[] = {
		{ "off", 0, NONE, NONE, NONE, NONE, NONE },
		{ "cores=4", 0, 4, NONE, NONE, NONE, NONE },
		{ "cores=0", 0, 0, NONE, NONE, NONE, NONE },
		{ " memory=16GiB ,\tgpus=1", 0, NONE, NONE, 16 * GIB, 1, NONE },
		{ "shared-cpus=2.5,slices=8", 0, NONE, 2500, NONE, NONE, 8 },
		{ "shared-cpus=0.029", 0, NONE, 29, NONE, NONE, NONE },
		{ "cores=1,shared-cpus=2,memory=3GiB,gpus=4,slices=5", 0, 1, 2000, 3 * GIB, 4, 5 },
		{ "", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores=", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores=4,", -EINVAL, 0, 0, 0, 0, 0 },
		{ ",cores=4", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores=4,cores=4", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores=4 gpus=1", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores = 4", -EINVAL, 0, 0, 0, 0, 0 },
		{ "core=4", -EINVAL, 0, 0, 0, 0, 0 },
		{ "coresx=4", -EINVAL, 0, 0, 0, 0, 0 },
		{ "hugepages=4GiB", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores=-1", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores=4.5", -EINVAL, 0, 0, 0, 0, 0 },
		{ "cores=65537", -ERANGE, 0, 0, 0, 0, 0 },
		{ "shared-cpus=0.0005", -EINVAL, 0, 0, 0, 0, 0 },
		{ "shared-cpus=.5", -EINVAL, 0, 0, 0, 0, 0 },
		{ "shared-cpus=65536.001", -ERANGE, 0, 0, 0, 0, 0 },
		{ "shared-cpus=99999999999999999999", -EINVAL, 0, 0, 0, 0, 0 },
		{ "memory=2PiB", -ERANGE, 0, 0, 0, 0, 0 },
		{ "gpus=4097", -ERANGE, 0, 0, 0, 0, 0 },
		{ "off,cores=1", -EINVAL, 0, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct share_amounts a = share_amounts_all(77);
		int r = share_amounts_parse(vectors[i].text, NONE, &a);

		if (r != vectors[i].error)
			fail_msg("\"%s\" gives %d", vectors[i].text, r);
		if (r < 0) {
			assert_int_equal(a.of[SHARE_CORES], 77);
			continue;
		}
		assert_true(a.of[SHARE_CORES] == vectors[i].cores);
		assert_true(a.of[SHARE_CPUS] == vectors[i].cpus);
		assert_true(a.of[SHARE_MEMORY] == vectors[i].memory);
		assert_true(a.of[SHARE_HUGEPAGES] == NONE);
		assert_true(a.of[SHARE_GPUS] == vectors[i].gpus);
		assert_true(a.of[SHARE_SLICES] == vectors[i].slices);
	}
}

static void test_amounts_refuse_a_text_without_end(void **state)
{
	struct share_amounts a = { 0 };
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	assert_int_equal(share_amounts_parse(text, 0, &a), -EINVAL);
}

static void test_amounts_of_a_request_are_bounded(void **state)
{
	struct share_amounts a;
	struct request r;

	(void)state;
	request_init(&r);
	r.cores = 2;
	r.shared_millicpus = 300;
	r.memory_bytes = 1ULL << 60;
	r.devices[DEVICE_GPU] = 3;
	r.hugepages_count = 2;
	r.hugepages[0] = (struct request_hugepages){ 2 << 20, 4 };
	r.hugepages[1] = (struct request_hugepages){ 1 << 30, 1 };
	a = share_of_request(&r);
	assert_int_equal(a.of[SHARE_CORES], 2);
	assert_int_equal(a.of[SHARE_CPUS], 300);
	assert_true(a.of[SHARE_MEMORY] == SHARE_MOST);
	assert_int_equal(a.of[SHARE_HUGEPAGES], GIB + (8 << 20));
	assert_int_equal(a.of[SHARE_GPUS], 3);
	assert_int_equal(a.of[SHARE_SLICES], 1);
	r.hugepages[0].count = UINT64_MAX;
	a = share_of_request(&r);
	assert_true(a.of[SHARE_HUGEPAGES] == SHARE_MOST);
	r.hugepages_count = 0;
	request_done(&r);
}

static void test_amounts_of_an_allocation_are_those_that_were_asked_for(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct inventory *inv = shape_make((struct shape){ .nodes = 2, .cores = 4, .threads = 2 });
	struct share_amounts asked, held;
	struct stage s;
	struct request r;

	(void)state;
	shape_add_device(inv, DEVICE_GPU, "gpu-0", 0);
	shape_add_device(inv, DEVICE_NIC, "nic-0", 0);
	shape_add_hugepages(inv, 0, 2 << 20, 16);
	stage_open(&s, inv);
	request_init(&r);
	r.cores = 3;
	r.shared_millicpus = 500;
	r.memory_bytes = GIB;
	r.devices[DEVICE_GPU] = 1;
	r.devices[DEVICE_NIC] = 1;
	r.hugepages_count = 1;
	r.hugepages[0] = (struct request_hugepages){ 2 << 20, 4 };
	a = stage_place(&s, &r);
	asked = share_of_request(&r);
	held = share_of_allocation(inv, a);
	assert_memory_equal(&asked, &held, sizeof(asked));
	request_done(&r);
	stage_close(&s);
}

static void test_amounts_are_spoken_of_in_their_units(void **state)
{
	char room[SHARE_TEXT_BYTES];

	(void)state;
	assert_string_equal(share_text(SHARE_CORES, 1, room), "1 core");
	assert_string_equal(share_text(SHARE_CORES, 0, room), "0 cores");
	assert_string_equal(share_text(SHARE_CPUS, 2500, room), "2.500 shared CPUs");
	assert_string_equal(share_text(SHARE_MEMORY, 512 << 20, room), "512 MiB of memory");
	assert_string_equal(share_text(SHARE_SLICES, UINT64_MAX, room),
			    "18446744073709551615 slices");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts_are_read_strictly),
		cmocka_unit_test(test_amounts_refuse_a_text_without_end),
		cmocka_unit_test(test_amounts_of_a_request_are_bounded),
		cmocka_unit_test(test_amounts_of_an_allocation_are_those_that_were_asked_for),
		cmocka_unit_test(test_amounts_are_spoken_of_in_their_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
