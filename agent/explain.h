/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is said of a decision beyond its answer: what would have been second, and what would fit
 * where this does not. */

#include "model/free.h"
#include "model/request.h"
#include "wire/json.h"

/* Adds "next_best" to the document of an answer, where there is one. -ENOMEM. */
int explain_next_best(const struct view *v, const struct request *request,
		      const struct allocation *chosen, json_t *into);
/* Adds "would_fit", requests that would fit where this one does not, and the first of them as
 * "nearest". -ENOMEM. */
int explain_nearest(const struct view *v, const struct request *request, json_t *into);
