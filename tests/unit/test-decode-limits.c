/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of a slice request: read strictly, and written so that they are read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decode.h"
#include "document.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <string.h>

static int limits_of(const char *text, struct request_limits *ret, struct fail *f)
{
	_cleanup_json_ json_t *object = NULL;

	*ret = (struct request_limits){ 0 };
	assert_int_equal(json_parse_object(text, strlen(text), &object, f), 0);
	return decode_request_limits(object, ret, f);
}

static const char full[] =
	"{\"cpus_max\":1.5,\"burst\":\"50ms\",\"memory_min\":\"1MiB\",\"memory_low\":2097152,"
	"\"memory_high\":\"4MiB\",\"swap_max\":0,"
	"\"io\":[{\"disk\":\"disk-nvme0n1\",\"read_bytes_per_second\":\"10MiB\","
	"\"write_bytes_per_second\":5,\"read_operations_per_second\":6,"
	"\"write_operations_per_second\":7,\"weight\":200,\"latency\":\"5ms\"},"
	"{\"class\":\"all\",\"weight\":10000}],"
	"\"rdma\":[{\"device\":\"mlx5_0\",\"handles\":0,\"objects\":2000},"
	"{\"device\":\"mlx5_1\",\"objects\":1}],"
	"\"misc\":{\"sev\":4,\"sev_es\":0},"
	"\"device_memory\":[{\"region\":\"drm/0000:03:00.0/vram0\",\"min\":1,\"low\":2,"
	"\"max\":\"1GiB\"}]}";

static void assert_full(const struct request_limits *l)
{
	assert_int_equal(l->cpus_max_millicpus, 1500);
	assert_int_equal(l->burst_usec, 50000);
	assert_int_equal(l->memory_min_bytes, 1 << 20);
	assert_int_equal(l->memory_low_bytes, 2 << 20);
	assert_int_equal(l->memory_high_bytes, 4 << 20);
	assert_true(l->swap_limited);
	assert_int_equal(l->swap_max_bytes, 0);
	assert_int_equal(l->io_count, 2);
	assert_string_equal(l->io[0].disk, "disk-nvme0n1");
	assert_int_equal(l->io[0].read_bytes_per_second, 10 << 20);
	assert_int_equal(l->io[0].write_bytes_per_second, 5);
	assert_int_equal(l->io[0].read_operations_per_second, 6);
	assert_int_equal(l->io[0].write_operations_per_second, 7);
	assert_int_equal(l->io[0].weight, 200);
	assert_int_equal(l->io[0].latency_usec, 5000);
	assert_null(l->io[1].disk);
	assert_int_equal(l->io[1].weight, 10000);
	assert_int_equal(l->rdma_count, 2);
	assert_int_equal(l->rdma[0].handles, 0);
	assert_int_equal(l->rdma[0].objects, 2000);
	assert_string_equal(l->rdma[1].device, "mlx5_1");
	assert_true(l->rdma[1].handles == LIMITS_UNSET);
	assert_int_equal(l->misc_count, 2);
	assert_string_equal(l->misc[1].resource, "sev_es");
	assert_int_equal(l->misc[1].max, 0);
	assert_int_equal(l->regions_count, 1);
	assert_string_equal(l->regions[0].region, "drm/0000:03:00.0/vram0");
	assert_int_equal(l->regions[0].max_bytes, 1 << 30);
}

static void test_decode_takes_all_limits(void **state)
{
	struct request_limits l;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(limits_of(full, &l, &f), 0);
	assert_full(&l);
	limits_done(&l);
	assert_int_equal(limits_of("{}", &l, &f), 0);
	assert_true(limits_empty(&l));
	limits_done(&l);
}

/* The record of a slice is read back by the next agent. */
static void test_decode_reads_back_what_was_written(void **state)
{
	_cleanup_json_ json_t *document = NULL;
	struct request_limits l, again = { 0 };
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(limits_of(full, &l, &f), 0);
	document = document_limits(&l);
	assert_non_null(document);
	assert_int_equal(decode_request_limits(document, &again, &f), 0);
	assert_full(&again);
	limits_done(&l);
	limits_done(&again);
}

