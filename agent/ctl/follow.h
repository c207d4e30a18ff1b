/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One GET whose body is taken as it comes, on the session's loop: task output and events. */

#include "ctl/session.h"

struct follow {
	/* Set by the caller. data's negative return ends the stream. */
	int (*data)(const char *bytes, size_t size, void *userdata);
	void (*done)(void *userdata); /* may be NULL */
	void *userdata;
	/* Told when over. */
	bool over;
	unsigned status; /* 0: no answer, see why */
	struct fail why;
	struct buf problem;		/* body of an answer that is no 200 */
	struct http_exchange *exchange; /* NULL once over */
};

/* Starts it; the struct must stay where it is until it is over or follow_done was called. */
enum ctl_exit follow_start(struct follow *f, struct session *s, const char *path);
void follow_done(struct follow *f); /* cancels what is under way */

/* Turns the loop until it is over, and says what the end means. */
enum ctl_exit follow_wait(struct follow *f, struct session *s);

/* A data callback that writes to the file descriptor whose number userdata points to. */
int follow_to_fd(const char *bytes, size_t size, void *fd);
