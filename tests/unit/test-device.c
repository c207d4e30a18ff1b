/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: names of kinds, and that the tables of fields know each field's worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/device.h"
#include "util/cleanup.h"

static struct device *made(enum device_kind kind, const char *name)
{
	struct device *d = NULL;

	assert_int_equal(device_new(&d, kind, name), 0);
	return d;
}

static void test_device_kinds_have_names_both_ways(void **state)
{
	static const char *const names[][2] = {
		{ "package", "packages" }, { "node", "nodes" },	       { "core", "cores" },
		{ "pci", "pci" },	   { "gpu", "gpus" },	       { "nic", "nics" },
		{ "disk", "disks" },	   { "firmware", "firmware" },
	};

	(void)state;
	assert_int_equal(ARRAY_SIZE(names), DEVICE_KINDS);
	for (int kind = 0; kind < DEVICE_KINDS; kind++) {
		assert_string_equal(device_kind_to_string((enum device_kind)kind), names[kind][0]);
		assert_string_equal(device_kind_plural((enum device_kind)kind), names[kind][1]);
		assert_int_equal(device_kind_from_string(names[kind][0]), kind);
	}
	assert_int_equal(device_kind_from_string("gpus"), -1);
	assert_int_equal(device_kind_from_string(""), -1);
	assert_int_equal(device_kind_from_string(NULL), -1);
	assert_null(device_kind_to_string(DEVICE_KINDS));
	assert_null(device_kind_plural(DEVICE_KINDS));
}

/* Gives a field a value that depends on `seed`, so that it is known. */
static void set_field(const struct device_field *f, struct device *d, uint32_t seed)
{
	char *at = (char *)d + f->offset;
	struct device_numbers *numbers = (struct device_numbers *)(void *)at;
	struct device_hugepages *pages;
	struct cpuset *set = NULL;
	char text[16];

	switch (f->type) {
	case FIELD_STRING:
		(void)snprintf(text, sizeof(text), "text %u", seed);
		assert_int_equal(device_set_string((char **)(void *)at, text), 0);
		break;
	case FIELD_U32:
	case FIELD_HEX:
		*(uint32_t *)(void *)at = seed;
		break;
	case FIELD_U64:
		*(uint64_t *)(void *)at = seed + ((uint64_t)seed << 40);
		break;
	case FIELD_I32:
		*(int32_t *)(void *)at = (int32_t)seed;
		break;
	case FIELD_BOOL:
		*(bool *)at = seed % 2;
		break;
	case FIELD_CPUSET:
		assert_int_equal(cpuset_new(&set), 0);
		assert_int_equal(cpuset_add(set, seed), 0);
		cpuset_free(*(struct cpuset **)(void *)at);
		*(struct cpuset **)(void *)at = set;
		break;
	case FIELD_NUMBERS:
		free(numbers->number);
		free(numbers->value);
		numbers->number = calloc(1, sizeof(uint32_t));
		numbers->value = calloc(1, sizeof(uint32_t));
		assert_true(numbers->number && numbers->value);
		numbers->value[0] = seed;
		numbers->count = 1;
		break;
	case FIELD_HUGEPAGES:
		pages = calloc(1, sizeof(*pages));
		assert_non_null(pages);
		free(d->memory.hugepages);
		*pages = (struct device_hugepages){ .size_bytes = 4096, .total = 9, .free = seed };
		d->memory.hugepages = pages;
		d->memory.hugepages_count = 1;
		break;
	}
}

static void check_field(enum device_kind kind, const struct device_field *f)
{
	_cleanup_(device_freep) struct device *a = made(kind, "x"), *b = made(kind, "x");
	bool never_unknown = f->type == FIELD_BOOL || strcmp(f->name, "id") == 0;

	if (device_field_known(f, a) != never_unknown)
		fail_msg("%s of a new %s", f->name, device_kind_to_string(kind));
	assert_true(device_field_equal(f, a, b));
	set_field(f, a, 3);
	assert_true(device_field_known(f, a));
	if (strcmp(f->name, "offerable") == 0)
		a->offerable = false;
	if (device_field_equal(f, a, b))
		fail_msg("%s of a %s does not count", f->name, device_kind_to_string(kind));
	assert_false(device_field_equal(f, b, a));
	set_field(f, a, 3);
	set_field(f, b, 3);
	assert_true(device_field_equal(f, a, b));
	set_field(f, b, 4);
	assert_false(device_field_equal(f, a, b));
}

