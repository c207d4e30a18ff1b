/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/event.h"
#include "util/cleanup.h"

static void test_event_kinds_have_the_documented_names_both_ways(void **state)
{
	static const struct {
		enum event_kind kind;
		const char *name;
	} vectors[] = {
		{ EVENT_AGENT_STARTED, "agent.started" },
		{ EVENT_AGENT_STOPPING, "agent.stopping" },
		{ EVENT_INVENTORY_CHANGED, "inventory.changed" },
		{ EVENT_SLICE_CREATED, "slice.created" },
		{ EVENT_SLICE_DELETED, "slice.deleted" },
		{ EVENT_SLICE_ADOPTED, "slice.adopted" },
		{ EVENT_SLICE_LOST, "slice.lost" },
		{ EVENT_SLICE_FAILED, "slice.failed" },
		{ EVENT_SLICE_PRESSURE, "slice.pressure" },
		{ EVENT_SLICE_REVOKED, "slice.revoked" },
		{ EVENT_NODE_PRESSURE, "node.pressure" },
		{ EVENT_SLICE_RESIZING, "slice.resizing" },
		{ EVENT_SLICE_RESIZED, "slice.resized" },
		{ EVENT_SLICE_RESIZE_FAILED, "slice.resize-failed" },
		{ EVENT_SLICE_FROZEN, "slice.frozen" },
		{ EVENT_SLICE_THAWED, "slice.thawed" },
		{ EVENT_REQUEST_QUEUED, "request.queued" },
		{ EVENT_REQUEST_ENDED, "request.ended" },
		{ EVENT_TASK_STARTED, "task.started" },
		{ EVENT_TASK_STOPPING, "task.stopping" },
		{ EVENT_TASK_WAITING, "task.waiting" },
		{ EVENT_TASK_EXITED, "task.exited" },
		{ EVENT_TASK_FAILED, "task.failed" },
		{ EVENT_TASK_LOST, "task.lost" },
		{ EVENT_HEALTH_CHANGED, "health.changed" },
		{ EVENT_HEARTBEAT, "heartbeat" },
		{ EVENT_STREAM_LOST, "stream.lost" },
	};

	(void)state;
	assert_int_equal(ARRAY_SIZE(vectors), EVENT_KINDS);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		assert_string_equal(event_kind_to_string(vectors[i].kind), vectors[i].name);
		assert_int_equal(event_kind_from_string(vectors[i].name), vectors[i].kind);
	}
}

static void test_event_names_that_are_none_are_refused(void **state)
{
	static const char *const garbage[] = { "",
					       "slice",
					       "slice.",
					       ".created",
					       "SLICE.CREATED",
					       "slice.created ",
					       "slice_created",
					       NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(event_kind_from_string(garbage[i]), -1);
	assert_null(event_kind_to_string(EVENT_KINDS));
	assert_null(event_kind_to_string((enum event_kind) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_kinds_have_the_documented_names_both_ways),
		cmocka_unit_test(test_event_names_that_are_none_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
