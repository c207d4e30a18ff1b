/* SPDX-License-Identifier: Apache-2.0 */
/* Placement on real servers gives what their wiring says. Where the folder of captures is not there
 * ($REEVE_MACHINES, else ../shared/machines beside the sources) those are skipped; made servers are
 * always looked at. */
#include "captured-rows.h"
#include "discover.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_captured_servers_give_what_their_wiring_says(void **state)
{
	_cleanup_free_ char *folder = machines_folder();
	bool all = true;

	(void)state;
	if (!folder) {
		print_message("no folder of captured machines (REEVE_MACHINES)\n");
		skip();
	}
	for (size_t i = 0; i < captured_rows_count; i++) {
		const struct captured_rows *c = &captured_rows[i];
		struct inventory *inv = c->file ? discover_machine(folder, c->file) : NULL;

		if (inv)
			all = placement_rows_hold(c->file, inv, c->rows, c->count) && all;
	}
	assert_true(all);
}

static void test_made_servers_give_what_their_wiring_says(void **state)
{
	bool all = true;

	(void)state;
	for (size_t i = 0; i < captured_rows_count; i++) {
		const struct captured_rows *c = &captured_rows[i];

		if (c->make)
			all = placement_rows_hold("made server", c->make(), c->rows, c->count) &&
			      all;
	}
	assert_true(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured_servers_give_what_their_wiring_says),
		cmocka_unit_test(test_made_servers_give_what_their_wiring_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
