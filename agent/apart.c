/* SPDX-License-Identifier: Apache-2.0 */
/* Where the others of an owner are; see apart.h. */
#include "apart.h"

#include "model/region.h"
#include "slice.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static bool is_of(const struct slice *s, const struct request *request)
{
	return s->request.owner && strcmp(s->request.owner, request->owner) == 0 &&
	       !(request->name && strcmp(s->request.name, request->name) == 0);
}

int apart_find(const struct manager *m, struct request *request)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;
	size_t cursor = 0;

	apart_forget(request);
	if (request->apart == APART_NONE || !request->owner)
		return 0;
	if (cpuset_new(&nodes) < 0)
		return -ENOMEM;
	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		_cleanup_(cpuset_freep) struct cpuset *used = NULL;
		const struct allocation *a =
			is_of(s, request) ? ledger_find(m->ledger, s->request.name) : NULL;

		if (a && (region_used_nodes(m->inventory, a, &used) < 0 ||
			  cpuset_union(nodes, used) < 0))
			return -ENOMEM;
	}
	request->apart_nodes = TAKE_PTR(nodes);
	return 0;
}

void apart_forget(struct request *request)
{
	request->apart_nodes = cpuset_free(request->apart_nodes);
}
