/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and their hysteresis; see health.h. One condition a (subject, type); it is kept after
 * it has become ok, so that `since` stays visible. */
#include "model/health.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(verdict, enum verdict, [VERDICT_OK] = "ok", [VERDICT_UNKNOWN] = "unknown",
	      [VERDICT_DEGRADED] = "degraded", [VERDICT_FAILED] = "failed");

struct health {
	struct condition *conditions;
	size_t count;
};

int health_new(struct health **ret)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	*ret = h;
	return 0;
}

static void condition_done(struct condition *c)
{
	free(c->subject);
	free(c->type);
	free(c->evidence);
	free(c->better_evidence);
	*c = (struct condition){ 0 };
}

struct health *health_free(struct health *h)
{
	if (!h)
		return NULL;
	for (size_t i = 0; i < h->count; i++)
		condition_done(&h->conditions[i]);
	free(h->conditions);
	free(h);
	return NULL;
}

static struct condition *find(const struct health *h, const char *subject, const char *type)
{
	for (size_t i = 0; i < h->count; i++)
		if (strcmp(h->conditions[i].subject, subject) == 0 &&
		    strcmp(h->conditions[i].type, type) == 0)
			return &h->conditions[i];
	return NULL;
}

static int add(struct health *h, const struct reading *r, uint64_t now_usec, struct condition **ret)
{
	struct condition c = { .verdict = VERDICT_OK, .since_usec = now_usec };
	struct condition *grown = reallocarray(h->conditions, h->count + 1, sizeof(*h->conditions));

	if (!grown)
		return -ENOMEM;
	h->conditions = grown;
	c.subject = strdup(r->subject);
	c.type = strdup(r->type);
	if (!c.subject || !c.type) {
		condition_done(&c);
		return -ENOMEM;
	}
	h->conditions[h->count] = c;
	*ret = &h->conditions[h->count++];
	return 0;
}

static int set_text(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* A reading that is no better than the verdict: it is the verdict, at once. */
static int worsen(struct condition *c, const struct reading *r, uint64_t now_usec)
{
	int k = set_text(&c->evidence, r->evidence);

	if (k < 0)
		return k;
	if (c->verdict != r->verdict)
		c->since_usec = now_usec;
	c->verdict = r->verdict;
	c->better_since_usec = 0;
	return 0;
}

/* Better readings last long enough: the worst of them is the verdict now. */
static void improve(struct condition *c, uint64_t now_usec)
{
	free(c->evidence);
	c->evidence = TAKE_PTR(c->better_evidence);
	c->verdict = c->better;
	c->since_usec = now_usec;
	c->better_since_usec = 0;
}

/* Notes a reading that is better than the verdict. Time that ran backwards starts the wait anew. */
static int note_better(struct condition *c, const struct reading *r, uint64_t now_usec)
{
	bool first = c->better_since_usec == 0;

	if (first || r->verdict >= c->better) {
		int k = set_text(&c->better_evidence, r->evidence);

		if (k < 0)
			return k;
		c->better = r->verdict;
	}
	if (first || now_usec < c->better_since_usec)
		c->better_since_usec = now_usec ? now_usec : 1;
	return 0;
}

static int weigh(struct condition *c, const struct reading *r, uint64_t now_usec)
{
	int k;

	if (r->verdict >= c->verdict)
		return worsen(c, r, now_usec);
	k = note_better(c, r, now_usec);
	if (k < 0 || now_usec < c->better_since_usec ||
	    now_usec - c->better_since_usec < HEALTH_IMPROVE_USEC)
		return k;
	improve(c, now_usec);
	return r->verdict < c->verdict ? note_better(c, r, now_usec) : 0;
}

int health_feed(struct health *h, const struct reading *r, uint64_t now_usec,
		const struct condition **ret_changed)
{
	struct condition *c = find(h, r->subject, r->type);
	enum verdict before;
	int k;

	if (!c) {
		k = add(h, r, now_usec, &c);
		if (k < 0)
			return k;
	}
	before = c->verdict;
	k = weigh(c, r, now_usec);
	if (k < 0)
		return k;
	if (c->verdict == before)
		return HEALTH_SAME;
	if (ret_changed)
		*ret_changed = c;
	return HEALTH_CHANGED;
}

void health_forget(struct health *h, const char *subject)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (strcmp(h->conditions[i].subject, subject) == 0)
			condition_done(&h->conditions[i]);
		else
			h->conditions[kept++] = h->conditions[i];
	}
	h->count = kept;
}

enum verdict health_verdict(const struct health *h, const char *subject)
{
	enum verdict worst = VERDICT_OK;

	for (size_t i = 0; i < h->count; i++)
		if ((!subject || strcmp(h->conditions[i].subject, subject) == 0) &&
		    h->conditions[i].verdict > worst)
			worst = h->conditions[i].verdict;
	return worst;
}

const struct condition *health_next(const struct health *h, size_t *cursor)
{
	return *cursor < h->count ? &h->conditions[(*cursor)++] : NULL;
}
