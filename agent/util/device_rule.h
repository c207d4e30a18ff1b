/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which device nodes may be used how: the kernel's numbers, not names below /dev. The form is that
 * of the devices controller's files, "c 10:200 rw"
 * (Documentation/admin-guide/cgroup-v1/devices.rst); numbers are as in linux/kdev_t.h, majors of 12
 * bits and minors of 20. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_RULE_ANY UINT32_MAX /* a major or minor: all of them */
enum {
	DEVICE_RULE_MAJOR_MAX = (1 << 12) - 1,
	DEVICE_RULE_MINOR_MAX = (1 << 20) - 1,
	DEVICE_RULES_MAX = 1024, /* of a list; more nodes than anybody can want to name */
};

enum device_access { /* bits, as BPF_DEVCG_ACC_* of linux/bpf.h */
		     DEVICE_ACCESS_MKNOD = 1,
		     DEVICE_ACCESS_READ = 2,
		     DEVICE_ACCESS_WRITE = 4,
};
#define DEVICE_ACCESS_USE ((uint32_t)(DEVICE_ACCESS_READ | DEVICE_ACCESS_WRITE))

struct device_rule {
	bool block; /* else a character device */
	uint32_t major, minor;
	uint32_t access; /* enum device_access, any of it */
};

struct device_rules { /* the items are its own */
	struct device_rule *items;
	size_t count;
};
void device_rules_done(struct device_rules *rules);
/* Appends; of two for the same numbers one is kept, with the access of both. -ENOMEM; -E2BIG beyond
 * DEVICE_RULES_MAX. */
int device_rules_add(struct device_rules *rules, const struct device_rule *rule);
int device_rules_add_all(struct device_rules *rules, const struct device_rules *more);
bool device_rules_equal(const struct device_rules *a, const struct device_rules *b); /* in order */
/* "c 226:0 rw, c 226:128 rw"; heap, "" for none, NULL without memory. */
char *device_rules_text(const struct device_rules *rules);

/* "c 10:200 rw", "b 259:* r", "c *:* m": one blank between the parts. -EINVAL, -ERANGE. */
int device_rule_parse(const char *text, struct device_rule *ret);
/* Of the letters r, w and m, each at most once, one at least. -EINVAL. */
int device_rule_parse_access(const char *text, uint32_t *ret);
/* "226:128", as the `dev` files of sysfs have it. -EINVAL, -ERANGE. */
int device_rule_parse_numbers(const char *text, uint32_t *ret_major, uint32_t *ret_minor);
