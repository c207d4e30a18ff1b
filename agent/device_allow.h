/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a site lets every slice open beside the usual: the key device-allow of reeved.conf(5), a
 * list of rules ("c 10:232 rw") and of names below /dev with wildcards ("/dev/kvm", "/dev/ptp* r").
 * Names become numbers when a slice is carved, so that a node may come later than the agent. */

#include "util/device_rule.h"

enum { DEVICE_ALLOW_MAX = 64 }; /* entries */

struct device_allow_entry {
	char *pattern; /* NULL: the rule as it is; else its access for each match */
	struct device_rule rule;
};

struct device_allow {
	struct device_allow_entry *items;
	size_t count;
};

/* Entries with commas between; "" is an empty list. *ret is replaced. -EINVAL, -ERANGE (a number,
 * or too many), -ENOMEM: *ret is as it was. */
int device_allow_parse(const char *text, struct device_allow *ret);
void device_allow_done(struct device_allow *allow);
/* The rules, with what the names stand for now on this host. -ENOMEM, -E2BIG. */
int device_allow_rules(const struct device_allow *allow, struct device_rules *into);
