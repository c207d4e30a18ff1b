/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Model values as JSON, in the form that reeve-api(7) documents. Each returns a new reference, NULL
 * without memory. */

#include "model/enforcement.h"
#include "model/inventory.h"
#include "model/offer.h"
#include "model/request.h"
#include "wire/json.h"

json_t *document_inventory(const struct inventory *inv);
json_t *document_device(const struct device *d);
json_t *document_field(const struct device_field *field, const struct device *d); /* its value */
json_t *document_summary(const struct inventory *inv);
json_t *document_resources(const struct resources *r);
json_t *document_allocation(const struct allocation *a);
json_t *document_request(const struct request *r);
json_t *document_limits(const struct request_limits *l);
json_t *document_enforcements(const struct enforcements *e);
json_t *document_offer(const struct offer *o, const char *id);
/* What a bundle of the offer is asked for by: "<offer>-<index>". */
enum { OFFER_NAME_ROOM = 96 };
void document_bundle_name(const char *offer, size_t index, char room[OFFER_NAME_ROOM]);
json_t *document_cpuset(const struct cpuset *s); /* "0-3"; NULL set: "" */
json_t *document_time(uint64_t realtime_usec);	 /* 0: null */

/* The firmware bill of materials: {"sha256": of the compact text of items, "items": [..]}, items
 * sorted so that two machines with the same parts have the same digest whatever the order of
 * discovery. Serial numbers are left out of the digest's items: they differ where nothing is amiss.
 */
json_t *document_bill_of_materials(const struct inventory *inv);
