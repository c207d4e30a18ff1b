/* SPDX-License-Identifier: Apache-2.0 */
/* Model values as JSON and back, the bill of materials, and issued offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decode.h"
#include "document.h"
#include "offer.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

#define GIB (1ULL << 30)

static struct device *add(struct inventory *inv, enum device_kind kind, const char *name)
{
	struct device *d = NULL, *kept;

	assert_int_equal(device_new(&d, kind, name), 0);
	kept = d;
	assert_int_equal(inventory_add(inv, &d), 0);
	return kept;
}

static void add_core(struct inventory *inv, unsigned number)
{
	struct device *d;
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", number);
	d = add(inv, DEVICE_CORE, name);
	d->node = 0;
	d->core.number = number;
	d->core.package = 0;
	if (!d->core.cpus)
		assert_int_equal(cpuset_new(&d->core.cpus), 0);
	assert_int_equal(cpuset_add(d->core.cpus, number), 0);
	assert_int_equal(cpuset_add(inv->machine.online, number), 0);
	assert_int_equal(cpuset_add(inv->machine.allowed, number), 0);
}

static void add_node(struct inventory *inv)
{
	struct device *d = add(inv, DEVICE_NODE, "0");

	d->node = 0;
	d->memory.number = 0;
	d->memory.memory_bytes = 4 * GIB;
	d->memory.host_memory = true;
	if (!d->memory.cpus)
		assert_int_equal(cpuset_new(&d->memory.cpus), 0);
	for (unsigned cpu = 0; cpu < 4; cpu++)
		assert_int_equal(cpuset_add(d->memory.cpus, cpu), 0);
	assert_int_equal(cpuset_add(inv->machine.allowed_nodes, 0), 0);
}

static void add_firmware(struct inventory *inv, const char *name, const char *version)
{
	struct device *d = add(inv, DEVICE_FIRMWARE, name);

	assert_int_equal(device_set_string(&d->firmware.component, name), 0);
	assert_int_equal(device_set_string(&d->firmware.version, version), 0);
	assert_int_equal(device_set_string(&d->firmware.serial, "S-1"), 0);
}

/* Four cores, a node, a GPU, a BIOS and a TPM; reversed: found in another order. */
static struct inventory *machine(bool reversed, const char *bios)
{
	struct inventory *inv = NULL;
	struct device *gpu;

	assert_int_equal(inventory_new(&inv), 0);
	if (reversed)
		add_firmware(inv, "tpm", "2.0");
	add_firmware(inv, "bios", bios);
	if (!reversed)
		add_firmware(inv, "tpm", "2.0");
	for (unsigned i = 0; i < 4; i++)
		add_core(inv, reversed ? 3 - i : i);
	add_node(inv);
	gpu = add(inv, DEVICE_GPU, "0000:17:00.0");
	gpu->node = 0;
	gpu->gpu.compute = true;
	assert_int_equal(device_set_string(&gpu->gpu.model, "M\xfcller \xc3\xa9"), 0);
	assert_int_equal(inventory_note(inv, "gpu", "a note with \xff in it"), 0);
	inventory_seal(inv);
	inv->generation = 7;
	return inv;
}

static void test_inventory_has_the_documented_keys(void **state)
{
	static const char *const keys[] = {
		"generation", "summary", "machine", "packages", "nodes",    "cores",
		"pci",	      "gpus",	 "nics",    "disks",	"firmware", "bill_of_materials",
		"notes",
	};
	_cleanup_(inventory_freep) struct inventory *inv = machine(false, "1.0");
	_cleanup_json_ json_t *document = document_inventory(inv);
	json_t *core;

	(void)state;
	assert_non_null(document);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!json_object_get(document, keys[i]))
			fail_msg("there is no %s", keys[i]);
	assert_int_equal(json_object_size(document), ARRAY_SIZE(keys));
	assert_int_equal(json_array_size(json_object_get(document, "cores")), 4);
	assert_int_equal(json_integer_value(json_object_get(document, "generation")), 7);
	core = json_array_get(json_object_get(document, "cores"), 2);
	assert_string_equal(json_string_value(json_object_get(core, "id")), "core-2");
	assert_string_equal(json_string_value(json_object_get(core, "cpus")), "2");
	assert_null(json_object_get(core, "base_mhz")); /* not known: absent */
}

static void test_text_that_is_no_utf8_is_shown_all_the_same(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = machine(false, "1.0");
	_cleanup_json_ json_t *document = document_inventory(inv);
	_cleanup_free_ char *text = document ? json_text(document) : NULL;
	json_t *gpu, *note;

	(void)state;
	assert_non_null(text);
	gpu = json_array_get(json_object_get(document, "gpus"), 0);
	assert_string_equal(json_string_value(json_object_get(gpu, "model")), "M?ller ??");
	note = json_array_get(json_object_get(document, "notes"), 0);
	assert_string_equal(json_string_value(json_object_get(note, "text")),
			    "a note with ? in it");
}