static void test_decode_counts_cpus_in_thousandths(void **state)
{
	static const struct {
		const char *text;
		uint32_t millicpus;
	} vectors[] = {
		{ "{\"cpus_max\":0.01}", 10 },	      { "{\"cpus_max\":0.029}", 29 },
		{ "{\"cpus_max\":0.57}", 570 },	      { "{\"cpus_max\":2}", 2000 },
		{ "{\"cpus_max\":65536}", 65536000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct request_limits l;

		assert_int_equal(limits_of(vectors[i].text, &l, NULL), 0);
		assert_int_equal(l.cpus_max_millicpus, vectors[i].millicpus);
		limits_done(&l);
	}
}

static void test_decode_refuses_what_makes_no_sense(void **state)
{
	static const char *const wrong[] = {
		"{\"cpus_max\":0}",
		"{\"cpus_max\":0.009}",
		"{\"cpus_max\":-1}",
		"{\"cpus_max\":\"two\"}",
		"{\"cpus_max\":65537}",
		"{\"cpus_max\":1,\"burst\":-1}",
		"{\"burst\":\"2h\"}",
		"{\"memory_min\":0}",
		"{\"memory_high\":\"2EiB\"}",
		"{\"swap_max\":-1}",
		"{\"swap\":1}",
		"{\"io\":{}}",
		"{\"io\":[{}]}",
		"{\"io\":[{\"disk\":\"disk-sda\"}]}",
		"{\"io\":[{\"weight\":1}]}",
		"{\"io\":[{\"disk\":\"disk-sda\",\"class\":\"all\",\"weight\":1}]}",
		"{\"io\":[{\"class\":\"some\",\"weight\":1}]}",
		"{\"io\":[{\"disk\":\"disk-sda\",\"weight\":0}]}",
		"{\"io\":[{\"disk\":\"disk-sda\",\"weight\":10001}]}",
		"{\"io\":[{\"disk\":\"disk-sda\",\"read_bytes_per_second\":0}]}",
		"{\"io\":[{\"disk\":\"disk-sda\",\"read_operations_per_second\":4294967296}]}",
		("{\"io\":[{\"disk\":\"disk-sda\",\"weight\":1},{\"disk\":\"disk-sda\",\"weight\":"
		 "2}"
		 "]}"),
		"{\"io\":[{\"class\":\"all\",\"weight\":1},{\"class\":\"all\",\"weight\":2}]}",
		"{\"io\":[{\"disk\":\"a b\",\"weight\":1}]}",
		"{\"io\":[{\"disk\":\"\",\"weight\":1}]}",
		"{\"rdma\":[{\"handles\":1}]}",
		"{\"rdma\":[{\"device\":\"mlx5_0\"}]}",
		"{\"rdma\":[{\"device\":\"mlx5_0\",\"handles\":2147483648}]}",
		"{\"rdma\":[{\"device\":\"mlx5_0\\nmlx5_1\",\"handles\":1}]}",
		"{\"rdma\":[{\"device\":\"a\",\"handles\":1},{\"device\":\"a\",\"objects\":1}]}",
		"{\"misc\":[]}",
		"{\"misc\":{\"sev\":\"many\"}}",
		"{\"misc\":{\"sev\":-1}}",
		"{\"misc\":{\"\":1}}",
		"{\"misc\":{\"sev es\":1}}",
		"{\"device_memory\":[{\"region\":\"r\"}]}",
		"{\"device_memory\":[{\"max\":1}]}",
		"{\"device_memory\":[{\"region\":\"r=s\",\"max\":1}]}",
		"{\"device_memory\":[{\"region\":\"r\",\"max\":1},{\"region\":\"r\",\"max\":2}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct request_limits l;
		struct fail f = { 0 };
		int r = limits_of(wrong[i], &l, &f);

		if (r != -EINVAL && r != -ERANGE)
			fail_msg("%s was answered with %d", wrong[i], r);
		if (strlen(f.text) < 10 || !parse_utf8_valid(f.text, strlen(f.text)))
			fail_msg("%s: \"%s\" is no sentence", wrong[i], f.text);
		limits_done(&l);
	}
}

static void test_decode_bounds_lists(void **state)
{
	_cleanup_json_ json_t *object = json_object();
	json_t *list = json_array(), *misc = json_object();
	struct request_limits l = { 0 };

	(void)state;
	for (int i = 0; i <= LIMITS_ITEMS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "d%d", i); /* fits */
		json_array_append_new(list, json_pack("{s:s,s:i}", "disk", name, "weight", 1));
		json_object_set_new(misc, name, json_integer(1));
	}
	json_object_set_new(object, "io", list);
	assert_int_equal(decode_request_limits(object, &l, NULL), -ERANGE);
	limits_done(&l);
	json_object_del(object, "io");
	json_object_set_new(object, "misc", misc);
	assert_int_equal(decode_request_limits(object, &l, NULL), -ERANGE);
	limits_done(&l);
}

static void test_decode_of_a_request_checks_limits_against_its_memory(void **state)
{
	static const char *const wrong[] = {
		"{\"memory\":\"1MiB\",\"limits\":{\"memory_low\":\"2MiB\"}}",
		"{\"memory\":\"1MiB\",\"limits\":{\"memory_high\":\"2MiB\"}}",
		"{\"limits\":{\"burst\":\"1ms\"}}",
		"{\"limits\":[]}",
		"{\"partition\":\"member\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_json_ json_t *object = NULL;
		struct request r;
		struct fail f = { 0 };

		request_init(&r);
		assert_int_equal(json_parse_object(wrong[i], strlen(wrong[i]), &object, &f), 0);
		assert_int_equal(decode_request(object, &r, &f), -EINVAL);
		request_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_takes_all_limits),
		cmocka_unit_test(test_decode_reads_back_what_was_written),
		cmocka_unit_test(test_decode_counts_cpus_in_thousandths),
		cmocka_unit_test(test_decode_refuses_what_makes_no_sense),
		cmocka_unit_test(test_decode_bounds_lists),
		cmocka_unit_test(test_decode_of_a_request_checks_limits_against_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
