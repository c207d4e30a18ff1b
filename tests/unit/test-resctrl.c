/* SPDX-License-Identifier: Apache-2.0 */
/* resctrl as text: schemata and info of Intel, with code and data apart, of AMD and of arm64; and a
 * directory that stands in for the file system, which refuses nothing. */
#include "cgroups/resctrl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

static const char intel_cdp[] = "    MB:0=100;1=100\n"
				"L3CODE:0=7ff;1=7ff\n"
				"L3DATA:0=7ff;1=7f0\n";
static const char amd[] = "  SMBA:0=2048;1=2048\n"
			  "    MB:0=2048;1=  16\n"
			  "    L3:0=ffff;1=ffff\n";
static const char arm[] = "    MB:0=100;36=100\n"
			  "    L3:0=fffff;36=0000f\n";

static void test_resctrl_reads_what_kernels_write(void **state)
{
	static const struct {
		const char *text, *resource;
		size_t count;
		uint32_t domain;
		uint64_t value;
	} vectors[] = {
		{ intel_cdp, "L3DATA", 6, 1, 0x7f0 },
		{ intel_cdp, "MB", 6, 0, 100 },
		{ amd, "MB", 6, 1, 16 },
		{ amd, "L3", 6, 0, 0xffff },
		{ arm, "L3", 4, 36, 0xf },
		{ "L3:0=fffff", "L3", 1, 0, 0xfffff },
		{ "MB:0=4294967295\n", "MB", 1, 0, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(rdt_shares_done) struct rdt_shares s = { 0 };
		const struct rdt_share *share;

		assert_int_equal(rdt_parse(vectors[i].text, &s), 0);
		assert_int_equal(s.count, vectors[i].count);
		share = rdt_find(&s, vectors[i].resource, vectors[i].domain);
		assert_non_null(share);
		assert_true(share->value == vectors[i].value);
		assert_null(rdt_find(&s, vectors[i].resource, 77));
	}
}

static void test_resctrl_refuses_other_text(void **state)
{
	static const char *const garbage[] = {
		"L3",
		"L3 0=f",
		":0=f",
		"L3:0",
		"L3:0=",
		"L3:=f",
		"L3:0=0xf",
		"L3:0=-f",
		"L3:0=fg",
		"L3:0=f;0=f",
		"L3:0=f\nL3:0=f",
		"MB:0=f",
		"MB:0=1e2",
		"MB:-1=10",
		"MB:0=99999999999999999999999",
		"A-NAME-OF-TOO-MANY-BYTES:0=1",
		"L3:uninitialized",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct rdt_shares s = { 0 };

		assert_int_equal(rdt_parse(garbage[i], &s), -EBADMSG);
		assert_null(s.items);
	}
}

static void put_info(int root, const char *folder, const char *file, const char *text)
{
	char path[64];

	(void)mkdirat(root, "info", 0755);
	(void)snprintf(path, sizeof(path), "info/%s", folder);
	(void)mkdirat(root, path, 0755);
	(void)snprintf(path, sizeof(path), "info/%s/%s", folder, file);
	put_file(root, path, text);
}

static void test_resctrl_info_counts_the_fewest_classes(void **state)
{
	struct rdt_info i = { .classes = 99 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_info(s.fd, "L3", "num_closids", "16\n");
	put_info(s.fd, "L3", "cbm_mask", "7ff\n");
	put_info(s.fd, "L3", "min_cbm_bits", "1\n");
	put_info(s.fd, "L3", "shareable_bits", "600\n");
	put_info(s.fd, "MB", "num_closids", "8\n");
	put_info(s.fd, "MB", "min_bandwidth", "10\n");
	put_info(s.fd, "MB", "bandwidth_gran", "10\n");
	put_info(s.fd, "L3_MON", "num_rmids", "176\n");
	put_file(s.fd, "info/last_cmd_status", "ok\n");
	assert_int_equal(rdt_read_info(s.fd, &i), 0);
	assert_true(i.l3 && !i.cdp && i.bandwidth && i.l3_mask == 0x7ff && i.l3_shareable == 0x600);
	assert_true(i.classes == 8 && i.l3_minimum == 1 && i.bandwidth_step == 10);
	put_info(s.fd, "L3", "cbm_mask", "many\n");
	assert_int_equal(rdt_read_info(s.fd, &i), -EBADMSG);
	put_info(s.fd, "L3", "cbm_mask", "0\n");
	assert_int_equal(rdt_read_info(s.fd, &i), -EBADMSG);
	assert_true(i.l3_mask == 0x7ff); /* as it was */
	scratch_done(&s);
}

static void test_resctrl_info_of_apart_code_and_data_and_of_monitoring_alone(void **state)
{
	struct rdt_info i;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_info(s.fd, "L3_MON", "num_rmids", "176\n");
	assert_int_equal(rdt_read_info(s.fd, &i), 0);
	assert_true(!i.l3 && !i.bandwidth && i.classes == 0);
	put_info(s.fd, "L3CODE", "num_closids", "8\n");
	put_info(s.fd, "L3DATA", "num_closids", "8\n");
	put_info(s.fd, "L3DATA", "cbm_mask", "fffff\n");
	put_info(s.fd, "L3DATA", "min_cbm_bits", "2\n");
	assert_int_equal(rdt_read_info(s.fd, &i), 0);
	assert_true(i.l3 && i.cdp && i.l3_mask == 0xfffff && i.l3_minimum == 2 && i.classes == 8);
	scratch_done(&s);
}

static void test_resctrl_writes_lines_as_the_kernel_shows_them(void **state)
{
	static const struct rdt_info info = { .l3_mask = 0xfffff };
	_cleanup_(rdt_shares_done) struct rdt_shares shares = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(rdt_add(&shares, &(struct rdt_share){ "L3", 0, 0xf0 }), 0);
	assert_int_equal(rdt_add(&shares, &(struct rdt_share){ "MB", 0, 50 }), 0);
	assert_int_equal(rdt_add(&shares, &(struct rdt_share){ "L3", 4, 0xfff00 }), 0);
	assert_int_equal(rdt_add(&shares, &(struct rdt_share){ "L3", 4, 1 }), -EBADMSG);
	assert_int_equal(rdt_write(s.fd, NULL, &info, &shares), -ENOENT);
	put_file(s.fd, "schemata", "");
	assert_int_equal(rdt_write(s.fd, NULL, &info, &shares), 0);
	assert_file(s.fd, "schemata", "L3:0=000f0;4=fff00\nMB:0=50\n");
	scratch_done(&s);
}

static void test_resctrl_groups_are_directories(void **state)
{
	char **names = NULL;
	size_t count = 0;
	struct scratch s;
	bool in = true;
	char text[32];
	int root = -1;

	(void)state;
	scratch_open(&s);
	assert_int_equal(rdt_open(s.fd, &root), -ENOENT);
	assert_int_equal(mkdirat(s.fd, "fs", 0755), 0);
	assert_int_equal(mkdirat(s.fd, "fs/resctrl", 0755), 0);
	assert_int_equal(rdt_open(s.fd, &root), -ENOENT); /* not mounted */
	put_file(s.fd, "fs/resctrl/schemata", "L3:0=f\n");
	assert_int_equal(rdt_open(s.fd, &root), 0);
	put_info(root, "L3", "cbm_mask", "f\n");
	assert_int_equal(mkdirat(root, "mon_groups", 0755), 0);
	assert_int_equal(rdt_make(root, "reeve-a"), 0);
	assert_int_equal(rdt_make(root, "reeve-a"), 0);
	assert_int_equal(rdt_list(root, &names, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(names[0], "reeve-a");
	fs_names_free(names);
	put_file(root, "reeve-a/tasks", "12\n345\n");
	assert_int_equal(rdt_has_task(root, "reeve-a", 34, &in), 0);
	assert_false(in);
	assert_int_equal(rdt_has_task(root, "reeve-a", 345, &in), 0);
	assert_true(in);
	put_file(root, "reeve-a/tasks", "");
	assert_int_equal(rdt_add_task(root, "reeve-a", 77), 0);
	assert_file(root, "reeve-a/tasks", "77\n");
	assert_int_equal(unlinkat(root, "reeve-a/tasks", 0), 0);
	assert_int_equal(rdt_remove(root, "reeve-a"), 0);
	assert_int_equal(rdt_remove(root, "reeve-a"), 0);
	put_file(root, "info/last_cmd_status", "mask f7 has non-consecutive 1-bits\n");
	rdt_status(root, text, sizeof(text));
	assert_string_equal(text, ""); /* it does not fit: nothing rather than half */
	put_file(root, "info/last_cmd_status", "ok\n");
	rdt_status(root, text, sizeof(text));
	assert_string_equal(text, "");
	close_fd(root);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resctrl_reads_what_kernels_write),
		cmocka_unit_test(test_resctrl_refuses_other_text),
		cmocka_unit_test(test_resctrl_info_counts_the_fewest_classes),
		cmocka_unit_test(test_resctrl_info_of_apart_code_and_data_and_of_monitoring_alone),
		cmocka_unit_test(test_resctrl_writes_lines_as_the_kernel_shows_them),
		cmocka_unit_test(test_resctrl_groups_are_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