static char *digest_of(bool reversed, const char *bios)
{
	_cleanup_(inventory_freep) struct inventory *inv = machine(reversed, bios);
	_cleanup_json_ json_t *bom = document_bill_of_materials(inv);
	const char *digest = json_string_value(json_object_get(bom, "sha256"));

	assert_non_null(digest);
	assert_int_equal(strlen(digest), 64);
	return strdup(digest);
}

static void test_bill_of_materials_is_of_the_parts_and_not_of_their_order(void **state)
{
	_cleanup_free_ char *one = digest_of(false, "1.0"), *same = digest_of(true, "1.0"),
			    *other = digest_of(false, "1.1");

	(void)state;
	assert_string_equal(one, same);
	assert_string_not_equal(one, other);
}

static void test_bill_of_materials_leaves_serial_numbers_out(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = machine(false, "1.0");
	_cleanup_json_ json_t *bom = document_bill_of_materials(inv);
	_cleanup_free_ char *text = json_text(bom);

	(void)state;
	assert_non_null(strstr(text, "\"version\":\"1.0\""));
	assert_null(strstr(text, "S-1"));
}

static struct allocation *full_allocation(void)
{
	struct allocation *a = NULL;

	assert_int_equal(allocation_new(&a), 0);
	for (unsigned i = 2; i < 5; i++) {
		assert_int_equal(cpuset_add(a->cpus, i), 0);
		assert_int_equal(cpuset_add(a->cores, i), 0);
	}
	a->shared_millicpus = 1029;
	assert_int_equal(allocation_add_memory(a, 0, 3 * GIB + 1), 0);
	assert_int_equal(allocation_add_memory(a, 3, 4096), 0);
	assert_int_equal(allocation_add_hugepages(a, 3, 2 << 20, 9), 0);
	assert_int_equal(allocation_add_device(a, "gpu-0000:17:00.0"), 0);
	assert_int_equal(allocation_add_device(a, "nic-eth0"), 0);
	return a;
}

static void test_allocation_survives_its_document(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = full_allocation(), *b = NULL;
	_cleanup_json_ json_t *document = document_allocation(a), *again = NULL;
	_cleanup_free_ char *text = json_text(document);
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(json_parse_object(text, strlen(text), &again, &f), 0);
	assert_int_equal(decode_allocation(again, &b, &f), 0);
	assert_true(cpuset_equal(a->cpus, b->cpus));
	assert_true(cpuset_equal(a->cores, b->cores));
	assert_true(cpuset_equal(a->nodes, b->nodes));
	assert_int_equal(b->shared_millicpus, 1029);
	assert_int_equal(b->memory_count, 2);
	for (size_t i = 0; i < 2; i++) /* there is padding between them */
		assert_true(a->memory[i].node == b->memory[i].node &&
			    a->memory[i].bytes == b->memory[i].bytes);
	assert_int_equal(b->hugepages_count, 1);
	assert_int_equal(b->hugepages[0].node, 3);
	assert_int_equal(b->hugepages[0].size_bytes, 2 << 20);
	assert_int_equal(b->hugepages[0].count, 9);
	assert_int_equal(b->devices_count, 2);
	assert_string_equal(b->devices[0], "gpu-0000:17:00.0");
	assert_string_equal(b->devices[1], "nic-eth0");
}

static void test_times_are_rfc3339_or_null(void **state)
{
	_cleanup_json_ json_t *never = document_time(0), *some = document_time(1700000000000001);

	(void)state;
	assert_true(json_is_null(never));
	assert_string_equal(json_string_value(some), "2023-11-14T22:13:20.000001Z");
}

struct rig {
	struct inventory *inv;
	struct ledger *ledger;
	struct reserve reserve;
	struct issued_offers *offers;
	struct view view;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .inv = machine(false, "1.0") };
	assert_int_equal(ledger_new(&r->ledger), 0);
	assert_int_equal(offers_new(&r->offers, 1000), 0);
	r->view = (struct view){ .inventory = r->inv, .ledger = r->ledger, .reserve = &r->reserve };
}

static void rig_done(struct rig *r)
{
	offers_free(r->offers);
	ledger_free(r->ledger);
	inventory_free(r->inv);
}

