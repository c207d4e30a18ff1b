/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Requests on real servers, and what their wiring says is best: read off the captures (lstopo,
 * their XML) by hand, with the reason beside it. */

#include "tests/unit/placement-rows.h"

struct captured_rows {
	const char *file; /* of the folder of captures; NULL: made */
	const struct placement_row *rows;
	size_t count;
	struct inventory *(*make)(void); /* where there is no file */
};
extern const struct captured_rows captured_rows[];
extern const size_t captured_rows_count;
