/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Offers that were issued and may still be accepted. An offer holds nothing: whoever accepts first
 * gets it, and a later acceptance is told what is gone. Bounded; the oldest go first. */

#include "model/offer.h"
#include "util/fail.h"
#include "wire/json.h"

struct issued_offers;

int offers_new(struct issued_offers **ret, uint64_t lifetime_usec);
struct issued_offers *offers_free(struct issued_offers *o);
/* Makes fresh offers of the view, with their bundles, and their document. */
int offers_issue(struct issued_offers *o, const struct view *v, uint64_t now_usec, json_t **ret);
/* Restricts the request to the offer or bundle it names. -ESTALE (code "offer-gone") when it is not
 * known or has expired. all: the request asks for nothing by itself, so for the whole offer, or one
 * bundle. */
int offers_accept(struct issued_offers *o, struct request *request, uint64_t now_usec,
		  struct fail *f);