static void issue(struct rig *r, uint64_t now, char id[80])
{
	_cleanup_json_ json_t *document = NULL;
	json_t *first;

	assert_int_equal(offers_issue(r->offers, &r->view, now, &document), 0);
	assert_int_equal(json_integer_value(json_object_get(document, "generation")), 7);
	first = json_array_get(json_object_get(document, "offers"), 0);
	assert_non_null(first);
	assert_int_equal(json_integer_value(json_object_get(first, "cores")), 4);
	assert_string_equal(json_string_value(json_object_get(first, "cpus")), "0-3");
	(void)snprintf(id, 80, "%s", json_string_value(json_object_get(first, "id")));
}

static int accept_offer(struct rig *r, const char *id, uint64_t now, struct request *ret,
			struct fail *f)
{
	request_init(ret);
	ret->offer = strdup(id);
	return offers_accept(r->offers, ret, now, f);
}

static void assert_gone(struct rig *r, const char *id, uint64_t now)
{
	struct request request;
	struct fail f = { 0 };

	assert_int_equal(accept_offer(r, id, now, &request, &f), -ESTALE);
	assert_string_equal(f.code, "offer-gone");
	assert_non_null(strstr(f.text, "offer"));
	request_done(&request);
}

static void assert_taken(struct rig *r, const char *id, uint64_t now)
{
	struct request request;
	struct fail f = { 0 };

	assert_int_equal(accept_offer(r, id, now, &request, &f), 0);
	assert_int_equal(request.cores, 4); /* it asked for nothing: for the whole of it */
	assert_int_equal(cpuset_count(request.within_cpus), 4);
	request_done(&request);
}

static void test_offer_can_be_accepted_until_it_expires(void **state)
{
	char id[80];
	struct rig r;

	(void)state;
	rig_open(&r);
	issue(&r, 5000, id);
	assert_taken(&r, id, 5000);
	assert_taken(&r, id, 5999); /* an offer holds nothing: it may be accepted again */
	assert_gone(&r, id, 6000);
	rig_done(&r);
}

/* Of the first offer: its cores, its id and how often it is there. */
static json_int_t first_bundle(struct rig *r, uint64_t now, char id[OFFER_NAME_ROOM])
{
	_cleanup_json_ json_t *document = NULL;
	const json_t *offer, *bundle;

	assert_int_equal(offers_issue(r->offers, &r->view, now, &document), 0);
	assert_true(json_is_true(json_object_get(document, "bundles_complete")));
	offer = json_array_get(json_object_get(document, "offers"), 0);
	bundle = json_array_get(json_object_get(offer, "bundles"), 0);
	assert_int_equal(json_integer_value(json_object_get(bundle, "times")), 1);
	assert_string_equal(json_string_value(json_object_get(bundle, "align")), "node");
	(void)snprintf(id, OFFER_NAME_ROOM, "%s", json_string_value(json_object_get(bundle, "id")));
	return json_integer_value(json_object_get(bundle, "cores"));
}

static void test_bundle_can_be_accepted_by_its_own_name(void **state)
{
	struct request request;
	struct fail f = { 0 };
	char id[OFFER_NAME_ROOM];
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(first_bundle(&r, 0, id), 4);
	assert_string_equal(id, "o-7-1-0-0");
	assert_int_equal(accept_offer(&r, id, 1, &request, &f), 0);
	assert_string_equal(request.offer, id);
	assert_true(request.cores == 4 && request.align_required);
	assert_int_equal(request.within_devices_count, 0); /* one of CPUs alone */
	request_done(&request);
	assert_gone(&r, "o-7-1-0-9", 1);
	assert_gone(&r, "o-7-1-0-", 1);
	assert_gone(&r, id, 1000);
	rig_done(&r);
}

/* Asked for again they are those of before, until something is taken or given back. */
static void test_bundles_follow_the_ledger(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	char id[OFFER_NAME_ROOM];
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(first_bundle(&r, 0, id), 4);
	assert_int_equal(first_bundle(&r, 0, id), 4);
	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup("x");
	assert_int_equal(cpuset_add(a->cpus, 0), 0);
	assert_int_equal(ledger_take(r.ledger, &a), 0);
	assert_int_equal(first_bundle(&r, 0, id), 3);
	ledger_release(r.ledger, "x");
	assert_int_equal(first_bundle(&r, 0, id), 4);
	assert_string_equal(id, "o-7-4-0-0");
	rig_done(&r);
}

static void test_unknown_offer_is_gone(void **state)
{
	static const char *const ids[] = {
		"", "o-", "o-7-1-99", "o-7-2-0", "o-8-1-0", "x", "o-18446744073709551616-1-0"
	};
	char id[80];
	struct rig r;

	(void)state;
	rig_open(&r);
	issue(&r, 0, id);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_gone(&r, ids[i], 1);
	rig_done(&r);
}

