/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms; see room.h. What is missing is found out here, where it is quick to tell; what takes its
 * time is the errand's; and what came of it is asked of the kernel. */
#include "room.h"

#include "carve.h"
#include "cgroups/reclaim.h"
#include "cgroups/usage.h"
#include "hold_hugepages.h"
#include "manager.h"
#include "meminfo.h"
#include "room_errand.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEAST_BYTES = 4 << 20, /* for less no child is sent */
};

enum phase { ROOM_IDLE, ROOM_MAKING, ROOM_GIVING, ROOM_GIVEN };

struct room {
	struct slice *slice;
	enum phase phase;
	uint64_t waits_since_usec; /* for other slices' work on the pools; 0: not */
	struct room_work work;
	struct errand *errand;
	void (*done)(struct slice *s, const struct fail *why);
	bool awaited; /* by the slice on its way down */
	struct fail lack;
	uint64_t left_bytes;
	bool left_known;
};

static void work_done(struct room_work *w)
{
	page_account_done(&w->loans);
	free(w->nodes);
	*w = (struct room_work){ 0 };
}

struct room *room_free(struct room *o)
{
	if (!o)
		return NULL;
	errand_free(o->errand);
	work_done(&o->work);
	free(o);
	return NULL;
}

static struct room *room_of(struct slice *s)
{
	if (!s->room)
		s->room = calloc(1, sizeof(*s->room));
	if (s->room)
		s->room->slice = s;
	return s->room;
}

bool room_is_made(const struct slice *s)
{
	return s->room && s->room->phase != ROOM_MAKING;
}

const char *room_lack(const struct slice *s)
{
	return s->room ? s->room->lack.text : "";
}

bool room_pools_busy(const struct manager *m)
{
	size_t cursor = 0;

	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));)
		if (s->room && s->room->errand && s->room->work.loans.count > 0)
			return true;
	return false;
}

static void wait_for_pools(struct room *o)
{
	const struct host *host = o->slice->manager->host;

	o->waits_since_usec = host->monotonic_usec(host);
	if (o->waits_since_usec == 0)
		o->waits_since_usec = 1;
}

static void on_worked(const char *answer, size_t size, const struct fail *why, void *userdata);

static int send_errand(struct room *o, int cgroup, struct fail *f)
{
	const struct host *host = o->slice->manager->host;

	o->work.host = host;
	return errand_start(&o->errand, o->slice->manager->loop,
			    &(struct errand_order){ .run = room_errand,
						    .argument = &o->work,
						    .kept = { cgroup, host->sys_fd },
						    .kept_count = 2,
						    .limit_bytes = ROOM_SENTENCE_BYTES,
						    .limit_usec = ROOM_LIMIT_USEC,
						    .done = on_worked,
						    .userdata = o },
			    f);
}

static uint64_t loaned_on(const struct page_account *loans, uint32_t node)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < loans->count; i++)
		if (loans->items[i].pool.node == node)
			bytes += loans->items[i].count * loans->items[i].pool.size_bytes;
	return bytes;
}

/* Nodes with less free memory than the slice is promised, where slices before it may have left page
 * cache. One that lives has taken its memory already. */
static int find_nodes(struct room *o, const struct allocation *a, int above)
{
	const struct slice *s = o->slice;
	struct room_work *w = &o->work;

	if (s->state != SLICE_CREATING || !cg_can_reclaim(above) || a->memory_count == 0)
		return 0;
	w->nodes = calloc(a->memory_count, sizeof(*w->nodes));
	if (!w->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < a->memory_count; i++) {
		struct room_node n = { .number = a->memory[i].node,
				       .needed_bytes = a->memory[i].bytes };
		uint64_t cache = 0;

		n.needed_bytes += loaned_on(&w->loans, n.number);
		if (meminfo_node_free(s->manager->host, n.number, &n.free_bytes) == 0 &&
		    n.free_bytes < n.needed_bytes &&
		    cg_cache_on_node(above, n.number, &cache) == 0 && cache >= LEAST_BYTES)
			w->nodes[w->nodes_count++] = n;
	}
	return 0;
}

/* As room_make(), when nobody else is at the pools. */
static int begin_making(struct room *o, struct fail *f)
{
	struct slice *s = o->slice;
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_close_ int above = -1;
	struct fail why = { 0 };
	int r = hugepages_ask(s, &o->work.loans, f);

	if (r < 0 || !a)
		return r;
	(void)slice_open_above(s, &above); /* there may be none */
	if (find_nodes(o, a, above) < 0)
		log_debug(&(struct log_about){ .slice = s->id }, "no look at free memory");
	if (o->work.loans.count == 0 && o->work.nodes_count == 0)
		return 0;
	r = send_errand(o, above, &why);
	if (r == 0)
		return ROOM_LATER;
	if (o->work.loans.count > 0)
		return hugepages_settle(s, &o->work.loans, &why, f);
	log_warning(&(struct log_about){ .slice = s->id }, "no memory is made free for it: %s",
		    why.text);
	return 0;
}

/* The end of one step of making. */
static void made(struct room *o, const struct fail *lack)
{
	o->lack = *lack;
	o->phase = ROOM_IDLE;
	work_done(&o->work);
}

int room_make(struct slice *s, void (*done)(struct slice *s, const struct fail *why),
	      struct fail *f)
{
	struct room *o = room_of(s);
	struct fail why = { 0 };
	int r;

