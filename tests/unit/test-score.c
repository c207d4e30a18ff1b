/* SPDX-License-Identifier: Apache-2.0 */
/* The score of placements, counted by hand, and distances on the PCI tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "model/path.h"
#include "model/score.h"
#include "util/cleanup.h"

/* Two packages of two nodes of four cores in two caches; on node 2 two GPUs and a NIC behind one
 * switch, on node 3 a GPU and a NIC below two root ports, and a disk of unknown place. */
static struct inventory *machine(void)
{
	static const struct {
		enum device_kind kind;
		const char *name, *pci, *path;
		int node;
	} devices[] = {
		{ DEVICE_GPU, "a", "0000:11:00.0", "0000:00:01.0/0000:10:00.0/0000:10:01.0", 2 },
		{ DEVICE_GPU, "b", "0000:12:00.0", "0000:00:01.0/0000:10:00.0/0000:10:02.0", 2 },
		{ DEVICE_NIC, "n", "0000:13:00.0", "0000:00:01.0/0000:10:00.0/0000:10:03.0", 2 },
		{ DEVICE_NIC, "r", "0000:14:00.0", "0000:00:01.0", 2 },
		{ DEVICE_GPU, "c", "0000:21:00.0", "0000:00:02.0", 3 },
		{ DEVICE_NIC, "o", "0000:22:00.0", "0000:00:03.0", 3 },
	};
	struct shape shape = { .packages = 2, .nodes = 2, .cores = 4, .cores_of_l3 = 2 };
	struct inventory *inv = shape_make(shape);

	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++)
			shape_set_distance(inv, i, k, i == k ? 10 : i / 2 == k / 2 ? 12 : 32);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		shape_add_pci(
			inv,
			shape_add_device(inv, devices[i].kind, devices[i].name, devices[i].node),
			devices[i].pci, devices[i].path);
	(void)shape_add_device(inv, DEVICE_DISK, "u", -1);
	assert_int_equal(device_set_string(&inventory_find(inv, "gpu-a")->gpu.links,
					   "0000:12:00.0=50000,0000:21:00.0=20000"),
			 0);
	return inv;
}

struct vector {
	const char *cpus, *devices; /* separated by blanks */
	uint64_t mib_on[4];
	struct request request;
	uint64_t value[SCORE_FIELDS];
};

static struct allocation *make(const struct vector *v)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	char devices[256], *rest = devices;

	assert_int_equal(allocation_new(&a), 0);
	cpuset_free(a->cpus);
	cpuset_free(a->cores);
	a->cpus = set_of(v->cpus);
	a->cores = set_of(v->cpus); /* of one thread: the same numbers */
	for (uint32_t i = 0; i < 4; i++)
		if (v->mib_on[i])
			assert_int_equal(allocation_add_memory(a, i, v->mib_on[i] * MIB), 0);
	(void)snprintf(devices, sizeof(devices), "%s", v->devices);
	for (char *id; (id = strsep(&rest, " "));)
		if (*id)
			assert_int_equal(allocation_add_device(a, id), 0);
	return TAKE_PTR(a);
}

static void check(const struct stage *s, const struct vector *v)
{
	_cleanup_(allocation_freep) struct allocation *a = make(v);
	struct placement_score score;

	assert_int_equal(score_of(&s->view, &v->request, a, &score), 0);
	for (int i = 0; i < SCORE_FIELDS; i++)
		if (score.value[i] != v->value[i])
			fail_msg("cpus %s, devices %s: %s is %ju, not %ju", v->cpus, v->devices,
				 score_field_to_string(i), (uintmax_t)score.value[i],
				 (uintmax_t)v->value[i]);
}

/* level apart cost nodes distances core-nodes far-memory links paths slow-cores | fullness
 * gpus-left l3s nodes-broken groups-broken l3s-broken cores-left l3s-left */
