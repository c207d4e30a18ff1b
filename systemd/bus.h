/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The connection to PID 1 and its jobs. Asynchronous on the caller's sd_event loop; every call has
 * a deadline, because a busy PID 1 may answer late or never. */

#include "util/fail.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct systemd;

/* The system bus (where D-Bus does not run: the manager's private socket, root only), or the bus
 * given (referenced; a test's socketpair). -ENOENT where this host was not booted with systemd
 * (sd_booted). Subscribes to the manager's signals. Nothing blocks here: the answers come on the
 * loop. A connection that breaks ends every waiting job with -ECONNRESET; the next call opens a new
 * one (a bus that was given is not reopened). */
int systemd_open(struct systemd **ret, sd_event *loop, sd_bus *bus, struct fail *f);
struct systemd *systemd_free(struct systemd *s); /* pending callbacks are dropped */
static inline void systemd_freep(struct systemd **s)
{
	systemd_free(*s);
}

/* Called once when a job is over or the call failed: error 0 ("done"), else a sentence. */
typedef void (*systemd_done)(int error, const struct fail *why, void *userdata);

/* The deadline of each call: until the job is over, or a synchronous answer is there. After
 * -ETIMEDOUT the manager may still do what was asked: stop the units before their names are used
 * again (it takes calls in order). Applies to calls made from now on. */
enum { SYSTEMD_TIMEOUT_USEC = 20 * 1000000 };
void systemd_set_timeout(struct systemd *s, uint64_t timeout_usec);
