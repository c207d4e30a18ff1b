/* SPDX-License-Identifier: Apache-2.0 */
/* CDI specifications: what is written is checked by the rules of the published JSON schema
 * (container-device-interface, schema/defs.json) and of SPEC.md, the version by vectors, and files
 * of slices on a made machine with a GPU and an RDMA NIC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdi.h"
#include "cdi_document.h"
#include "discover.h"
#include "hold.h"
#include "manager.h"
#include "scratch.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *text, *version;
} versions[] = {
	{ "{}", "0.3.0" },
	{ "{\"kind\":\"a.b/c\",\"devices\":[{\"name\":\"x\",\"containerEdits\":{\"env\":[\"A=B\"],"
	  "\"deviceNodes\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":3,"
	  "\"permissions\":\"rw\"}]}}]}",
	  "0.3.0" },
	{ "{\"containerEdits\":{\"mounts\":[{\"type\":\"bind\"}]}}", "0.4.0" },
	{ "{\"devices\":[{\"name\":\"x\"},{\"name\":\"1x\"}]}", "0.5.0" },
	{ "{\"devices\":[{\"name\":\"x\",\"containerEdits\":{\"deviceNodes\":[{},{\"hostPath\":"
	  "\"/dev/y\"}]}}]}",
	  "0.5.0" },
	{ "{\"containerEdits\":{\"deviceNodes\":[{\"hostPath\":\"/dev/y\"}]}}", "0.5.0" },
	{ "{\"kind\":\"a.b/c.d\"}", "0.6.0" },
	{ "{\"annotations\":{}}", "0.6.0" },
	{ "{\"devices\":[{\"name\":\"1\",\"annotations\":{\"a\":\"b\"}}]}", "0.6.0" },
	{ "{\"containerEdits\":{\"additionalGids\":[1]},\"annotations\":{}}", "0.7.0" },
	{ "{\"devices\":[{\"name\":\"x\",\"containerEdits\":{\"intelRdt\":{\"closID\":\"a\"}}}]}",
	  "0.7.0" },
	{ "{\"containerEdits\":{\"intelRdt\":{\"enableMonitoring\":true}}}", "1.1.0" },
	{ "{\"devices\":[{\"name\":\"x\",\"containerEdits\":{\"netDevices\":[{}]}}]}", "1.1.0" },
};

static void test_cdi_version_is_the_lowest_that_has_every_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		_cleanup_json_ json_t *document = json_loads(versions[i].text, 0, NULL);

		assert_non_null(document);
		assert_string_equal(cdi_version(document), versions[i].version);
	}
}

static void test_cdi_name_has_allowed_characters_only(void **state)
{
	static const char *const vectors[][3] = {
		{ "job-1", NULL, "job-1" },
		{ "job-1", "gpu-0000:17:00.0", "job-1.gpu-0000_17_00.0" },
		{ "a", "disk-x y/z", "a.disk-x_y_z" },
		{ "a", "nic-", "a.nic0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *name = cdi_name(vectors[i][0], vectors[i][1]);

		assert_string_equal(name, vectors[i][2]);
	}
}

/* --- the schema's rules --- */

static void only(const json_t *object, const char *const *allowed)
{
	const char *key;
	json_t *value;

	assert_true(json_is_object(object));
	json_object_foreach ((json_t *)object, key, value) {
		bool known = false;

		for (const char *const *k = allowed; *k; k++)
			known |= strcmp(*k, key) == 0;
		if (!known)
			fail_msg("the schema has no field %s here", key);
	}
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text || !*text)
		fail_msg("%s is no text", key);
	return text;
}

static void valid_label(const char *text, const char *between, size_t longest)
{
	size_t length = strlen(text);

	assert_in_range(length, 1, longest);
	assert_true(isalnum(text[0]) && isalnum(text[length - 1]));
	for (size_t i = 0; i < length; i++)
		if (!isalnum(text[i]) && !strchr(between, text[i]))
			fail_msg("'%c' is not allowed in %s", text[i], text);
}

