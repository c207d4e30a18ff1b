/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Readings -> verdict, with hysteresis: a condition worsens at once and improves only after it has
 * read better for a while, so that what is offered does not flap. Pure: time is a parameter. */

#include "util/strtab.h"

#include <stddef.h>
#include <stdint.h>

enum verdict { VERDICT_OK, VERDICT_UNKNOWN, VERDICT_DEGRADED, VERDICT_FAILED, VERDICTS };
STRTAB_DECLARE(verdict, enum verdict); /* "ok" "unknown" "degraded" "failed" */

/* One observation about one subject. The strings are the reader's and only read. */
struct reading {
	const char *subject; /* "node", "agent" or a device id */
	const char *type;    /* what was observed: "memory-pressure", "pcie-link", "controllers" */
	enum verdict verdict;
	const char *evidence; /* a sentence with the numbers; NULL when ok */
};

struct condition {
	char *subject, *type, *evidence; /* evidence of the worst reading that still holds */
	enum verdict verdict;
	uint64_t since_usec;	    /* when this verdict began */
	uint64_t better_since_usec; /* readings are better than the verdict since then; 0: they are
				       not */
	enum verdict better;	    /* the worst reading since then: what it improves to */
	char *better_evidence;	    /* of that reading */
};

struct health; /* all conditions of a node */

enum { HEALTH_IMPROVE_USEC = 30 * 1000000 }; /* a better reading must hold this long */

int health_new(struct health **ret);
struct health *health_free(struct health *h);
static inline void health_freep(struct health **h)
{
	health_free(*h);
}

enum health_answer { HEALTH_SAME = 0, HEALTH_CHANGED = 1 };

/* HEALTH_CHANGED with *ret_changed (may be NULL; valid until the next feed) when the verdict of
 * that condition moved; HEALTH_SAME otherwise; -ENOMEM. The first reading of a condition that is ok
 * says HEALTH_SAME. */
int health_feed(struct health *h, const struct reading *r, uint64_t now_usec,
		const struct condition **ret_changed);
/* Forgets every condition of a subject, for a device that is gone. */
void health_forget(struct health *h, const char *subject);

/* The worst verdict over all conditions of the subject (NULL: of every subject); OK with none. */
enum verdict health_verdict(const struct health *h, const char *subject);
const struct condition *health_next(const struct health *h, size_t *cursor); /* NULL at the end */
