/* SPDX-License-Identifier: Apache-2.0 */
/* The program that device rules become; see device_program.h. It is a list, as the rules are: a
 * slice has some twenty, and a device is opened rarely. What the kernel tells is taken apart once,
 * then each rule is a few comparisons that skip to the next one, and "allow" at its end. */
#include "cgroups/device_program.h"

#include "util/cleanup.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>

enum { /* registers; the context comes in 1, the answer goes out in 0 */
       TYPE = BPF_REG_2,
       ACCESS = BPF_REG_3,
       MAJOR = BPF_REG_4,
       MINOR = BPF_REG_5,
       SCRATCH = BPF_REG_1, /* the context is not needed behind the prologue */
};

enum {
	RULE_INSTRUCTIONS_MAX = 8, /* of put_rule() */
	FRAME_INSTRUCTIONS = 8,	   /* prologue and refusal */
	ACCESS_ALL = DEVICE_ACCESS_MKNOD | DEVICE_ACCESS_READ | DEVICE_ACCESS_WRITE,
};

_Static_assert((int)DEVICE_ACCESS_MKNOD == (int)BPF_DEVCG_ACC_MKNOD &&
		       (int)DEVICE_ACCESS_READ == (int)BPF_DEVCG_ACC_READ &&
		       (int)DEVICE_ACCESS_WRITE == (int)BPF_DEVCG_ACC_WRITE,
	       "the bits of a rule are the kernel's");

struct code {
	struct bpf_insn *items;
	size_t count;
};

static void put(struct code *c, struct bpf_insn instruction)
{
	c->items[c->count++] = instruction;
}

static void put_load(struct code *c, uint8_t into, size_t offset)
{
	put(c, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
				  .dst_reg = into,
				  .src_reg = BPF_REG_1,
				  .off = (int16_t)offset });
}

static void put_with_number(struct code *c, uint8_t operation, uint8_t reg, uint32_t number)
{
	put(c, (struct bpf_insn){ .code = BPF_ALU | BPF_K | operation,
				  .dst_reg = reg,
				  .imm = (int32_t)number });
}

static void put_copy(struct code *c, uint8_t into, uint8_t from)
{
	put(c, (struct bpf_insn){
		       .code = BPF_ALU | BPF_X | BPF_MOV, .dst_reg = into, .src_reg = from });
}

/* How far it skips is known when the rule ends. BPF_JMP32 compares 32 bits (Linux 5.1). */
static void put_unless(struct code *c, uint8_t reg, uint32_t number)
{
	put(c, (struct bpf_insn){ .code = BPF_JMP32 | BPF_K | BPF_JNE,
				  .dst_reg = reg,
				  .imm = (int32_t)number });
}

static void put_answer(struct code *c, uint32_t answer)
{
	put_with_number(c, BPF_MOV, BPF_REG_0, answer);
	put(c, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* access_type is (access << 16) | type. */
static void put_prologue(struct code *c)
{
	put_load(c, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	put_copy(c, ACCESS, TYPE);
	put_with_number(c, BPF_AND, TYPE, 0xffff);
	put_with_number(c, BPF_RSH, ACCESS, 16);
	put_load(c, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	put_load(c, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

static bool is_skip(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_JMP32 | BPF_K | BPF_JNE);
}

static void put_rule(struct code *c, const struct device_rule *rule)
{
	size_t first = c->count;

	put_unless(c, TYPE, rule->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->access != ACCESS_ALL) {
		put_copy(c, SCRATCH, ACCESS);
		put_with_number(c, BPF_AND, SCRATCH, ~rule->access);
		put_unless(c, SCRATCH, 0);
	}
	if (rule->major != DEVICE_RULE_ANY)
		put_unless(c, MAJOR, rule->major);
	if (rule->minor != DEVICE_RULE_ANY)
		put_unless(c, MINOR, rule->minor);
	put_answer(c, 1);
	for (size_t i = first; i < c->count; i++)
		if (is_skip(&c->items[i]))
			c->items[i].off = (int16_t)(c->count - i - 1);
}

int cg_device_assemble(const struct device_rules *rules, struct bpf_insn **ret, size_t *ret_count)
{
	struct code c = { 0 };

	if (rules->count >
	    (CG_DEVICE_INSTRUCTIONS_MAX - FRAME_INSTRUCTIONS) / RULE_INSTRUCTIONS_MAX)
		return -E2BIG;
	c.items =
		calloc(FRAME_INSTRUCTIONS + rules->count * RULE_INSTRUCTIONS_MAX, sizeof(*c.items));
	if (!c.items)
		return -ENOMEM;
	put_prologue(&c);
	for (size_t i = 0; i < rules->count; i++)
		put_rule(&c, &rules->items[i]);
	put_answer(&c, 0);
	*ret = c.items;
	*ret_count = c.count;
	return 0;
}
