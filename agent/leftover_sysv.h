/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* System V objects of this process's IPC namespace: /proc/sysvipc/{shm,sem,msg}, as ipc/shm.c,
 * sem.c and msg.c of the kernel write them. */

#include "model/leftover.h"

struct leftover_walk {
	/* A positive or negative return ends the walk, and is what it returns. What it is told
	 * of lives until it returns. */
	int (*visit)(const struct leftover *l, void *userdata);
	void *userdata;
};

/* Each line of such a file, which is cut to pieces. -EBADMSG for one of another form. */
int leftover_sysv_parse(enum leftover_kind kind, char *text, const struct leftover_walk *walk);
/* All three kinds; one that the kernel was built without has none. -E2BIG: a file has more bytes
 * than the limit. */
int leftover_sysv_each(int proc_fd, size_t limit_bytes, const struct leftover_walk *walk);
/* Takes away the name and the memory; who has it attached keeps that. Needs CAP_SYS_ADMIN for what
 * others made (ipcctl_obtain_check() of ipc/util.c). -EINVAL: it is gone. */
int leftover_sysv_remove(const struct leftover *l);
