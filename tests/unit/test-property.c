/* SPDX-License-Identifier: Apache-2.0 */
/* Unit properties: each type as it stands in a message, and sets read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "systemd/property.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* A message on a bus at whose far end nobody listens: enough to write and to read it. */
static sd_bus_message *new_message(void)
{
	sd_bus_message *m = NULL;
	sd_bus *bus = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "C") >= 0);
	close_fd(fds[1]);
	sd_bus_close(bus);
	sd_bus_unref(bus);
	return m;
}

static sd_bus_message *message_of(const struct property_value *value)
{
	sd_bus_message *m = new_message();

	assert_int_equal(property_append(m, value), 0);
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	return m;
}

static struct cpuset *set_of(const char *text)
{
	struct cpuset *set = NULL;

	assert_int_equal(cpuset_parse(text, &set), 0);
	return set;
}

static void test_property_has_a_name_and_a_type_for_each(void **state)
{
	(void)state;
	for (int i = 0; i < PROPERTIES; i++) {
		assert_non_null(property_name((enum property)i));
		assert_non_null(property_signature((enum property)i));
	}
	assert_string_equal(property_name(PROPERTY_ALLOWED_CPUS), "AllowedCPUs");
	assert_string_equal(property_signature(PROPERTY_ALLOWED_CPUS), "ay");
	assert_string_equal(property_signature(PROPERTY_PIDS), "au");
	assert_string_equal(property_signature(PROPERTY_DELEGATE), "b");
	assert_null(property_name(PROPERTIES));
	assert_null(property_signature((enum property) - 1));
}

static void test_property_writes_text_numbers_and_booleans(void **state)
{
	const uint32_t pids[] = { 7, 8 };
	const struct property_value values[] = {
		{ PROPERTY_SLICE, .text = "reeve-x.slice" },
		{ PROPERTY_MEMORY_MAX, .number = UINT64_MAX },
		{ PROPERTY_DELEGATE, .yes = true },
		{ PROPERTY_PIDS, .numbers = { pids, 2 } },
	};
	sd_bus_message *m = new_message();
	const char *name, *text;
	const uint32_t *numbers;
	uint64_t number;
	size_t size;
	int yes;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_int_equal(property_append(m, &values[i]), 0);
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	assert_string_equal(sd_bus_message_get_signature(m, 1), "(sv)(sv)(sv)(sv)");
	assert_true(sd_bus_message_read(m, "(sv)", &name, "s", &text) > 0);
	assert_string_equal(name, "Slice");
	assert_string_equal(text, "reeve-x.slice");
	assert_true(sd_bus_message_read(m, "(sv)", &name, "t", &number) > 0);
	assert_string_equal(name, "MemoryMax");
	assert_true(number == UINT64_MAX);
	assert_true(sd_bus_message_read(m, "(sv)", &name, "b", &yes) > 0);
	assert_int_equal(yes, 1);
	assert_true(sd_bus_message_enter_container(m, 'r', "sv") > 0);
	assert_true(sd_bus_message_read_basic(m, 's', &name) > 0);
	assert_true(sd_bus_message_enter_container(m, 'v', "au") > 0);
	assert_true(sd_bus_message_read_array(m, 'u', (const void **)&numbers, &size) > 0);
	assert_int_equal(size, 8);
	assert_int_equal(numbers[1], 8);
	sd_bus_message_unref(m);
}

static void test_property_writes_a_number_for_each_device(void **state)
{
	struct property_pair disks[] = { { "/dev/block/8:0", 1 << 20 },
					 { "/dev/block/259:0", UINT64_MAX } };
	sd_bus_message *m = message_of(
		&(struct property_value){ PROPERTY_IO_READ_BANDWIDTH_MAX, .pairs = { disks, 2 } });
	const char *name, *path;
	uint64_t number;

	(void)state;
	assert_true(sd_bus_message_enter_container(m, 'r', "sv") > 0);
	assert_true(sd_bus_message_read_basic(m, 's', &name) > 0);
	assert_string_equal(name, "IOReadBandwidthMax");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(st)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(st)") > 0);
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++) {
		assert_true(sd_bus_message_read(m, "(st)", &path, &number) > 0);
		assert_string_equal(path, disks[i].path);
		assert_true(number == disks[i].number);
	}
	assert_int_equal(sd_bus_message_at_end(m, 0), 1);
	sd_bus_message_unref(m);
}

