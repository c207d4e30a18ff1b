/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* sd_notify(3) for a Type=notify service; everything is harmless where no one listens. */

#include "util/fail.h"

#include <stdint.h>
#include <systemd/sd-event.h>

void notify_ready(const char *status);
void notify_status(const char *status);
void notify_stopping(void);
/* Feeds the watchdog from the loop when the manager asked for it (WATCHDOG_USEC); a loop that hangs
 * is killed and started anew. 0 also where it did not ask. */
int notify_watchdog(sd_event *loop);
/* Sockets passed by the manager (sd_listen_fds): the first unix stream listener, or -1.
 * To be called once; the other sockets passed are closed. */
int notify_take_listener(void);
