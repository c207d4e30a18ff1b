/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/cpuinfo by processor and key. */
#include "drivers/cpuinfo.h"

#include "tests/unit/small-machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CPUINFO                                                                                 \
	"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A  B \nmicrocode\t: 0x1a\n\n" \
	"processor\t: 12\nmodel name\t:\nmodel name\t: C\nmicrocode\t: 0x1b\n"

static void expect(const char *text, unsigned cpu, const char *key, const char *value)
{
	const struct cpuinfo c = { .text = (char *)text };
	char room[8] = "before";

	if (!value) {
		assert_false(cpuinfo_value(&c, cpu, key, room, sizeof(room)));
		return;
	}
	assert_true(cpuinfo_value(&c, cpu, key, room, sizeof(room)));
	assert_string_equal(room, value);
}

static void test_cpuinfo_finds_the_value_of_the_right_processor(void **state)
{
	(void)state;
	expect(CPUINFO, 0, "microcode", "0x1a");
	expect(CPUINFO, 12, "microcode", "0x1b");
	expect(CPUINFO, 0, "model name", "A  B");
	expect(CPUINFO, 12, "model name", "C");
	expect(CPUINFO, 1, "microcode", NULL);
	expect(CPUINFO, 12, "vendor_id", NULL);
}

static void test_cpuinfo_takes_whole_keys_only(void **state)
{
	(void)state;
	expect(CPUINFO, 0, "model", NULL);
	expect(CPUINFO, 0, "name", NULL);
	expect("processor: 0\nmicrocode_x : 1\n", 0, "microcode", NULL);
}

static void test_cpuinfo_cuts_a_value_to_the_room(void **state)
{
	(void)state;
	expect(CPUINFO, 0, "vendor_id", "Genuine");
}

static void test_cpuinfo_survives_garbage(void **state)
{
	(void)state;
	expect(NULL, 0, "microcode", NULL);
	expect("", 0, "microcode", NULL);
	expect("\n\n\n", 0, "microcode", NULL);
	expect("processor", 0, "microcode", NULL);
	expect("processor\t: 0", 0, "microcode", NULL);
	expect("processor\t: 0\nmicrocode\t:", 0, "microcode", NULL);
	expect("processor\t: 99999999999\nmicrocode\t: 1", 0, "microcode", NULL);
	expect("microcode\t: 1", 0, "microcode", NULL);
}

static void test_cpuinfo_of_a_machine_without_one_has_no_values(void **state)
{
	struct host *host = small_machine_open(NULL, "proc/uptime = 1\n");
	struct cpuinfo c = { 0 };

	(void)state;
	assert_int_equal(cpuinfo_read(&c, host), 0);
	assert_null(c.text);
	cpuinfo_done(&c);
	small_machine_close(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpuinfo_finds_the_value_of_the_right_processor),
		cmocka_unit_test(test_cpuinfo_takes_whole_keys_only),
		cmocka_unit_test(test_cpuinfo_cuts_a_value_to_the_room),
		cmocka_unit_test(test_cpuinfo_survives_garbage),
		cmocka_unit_test(test_cpuinfo_of_a_machine_without_one_has_no_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
