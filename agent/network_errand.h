/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the child does for a task's network (network.h), and the form of its answer. */

#include "network_record.h"

struct network_task {
	const struct network_record *record;
	const char *interface, *plugin_path, *boot_id;
	char *netns; /* the path at which it is pinned */
	uint64_t limit_usec;
	bool join; /* else leave */
};

enum { NETWORK_ANSWER_LIMIT_BYTES = 4 << 20 };

/* The errand's run; argument: struct network_task. Joining makes the namespace and runs ADD, or
 * moves the NIC there; leaving runs DEL, or moves it back, and takes the namespace away. */
void network_errand(void *argument, int answer);
/* Of the answer: 0, with ADD's result in *ret_result (NULL: none); or what went wrong. */
int network_answer(const char *answer, size_t size, json_t **ret_result, struct fail *f);
