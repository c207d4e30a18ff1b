/* SPDX-License-Identifier: Apache-2.0 */
/* Which adapters compute, by the table of rules. */
#include "drivers/gpu-rule.h"

#include "model/device.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UNKNOWN DEVICE_UNKNOWN_U32

static const struct {
	const char *what;
	struct gpu_evidence evidence;
	bool compute;
} vectors[] = {
	{ "a 3D controller", { 0x030200, 0x10de, 0x1db8, false, false }, true },
	{ "a processing accelerator", { 0x120000, 0x1da3, 0x1000, false, false }, true },
	{ "an NVIDIA VGA adapter without a word of its driver",
	  { 0x030000, 0x10de, 0x2684, false, false },
	  true },
	{ "an AMD VGA adapter with a render node",
	  { 0x030000, 0x1002, 0x73bf, false, true },
	  true },
	{ "an AMD VGA adapter with a KFD node", { 0x030000, 0x1002, 0x66af, true, false }, true },
	{ "an AMD VGA adapter that nothing drives",
	  { 0x030000, 0x1002, 0x66af, false, false },
	  false },
	{ "a virtio GPU with a render node", { 0x030000, 0x1af4, 0x1050, false, true }, true },
	{ "a virtio GPU without one", { 0x030000, 0x1af4, 0x1050, false, false }, false },
	{ "the screen of an ASPEED BMC", { 0x030000, 0x1a03, 0x2000, false, false }, false },
	{ "the same, by a driver with a render node",
	  { 0x030000, 0x1a03, 0x2000, false, true },
	  false },
	{ "a Matrox G200", { 0x030000, 0x102b, 0x0534, false, false }, false },
	{ "an ATI ES1000 on a server board", { 0x030000, 0x1002, 0x515e, false, true }, false },
	{ "a Xeon Phi", { 0x0b4000, 0x8086, 0x225c, false, false }, false },
	{ "a VGA adapter that the NVIDIA driver lists, vendor untold",
	  { 0x030000, UNKNOWN, UNKNOWN, true, false },
	  true },
	{ "a render node on no bus", { UNKNOWN, UNKNOWN, UNKNOWN, false, true }, true },
	{ "nothing known at all", { UNKNOWN, UNKNOWN, UNKNOWN, false, false }, false },
};

static void test_gpu_rule_says_what_computes_and_why_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct gpu_verdict v = gpu_rule(&vectors[i].evidence);

		if (v.compute != vectors[i].compute)
			fail_msg("%s: compute is %d", vectors[i].what, v.compute);
		if (v.compute != !v.reason)
			fail_msg("%s: the reason does not fit", vectors[i].what);
	}
}

static void test_gpu_rule_takes_display_accelerator_and_coprocessor_classes(void **state)
{
	(void)state;
	assert_true(gpu_rule_class(0x030000));
	assert_true(gpu_rule_class(0x038000));
	assert_true(gpu_rule_class(0x120000));
	assert_true(gpu_rule_class(0x0b4000));
	assert_false(gpu_rule_class(0x040300)); /* the sound function of a GPU */
	assert_false(gpu_rule_class(0x020000));
	assert_false(gpu_rule_class(0x0b0000));
	assert_false(gpu_rule_class(UNKNOWN));
}

static void test_gpu_rule_names_makers(void **state)
{
	(void)state;
	assert_string_equal(gpu_rule_vendor(0x10de), "NVIDIA Corporation");
	assert_null(gpu_rule_vendor(0xdead));
	assert_null(gpu_rule_vendor(UNKNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gpu_rule_says_what_computes_and_why_not),
		cmocka_unit_test(test_gpu_rule_takes_display_accelerator_and_coprocessor_classes),
		cmocka_unit_test(test_gpu_rule_names_makers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
