/* SPDX-License-Identifier: Apache-2.0 */
/* What admission sees, and what it shows of the queue; see admission_internal.h. */
#include "admission_internal.h"

#include "document.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 24 }; /* "q-" and 20 digits */

void picture_done(struct picture *p)
{
	free(p->rows);
	free(p->order);
}

static size_t slices_free(const struct manager *m)
{
	const size_t count = map_count(m->slices);

	return count < m->config->slices ? (size_t)m->config->slices - count : 0;
}

static int measure(const struct manager *m, struct picture *p)
{
	_cleanup_(ledger_freep) struct ledger *nothing = NULL;
	struct view v = manager_view(m);
	int r = ledger_new(&nothing);

	if (r < 0)
		return r;
	share_machine_of(&v, slices_free(m), &p->free_now);
	v.ledger = nothing;
	share_machine_of(&v, m->config->slices, &p->machine);
	return 0;
}

static int by_share(const void *a, const void *b)
{
	const struct waiting *x = *(struct waiting *const *)a, *y = *(struct waiting *const *)b;

	if (x->share != y->share)
		return x->share < y->share ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void put_in_order(struct admission *a, struct picture *p)
{
	list_each (item, next, &a->queue) {
		struct waiting *w = container_of(item, struct waiting, link);

		w->share = share_dominant(&p->slices, &p->machine, w->uid);
		p->order[p->count++] = w;
	}
	qsort(p->order, p->count, sizeof(struct waiting *), by_share);
}

int picture_take(struct admission *a, struct picture *ret)
{
	_cleanup_(picture_done) struct picture p = { 0 };
	const struct manager *m = a->manager;
	size_t cursor = 0, rows = 0;

	p.rows = calloc(map_count(m->slices) + a->count + 1, sizeof(*p.rows));
	p.order = calloc(a->count + 1, sizeof(struct waiting *));
	if (!p.rows || !p.order || measure(m, &p) < 0)
		return -ENOMEM;
	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		const struct allocation *held = ledger_find(m->ledger, s->id);

		if (held)
			p.rows[rows++] = (struct share_row){
				.role = s->request.role,
				.uid = s->owner_uid,
				.amounts = share_of_allocation(m->inventory, held),
			};
	}
	p.slices = p.all = (struct share_table){ &m->config->shares, p.rows, rows };
	put_in_order(a, &p);
	*ret = TAKE(p, (struct picture){ 0 });
	return 0;
}

struct share_row picture_row(const struct waiting *w)
{
	return (struct share_row){ .role = w->request.role,
				   .uid = w->uid,
				   .amounts = share_of_request(&w->request) };
}

void picture_wait(struct picture *p, const struct waiting *w)
{
	p->rows[p->all.count] = picture_row(w);
	p->rows[p->all.count++].waits = true;
}

static json_t *document(const struct admission *a, const struct waiting *w, size_t place)
{
	const struct manager *m = a->manager;
	const uint64_t left = subtract_bounded(w->until_usec, m->host->monotonic_usec(m->host));
	_cleanup_json_ json_t *object = NULL, *request = NULL;

	object = json_pack(
		"{s:o,s:s*,s:I,s:s,s:I,s:f,s:o,s:o}", "id", json_sprintf("q-%" PRIu64, w->number),
		"owner", w->request.owner, "owner_uid", (json_int_t)w->uid, "role",
		w->request.role ? w->request.role : "default", "place", (json_int_t)place,
		"dominant_share", w->share, "since", document_time(w->since_usec), "until",
		document_time(m->host->realtime_usec(m->host) + left));
	if (w->over)
		return TAKE_PTR(object);
	request = document_request(&w->request);
	if (!object || !request || json_put(object, "request", TAKE_PTR(request)) < 0 ||
	    (w->why.error &&
	     json_put(object, "waits_for",
		      json_pack("{s:s,s:s}", "code", w->why.code, "detail", w->why.text)) < 0))
		return NULL;
	return TAKE_PTR(object);
}

static json_t *listed(struct admission *a, const struct waiting *one)
{
	_cleanup_(picture_done) struct picture p = { 0 };
	_cleanup_json_ json_t *list = json_array();

	if (!list || picture_take(a, &p) < 0)
		return NULL;
	for (size_t i = 0; i < p.count; i++) {
		if (one == p.order[i])
			return document(a, one, i + 1);
		if (!one && json_array_append_new(list, document(a, p.order[i], i + 1)) < 0)
			return NULL;
	}
	return one ? document(a, one, 0) : TAKE_PTR(list);
}

static struct waiting *find(const struct admission *a, const char *id)
{
	list_each (item, next, &a->queue) {
		struct waiting *w = container_of(item, struct waiting, link);
		char name[ID_BYTES];

		(void)snprintf(name, sizeof(name), "q-%" PRIu64, w->number); /* fits */
		if (strcmp(name, id) == 0)
			return w;
	}
	return NULL;
}

uint64_t admission_find(const struct admission *a, const char *id, uid_t *ret_uid)
{
	const struct waiting *w = find(a, id);

	if (!w)
		return 0;
	*ret_uid = w->uid;
	return w->number;
}

json_t *admission_document(struct admission *a, const char *id)
{
	const struct waiting *w = id ? find(a, id) : NULL;

	return id && !w ? NULL : listed(a, w);
}

void admission_tell(struct admission *a, struct waiting *w, enum event_kind kind)
{
	_cleanup_json_ json_t *data = listed(a, w);
	_cleanup_free_ char *text = NULL;

	if (data && w->over) {
		(void)json_object_del(data, "place");
		(void)json_put(data, "admitted", json_boolean(!w->why.error)); /* told anyway */
		if (w->why.error)
			(void)json_put_string(data, "code", w->why.code);
		if (w->why.error)
			(void)json_put_string(data, "reason", w->why.text);
	}
	text = data ? json_text(data) : NULL;
	if (journal_report(a->manager->journal, kind,
			   &(struct event_about){ .slice = *w->name ? w->name : NULL }, text) < 0)
		log_error(NULL, "an event was lost");
}
