/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The vocabulary of events. What an event carries beside these is JSON made by whoever reports it.
 */

#include "util/strtab.h"

#include <stdint.h>

enum event_kind {
	EVENT_AGENT_STARTED,
	EVENT_AGENT_STOPPING,
	EVENT_INVENTORY_CHANGED,
	EVENT_SLICE_CREATED,
	EVENT_SLICE_DELETED,
	EVENT_SLICE_ADOPTED,
	EVENT_SLICE_LOST,
	EVENT_SLICE_FAILED,
	EVENT_SLICE_PRESSURE,
	EVENT_SLICE_REVOKED, /* taken from its owner; its end is told too */
	EVENT_NODE_PRESSURE,
	EVENT_SLICE_RESIZING, /* before anything is taken away */
	EVENT_SLICE_RESIZED,
	EVENT_SLICE_RESIZE_FAILED, /* it is as it was before */
	EVENT_SLICE_FROZEN,
	EVENT_SLICE_THAWED,
	EVENT_REQUEST_QUEUED, /* it waits for what is not free now */
	EVENT_REQUEST_ENDED,  /* it waits no more: admitted, or not */
	EVENT_TASK_STARTED,
	EVENT_TASK_STOPPING,
	EVENT_TASK_WAITING,
	EVENT_TASK_EXITED,
	EVENT_TASK_FAILED,
	EVENT_TASK_LOST,
	EVENT_HEALTH_CHANGED,
	EVENT_HEARTBEAT,   /* not numbered: only on streams */
	EVENT_STREAM_LOST, /* not numbered: what a slow reader missed */
	EVENT_KINDS,
};
STRTAB_DECLARE(event_kind, enum event_kind); /* "slice.created", ... */

struct event_about { /* each may be NULL */
	const char *slice, *task, *device;
};
