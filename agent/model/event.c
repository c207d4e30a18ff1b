/* SPDX-License-Identifier: Apache-2.0 */
/* Names of events; see event.h. */
#include "model/event.h"

STRTAB_DEFINE(
	event_kind, enum event_kind, [EVENT_AGENT_STARTED] = "agent.started",
	[EVENT_AGENT_STOPPING] = "agent.stopping", [EVENT_INVENTORY_CHANGED] = "inventory.changed",
	[EVENT_SLICE_CREATED] = "slice.created", [EVENT_SLICE_DELETED] = "slice.deleted",
	[EVENT_SLICE_ADOPTED] = "slice.adopted", [EVENT_SLICE_LOST] = "slice.lost",
	[EVENT_SLICE_FAILED] = "slice.failed", [EVENT_SLICE_PRESSURE] = "slice.pressure",
	[EVENT_SLICE_REVOKED] = "slice.revoked", [EVENT_NODE_PRESSURE] = "node.pressure",
	[EVENT_SLICE_RESIZING] = "slice.resizing", [EVENT_SLICE_RESIZED] = "slice.resized",
	[EVENT_SLICE_RESIZE_FAILED] = "slice.resize-failed", [EVENT_SLICE_FROZEN] = "slice.frozen",
	[EVENT_SLICE_THAWED] = "slice.thawed", [EVENT_REQUEST_QUEUED] = "request.queued",
	[EVENT_REQUEST_ENDED] = "request.ended", [EVENT_TASK_STARTED] = "task.started",
	[EVENT_TASK_STOPPING] = "task.stopping", [EVENT_TASK_WAITING] = "task.waiting",
	[EVENT_TASK_EXITED] = "task.exited", [EVENT_TASK_FAILED] = "task.failed",
	[EVENT_TASK_LOST] = "task.lost", [EVENT_HEALTH_CHANGED] = "health.changed",
	[EVENT_HEARTBEAT] = "heartbeat", [EVENT_STREAM_LOST] = "stream.lost");
