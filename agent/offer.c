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
	uint64_t stamp;				   /* of what was free */
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
static void offer_name(const struct round *r, size_t index, char room[OFFER_NAME_ROOM])
{
	(void)snprintf(room, OFFER_NAME_ROOM, "o-%llu-%llu-%zu", (unsigned long long)r->generation,
		       (unsigned long long)r->number, index); /* three numbers of 20 digits */
}

static json_t *list_offers(const struct round *r)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; list && i < r->offers.count; i++) {
		char name[OFFER_NAME_ROOM];

		offer_name(r, i, name);
		if (json_array_append_new(list, document_offer(&r->offers.items[i], name)) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

/* Looking for bundles takes milliseconds on a large machine: as long as nothing was taken or given
 * back since the last round, they are those of it. */
static int find_bundles(const struct issued_offers *o, const struct view *v, uint64_t stamp,
			struct offers *made)
{
	const struct round *last = &o->rounds[o->last % ROUNDS];

	return last->number && last->stamp == stamp ? bundles_copy(made, &last->offers)
						    : bundles_make(v, made);
}

int offers_issue(struct issued_offers *o, const struct view *v, uint64_t now_usec, json_t **ret)
{
	struct round *r = &o->rounds[(o->last + 1) % ROUNDS];
	_cleanup_(offers_done) struct offers made = { 0 };
	uint64_t stamp = bundles_stamp(v);
	json_t *list;

	if (offers_make(v, &made) < 0 || find_bundles(o, v, stamp, &made) < 0)
		return -ENOMEM;
	offers_done(&r->offers);
	*r = (struct round){ .offers = made,
			     .number = ++o->last,
			     .generation = v->inventory->generation,
			     .expires_usec = now_usec + o->lifetime_usec,
			     .stamp = stamp };
	made = (struct offers){ 0 };
	list = list_offers(r);
	if (!list)
		return -ENOMEM;
	*ret = json_pack("{s:I,s:f,s:b,s:o}", "generation", (json_int_t)r->generation,
			 "expires_in_seconds", (double)o->lifetime_usec / 1e6, "bundles_complete",
			 !r->offers.bundles_cut, "offers", list);
	return *ret ? 0 : -ENOMEM;
}

struct found {
	const struct offer *offer;
	const struct bundle *bundle; /* NULL: the offer itself is meant */
};

/* "<offer>-<bundle>" */
static const struct bundle *find_bundle(const struct offer *o, const char *name, const char *id)
{
	for (size_t i = 0; i < o->bundles_count; i++) {
		char full[OFFER_NAME_ROOM];

		document_bundle_name(name, i, full);
		if (strcmp(full, id) == 0)
			return &o->bundles[i];
	}
	return NULL;
}

static struct found find(const struct issued_offers *o, const char *id, uint64_t now_usec)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		const struct round *r = &o->rounds[i];

		for (size_t k = 0; r->number && r->expires_usec > now_usec && k < r->offers.count;
		     k++) {
			struct found found = { .offer = &r->offers.items[k] };
			char name[OFFER_NAME_ROOM];

			offer_name(r, k, name);
			if (strcmp(name, id) == 0)
				return found;
			found.bundle = find_bundle(found.offer, name, id);
			if (found.bundle)
				return found;
		}
	}
	return (struct found){ 0 };
}

int offers_accept(struct issued_offers *o, struct request *request, uint64_t now_usec,
		  struct fail *f)
{
	_cleanup_free_ char *id = TAKE_PTR(request->offer);
	struct found found = find(o, id, now_usec);
	bool all = request_empty(request);
	int r;

	if (!found.offer)
		return fail_code(f, -ESTALE, "offer-gone",
				 "there is no offer %s any more: ask for the offers again", id);
	r = found.bundle ? bundle_restrict(found.offer, found.bundle, id, all, request)
			 : offer_restrict(found.offer, id, all, request);
	return r < 0 ? fail_set(f, -ENOMEM, "out of memory") : 0;
}
