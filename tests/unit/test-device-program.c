/* SPDX-License-Identifier: Apache-2.0 */
/* The program that device rules become, run by a small machine of the test's own: what it allows is
 * what the rules say, for every access. That the kernel's verifier takes it, and answers the same,
 * is shown by test-device-filter. */
#include "cgroups/device_program.h"

#include "util/cleanup.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { R = DEVICE_ACCESS_READ, W = DEVICE_ACCESS_WRITE, M = DEVICE_ACCESS_MKNOD };

struct program {
	struct bpf_insn *items;
	size_t count;
};

static void program_done(struct program *p)
{
	free(p->items);
}

static void step_number(uint64_t registers[11], const struct bpf_insn *i)
{
	uint32_t value = (uint32_t)registers[i->dst_reg], number = (uint32_t)i->imm;

	switch (i->code & 0xf8) {
	case BPF_MOV | BPF_K:
		value = number;
		break;
	case BPF_MOV | BPF_X:
		value = (uint32_t)registers[i->src_reg];
		break;
	case BPF_AND | BPF_K:
		value &= number;
		break;
	case BPF_RSH | BPF_K:
		value >>= number;
		break;
	default:
		fail_msg("instruction %02x is not known here", i->code);
	}
	registers[i->dst_reg] = value; /* 32-bit operations clear the upper half */
}

/* Of Documentation/bpf/standardization/instruction-set.rst what the program uses. */
static bool run(const struct program *p, bool block, uint32_t major, uint32_t minor,
		uint32_t access)
{
	const struct bpf_cgroup_dev_ctx context = {
		.access_type = access << 16 | (block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	uint64_t registers[11] = { 0 };
	bool has_context = true;

	for (size_t at = 0; at < p->count; at++) {
		const struct bpf_insn *i = &p->items[at];

		assert_true(i->dst_reg < 10);
		if (i->code == (BPF_JMP | BPF_EXIT))
			return registers[0] != 0;
		if (i->code == (BPF_LDX | BPF_MEM | BPF_W)) {
			uint32_t word;

			assert_true(has_context && i->src_reg == 1);
			assert_in_range(i->off, 0, sizeof(context) - sizeof(word));
			memcpy(&word, (const char *)&context + i->off, sizeof(word));
			registers[i->dst_reg] = word;
		} else if (i->code == (BPF_JMP32 | BPF_K | BPF_JNE)) {
			assert_true(i->off >= 0); /* it ends */
			if ((uint32_t)registers[i->dst_reg] != (uint32_t)i->imm)
				at += (size_t)i->off;
		} else {
			assert_int_equal(BPF_CLASS(i->code), BPF_ALU);
			step_number(registers, i);
			has_context &= i->dst_reg != 1;
		}
	}
	fail_msg("it runs out of its instructions");
	return false;
}

static void make(const struct device_rules *rules, struct program *ret)
{
	assert_int_equal(cg_device_assemble(rules, &ret->items, &ret->count), 0);
	assert_in_range(ret->count, 1, CG_DEVICE_INSTRUCTIONS_MAX);
}

static const struct device_rule some[] = {
	{ false, 1, 3, R | W | M },
	{ false, 136, DEVICE_RULE_ANY, R | W },
	{ true, 259, 4, R },
	{ false, DEVICE_RULE_ANY, DEVICE_RULE_ANY, M },
	{ true, 0, 0, W },
	{ true, DEVICE_RULE_ANY, 7, R },
	{ false, 4095, 1048575, R | W },
};

/* What the rules mean, said another way. */
static bool allowed(const struct device_rules *rules, bool block, uint32_t major, uint32_t minor,
		    uint32_t access)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct device_rule *rule = &rules->items[i];

		if (rule->block == block && (access | rule->access) == rule->access &&
		    (rule->major == DEVICE_RULE_ANY || rule->major == major) &&
		    (rule->minor == DEVICE_RULE_ANY || rule->minor == minor))
			return true;
	}
	return false;
}

