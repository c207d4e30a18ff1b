/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All devices of one machine and a generation number. Owns its devices. Once sealed it is read
 * only: discovery builds a new one, and inventory_diff says what moved. */

#include "model/cache.h"
#include "model/device.h"
#include "util/buf.h"

struct inventory_note { /* why something is missing or reduced */
	char *driver, *text;
};

struct inventory {
	uint64_t generation; /* set by its owner, 0 before */
	struct machine machine;
	struct cache_control cache; /* classes of cache and memory bandwidth; all zero: none */
	struct device **devices;    /* sealed: by kind, then by id in natural order */
	size_t count;
	struct inventory_note *notes;
	size_t notes_count;
	bool sealed;
	size_t capacity;		/* private */
	size_t first[DEVICE_KINDS + 1]; /* sealed: devices[first[k]] .. devices[first[k+1]-1] */
	struct map *by_id;
	struct layout *layout; /* sealed: the same as numbers; NULL: it could not be made */
};

struct inventory_summary {
	uint32_t packages;	 /* with at least one online, allowed CPU */
	uint32_t numa_nodes;	 /* with CPUs or RAM of the host */
	uint32_t cores, threads; /* online and allowed */
	uint32_t gpus;		 /* that compute */
	uint32_t nics;		 /* physical */
	uint32_t disks;
};

int inventory_new(struct inventory **ret);
struct inventory *inventory_free(struct inventory *inv);
static inline void inventory_freep(struct inventory **inv)
{
	inventory_free(*inv);
}

/* Takes *d over and sets it NULL. -EEXIST when the id is there already (the caller keeps *d),
 * -ENOMEM. */
int inventory_add(struct inventory *inv, struct device **d);
int inventory_note(struct inventory *inv, const char *driver, const char *text);
void inventory_seal(struct inventory *inv);

/* Before or after sealing. NULL when absent. */
struct device *inventory_find(const struct inventory *inv, const char *id);
/* The next device of the kind at or after *cursor (start at 0), NULL at the end. */
struct device *inventory_next(const struct inventory *inv, enum device_kind kind, size_t *cursor);
#define inventory_each(d, inv, kind)                                                    \
	for (struct device *d = NULL, *d##_once = (void *)1; d##_once; d##_once = NULL) \
		for (size_t d##_cursor = 0; (d = inventory_next(inv, kind, &d##_cursor));)

void inventory_summarise(const struct inventory *inv, struct inventory_summary *ret);

enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED };
STRTAB_DECLARE(change_kind, enum change_kind);

/* Calls back for every device that was added, removed, or has a field that differs (once a field).
 * `before` / `after` are NULL for added / removed; field is NULL then. Both must be sealed. The
 * callback's non-zero return stops the walk and is returned. */
typedef int (*inventory_changed)(enum change_kind change, const struct device *before,
				 const struct device *after, const struct device_field *field,
				 void *userdata);
int inventory_diff(const struct inventory *before, const struct inventory *after,
		   inventory_changed callback, void *userdata);
