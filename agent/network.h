/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Networks of tasks: a network namespace for each task that asks for one, joined to a network by
 * the host's CNI configuration before the task starts, and left when it has ended for good; or with
 * a NIC of the slice in it, which is moved back then. What
 * was begun is written down first ("STATE/network/CONTAINER.json"), so that an agent that is
 * killed, and the next boot, undo it. */

#include "util/fail.h"
#include "wire/json.h"

#include <stdbool.h>

struct inventory;
struct manager;
struct networks;
struct slice;
struct slice_task;
struct task_spec;

#define NETWORK_INTERFACE "eth0" /* of every task in its namespace */

/* Reads what was written down; nothing is begun yet. -ENOMEM. */
int networks_new(struct networks **ret, struct manager *m);
struct networks *networks_free(struct networks *n); /* ends what is under way: it is done again */
/* Adds the NICs that are away to what was found at home, which is not sealed: not to be offered,
 * and unplugged only when their place on the bus is empty. -ENOMEM. */
int networks_add_moved(const struct networks *n, struct inventory *inv);
/* The task that has the NIC, or from which it is on its way back; NULL: none. */
const char *networks_task_with(const struct networks *n, const char *device);
/* When the slices of before are adopted: leaves what nobody is in any more. */
void networks_adopt(struct networks *n);

/* How a task waits for its network: once, unless the network is left or freed before. netns is a
 * descriptor for the callee to take, summary what the task shows of it; or why is set. */
struct network_wish {
	const struct task_spec *spec;
	void (*ready)(struct slice *s, struct slice_task *t, int netns, const struct fail *why,
		      void *userdata);
	void (*drop)(void *userdata); /* after ready, or instead of it */
	void *userdata;
};
/* -EINVAL (code "no-such-network"), -EBUSY ("nic-in-use"), ...: refused at the door; drop is not
 * called then. */
int network_join(struct slice *s, struct slice_task *t, const struct network_wish *wish,
		 struct fail *f);
/* The task is over. Idempotent; it is left behind the caller's back. */
void network_leave(struct slice *s, const struct slice_task *t);

/* Somebody wants its end, maybe once more: what could not be left is tried again now. */
void network_again(struct slice *s);
/* The slice is taken down: whether something of it is still being left. carve_go_on() is called
 * when that is over, be it well or not. */
bool network_await(struct slice *s);
/* What could not be left is tried again, and is a leak of the slice: hold_network of hold.h. */