static void valid_node(const json_t *node)
{
	static const char *const keys[] = { "path",  "hostPath",    "type", "major",
					    "minor", "permissions", NULL };
	const char *type = text_at(node, "type"), *access = text_at(node, "permissions");

	only(node, keys);
	assert_int_equal(text_at(node, "path")[0], '/');
	assert_true(strlen(type) == 1 && strchr("bcup", *type));
	assert_true(json_is_integer(json_object_get(node, "major")));
	assert_true(json_is_integer(json_object_get(node, "minor")));
	assert_int_equal(strspn(access, "rwm"), strlen(access));
}

static void valid_edits(const json_t *edits)
{
	static const char *const keys[] = { "env", "deviceNodes", NULL };
	const json_t *env = json_object_get(edits, "env"),
		     *nodes = json_object_get(edits, "deviceNodes");

	only(edits, keys);
	assert_true(json_array_size(nodes) > 0);
	for (size_t i = 0; i < json_array_size(env); i++)
		assert_non_null(strchr(json_string_value(json_array_get(env, i)), '='));
	for (size_t i = 0; i < json_array_size(nodes); i++)
		valid_node(json_array_get(nodes, i));
}

static void valid_spec(const json_t *document)
{
	static const char *const keys[] = { "cdiVersion", "kind", "devices", NULL };
	static const char *const device_keys[] = { "name", "containerEdits", NULL };
	const json_t *devices = json_object_get(document, "devices");
	const char *kind = text_at(document, "kind"), *slash = strchr(kind, '/');
	char vendor[256];

	only(document, keys);
	assert_string_equal(text_at(document, "cdiVersion"), cdi_version(document));
	assert_non_null(slash);
	(void)snprintf(vendor, sizeof(vendor), "%.*s", (int)(slash - kind), kind);
	valid_label(vendor, "-.", 253);
	valid_label(slash + 1, "-_", 63);
	assert_true(json_array_size(devices) > 0);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);

		only(device, device_keys);
		valid_label(text_at(device, "name"), "-_.", 255);
		valid_edits(json_object_get(device, "containerEdits"));
	}
}

/* --- files of slices --- */

struct bench {
	struct scratch scratch;
	char *root, cdi_dir[128], file[256];
	struct config config;
	struct host *host;
	struct manager manager;
	struct slice *slice;
};

static void add_device(struct bench *b, enum device_kind kind, const char *name, const char *rdma)
{
	struct device *d = NULL;

	assert_int_equal(device_new(&d, kind, name), 0);
	if (kind == DEVICE_GPU)
		assert_int_equal(device_set_string(&d->pci, name), 0);
	if (rdma)
		assert_int_equal(device_set_string(&d->nic.rdma, rdma), 0);
	assert_int_equal(inventory_add(b->manager.inventory, &d), 0);
}

static void give_slice(struct bench *b, const char *id, const char *const *devices)
{
	struct allocation *a = NULL;

	assert_int_equal(slice_new(&b->slice, &b->manager, id), 0);
	b->slice->state = SLICE_ACTIVE;
	assert_int_equal(map_put(b->manager.slices, id, b->slice), 0);
	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup(id);
	for (; *devices; devices++)
		assert_int_equal(allocation_add_device(a, *devices), 0);
	assert_int_equal(ledger_take(b->manager.ledger, &a), 0);
	(void)snprintf(b->file, sizeof(b->file), "%s/reeve.internal-slice_%s.json", b->cdi_dir, id);
}

