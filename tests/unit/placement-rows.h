/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rows of a table: a request on a machine, and what the wiring of the machine says it must get. */

#include "tests/unit/model-fixture.h"

struct placement_row {
	const char *held; /* before: CPUs, then devices, "0-3 34 eth0"; NULL nothing */
	struct request request;
	const char *cpus, *nodes; /* NULL: any */
	/* "2 of 34 36 + 1 of mlx0 | 2 of 39 3b + 1 of mlx1": alternatives, of which one must hold
	 * wholly; a name stands for gpu-0000:NAME:00.0, gpu-NAME, nic-NAME or disk-NAME. */
	const char *devices;
	uint32_t cost;
	const char *refused; /* the code, instead of all these */
	const char *because;
};

/* Takes the machine over; false and a message for each row that is not so. */
bool placement_rows_hold(const char *name, struct inventory *inv, const struct placement_row *rows,
			 size_t count);
