/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is taken from the tasks of one slice for a while, and given back exactly: memory.high,
 * cpu.max and the freezer of their leaves. reeve-init's leaf is never touched, so that it goes on
 * answering; nor is what PID 1 writes (the slice, the scope). What was there before is kept in a
 * file beside the slice's socket before anything is written: an agent that takes over undoes it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RELIEF_MEMORY = 1 << 0, /* memory.high: no more than it has */
	RELIEF_CPU = 1 << 1,	/* cpu.max: a quarter of its CPUs */
	RELIEF_FREEZE = 1 << 2, /* cgroup.freeze */
};

struct relief;

/* dir: of the slice, below the runtime directory; copied. */
int relief_new(struct relief **ret, const char *dir);
struct relief *relief_free(struct relief *r); /* undoes nothing */

/* Of one slice: its delegated cgroup, and how much CPU it may use at most (thousandths). */
struct relief_target {
	int cgroup;
	uint64_t millicpus;
	/* Leaves that are not frozen now, whatever is asked; NULL: none. */
	bool (*spares)(const char *leaf, const void *userdata);
	const void *userdata;
};

/* Makes exactly these bits true of every leaf that is there now: also of new ones, when it is
 * called again. A value that somebody else has written meanwhile stays theirs. *evidence says what
 * was changed ("" nothing), file by file as read back, and may be cut. -EIO: some of it was refused
 * or did not hold; the rest is done. -ENOMEM, or what writing the file met: nothing was. */
int relief_set(struct relief *r, const struct relief_target *t, unsigned bits, char *evidence,
	       size_t size);
unsigned relief_bits(const struct relief *r); /* in force */

/* After a restart: what an earlier agent's file says is undone, and the file goes. 1: there was
 * something to undo; 0: not. */
int relief_recover(struct relief *r, int cgroup);
