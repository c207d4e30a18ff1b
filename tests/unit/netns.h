/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: a network namespace of the test's own process, and interfaces in it. All assert. */

#include <stdbool.h>
#include <stdint.h>

/* NULL when the process is in one now (once is enough), else a sentence why it cannot be. */
const char *netns_enter(void);

/* A cable: two interfaces, set down. The carrier of each is there while both are set up. */
void netns_cable(const char *name, const char *other);
void netns_remove(const char *name); /* with its other end */
void netns_set_up(const char *name, bool up);

struct netns_address {
	const char *interface, *text; /* "192.0.2.1/24" */
	uint32_t lifetime_sec;	      /* 0: for ever */
};
void netns_add(const struct netns_address *address); /* or renews it */
void netns_drop(const struct netns_address *address);
