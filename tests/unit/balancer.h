/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stand-in for irqbalance 1.9: its socket, and behind it what it does with each order. It reads
 * once, at most 500 bytes, believes root by SCM_CREDENTIALS, answers "setup" alone, and hangs up.
 * Interrupts to be left alone it takes at once; CPUs it goes by, and tells, from its next round on
 * (need_rescan of sock_handle(), setup_banned_cpus()). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct balancer_state; /* what both processes see */

struct balancer {
	int fd;	     /* of its socket */
	pid_t child; /* 0: nobody serves */
	struct balancer_state *state;
};

/* Makes its process and its socket in a made tree. own: the CPUs that it leaves alone by its own
 * configuration, below 64. */
void balancer_open(struct balancer *b, const char *root, pid_t pid, uint64_t own);
/* answer: of "setup", whatever was told before; NULL: what is so. */
void balancer_serve(struct balancer *b, const char *answer);
void balancer_round(struct balancer *b);
/* All orders but "setup" so far, a line each. */
const char *balancer_heard(const struct balancer *b);
void balancer_close(struct balancer *b);
