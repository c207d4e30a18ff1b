/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the table of what slices hold; see hold.h. */
#include "hold.h"

#include <string.h>

int hold_take_all(struct slice *s, struct enforcements *rows, struct fail *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && holds[i]; i++) {
		r = holds[i]->take(s, rows, f);
		if (r < 0 && f && !f->error)
			fail_set(f, r, "the %s cannot be set: %s", holds[i]->name, strerror(-r));
	}
	return r;
}

void hold_give_all(struct slice *s)
{
	size_t count = 0;

	while (holds[count])
		count++;
	while (count-- > 0)
		if (holds[count]->give)
			holds[count]->give(s);
}

int hold_left_all(struct slice *s, struct leaks *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && holds[i]; i++)
		if (holds[i]->left)
			r = holds[i]->left(s, ret);
	return r;
}
