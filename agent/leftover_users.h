/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which processes use what may be left over: by the users that they run under, and by what they
 * have open or mapped of /dev/shm and /dev/mqueue. proc_pid_status(5), proc_pid_fd(5),
 * proc_pid_maps(5).
 */

#include "leftover_files.h"

enum leftover_process_answer { LEFTOVER_PROCESS_THERE = 0, LEFTOVER_PROCESS_GONE = 1 };

/* The real, effective, saved and file system user. One that has ended and was not awaited yet is
 * gone. -EBADMSG, or why it cannot be read. */
int leftover_process_users(int proc_fd, int32_t pid, uint32_t ret[4]);
/* CLOCK_REALTIME. -EBADMSG, or why it cannot be read. */
int leftover_process_started(int proc_fd, int32_t pid, uint64_t *ret_usec);

struct leftover_uses {
	const struct leftover_places *places; /* only what is there is told of */
	int (*visit)(const struct leftover_node *node, bool writable, void *userdata);
	void *userdata;
};

/* Each file that it has open or mapped, some of them twice. LEFTOVER_PROCESS_GONE, or why it cannot
 * be looked into; what the visitor returns but 0 ends it. */
int leftover_process_files(int proc_fd, int32_t pid, const struct leftover_uses *uses);
/* One line of /proc/PID/maps, which is cut to pieces. -EBADMSG; 1: it maps no file. */
int leftover_maps_line(char *line, struct leftover_node *ret, bool *ret_writable);
