/* SPDX-License-Identifier: Apache-2.0 */
/* Admission; see admission.h. Whoever asks is put in the queue and the queue is looked at: so there
 * is one way in, and one order. Who does not want to wait is out again after that. Answers are
 * given when the look is over, since whoever gets one may ask again at once. */
#include "admission_internal.h"

#include "apart.h"
#include "carve.h"
#include "manager.h"
#include "model/placement.h"
#include "user.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DUE_ACCURACY_USEC = 1000 };

static uint64_t now_usec(const struct admission *a)
{
	return a->manager->host->monotonic_usec(a->manager->host);
}

static const struct config *config_of(const struct admission *a)
{
	return a->manager->config;
}

static void waiting_free(struct waiting *w)
{
	request_done(&w->request);
	free(w);
}

/* It is answered by who asks for it, or when the look is over. */
static void end(struct admission *a, struct waiting *w, const struct fail *why)
{
	list_remove(&w->link);
	a->count--;
	a->epoch++; /* it was perhaps the one that others waited for */
	w->over = true;
	w->why = why ? *why : (struct fail){ 0 };
	if (!w->asking)
		list_append(&a->answered, &w->link);
}

static void answer_all(struct admission *a)
{
	while (!list_empty(&a->answered)) {
		struct waiting *w = container_of(a->answered.next, struct waiting, link);

		list_remove(&w->link);
		if (w->told)
			admission_tell(a, w, EVENT_REQUEST_ENDED);
		if (w->why.error)
			w->waiter->done(NULL, &w->why, w->waiter->userdata);
		waiting_free(w);
	}
}

/* Buckets that are full again say nothing, and make room for others. */
static struct bucket *bucket_of(struct admission *a, uid_t uid, uint64_t now)
{
	struct bucket *grown, *unused = NULL;

