/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of the real reeve-init in the parts of a slice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init-rig.h"
#include "util/cleanup.h"

static void test_task_starts_in_the_part_of_the_slice_that_is_ordered(void **state)
{
	static const struct {
		enum frame_cpus cpus;
		const char *task, *part, *leaf;
	} vectors[] = {
		{ FRAME_CPUS_ALL, "any", "", "/any\n" },
		{ FRAME_CPUS_EXCLUSIVE, "own", "@exclusive", "/@exclusive/own\n" },
		{ FRAME_CPUS_SHARED, "pool", "@shared", "/@shared/pool\n" },
	};
	struct rig *r = *state;
	struct frame_writer w;
	char text[256], part[300];

	if (!r->with_cgroup)
		skip(); /* there are no parts without it */
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		snprintf(part, sizeof(part), "%s/%s", r->cgroup, vectors[i].part);
		if (*vectors[i].part)
			assert_return_code(mkdir(part, 0755), errno);
		order_shell(&w, vectors[i].task,
			    "sleep 1000 >/dev/null 2>&1 & grep ^0:: /proc/self/cgroup");
		frame_put_u32(&w, FRAME_TAG_CPUS, vectors[i].cpus);
		(void)run_to_end(r, &w, text, sizeof(text));
		assert_non_null(strstr(text, vectors[i].leaf));
		assert_int_equal(strstr(text, "@") != NULL, *vectors[i].part != 0);
		if (*vectors[i].part)
			assert_return_code(rmdir(part), errno); /* nothing is left in it */
	}
}

static void test_part_that_is_not_there_fails_the_task(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;

	if (!r->with_cgroup)
		skip(); /* there are no parts without it */
	order_shell(&w, "lost", "true");
	frame_put_u32(&w, FRAME_TAG_CPUS, FRAME_CPUS_SHARED);
	send_frame(r->agent, &w, NULL, 0);
	a = await_state(r->agent, "lost", FRAME_STATE_FAILED);
	assert_int_equal(a.error, ENOENT);
	assert_string_equal(a.stage, "mkdir");
}

static void test_part_that_is_none_is_refused(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;

	order_shell(&w, "main", "true");
	frame_put_u32(&w, FRAME_TAG_CPUS, FRAME_CPUS_COUNT);
	send_frame(r->agent, &w, NULL, 0);
	assert_int_equal(await_result(r->agent, "main"), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_task_starts_in_the_part_of_the_slice_that_is_ordered),
		RIG_TEST(test_part_that_is_not_there_fails_the_task),
		RIG_TEST(test_part_that_is_none_is_refused),
	};

	return RIG_RUN(tests);
}
