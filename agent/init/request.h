/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What an agent asks for: one packet, done and answered as wire/frame.h says. A value that makes
 * no sense is answered with FRAME_RESULT and its errno. */

#include "init/init.h"
#include "init/order.h"
#include "init/task.h"

enum { REQUEST_FDS = TASK_FDS };

struct request {
	const void *packet;
	size_t size;
	int fds[REQUEST_FDS]; /* -1: none; a handler that keeps one leaves -1 */
	bool fds_lost;	      /* more were sent than fit, or than we may open */

	char task[ORDER_NAME_BYTES]; /* "" when there is none */
	uint32_t signal;
	uint64_t grace_usec;
	bool has_grace;
};

/* -EBADMSG: no frame of ours, or a newer protocol: the connection is worth nothing. */
int request_handle(struct init *i, int *channel, struct request *q);
void request_quit(struct init *i, bool with_grace); /* ends all tasks; the loop ends after them */
