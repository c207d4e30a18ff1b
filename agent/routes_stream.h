/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The routes whose answers have no end: events and logs. */

struct exchange;

void routes_events(struct exchange *x);
void routes_logs(struct exchange *x);
