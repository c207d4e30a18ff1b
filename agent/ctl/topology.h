/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine as it is now, fetched and drawn; for the verbs that show it. */

#include "ctl/session.h"

struct topology {
	json_t *inventory, *slices, *health, *node; /* owned; all but the first may be NULL */
};

/* Fetches what is drawn; the sentence has been written when it fails. */
enum ctl_exit topology_fetch(struct session *s, struct topology *ret);
void topology_done(struct topology *t);
/* Draws it on stdout, or with svg into that file ("-": stdout). mark: the id of a slice that is to
 * stand out; NULL none. */
enum ctl_exit topology_show(struct session *s, const struct topology *t, const char *mark,
			    const char *svg);
/* Adds a slice that is not there, to be drawn. */
int topology_add(struct topology *t, const char *id, json_t *resources);