static void test_oldest_offers_make_room(void **state)
{
	char ids[40][80];
	struct rig r;

	(void)state;
	rig_open(&r);
	for (int i = 0; i < 40; i++)
		issue(&r, 0, ids[i]);
	assert_gone(&r, ids[0], 1);
	assert_gone(&r, ids[23], 1);
	for (int i = 24; i < 40; i++) /* the last sixteen */
		assert_taken(&r, ids[i], 1);
	rig_done(&r);
}

/* What the store keeps of a slice's share of the caches is what the next agent reads. */
static void test_document_cache_makes_the_round_trip(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL, *again = NULL;
	_cleanup_json_ json_t *record = NULL, *asked = NULL, *back = NULL;
	struct request r;

	(void)state;
	assert_int_equal(allocation_new(&a), 0);
	assert_int_equal(cache_shares_add(&a->cache, 7, 0xff0), 0);
	assert_int_equal(cache_shares_add(&a->cache, 9, 0), 0);
	a->cache.bandwidth_percent = 40;
	record = document_allocation(a);
	assert_int_equal(decode_allocation(record, &again, NULL), 0);
	assert_int_equal(again->cache.count, 2);
	assert_int_equal(again->cache.bandwidth_percent, 40);
	assert_true(again->cache.items[0].domain == 7 && again->cache.items[0].ways == 0xff0);
	assert_true(again->cache.items[1].domain == 9 && again->cache.items[1].ways == 0);

	request_init(&r);
	asked = json_pack("{s:i,s:{s:s,s:i}}", "cores", 1, "cache", "l3_bytes", "8MiB",
			  "memory_bandwidth_percent", 30);
	assert_int_equal(decode_request(asked, &r, NULL), 0);
	assert_true(r.cache.bytes == 8 << 20 && r.cache.ways == 0 &&
		    r.cache.bandwidth_percent == 30);
	back = document_request(&r);
	request_done(&r);
	request_init(&r);
	assert_int_equal(decode_request(back, &r, NULL), 0);
	assert_true(r.cache.bytes == 8 << 20 && r.cache.bandwidth_percent == 30);
	request_done(&r);
}

static void test_document_nic_makes_the_round_trip(void **state)
{
	_cleanup_json_ json_t *asked = json_pack("{s:i,s:{s:s,s:i}}", "cores", 1, "nic", "function",
						 "virtual", "speed_mbps", 25000);
	_cleanup_json_ json_t *back = NULL, *none = NULL;
	struct request r;

	(void)state;
	request_init(&r);
	none = document_request(&r);
	assert_null(json_object_get(none, "nic"));
	assert_int_equal(decode_request(asked, &r, NULL), 0);
	back = document_request(&r);
	assert_true(json_equal(json_object_get(back, "nic"), json_object_get(asked, "nic")));
	request_done(&r);
}

static void test_decode_refuses_cache_that_is_none(void **state)
{
	static const char *const garbage[] = {
		"{\"cache\":{\"l3_ways\":0}}",
		"{\"cache\":{\"l3_ways\":65}}",
		"{\"cache\":{\"l3_ways\":1,\"l3_bytes\":1}}",
		"{\"cache\":{\"memory_bandwidth_percent\":101}}",
		"{\"cache\":{\"ways\":1}}",
		"{\"cache\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		_cleanup_json_ json_t *object = NULL;
		struct fail f = { 0 };
		struct request r;

		request_init(&r);
		assert_int_equal(json_parse_object(garbage[i], strlen(garbage[i]), &object, &f), 0);
		assert_true(decode_request(object, &r, &f) < 0);
		assert_true(f.text[0] != 0);
		request_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inventory_has_the_documented_keys),
		cmocka_unit_test(test_text_that_is_no_utf8_is_shown_all_the_same),
		cmocka_unit_test(test_bill_of_materials_is_of_the_parts_and_not_of_their_order),
		cmocka_unit_test(test_bill_of_materials_leaves_serial_numbers_out),
		cmocka_unit_test(test_allocation_survives_its_document),
		cmocka_unit_test(test_times_are_rfc3339_or_null),
		cmocka_unit_test(test_offer_can_be_accepted_until_it_expires),
		cmocka_unit_test(test_bundle_can_be_accepted_by_its_own_name),
		cmocka_unit_test(test_bundles_follow_the_ledger),
		cmocka_unit_test(test_unknown_offer_is_gone),
		cmocka_unit_test(test_oldest_offers_make_room),
		cmocka_unit_test(test_document_cache_makes_the_round_trip),
		cmocka_unit_test(test_document_nic_makes_the_round_trip),
		cmocka_unit_test(test_decode_refuses_cache_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