static void test_program_allows_what_the_rules_say_and_nothing_else(void **state)
{
	static const uint32_t majors[] = { 0, 1, 2, 136, 137, 259, 4094, 4095 };
	static const uint32_t minors[] = { 0, 3, 4, 7, 255, 1048575 };
	const struct device_rules rules = { (struct device_rule *)some, ARRAY_SIZE(some) };
	_cleanup_(program_done) struct program p = { 0 };
	unsigned yes = 0, no = 0;

	(void)state;
	make(&rules, &p);
	for (size_t i = 0; i < ARRAY_SIZE(majors) * ARRAY_SIZE(minors) * 2 * 8; i++) {
		uint32_t major = majors[i / 16 / ARRAY_SIZE(minors)];
		uint32_t minor = minors[i / 16 % ARRAY_SIZE(minors)], access = i % 8;
		bool block = i / 8 % 2, is = run(&p, block, major, minor, access);

		if (is != allowed(&rules, block, major, minor, access))
			fail_msg("%c %u:%u %u is %s", block ? 'b' : 'c', major, minor, access,
				 is ? "allowed" : "refused");
		yes += is;
		no += !is;
	}
	assert_true(yes > 50 && no > 50);
}

static void test_program_of_no_rules_allows_nothing(void **state)
{
	const struct device_rules none = { 0 };
	_cleanup_(program_done) struct program p = { 0 };

	(void)state;
	make(&none, &p);
	for (uint32_t access = 0; access < 8; access++) {
		assert_false(run(&p, false, 1, 3, access));
		assert_false(run(&p, true, 0, 0, access));
	}
}

static void test_program_needs_one_rule_that_allows_the_whole_access(void **state)
{
	struct device_rule halves[] = { { false, 10, 200, R }, { false, 10, DEVICE_RULE_ANY, W } };
	const struct device_rules rules = { halves, ARRAY_SIZE(halves) };
	_cleanup_(program_done) struct program p = { 0 };

	(void)state;
	make(&rules, &p);
	assert_true(run(&p, false, 10, 200, R));
	assert_true(run(&p, false, 10, 200, W));
	assert_false(run(&p, false, 10, 200, R | W));
}

static void test_program_of_the_same_rules_is_the_same(void **state)
{
	const struct device_rules rules = { (struct device_rule *)some, ARRAY_SIZE(some) };
	_cleanup_(program_done) struct program a = { 0 }, b = { 0 };

	(void)state;
	make(&rules, &a);
	make(&rules, &b);
	assert_int_equal(a.count, b.count);
	assert_memory_equal(a.items, b.items, a.count * sizeof(*a.items));
}

static void test_program_has_an_end_to_its_length(void **state)
{
	_cleanup_(device_rules_done) struct device_rules rules = { 0 };
	_cleanup_(program_done) struct program p = { 0 };
	uint32_t most = 0;
	int r = 0;

	(void)state;
	for (uint32_t i = 0; i < DEVICE_RULES_MAX && r == 0; i++) {
		assert_int_equal(device_rules_add(&rules, &(struct device_rule){ true, 8, i, R }),
				 0);
		program_done(&p);
		p = (struct program){ 0 };
		r = cg_device_assemble(&rules, &p.items, &p.count);
		assert_true(p.count <= CG_DEVICE_INSTRUCTIONS_MAX);
		most = r == 0 ? i + 1 : most;
	}
	assert_int_equal(r, -E2BIG);
	assert_in_range(most, 500, 520);
	rules.count = most;
	make(&rules, &p);
	assert_true(run(&p, true, 8, most - 1, R));
	assert_false(run(&p, true, 8, most, R));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_allows_what_the_rules_say_and_nothing_else),
		cmocka_unit_test(test_program_of_no_rules_allows_nothing),
		cmocka_unit_test(test_program_needs_one_rule_that_allows_the_whole_access),
		cmocka_unit_test(test_program_of_the_same_rules_is_the_same),
		cmocka_unit_test(test_program_has_an_end_to_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
