/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one object of reeve-init: its descriptors and its tasks. One thread, one loop (main.c). */

#include <stdbool.h>
#include <stdint.h>

#include "util/list.h"

enum {
	INIT_TASKS_MAX = 256,
	INIT_CHANNELS_MAX = 4, /* an agent, the one that replaces it, and a tool or two */
	INIT_KEPT_MAX = 4,
};

struct init {
	const char *slice;
	int signals, listener;
	uint64_t accept_after_usec; /* monotonic: out of descriptors until then */
	int cgroup;		    /* the slice's directory; -1: no cgroups, or not yet */
	int record;		    /* final statuses, appended; -1: none wanted */
	int kept[INIT_KEPT_MAX];    /* FRAME_KEEP: never looked at; -1: none */
	bool quitting;
	unsigned task_count;
	struct list tasks;		 /* of struct task, in the order of their start */
	int channels[INIT_CHANNELS_MAX]; /* connected agents; -1: free */
	void *packet; /* FRAME_LIMIT_BYTES of room, touched only as far as packets reach */
};

uint64_t now_usec(void); /* CLOCK_MONOTONIC */
