/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever can be discovered can be placed on: an XML topology (it begins with <) or a made tree of
 * sys and proc (tests/nodes/tree.h). Requests of many kinds are placed until one is refused;
 * nothing is held twice (the ledger asserts it), each is answered the same when asked again, and
 * when all is given back as much is free as before. */
#include "tests/nodes/machine.h"
#include "tests/nodes/tree.h"

#include "model/offer.h"
#include "model/placement.h"
#include "util/cleanup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct request requests[] = {
	{ .cores = 1, .devices[DEVICE_GPU] = 1, .devices[DEVICE_NIC] = 1 },
	{ .cores = 2, .memory_bytes = 1ULL << 30, .align = ALIGN_PACKAGE },
	{ .cores = 1, .align = ALIGN_SWITCH, .devices[DEVICE_GPU] = 2, .align_required = true },
	{ .memory_bytes = 1ULL << 22, .hugepages = { { 1 << 21, 1 } }, .hugepages_count = 1 },
	{ .shared_millicpus = 500, .devices[DEVICE_DISK] = 1, .strategy = STRATEGY_SPREAD },
	{ .cores = 3, .devices[DEVICE_GPU] = 3, .align = ALIGN_NONE, .strategy = STRATEGY_PACK },
	{ .cores = REQUEST_CORES_MAX, .memory_bytes = UINT64_MAX },
};

static bool place(const struct view *v, struct ledger *l, const struct request *q, unsigned nth)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	_cleanup_(allocation_freep) struct allocation *again = NULL;
	struct fail why = { 0 };
	int answer = placement_decide(v, q, &a, &why, NULL, NULL);

	assert(answer >= 0 && placement_decide(v, q, &again, NULL, NULL, NULL) == answer);
	if (answer == PLACEMENT_NO_FIT) {
		assert(why.code && *why.text);
		return false;
	}
	assert(cpuset_equal(a->cpus, again->cpus) && cpuset_equal(a->nodes, again->nodes));
	assert(cpuset_count(a->cores) == q->cores && allocation_memory_total(a) == q->memory_bytes);
	assert(cpuset_subset(a->cpus, v->inventory->machine.online));
	assert(asprintf(&a->slice, "s%u", nth) > 0);
	assert(ledger_take(l, &a) == 0);
	return true;
}

static void place_all(const struct inventory *inv)
{
	_cleanup_(ledger_freep) struct ledger *l = NULL;
	_cleanup_(offers_done) struct offers offers = { 0 };
	const struct reserve reserve = { 0 };
	struct view v = { .inventory = inv, .reserve = &reserve };
	struct resources before, after;
	unsigned taken = 0;

	assert(ledger_new(&l) == 0);
	v.ledger = l;
	view_free(&v, &before);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		for (unsigned round = 0; round < ROUNDS; round++)
			taken += place(&v, l, &requests[i], taken);
	assert(offers_make(&v, &offers) == 0);
	while (taken > 0) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%u", --taken);
		ledger_release(l, name);
	}
	view_free(&v, &after);
	assert(before.cores == after.cores && before.memory_bytes == after.memory_bytes &&
	       before.gpus == after.gpus && before.nics == after.nics);
}

/* XML is read where it lies, a tree is unpacked first. */
static int discover(const char *folder, const char *path, bool is_xml, struct inventory **ret)
{
	struct fail f = { 0 };
	int r = is_xml ? 0 : tree_unpack(path, folder, &f);

	return r < 0 ? r : machine_discover(ret, is_xml ? NULL : folder, is_xml ? path : NULL, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	char folder[] = "/tmp/reeve-fuzz-XXXXXX", path[64];
	FILE *file;

	assert(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/input", folder);
	file = fopen(path, "we");
	assert(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
	if (discover(folder, path, size > 0 && data[0] == '<', &inv) == 0)
		place_all(inv);
	machine_remove(folder);
	return 0;
}
