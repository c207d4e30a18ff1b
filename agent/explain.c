/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about decisions; see explain.h. */
#include "explain.h"

#include "document.h"
#include "model/nearest.h"
#include "model/next_best.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What is worse when a number of the score is larger. */
static const char *const worse[SCORE_FIELDS] = {
	[SCORE_LEVEL] = "it would be spread wider",
	[SCORE_APART] = "it would be nearer to other slices of its owner",
	[SCORE_COST] = "the largest distance within would be longer",
	[SCORE_NODES] = "it would be on more nodes",
	[SCORE_DISTANCES] = "its nodes would be farther apart",
	[SCORE_CORE_NODES] = "its cores would be on more nodes",
	[SCORE_FAR_MEMORY] = "its memory would be farther from its cores",
	[SCORE_LINKS] = "its GPUs would have slower links",
	[SCORE_PATHS] = "its devices would be farther from each other or from its cores",
	[SCORE_SLOW_CORES] = "more of its cores would be efficiency cores",
	[SCORE_FULLNESS] = "it would go less where its strategy wants it",
	[SCORE_GPUS_LEFT] = "more GPUs that it does not ask for would be left on its nodes",
	[SCORE_L3S] = "its cores would be of more caches",
	[SCORE_NODES_BROKEN] = "it would break into more nodes that are whole",
	[SCORE_GROUPS_BROKEN] = "it would break into more groups of GPUs that are whole",
	[SCORE_L3S_BROKEN] = "it would break into more caches that are whole",
	[SCORE_CORES_LEFT] = "more cores would be left on its nodes",
	[SCORE_L3S_LEFT] = "more cores would be left on its caches",
};

static char *say_next_best(const struct next_best *n)
{
	char *text = NULL;
	int r;

	if (n->field == SCORE_FIELDS)
		r = asprintf(&text, "without %s there is another place that is just as good",
			     n->without);
	else
		r = asprintf(&text, "without %s %s (%s %" PRIu64 " instead of %" PRIu64 ")",
			     n->without, worse[n->field] ? worse[n->field] : "it would be worse",
			     score_field_to_string(n->field), n->score.value[n->field],
			     n->chosen.value[n->field]);
	return r < 0 ? NULL : text;
}

int explain_next_best(const struct view *v, const struct request *request,
		      const struct allocation *chosen, json_t *into)
{
	_cleanup_(next_best_done) struct next_best n = { 0 };
	_cleanup_free_ char *text = NULL;
	int r = next_best_find(v, request, chosen, &n);

	if (r != PLACEMENT_FITS)
		return r < 0 ? r : 0;
	text = say_next_best(&n);
	return text ? json_put(into, "next_best",
			       json_pack("{s:s,s:s,s:i,s:o}", "without", n.without, "why", text,
					 "cost", (int)n.allocation->cost, "resources",
					 document_allocation(n.allocation)))
		    : -ENOMEM;
}

int explain_nearest(const struct view *v, const struct request *request, json_t *into)
{
	_cleanup_free_ struct nearest *found = calloc(1, sizeof(*found));
	_cleanup_json_ json_t *list = json_array();
	int r = found && list ? nearest_find(v, request, found) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < found->count; i++) {
		const struct nearest_item *item = &found->items[i];
		json_t *row = json_pack("{s:s,s:f,s:o}", "detail", item->text, "relative_change",
					item->change_permille / 1000.0, "request",
					document_request(&item->request));

		r = json_array_append_new(list, row) < 0 ? -ENOMEM : 0;
	}
	if (r < 0 || found->count == 0)
		return r;
	r = json_put(into, "nearest",
		     json_incref(json_object_get(json_array_get(list, 0), "request")));
	return r < 0 ? r : json_put(into, "would_fit", TAKE_PTR(list));
}
