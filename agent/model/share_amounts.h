/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How much of what a machine has: the numbers that guarantees, limits and shares are made of. The
 * text form is that of reeved.conf(5): "cores=4, shared-cpus=2.5, memory=16GiB, gpus=1, slices=8".
 */

#include "model/allocation.h"
#include "model/inventory.h"
#include "model/request.h"

#include <stddef.h>
#include <stdint.h>

enum share_resource {
	SHARE_CORES,	 /* whole ones, exclusive */
	SHARE_CPUS,	 /* of the shared pool, in thousandths */
	SHARE_MEMORY,	 /* bytes; in a text: with huge pages */
	SHARE_HUGEPAGES, /* bytes in huge pages; not in a text */
	SHARE_GPUS,
	SHARE_SLICES,
	SHARE_RESOURCES,
};

/* More than any machine has, and so little that thousands of them add up without overflow. */
#define SHARE_MOST (1ULL << 50)
#define SHARE_NO_LIMIT UINT64_MAX

struct share_amounts {
	uint64_t of[SHARE_RESOURCES];
};

/* Strictly: each resource once at most; those that are not named, or all of "off", become `absent`.
 * *ret is untouched on failure: -EINVAL, -ERANGE. */
int share_amounts_parse(const char *text, uint64_t absent, struct share_amounts *ret);
struct share_amounts share_amounts_all(uint64_t value);
void share_amounts_add(struct share_amounts *to, const struct share_amounts *what);
/* One slice that asks for this, or holds it. */
struct share_amounts share_of_request(const struct request *r);
struct share_amounts share_of_allocation(const struct inventory *inv, const struct allocation *a);

/* "2.5 shared CPUs", "512 MiB of memory", "1 core". */
enum { SHARE_TEXT_BYTES = 48 };
const char *share_text(enum share_resource resource, uint64_t amount, char room[SHARE_TEXT_BYTES]);