static void make_machine(struct bench *b)
{
	b->root = tree_new();
	tree_file(b->root, "sys/devices/pci0000:00/0000:03:00.0/drm/card1/dev", "226:1\n");
	tree_link(b->root, "sys/class/drm/card1",
		  "../../devices/pci0000:00/0000:03:00.0/drm/card1");
	tree_file(b->root, "sys/devices/pci0000:00/0000:03:00.0/drm/renderD128/dev", "226:128\n");
	tree_link(b->root, "sys/class/drm/renderD128",
		  "../../devices/pci0000:00/0000:03:00.0/drm/renderD128");
	tree_file(b->root, "sys/dev/char/226:1/uevent", "MAJOR=226\nMINOR=1\nDEVNAME=dri/card1\n");
	tree_file(b->root, "sys/dev/char/226:128/uevent",
		  "MAJOR=226\nMINOR=128\nDEVNAME=dri/renderD128\nDEVTYPE=drm_minor\n");
	tree_file(b->root, "sys/class/infiniband_verbs/uverbs0/ibdev", "mlx5_0\n");
	tree_file(b->root, "sys/class/infiniband_verbs/uverbs0/dev", "231:192\n");
	tree_file(b->root, "sys/class/misc/rdma_cm/dev", "10:124\n");
	tree_file(b->root, "sys/dev/char/231:192/uevent", "DEVNAME=infiniband/uverbs0\n");
	tree_file(b->root, "sys/dev/char/10:124/uevent", "DEVNAME=infiniband/rdma_cm\n");
	assert_int_equal(host_open(&b->host, b->root, NULL), 0);
}

static int bench_open(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct fail f = { 0 };

	scratch_open(&b->scratch);
	(void)snprintf(b->cdi_dir, sizeof(b->cdi_dir), "%s/run/cdi", b->scratch.path);
	assert_int_equal(config_init(&b->config, &f), 0);
	assert_int_equal(config_set(&b->config, "isolation", "cdi-dir", b->cdi_dir, &f), 0);
	make_machine(b);
	b->manager.config = &b->config;
	b->manager.host = b->host;
	assert_int_equal(inventory_new(&b->manager.inventory), 0);
	assert_int_equal(ledger_new(&b->manager.ledger), 0);
	assert_int_equal(map_new(&b->manager.slices), 0);
	add_device(b, DEVICE_GPU, "0000:03:00.0", NULL);
	add_device(b, DEVICE_NIC, "enp5s0", "mlx5_0");
	add_device(b, DEVICE_NIC, "enp6s0", NULL);
	inventory_seal(b->manager.inventory);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	ledger_free(b->manager.ledger);
	inventory_free(b->manager.inventory);
	slice_free(b->slice);
	map_free(b->manager.slices);
	host_free(b->host);
	config_done(&b->config);
	tree_remove(b->root);
	scratch_done(&b->scratch);
	free(b);
	return 0;
}

static bool is_left(const struct bench *b)
{
	_cleanup_(leaks_done) struct leaks l = { 0 };

	assert_int_equal(hold_cdi.left(b->slice, &l), 0);
	assert_false(leaks_hold(&l)); /* a file keeps nothing from others */
	return l.count > 0;
}

static bool is_there(const struct bench *b)
{
	return fs_exists(AT_FDCWD, b->file);
}