	for (size_t i = 0; i < a->buckets_count; i++) {
		if (a->buckets[i].uid == uid)
			return &a->buckets[i];
		if (a->buckets[i].full_usec <= now)
			unused = &a->buckets[i];
	}
	if (!unused) {
		grown = realloc(a->buckets, (a->buckets_count + 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		a->buckets = grown;
		unused = &grown[a->buckets_count++];
	}
	*unused = (struct bucket){ .uid = uid };
	return unused;
}

static uint64_t token_wait(struct admission *a, uid_t uid, uint64_t now)
{
	const struct rate_rule *rule = &config_of(a)->rate;
	const struct bucket *b = rule->every_usec && uid ? bucket_of(a, uid, now) : NULL;

	return b ? rate_wait_usec(rule, b->full_usec, now) : 0;
}

static void pay(struct admission *a, struct waiting *w, uint64_t now)
{
	const struct rate_rule *rule = &config_of(a)->rate;
	uint64_t wait = w->paid ? 0 : token_wait(a, w->uid, now);
	struct bucket *b;

	if (w->paid)
		return;
	if (wait > 0) {
		fail_code(&w->why, -EUSERS, "too-often",
			  "user %u asks too often: the next request is looked at in %" PRIu64 " ms",
			  w->uid, wait / 1000 + 1);
		return;
	}
	b = rule->every_usec && w->uid ? bucket_of(a, w->uid, now) : NULL;
	if (b)
		b->full_usec = rate_take(rule, b->full_usec, now);
	w->paid = true;
	w->why = (struct fail){ 0 };
}

/* Tokens go to those of a user who came first; whose time is over is answered. */
static void pay_and_expire(struct admission *a, uint64_t now)
{
	list_each (item, next, &a->queue) {
		struct waiting *w = container_of(item, struct waiting, link);
		struct fail why = { 0 };

		pay(a, w, now);
		if (w->asking || w->until_usec > now || !w->why.error)
			continue; /* the last one was not looked at yet */
		if (w->request.wait_usec > 0)
			fail_code(&why, -EBUSY, "wait-over", "it waited in vain: %s", w->why.text);
		else
			why = w->why;
		end(a, w, &why);
	}
}

/* Whether it may be had later, as this refusal goes. */
static bool may_pass(const struct fail *why)
{
	return why->error == -ENOSPC || why->error == -EUSERS || why->error == -ENOMEM ||
	       (why->code && strcmp(why->code, "too-many-slices") == 0);
}

static int make(struct admission *a, struct waiting *w, struct fail *f)
{
	int r = carve_create(a->manager, &w->request, w->uid, w->waiter, f);

	if (r < 0 && !*w->name) { /* another one may have that name by then */
		free(w->request.name);
		w->request.name = NULL;
	}
	return r;
}

/* 0: it is made, or refused; > 0: it waits, and w->why says for what. */
static int try_one(struct admission *a, struct picture *p, struct waiting *w)
{
	const struct share_row row = picture_row(w);
	struct fail why = { 0 };
	int r = share_limit(&p->slices, &row, &why);

	if (r == 0)
		r = share_room(&p->all, &p->free_now, &row, &why);
	if (r == 0 && w->why.error &&
	    (w->tried == a->epoch || !share_there(&p->free_now, &row.amounts)))
		return 1;
	w->tried = a->epoch;
	if (r == 0)
		r = make(a, w, &why);
	if (r < 0 && may_pass(&why)) {
		w->why = why;
		return 1;
	}
	end(a, w, r < 0 ? &why : NULL);
	return 0;
}

/* Until one was admitted, since then the shares are others. Returns whether one was. */
static bool pass(struct admission *a)
{
	_cleanup_(picture_done) struct picture p = { 0 };
	bool admitted = false;

	pay_and_expire(a, now_usec(a));
	if (list_empty(&a->queue) || picture_take(a, &p) < 0)
		return false; /* without memory the next release or deadline is another try */
	for (size_t i = 0; !admitted && i < p.count; i++) {
		struct waiting *w = p.order[i];

		if (!w->paid || w->over)
			continue;
		if (try_one(a, &p, w) > 0)
			picture_wait(&p, w);
		else
			admitted = !w->why.error;
	}
	return admitted;
}

static int on_due(sd_event_source *source, uint64_t usec, void *userdata);

/* When somebody's time is over, or the first of a user gets a token. */
static uint64_t next_usec(struct admission *a, uint64_t now)
{
	uint64_t soonest = UINT64_MAX;

	list_each (item, next, &a->queue) {
		const struct waiting *w = container_of(item, struct waiting, link);
		const uint64_t token =
			w->paid ? UINT64_MAX : add_bounded(now, token_wait(a, w->uid, now));

		soonest = w->until_usec < soonest ? w->until_usec : soonest;
		soonest = token < soonest ? token : soonest;
	}
	return soonest;
}

static void arm(struct admission *a)
{
	const uint64_t now = now_usec(a), next = next_usec(a, now);

	a->due = sd_event_source_disable_unref(a->due);
	if (next != UINT64_MAX &&
	    sd_event_add_time_relative(a->manager->loop, &a->due, CLOCK_BOOTTIME,
				       subtract_bounded(next, now), DUE_ACCURACY_USEC, on_due,
				       a) < 0)
		log_error(NULL, "nobody is let in from the queue by time: out of memory");
}

static void look(struct admission *a)
{
	if (a->looking)
		return;
	a->looking = true;
	do
		a->again = false;
	while (pass(a) || a->again);
	a->looking = false;
	arm(a);
	answer_all(a);
}

static int on_due(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	look(userdata);
	return 0;
}

static int on_wake(sd_event_source *source, void *userdata)
{
	(void)source;
	look(userdata);
	return 0;
}

void admission_wake(struct admission *a)
{
	if (!a)
		return;
	a->epoch++;
	if (list_empty(&a->queue) || a->looking)
		return; /* who looks now looks again */
	if (!a->wake && sd_event_add_defer(a->manager->loop, &a->wake, on_wake, a) < 0)
		return; /* no memory: the next one, or somebody's deadline, looks */
	(void)sd_event_source_set_enabled(a->wake, SD_EVENT_ONESHOT);
}

/* On the machine as it were if nobody had anything: who could not even then need not wait. */
static int check_ever(struct admission *a, struct waiting *w, const struct picture *p,
		      struct fail *f)
{
	_cleanup_(allocation_freep) struct allocation *found = NULL;
	_cleanup_(ledger_freep) struct ledger *nothing = NULL;
	const struct share_table nobody = { .policy = p->all.policy };
	const struct share_row row = picture_row(w);
	struct view v = manager_view(a->manager);
	int r = ledger_new(&nothing);

	v.ledger = nothing;
	apart_forget(&w->request);
	if (r == 0)
		r = placement_decide(&v, &w->request, &found, f, NULL, NULL);
	if (r == PLACEMENT_NO_FIT)
		return f->error;
	if (r < 0)
		return fail_set(f, r, "out of memory");
	return share_room(&nobody, &p->machine, &row, f);
}

static int check_queue(const struct admission *a, uid_t uid, struct fail *f)
{
	size_t own = 0;

	list_each (item, next, &a->queue)
		own += container_of(item, struct waiting, link)->uid == uid;
	if (a->count > config_of(a)->queue) /* this one is among them */
		return fail_code(f, -EBUSY, "queue-full", "%zu requests wait already",
				 a->count - 1);
	if (uid != 0 && own > config_of(a)->queue_per_user)
		return fail_code(f, -EBUSY, "queue-full", "%zu requests of user %u wait already",
				 own - 1, uid);
	return 0;
}

/* It could not be had at once. */
static int settle_down(struct admission *a, struct waiting *w, struct fail *f)
{
	_cleanup_(picture_done) struct picture p = { 0 };
	int r;

	if (w->request.wait_usec == 0) {
		*f = w->why;
		return f->error;
	}
	r = check_queue(a, w->uid, f);
	if (r == 0 && picture_take(a, &p) < 0)
		r = fail_set(f, -ENOMEM, "out of memory");
	return r < 0 ? r : check_ever(a, w, &p, f);
}

static int check_rights(const struct admission *a, const struct waiting *w, gid_t gid,
			struct fail *f)
{
	const struct share_policy *shares = &config_of(a)->shares;
	const struct share_party *role = share_policy_role(shares, w->request.role);
	gid_t groups[USER_GROUPS_MAX];
	size_t count = 0;

	if (role && role->gids_count > 0) /* only then the database of groups is asked */
		count = user_groups(w->uid, gid, groups);
	return share_may_use(shares, w->request.role, w->uid, groups, count, f);
}

/* What is refused at once: nothing that is given back could help, or it is the user's to wait. */
static int check_door(struct admission *a, const struct waiting *w, gid_t gid, struct fail *f)
{
	_cleanup_(picture_done) struct picture p = { 0 };
	const struct share_row row = picture_row(w);
	int r = check_rights(a, w, gid, f);

	if (r < 0)
		return r;
	if (a->closed)
		return fail_code(f, -EAGAIN, "agent-stopping", "the agent is stopping");
	if (picture_take(a, &p) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	for (size_t i = 0; i < p.count; i++) {
		if (*w->name && strcmp(p.order[i]->name, w->name) == 0)
			return fail_code(f, -EEXIST, "name-taken",
					 "a request for a slice %s waits already", w->name);
		picture_wait(&p, p.order[i]);
	}
	return share_limit(&p.all, &row, f);
}

static int enter(struct admission *a, struct waiting *w, struct fail *f)
{
	list_append(&a->queue, &w->link);
	a->count++;
	if (a->looking) { /* whoever was just answered asks again: that look goes on with it */
		a->again = true;
		return 0;
	}
	w->asking = true;
	look(a);
	w->asking = false;
	if (w->over) {
		*f = w->why;
		return f->error;
	}
	if (settle_down(a, w, f) < 0) {
		const struct fail why = *f;

		w->asking = true;
		end(a, w, &why);
		w->asking = false;
		arm(a);
		return why.error;
	}
	w->told = true;
	admission_tell(a, w, EVENT_REQUEST_QUEUED);
	arm(a);
	return 0;
}

/* Without rules, and with nobody in the queue, all there is to it is the machine. */
static bool is_open(const struct admission *a, const struct request *r)
{
	return !a->closed && list_empty(&a->queue) && !a->looking && r->wait_usec == 0 &&
	       config_of(a)->rate.every_usec == 0 && share_policy_empty(&config_of(a)->shares);
}

int admission_ask(struct admission *a, struct request *request, const struct admission_asker *who,
		  struct slice_waiter *waiter, uint64_t *ret_number, struct fail *f)
{
	struct waiting *w;
	int r;

	*ret_number = 0;
	if (is_open(a, request))
		return carve_create(a->manager, request, who->uid, waiter, f);
	w = calloc(1, sizeof(*w));
	if (!w)
		return fail_set(f, -ENOMEM, "out of memory");
	list_init(&w->link);
	w->number = ++a->numbers;
	w->uid = who->uid;
	w->waiter = waiter;
	if (request->name)
		(void)snprintf(w->name, sizeof(w->name), "%s", request->name); /* decoded: fits */
	w->since_usec = a->manager->host->realtime_usec(a->manager->host);
	w->until_usec = add_bounded(now_usec(a), request->wait_usec);
	w->request = *request;
	*request = (struct request){ 0 };
	r = check_door(a, w, who->gid, f);
	if (r == 0)
		r = enter(a, w, f);
	if (r < 0 || w->over)
		waiting_free(w);
	else
		*ret_number = w->number;
	return r;
}

/* What it has more of; nothing is taken from anybody by what it gives up. */
static struct share_amounts growth(const struct share_amounts *before,
				   const struct share_amounts *after)
{
	struct share_amounts more;

	for (size_t i = 0; i < SHARE_RESOURCES; i++)
		more.of[i] = subtract_bounded(after->of[i], before->of[i]);
	return more;
}

int admission_may_grow(struct admission *a, const struct slice *s, const struct allocation *after,
		       struct fail *f)
{
	const struct allocation *held = ledger_find(a->manager->ledger, s->id);
	const struct share_amounts had = share_of_allocation(a->manager->inventory, held),
				   gets = share_of_allocation(a->manager->inventory, after);
	struct share_row more = { .role = s->request.role,
				  .uid = s->owner_uid,
				  .amounts = growth(&had, &gets) };
	_cleanup_(picture_done) struct picture p = { 0 };
	double share;

	if (share_policy_empty(&config_of(a)->shares) && list_empty(&a->queue))
		return 0;
	if (picture_take(a, &p) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	share = share_dominant(&p.slices, &p.machine, s->owner_uid);
	for (size_t i = 0; i < p.count; i++)
		if (p.order[i]->paid && p.order[i]->share <= share)
			picture_wait(&p, p.order[i]);
	if (share_limit(&p.slices, &more, f) < 0)
		return f->error;
	return share_room(&p.all, &p.free_now, &more, f);
}

static struct waiting *numbered(const struct admission *a, uint64_t number)
{
	list_each (item, next, &a->queue) {
		struct waiting *w = container_of(item, struct waiting, link);

		if (w->number == number)
			return w;
	}
	return NULL;
}

bool admission_withdraw(struct admission *a, uint64_t number)
{
	struct waiting *w = a ? numbered(a, number) : NULL;
	struct fail why = { 0 };

	if (!w || w->asking)
		return false;
	fail_code(&why, -EBUSY, "withdrawn", "request q-%" PRIu64 " was taken out of the queue",
		  number);
	end(a, w, &why);
	look(a); /* it may be somebody else's turn */
	return true;
}

size_t admission_close(struct admission *a)
{
	const size_t count = a->count;
	struct fail why = { 0 };

	a->closed = true;
	fail_code(&why, -EAGAIN, "agent-stopping",
		  "the agent is stopping, and who waits is not remembered: ask again");
	list_each (item, next, &a->queue)
		end(a, container_of(item, struct waiting, link), &why);
	arm(a);
	answer_all(a);
	return count;
}

static void warn_of_guarantees(struct admission *a)
{
	_cleanup_(picture_done) struct picture p = { 0 };
	struct share_amounts sum = { 0 };

	if (picture_take(a, &p) < 0)
		return;
	for (size_t i = 0; i < p.all.policy->count; i++)
		share_amounts_add(&sum, &p.all.policy->parties[i].guarantee);
	for (enum share_resource i = 0; i < SHARE_RESOURCES; i++) {
		char many[SHARE_TEXT_BYTES], few[SHARE_TEXT_BYTES];

		if (sum.of[i] > p.machine.there.of[i])
			log_warning(NULL, "%s are guaranteed to roles and users, and there are %s",
				    share_text(i, sum.of[i], many),
				    share_text(i, p.machine.there.of[i], few));
	}
}

int admission_new(struct admission **ret, struct manager *m)
{
	struct admission *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->manager = m;
	a->epoch = 1;
	list_init(&a->queue);
	list_init(&a->answered);
	warn_of_guarantees(a);
	*ret = a;
	return 0;
}

struct admission *admission_free(struct admission *a)
{
	if (!a)
		return NULL;
	(void)admission_close(a); /* how many they were does not matter here */
	sd_event_source_disable_unref(a->wake);
	sd_event_source_disable_unref(a->due);
	free(a->buckets);
	free(a);
	return NULL;
}
