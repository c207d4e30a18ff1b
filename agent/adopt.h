/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* After a start of the agent: finds the slices that an agent before it made. The store names them;
 * the kernel says whether they live: same boot, a reeve-init that answers on its socket. What does
 * not live any more is reported lost, once, and what it left behind is removed. */

struct manager;

void adopt_slices(struct manager *m);