static json_t *written(const struct bench *b)
{
	json_t *document = json_load_file(b->file, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(document);
	return document;
}

static void assert_node(const json_t *device, size_t i, const char *expected)
{
	const json_t *node = json_array_get(
		json_object_get(json_object_get(device, "containerEdits"), "deviceNodes"), i);
	char text[128];

	(void)snprintf(text, sizeof(text), "%s %s %d:%d %s", text_at(node, "path"),
		       text_at(node, "type"),
		       (int)json_integer_value(json_object_get(node, "major")),
		       (int)json_integer_value(json_object_get(node, "minor")),
		       text_at(node, "permissions"));
	assert_string_equal(text, expected);
}

static void test_cdi_file_has_the_slice_and_each_of_its_devices(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", "nic-enp5s0", "nic-enp6s0",
					       NULL };
	_cleanup_json_ json_t *document = NULL;
	struct bench *b = *state;
	const json_t *list;
	struct stat st;

	give_slice(b, "job-1", devices);
	(void)umask(077); /* that of the unit */
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	document = written(b);
	valid_spec(document);
	assert_string_equal(text_at(document, "cdiVersion"), "0.3.0");
	assert_string_equal(text_at(document, "kind"), "reeve.internal/slice");
	list = json_object_get(document, "devices");
	assert_int_equal(json_array_size(list), 3); /* a NIC without nodes is none */
	assert_string_equal(text_at(json_array_get(list, 0), "name"), "job-1.gpu-0000_03_00.0");
	assert_node(json_array_get(list, 0), 0, "/dev/dri/card1 c 226:1 rw");
	assert_node(json_array_get(list, 0), 1, "/dev/dri/renderD128 c 226:128 rw");
	assert_node(json_array_get(list, 1), 0, "/dev/infiniband/uverbs0 c 231:192 rw");
	assert_node(json_array_get(list, 1), 1, "/dev/infiniband/rdma_cm c 10:124 rw");
	assert_string_equal(text_at(json_array_get(list, 2), "name"), "job-1");
	assert_node(json_array_get(list, 2), 3, "/dev/infiniband/rdma_cm c 10:124 rw");
	assert_string_equal(json_string_value(json_array_get(b->slice->cdi, 0)),
			    "reeve.internal/slice=job-1");
	assert_int_equal(json_array_size(b->slice->cdi), 3);
	assert_int_equal(stat(b->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(stat(b->cdi_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
}

static void test_cdi_file_is_replaced_only_when_it_says_something_else(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", NULL };
	struct stat before, after;
	struct bench *b = *state;

	give_slice(b, "1st", devices);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	assert_int_equal(stat(b->file, &before), 0);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	assert_int_equal(stat(b->file, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_int_equal(fs_remove_tree(AT_FDCWD, b->file), 0);
	cdi_inventory_changed(&b->manager); /* somebody's tidiness */
	assert_int_equal(stat(b->file, &after), 0);
	tree_file(b->root, "sys/class/drm/card1/dev", "226:7\n");
	tree_file(b->root, "sys/dev/char/226:7/uevent", "DEVNAME=dri/card7\n");
	cdi_inventory_changed(&b->manager);
	{
		_cleanup_json_ json_t *document = written(b);
		const json_t *list = json_object_get(document, "devices");

		valid_spec(document);
		assert_string_equal(text_at(document, "cdiVersion"), "0.5.0"); /* the digit */
		assert_node(json_array_get(list, 0), 0, "/dev/dri/card7 c 226:7 rw");
	}
}

static void test_cdi_file_goes_with_the_slice_and_with_its_devices(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", NULL };
	struct bench *b = *state;

	give_slice(b, "job-1", devices);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	assert_true(is_there(b));
	ledger_release(b->manager.ledger, "job-1");
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0); /* it has none any more */
	assert_false(is_there(b));
	assert_false(is_left(b));
	assert_null(b->slice->cdi);
	hold_cdi.give(b->slice); /* idempotent */
}

/* What is in the way goes some time, and nobody else would remove the file then. */
static void test_cdi_file_that_could_not_be_removed_is_tried_again(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", NULL };
	struct bench *b = *state;

	give_slice(b, "job-1", devices);
	assert_int_equal(fs_make_dirs(b->file, 0755), 0);
	hold_cdi.give(b->slice);
	assert_true(is_left(b));
	assert_int_equal(rmdir(b->file), 0);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	assert_true(is_there(b));
	assert_false(is_left(b));
	assert_false(is_there(b));
}

static void test_cdi_orphans_go_and_others_files_stay(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", NULL };
	static const char *const stay[] = { "nvidia.yaml",
					    "reeve.internal-slice-0badcafe_gone.json",
					    "reeve.internal-slice_.json",
					    "reeve.internal-slice_gone.yaml" };
	static const char *const go[] = { "reeve.internal-slice_gone.json",
					  "reeve.internal-slice_gone.json.new" };
	struct bench *b = *state;
	_cleanup_close_ int dir = -1;

	give_slice(b, "job-1", devices);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	dir = fs_open_dir(AT_FDCWD, b->cdi_dir);
	for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
		put_file(dir, stay[i], "{}");
	for (size_t i = 0; i < ARRAY_SIZE(go); i++)
		put_file(dir, go[i], "{}");
	cdi_clear_orphans(&b->manager);
	for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
		assert_true(fs_exists(dir, stay[i]));
	for (size_t i = 0; i < ARRAY_SIZE(go); i++)
		assert_false(fs_exists(dir, go[i]));
	assert_true(is_there(b));
}

static void test_cdi_follows_no_link_and_survives_a_directory_that_is_none(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", NULL };
	struct bench *b = *state;
	char elsewhere[128];

	give_slice(b, "job-1", devices);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", b->scratch.path);
	assert_int_equal(fs_make_dirs(elsewhere, 0755), 0);
	assert_int_equal(mkdirat(b->scratch.fd, "run", 0755), 0);
	assert_int_equal(symlink(elsewhere, b->cdi_dir), 0);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	assert_null(b->slice->cdi); /* no name that nobody can look up */
	assert_true(b->slice->cdi_failed);
	assert_int_equal(rmdir(elsewhere), 0); /* nothing in it */
}

static void test_cdi_can_be_turned_off(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", NULL };
	struct bench *b = *state;

	give_slice(b, "job-1", devices);
	assert_int_equal(config_set(&b->config, "isolation", "cdi-dir", "none", NULL), 0);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	assert_null(b->slice->cdi);
	assert_int_equal(config_set(&b->config, "isolation", "cdi-dir", "run/cdi", NULL), -EINVAL);
	hold_cdi.give(b->slice);
	cdi_clear_orphans(&b->manager);
}

static void test_cdi_node_without_a_kernel_name_is_looked_for_in_dev(void **state)
{
	static const char *const devices[] = { "gpu-0000:03:00.0", NULL };
	_cleanup_json_ json_t *document = NULL;
	struct bench *b = *state;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/sys/dev/char/226:1/uevent", b->root);
	assert_int_equal(unlink(path), 0);
	tree_directory(b->root, "dev");
	(void)snprintf(path, sizeof(path), "%s/dev/nvidia0", b->root);
	if (mknod(path, S_IFCHR | 0600, (226 << 8) | 1) < 0) {
		print_message("skipped: no device node can be made: %s\n", strerror(errno));
		skip();
	}
	give_slice(b, "job-1", devices);
	assert_int_equal(hold_cdi.take(b->slice, NULL, NULL), 0);
	document = written(b);
	valid_spec(document);
	assert_node(json_array_get(json_object_get(document, "devices"), 0), 0,
		    "/dev/nvidia0 c 226:1 rw");
	assert_string_equal(
		json_string_value(json_array_get(
			json_object_get(
				json_object_get(
					json_array_get(json_object_get(document, "devices"), 1),
					"containerEdits"),
				"env"),
			1)),
		"NVIDIA_VISIBLE_DEVICES=void");
}

#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, bench_open, bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cdi_version_is_the_lowest_that_has_every_field),
		cmocka_unit_test(test_cdi_name_has_allowed_characters_only),
		BENCH_TEST(test_cdi_file_has_the_slice_and_each_of_its_devices),
		BENCH_TEST(test_cdi_file_is_replaced_only_when_it_says_something_else),
		BENCH_TEST(test_cdi_file_goes_with_the_slice_and_with_its_devices),
		BENCH_TEST(test_cdi_file_that_could_not_be_removed_is_tried_again),
		BENCH_TEST(test_cdi_orphans_go_and_others_files_stay),
		BENCH_TEST(test_cdi_follows_no_link_and_survives_a_directory_that_is_none),
		BENCH_TEST(test_cdi_can_be_turned_off),
		BENCH_TEST(test_cdi_node_without_a_kernel_name_is_looked_for_in_dev),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