static void test_score_counts_what_a_hand_counts(void **state)
{
	const uint64_t gib = 1ULL << 20; /* in KiB */
	const struct vector vectors[] = {
		{ "0",
		  "",
		  { 0 },
		  { 0 },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 3, 1 } },
		{ "0,2",
		  "",
		  { 0 },
		  { 0 },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 2, 1, 0, 2, 2, 2 } },
		{ "0-4",
		  "",
		  { 0 },
		  { 0 },
		  { 2, 0, 12, 2, 24, 2, 0, 0, 0, 0, 0, 0, 3, 2, 0, 3, 3, 1 } },
		{ "0,8",
		  "",
		  { 0 },
		  { 0 },
		  { 3, 0, 32, 2, 64, 2, 0, 0, 0, 0, 0, 2, 2, 2, 0, 2, 6, 2 } },
		/* Memory away from the cores: 1 GiB at 12. */
		{ "0",
		  "",
		  { 1024, 1024 },
		  { 0 },
		  { 2, 0, 12, 2, 24, 1, 12 * gib, 0, 0, 0, 0, 0, 1, 2, 0, 1, 7, 1 } },
		/* A GPU of two leaves one and breaks the pair; to its node: 4. */
		{ "8",
		  "gpu-a",
		  { 0 },
		  { 0 },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 4, 0, 0, 1, 1, 1, 1, 1, 3, 1 } },
		/* Both: one path of 1, two of 4, the best link. */
		{ "8",
		  "gpu-a gpu-b",
		  { 0 },
		  { .align = ALIGN_SWITCH },
		  { 0, 0, 10, 1, 0, 1, 0, 0, 9, 0, 0, 0, 1, 1, 0, 1, 3, 1 } },
		/* By way of the root port: 2; a NIC behind the switch breaks the group. */
		{ "8",
		  "nic-n nic-r",
		  { 0 },
		  { .align = ALIGN_SWITCH },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 10, 0, 0, 2, 1, 1, 1, 1, 3, 1 } },
		{ "12",
		  "gpu-c nic-o",
		  { 0 },
		  { 0 },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 12, 0, 0, 0, 1, 1, 0, 1, 3, 1 } },
		/* Two nodes of a package: 8 between, 4 and 8 to the cores; the link lacks 30000. */
		{ "12",
		  "gpu-a gpu-c",
		  { 0 },
		  { 0 },
		  { 2, 0, 12, 2, 24, 1, 0, 30000, 20, 0, 0, 1, 1, 2, 1, 1, 7, 1 } },
		/* Of unknown place: 5 more, and as far as can be from all. */
		{ "8",
		  "disk-u",
		  { 0 },
		  { 0 },
		  { 1, 0, 15, 1, 0, 1, 0, 0, 16, 0, 0, 2, 1, 1, 0, 1, 3, 1 } },
		{ "",
		  "gpu-c",
		  { 0 },
		  { 0 },
		  { 1, 0, 10, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 4, 0 } },
	};
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(&s, &vectors[i]);
	stage_close(&s);
}

static void test_score_knows_what_is_broken_already(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *node = set_of("1");
	const struct vector vectors[] = {
		{ "5",
		  "",
		  { 0 },
		  { .strategy = STRATEGY_PACK },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 0, 0, 1750, 0, 1, 0, 0, 0, 2, 0 } },
		{ "6",
		  "",
		  { 0 },
		  { .strategy = STRATEGY_SPREAD },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 0, 0, 250, 0, 1, 0, 0, 1, 2, 1 } },
		{ "0,5",
		  "",
		  { 0 },
		  { .apart = APART_NODE, .apart_nodes = node },
		  { 2, 1, 12, 2, 24, 2, 0, 0, 0, 0, 0, 0, 2, 1, 0, 1, 5, 1 } },
		{ "0",
		  "",
		  { 0 },
		  { .apart = APART_PACKAGE, .apart_nodes = node },
		  { 1, 1, 10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 3, 1 } },
		{ "12",
		  "",
		  { 0 },
		  { .apart = APART_PACKAGE, .apart_nodes = node },
		  { 1, 0, 10, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 3, 1 } },
	};
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	stage_hold(&s, "x", "4");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(&s, &vectors[i]);
	stage_close(&s);
}

static void test_score_compares_in_order_of_weight(void **state)
{
	(void)state;
	for (int i = 0; i < SCORE_FIELDS; i++) {
		struct placement_score a = { 0 }, b = { 0 };

		assert_int_equal(score_compare(&a, &b), 0);
		a.value[i] = UINT64_MAX;
		b.value[i] = 1;
		for (int k = i + 1; k < SCORE_FIELDS; k++)
			b.value[k] = 7;
		assert_true(score_compare(&a, &b) > 0 && score_compare(&b, &a) < 0);
		assert_non_null(score_field_to_string(i));
	}
}

static void test_score_of_paths(void **state)
{
	static const struct {
		const char *a, *b;
		enum path_class class;
	} vectors[] = {
		{ "gpu-a", "gpu-b", PATH_SWITCH },    { "gpu-a", "nic-n", PATH_SWITCH },
		{ "gpu-a", "nic-r", PATH_ROOT },      { "gpu-c", "nic-o", PATH_NODE },
		{ "gpu-a", "nic-o", PATH_PACKAGE },   { "gpu-a", "disk-u", PATH_UNKNOWN },
		{ "disk-u", "disk-u", PATH_UNKNOWN },
	};
	_cleanup_(inventory_freep) struct inventory *inv = machine();

	(void)state;
	inventory_seal(inv);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct device *a = inventory_find(inv, vectors[i].a),
				    *b = inventory_find(inv, vectors[i].b);

		assert_int_equal(path_between(inv, a, b), vectors[i].class);
		assert_int_equal(path_between(inv, b, a), vectors[i].class);
	}
	for (int i = 1; i < PATH_CLASSES; i++)
		assert_true(path_weight(i - 1) <= path_weight(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_score_counts_what_a_hand_counts),
		cmocka_unit_test(test_score_knows_what_is_broken_already),
		cmocka_unit_test(test_score_compares_in_order_of_weight),
		cmocka_unit_test(test_score_of_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