static void test_property_writes_a_set_as_a_mask_least_byte_first(void **state)
{
	static const struct {
		const char *set;
		uint8_t mask[9];
		size_t size;
	} vectors[] = {
		{ "", { 0 }, 0 },     { "0", { 1 }, 1 },	 { "7", { 0x80 }, 1 },
		{ "8", { 0, 1 }, 2 }, { "2-9", { 0xfc, 3 }, 2 }, { "64", { [8] = 1 }, 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct cpuset *set = set_of(vectors[i].set), *back = NULL;
		sd_bus_message *m =
			message_of(&(struct property_value){ PROPERTY_ALLOWED_CPUS, .set = set });
		const void *mask;
		size_t size;

		assert_true(sd_bus_message_enter_container(m, 'r', "sv") > 0);
		assert_true(sd_bus_message_skip(m, "s") > 0);
		assert_true(sd_bus_message_enter_container(m, 'v', "ay") > 0);
		assert_true(sd_bus_message_read_array(m, 'y', &mask, &size) >= 0);
		assert_int_equal(size, vectors[i].size);
		if (size > 0)
			assert_memory_equal(mask, vectors[i].mask, size);
		assert_true(sd_bus_message_rewind(m, 1) >= 0);
		assert_true(sd_bus_message_enter_container(m, 'r', "sv") > 0);
		assert_true(sd_bus_message_skip(m, "s") > 0);
		assert_int_equal(property_read_set(m, &back), 0);
		assert_true(cpuset_equal(back, set));
		cpuset_free(back);
		cpuset_free(set);
		sd_bus_message_unref(m);
	}
}

static void test_property_refuses_what_it_cannot_encode(void **state)
{
	const struct property_value no_text = { PROPERTY_DESCRIPTION, .text = NULL };
	const struct property_value unknown = { PROPERTIES, .number = 1 };
	sd_bus_message *m = new_message();

	(void)state;
	assert_int_equal(property_append(m, &unknown), -EINVAL);
	assert_int_equal(property_append(m, &no_text), -EINVAL);
	sd_bus_message_unref(m);
}

static void test_property_reads_only_masks_of_a_sane_size(void **state)
{
	uint8_t huge[8193] = { [8191] = 0x80 };
	struct cpuset *set = NULL;
	sd_bus_message *m = new_message();

	(void)state;
	assert_true(sd_bus_message_append(m, "s", "text") >= 0);
	assert_true(sd_bus_message_append(m, "v", "t", (uint64_t)5) >= 0);
	assert_true(sd_bus_message_append(m, "as", 1, "x") >= 0);
	assert_true(sd_bus_message_append_array(m, 'y', huge, sizeof(huge)) >= 0);
	huge[8192] = 1;
	assert_true(sd_bus_message_append_array(m, 'y', huge, sizeof(huge)) >= 0);
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);

	assert_int_equal(property_read_set(m, &set), -EINVAL);
	assert_true(sd_bus_message_skip(m, "s") > 0);
	assert_int_equal(property_read_set(m, &set), -EINVAL);
	assert_true(sd_bus_message_skip(m, "v") > 0);
	assert_int_equal(property_read_set(m, &set), -EINVAL);
	assert_true(sd_bus_message_skip(m, "as") > 0);
	assert_null(set);
	assert_int_equal(property_read_set(m, &set), 0); /* padding is no number */
	assert_true(cpuset_has(set, CPUSET_MAX));
	assert_int_equal(cpuset_count(set), 1);
	set = cpuset_free(set);
	assert_int_equal(property_read_set(m, &set), -ERANGE);
	assert_null(set);
	assert_int_equal(property_read_set(m, &set), -EINVAL); /* the end of the message */
	sd_bus_message_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_property_has_a_name_and_a_type_for_each),
		cmocka_unit_test(test_property_writes_text_numbers_and_booleans),
		cmocka_unit_test(test_property_writes_a_number_for_each_device),
		cmocka_unit_test(test_property_writes_a_set_as_a_mask_least_byte_first),
		cmocka_unit_test(test_property_refuses_what_it_cannot_encode),
		cmocka_unit_test(test_property_reads_only_masks_of_a_sane_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