	if (!o)
		return fail_set(f, -ENOMEM, "out of memory");
	if (o->phase == ROOM_MAKING)
		return fail_code(f, -EBUSY, "slice-busy", "room is being made for slice %s", s->id);
	o->phase = ROOM_MAKING;
	o->done = done;
	if (hugepages_wanted(s) && room_pools_busy(s->manager)) {
		wait_for_pools(o);
		return ROOM_LATER;
	}
	r = begin_making(o, &why);
	if (r == ROOM_LATER)
		return r;
	made(o, &why);
	if (r < 0 && f)
		*f = why;
	return r;
}

static void given(struct room *o)
{
	o->phase = ROOM_GIVEN;
	work_done(&o->work);
	o->left_known = cg_can_reclaim(o->slice->top_fd) &&
			cg_charged(o->slice->top_fd, &o->left_bytes) == 0;
}

/* Whether a child is at it. */
static bool begin_giving(struct room *o)
{
	struct slice *s = o->slice;
	struct fail why = { 0 };
	uint64_t charged = 0;

	o->work.gives = true;
	(void)hugepages_return(s, &o->work.loans); /* their row tries again, and tells */
	if (!cg_can_reclaim(s->top_fd) || cg_charged(s->top_fd, &charged) < 0)
		charged = 0;
	if (charged < LEAST_BYTES && o->work.loans.count == 0) {
		given(o);
		return false;
	}
	if (send_errand(o, s->top_fd, &why) == 0)
		return true;
	log_warning(&(struct log_about){ .slice = s->id }, "its memory is not reclaimed: %s",
		    why.text);
	if (o->work.loans.count > 0)
		(void)hugepages_settle(s, &o->work.loans, NULL, &why); /* likewise */
	given(o);
	return false;
}

bool room_await(struct slice *s)
{
	struct room *o = room_of(s);

	if (!o || o->phase == ROOM_GIVEN)
		return false;
	if (o->phase == ROOM_MAKING && !o->errand) { /* it will not be needed */
		o->waits_since_usec = 0;
		o->phase = ROOM_IDLE;
	}
	o->done = NULL;
	if (o->phase == ROOM_IDLE) {
		o->phase = ROOM_GIVING;
		if (hugepages_lent(s) && room_pools_busy(s->manager))
			wait_for_pools(o);
		else if (!begin_giving(o))
			return false;
	}
	o->awaited = true;
	return true;
}

int room_put_left(const struct slice *s, json_t *object)
{
	const struct room *o = s->room;

	return o && o->left_known ? json_put(object, "unreclaimed_bytes",
					     json_integer((json_int_t)o->left_bytes))
				  : 0;
}

static void take_turns(struct manager *m);

/* Who waits for it goes on; the slice may be gone after that. */
static void finish(struct room *o, const struct fail *why)
{
	struct slice *s = o->slice;
	struct manager *m = s->manager;
	void (*done)(struct slice * s, const struct fail *why) = o->done;

	o->done = NULL;
	if (o->awaited) {
		o->awaited = false;
		carve_go_on(s);
	} else if (done) {
		done(s, why && why->error ? why : NULL);
	}
	take_turns(m);
}

/* Who has waited longest for the pools. */
static struct room *next_in_line(const struct manager *m)
{
	struct room *first = NULL;
	size_t cursor = 0;

	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));)
		if (s->room && s->room->waits_since_usec > 0 &&
		    (!first || s->room->waits_since_usec < first->waits_since_usec))
			first = s->room;
	return first;
}

static void take_turns(struct manager *m)
{
	struct room *o = room_pools_busy(m) ? NULL : next_in_line(m);
	struct fail why = { 0 };

	if (!o)
		return;
	o->waits_since_usec = 0;
	if (o->phase == ROOM_GIVING) {
		if (!begin_giving(o))
			finish(o, NULL);
		return;
	}
	if (begin_making(o, &why) == ROOM_LATER)
		return;
	made(o, &why);
	finish(o, &why);
}

static void tell_free(const struct room *o)
{
	const struct slice *s = o->slice;

	for (size_t i = 0; i < o->work.nodes_count; i++) {
		const struct room_node *n = &o->work.nodes[i];
		uint64_t now = n->free_bytes;

		(void)meminfo_node_free(s->manager->host, n->number, &now); /* as before, then */
		if (now <= n->free_bytes) /* it is others' page cache, and the kernel's to take */
			log_debug(&(struct log_about){ .slice = s->id },
				  "node %u has only %" PRIu64 " MiB free of the %" PRIu64
				  " MiB that are promised to it",
				  n->number, now >> 20, n->needed_bytes >> 20);
		else
			log_notice(&(struct log_about){ .slice = s->id },
				   "node %u has %" PRIu64 " MiB free of the %" PRIu64
				   " MiB that are promised to it, and had %" PRIu64
				   " MiB before page cache that slices left was reclaimed",
				   n->number, now >> 20, n->needed_bytes >> 20,
				   n->free_bytes >> 20);
	}
}

static void on_worked(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct room *o = userdata;
	struct fail said = { 0 }, lack = { 0 };

	o->errand = errand_free(o->errand);
	if (why)
		fail_set(&said, why->error, "the child that was to do it: %s", why->text);
	else if (size > 0)
		fail_code(&said, -ENOSPC, "hugepages-short", "%s", answer);
	if (o->work.loans.count > 0)
		(void)hugepages_settle(o->slice, &o->work.loans, &said, &lack); /* lack tells */
	if (o->phase == ROOM_GIVING) {
		if (said.error < 0)
			log_warning(&(struct log_about){ .slice = o->slice->id },
				    "not all of its memory is reclaimed: %s", said.text);
		given(o);
	} else {
		tell_free(o);
		made(o, &lack);
	}
	finish(o, &lack);
}
