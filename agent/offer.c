/* SPDX-License-Identifier: Apache-2.0 */
/* Issued offers; see offer.h. */
#include "offer.h"

#include "document.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 16 }; /* sets of offers that can still be accepted */

struct round {
	struct offers offers;
	uint64_t number, generation, expires_usec; /* number 0: unused */
};

struct issued_offers {
	uint64_t lifetime_usec, last;
	struct round rounds[ROUNDS];
};

int offers_new(struct issued_offers **ret, uint64_t lifetime_usec)
{
	struct issued_offers *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->lifetime_usec = lifetime_usec;
	*ret = o;
	return 0;
}

struct issued_offers *offers_free(struct issued_offers *o)
{
	if (!o)
		return NULL;
	for (size_t i = 0; i < ROUNDS; i++)
		offers_done(&o->rounds[i].offers);
	free(o);
	return NULL;
}

/* "o-<generation>-<round>-<index>" */
static void offer_name(const struct round *r, size_t index, char room[80])
{
	(void)snprintf(room, 80, "o-%llu-%llu-%zu", (unsigned long long)r->generation,
		       (unsigned long long)r->number, index); /* three numbers of 20 digits */
}

static json_t *list_offers(const struct round *r)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; list && i < r->offers.count; i++) {
		char name[80];

		offer_name(r, i, name);
		if (json_array_append_new(list, document_offer(&r->offers.items[i], name)) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

int offers_issue(struct issued_offers *o, const struct view *v, uint64_t now_usec, json_t **ret)
{
	struct round *r = &o->rounds[(o->last + 1) % ROUNDS];
	struct offers made = { 0 };
	json_t *list;

	if (offers_make(v, &made) < 0)
		return -ENOMEM;
	offers_done(&r->offers);
	*r = (struct round){ .offers = made,
			     .number = ++o->last,
			     .generation = v->inventory->generation,
			     .expires_usec = now_usec + o->lifetime_usec };
	list = list_offers(r);
	if (!list)
		return -ENOMEM;
	*ret = json_pack("{s:I,s:f,s:o}", "generation", (json_int_t)r->generation,
			 "expires_in_seconds", (double)o->lifetime_usec / 1e6, "offers", list);
	return *ret ? 0 : -ENOMEM;
}

static const struct offer *find(const struct issued_offers *o, const char *id, uint64_t now_usec)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		const struct round *r = &o->rounds[i];

		for (size_t k = 0; r->number && r->expires_usec > now_usec && k < r->offers.count;
		     k++) {
			char name[80];

			offer_name(r, k, name);
			if (strcmp(name, id) == 0)
				return &r->offers.items[k];
		}
	}
	return NULL;
}

int offers_accept(struct issued_offers *o, struct request *request, uint64_t now_usec,
		  struct fail *f)
{
	_cleanup_free_ char *id = TAKE_PTR(request->offer);
	const struct offer *offer = find(o, id, now_usec);

	if (!offer)
		return fail_code(f, -ESTALE, "offer-gone",
				 "there is no offer %s any more: ask for the offers again", id);
	if (offer_restrict(offer, id, request_empty(request), request) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	return 0;
}