static void test_device_every_field_starts_unknown_and_is_compared(void **state)
{
	(void)state;
	for (int kind = 0; kind < DEVICE_KINDS; kind++) {
		const struct device_field *own = device_own_fields((enum device_kind)kind);

		assert_non_null(own->name);
		for (const struct device_field *f = device_common_fields(); f->name; f++)
			check_field((enum device_kind)kind, f);
		for (const struct device_field *f = own; f->name; f++)
			check_field((enum device_kind)kind, f);
	}
}

static void test_device_fields_of_one_kind_do_not_overlap(void **state)
{
	(void)state;
	for (int kind = 0; kind < DEVICE_KINDS; kind++) {
		const struct device_field *own = device_own_fields((enum device_kind)kind);

		for (const struct device_field *f = own; f->name; f++)
			for (const struct device_field *g = f + 1; g->name; g++) {
				assert_int_not_equal(f->offset, g->offset);
				assert_string_not_equal(f->name, g->name);
			}
	}
}

static void test_device_a_value_of_a_field_can_become_unknown_again(void **state)
{
	_cleanup_(device_freep) struct device *d = made(DEVICE_GPU, "0000:17:00.0");

	(void)state;
	assert_string_equal(d->id, "gpu-0000:17:00.0");
	assert_true(d->offerable);
	assert_int_equal(device_set_string(&d->gpu.model, "a"), 0);
	assert_int_equal(device_set_string(&d->gpu.model, d->gpu.model), 0);
	assert_string_equal(d->gpu.model, "a");
	assert_int_equal(device_set_string(&d->gpu.model, ""), 0);
	assert_null(d->gpu.model);
	assert_int_equal(device_set_string(&d->gpu.model, NULL), 0);
	assert_null(d->gpu.model);
}

static void test_device_unknown_cpus_differ_from_none(void **state)
{
	_cleanup_(device_freep) struct device *a = made(DEVICE_NIC, "x"),
					      *b = made(DEVICE_NIC, "x");
	const struct device_field *f = device_common_fields();

	(void)state;
	while (strcmp(f->name, "local_cpus") != 0)
		f++;
	assert_int_equal(cpuset_new(&a->local_cpus), 0);
	assert_true(device_field_known(f, a));
	assert_false(device_field_equal(f, a, b));
	assert_int_equal(cpuset_new(&b->local_cpus), 0);
	assert_true(device_field_equal(f, a, b));
}

static void test_device_lists_of_different_lengths_differ(void **state)
{
	static uint32_t numbers[] = { 0, 1 }, values[] = { 10, 21 };
	struct device a = { .kind = DEVICE_NODE }, b = { .kind = DEVICE_NODE };
	struct device_hugepages pages[] = { { 4096, 1, 1 }, { 8192, 1, 1 } };
	const struct device_field *distances = device_own_fields(DEVICE_NODE), *huge = distances;

	(void)state;
	while (distances->type != FIELD_NUMBERS)
		distances++;
	while (huge->type != FIELD_HUGEPAGES)
		huge++;
	a.memory.distances = (struct device_numbers){ numbers, values, 2 };
	b.memory.distances = (struct device_numbers){ numbers, values, 1 };
	assert_false(device_field_equal(distances, &a, &b));
	a.memory.hugepages = b.memory.hugepages = pages;
	a.memory.hugepages_count = 2;
	b.memory.hugepages_count = 1;
	assert_false(device_field_equal(huge, &a, &b));
	assert_false(device_field_equal(huge, &b, &a));
}

static void test_device_free_takes_null(void **state)
{
	(void)state;
	assert_null(device_free(NULL));
}

static void test_device_machine_starts_with_empty_sets(void **state)
{
	struct machine m;

	(void)state;
	assert_int_equal(machine_init(&m), 0);
	assert_true(m.online && m.offline && m.allowed && m.isolated && m.allowed_nodes);
	assert_true(cpuset_empty(m.online) && cpuset_empty(m.allowed_nodes));
	assert_null(m.architecture);
	machine_done(&m);
	assert_null(m.online);
	machine_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_kinds_have_names_both_ways),
		cmocka_unit_test(test_device_every_field_starts_unknown_and_is_compared),
		cmocka_unit_test(test_device_fields_of_one_kind_do_not_overlap),
		cmocka_unit_test(test_device_a_value_of_a_field_can_become_unknown_again),
		cmocka_unit_test(test_device_unknown_cpus_differ_from_none),
		cmocka_unit_test(test_device_lists_of_different_lengths_differ),
		cmocka_unit_test(test_device_free_takes_null),
		cmocka_unit_test(test_device_machine_starts_with_empty_sets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
