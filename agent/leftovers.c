/* SPDX-License-Identifier: Apache-2.0 */
/* Leftovers of slices; see leftovers.h. The work is done by errands, some at a time: a host with
 * thousands of processes takes a while to be looked through. */
#include "leftovers.h"

#include "carve.h"
#include "errand.h"
#include "handback.h"
#include "leftover_errand.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	ERRANDS_MAX = 4,
	LOOK_LIMIT_USEC = 2 * 1000000,
	CLEAN_LIMIT_USEC = 8 * 1000000,
	LOST_LIMIT_USEC = 5 * 1000000,
	MARGIN_USEC = 2 * 1000000, /* of the child's deadline before ours */
};

enum phase { PHASE_WAITING, PHASE_LOOKING, PHASE_CLEANING, PHASE_CLEANED };

struct leftover_desk {
	struct manager *manager;
	unsigned errands;
	struct list queue; /* struct leftovers, that wait for one */
	struct leftover_claim lost;
};

struct leftovers {
	struct list link;
	struct slice *slice;
	enum phase phase;
	struct leftover_claim claim;
	struct errand *errand;
	struct leftover_look look;
	struct leftover_cleaning cleaning;
	uint64_t grace_usec;
	json_t *result;
};

int leftover_desk_new(struct leftover_desk **ret, struct manager *m)
{
	struct leftover_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->manager = m;
	list_init(&d->queue);
	*ret = d;
	return 0;
}

struct leftover_desk *leftover_desk_free(struct leftover_desk *d)
{
	if (!d)
		return NULL;
	leftover_claim_done(&d->lost);
	free(d);
	return NULL;
}

static struct leftover_desk *desk_of(const struct slice *s)
{
	return s->manager->leftovers;
}

struct leftovers *leftovers_free(struct leftovers *l)
{
	if (!l)
		return NULL;
	list_remove(&l->link);
	if (l->errand)
		desk_of(l->slice)->errands--;
	errand_free(l->errand);
	free(l->look.pids);
	leftover_claim_done(&l->claim);
	json_decref(l->result);
	free(l);
	return NULL;
}

static struct leftovers *leftovers_of(struct slice *s)
{
	if (!s->leftovers && (s->leftovers = calloc(1, sizeof(*s->leftovers)))) {
		s->leftovers->slice = s;
		list_init(&s->leftovers->link);
	}
	return s->leftovers;
}

static void unknown_user(const struct slice *s, int error)
{
	log_warning(&(struct log_about){ .slice = s->id },
		    "what a user of its tasks leaves in shared memory will not be found: %s",
		    error == -E2BIG ? "they ran as too many" : strerror(-error));
}

void leftovers_note_user(struct slice *s, uid_t uid)
{
	struct leftovers *l = leftovers_of(s);
	size_t before = l ? l->claim.users_count : 0;
	int r = l ? leftover_claim_user(&l->claim, uid, s->created_usec) : -ENOMEM;

	if (r < 0)
		unknown_user(s, r);
	else if (l->claim.users_count != before)
		carve_keep_record(s);
}

int leftovers_put_record(const struct slice *s, json_t *record)
{
	const struct leftovers *l = s->leftovers;
	json_t *users = json_array();

	for (size_t i = 0; l && users && i < l->claim.users_count; i++)
		json_array_append_new(users, json_integer(l->claim.users[i].uid));
	return json_put(record, "task_users", users);
}

/* One without them was written by an agent that did not know of this: who lives at its end tells.
 */
void leftovers_take_record(struct slice *s, const json_t *record)
{
	const json_t *users = json_object_get(record, "task_users");

	if (!users && !leftovers_of(s))
		unknown_user(s, -ENOMEM);
	for (size_t i = 0; i < json_array_size(users); i++) {
		json_int_t uid = json_integer_value(json_array_get(users, i));
		struct leftovers *l = leftovers_of(s);
		int r = !l ? -ENOMEM
			: uid < 0 || uid >= (json_int_t)UINT32_MAX
				? -EBADMSG
				: leftover_claim_user(&l->claim, (uint32_t)uid, s->created_usec);

		if (r < 0)
			unknown_user(s, r);
	}
}

static void turn_queue(struct leftover_desk *d);

/* --- errands --- */

static void report(struct leftovers *l)
{
	const struct log_about about = { .slice = l->slice->id };
	json_t *removed = json_object_get(l->result, "removed");
	json_int_t objects = json_integer_value(json_object_get(removed, "objects"));
	size_t kept = json_array_size(json_object_get(l->result, "left_behind"));

	kept += (size_t)json_integer_value(json_object_get(l->result, "left_behind_more"));
	if (objects > 0)
		log_notice(&about,
			   "%" JSON_INTEGER_FORMAT " objects of %" JSON_INTEGER_FORMAT
			   " bytes that its tasks left in shared memory and queues were removed",
			   objects, json_integer_value(json_object_get(removed, "bytes")));
	if (kept > 0)
		log_warning(&about, "%zu objects in shared memory and queues may be its, and stay",
			    kept);
}

static void not_cleaned(struct leftovers *l, const char *why)
{
	json_decref(l->result);
	l->result = json_pack("{s:s}", "reason", why);
	log_warning(&(struct log_about){ .slice = l->slice->id },
		    "what its tasks left in shared memory and queues could not be removed: %s",
		    why);
}

static void conclude(struct leftovers *l, const char *answer, size_t size, const struct fail *why)
{
	struct slice *s = l->slice;
	struct fail reason = why ? *why : (struct fail){ 0 };
	size_t users = l->claim.users_count;

	if (l->phase == PHASE_LOOKING) {
		l->phase = PHASE_WAITING;
		if (reason.error == 0)
			(void)leftover_look_answer(answer, size, s->created_usec, &l->claim,
						   &reason); /* reason tells */
		if (reason.error)
			log_warning(&(struct log_about){ .slice = s->id },
				    "its processes could not be looked at: %s", reason.text);
		if (l->claim.users_count != users)
			carve_keep_record(s);
		carve_end(s, l->grace_usec);
		return;
	}
	l->phase = PHASE_CLEANED;
	if (reason.error == 0)
		(void)json_parse_object(answer, size, &l->result, &reason); /* reason tells */
	if (reason.error)
		not_cleaned(l, reason.text);
	else
		report(l);
	handback_prove(s);
}

static void on_done(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct leftovers *l = userdata;

	l->errand = errand_free(l->errand);
	desk_of(l->slice)->errands--;
	turn_queue(desk_of(l->slice));
	conclude(l, answer, size, why);
}

static int begin(struct leftovers *l, struct fail *f)
{
	struct leftover_desk *d = desk_of(l->slice);
	bool look = l->phase == PHASE_LOOKING;
	int r = errand_start(
		&l->errand, d->manager->loop,
		&(struct errand_order){ .run = look ? leftover_look_errand : leftover_clean_errand,
					.argument = look ? (void *)&l->look : (void *)&l->cleaning,
					.limit_bytes = LEFTOVER_ANSWER_LIMIT_BYTES,
					.limit_usec = look ? LOOK_LIMIT_USEC
							   : CLEAN_LIMIT_USEC + MARGIN_USEC,
					.done = on_done,
					.userdata = l },
		f);

	if (r == 0)
		d->errands++;
	return r;
}

static void turn_queue(struct leftover_desk *d)
{
	while (d->errands < ERRANDS_MAX && !list_empty(&d->queue)) {
		struct leftovers *l = container_of(d->queue.next, struct leftovers, link);
		struct fail why = { 0 };

		list_remove(&l->link);
		if (begin(l, &why) < 0)
			conclude(l, "", 0, &why);
	}
}

/* Now, or when another has ended. */
static int send(struct leftovers *l, enum phase phase, struct fail *f)
{
	struct leftover_desk *d = desk_of(l->slice);

	l->phase = phase;
	if (d->errands < ERRANDS_MAX)
		return begin(l, f);
	list_append(&d->queue, &l->link);
	return 0;
}

/* --- a slice's end --- */

/* Where there is no cgroup, only what reeve-init told of is known. */
static int name_processes(struct leftovers *l)
{
	const struct slice *s = l->slice;
	size_t cursor = 0;

	free(l->look.pids);
	l->look = (struct leftover_look){ .root = s->manager->host->root,
					  .cgroup = s->cgroup_fd >= 0 ? s->cgroup : NULL,
					  .init_pid = s->init_pid,
					  .pids = calloc(map_count(s->tasks) + 1, sizeof(pid_t)) };
	for (const struct slice_task *t;
	     l->look.pids && !l->look.cgroup && (t = map_next(s->tasks, &cursor, NULL));)
		if (t->pid > 0)
			l->look.pids[l->look.pids_count++] = t->pid;
	return l->look.pids ? 0 : -ENOMEM;
}

bool leftovers_look(struct slice *s, uint64_t grace_usec)
{
	struct leftovers *l = s->leftovers;
	struct fail why = { 0 };

	if (!l || l->phase != PHASE_WAITING || !desk_of(s) ||
	    !leftover_suspected(s->manager->host, &l->claim, s->created_usec))
		return false;
	l->grace_usec = grace_usec;
	if (name_processes(l) == 0 && send(l, PHASE_LOOKING, &why) == 0)
		return true;
	l->phase = PHASE_WAITING;
	log_warning(&(struct log_about){ .slice = s->id },
		    "its processes could not be looked at: %s",
		    why.error ? why.text : "out of memory");
	return false;
}

void leftovers_look_over(struct slice *s)
{
	struct leftovers *l = s->leftovers;

	if (!l || l->phase != PHASE_LOOKING)
		return;
	list_remove(&l->link);
	l->phase = PHASE_WAITING;
	if (!l->errand)
		return;
	l->errand = errand_free(l->errand);
	desk_of(s)->errands--;
	turn_queue(desk_of(s));
}

static int name_others(const struct manager *m, const struct slice *but, struct leftover_claim *c)
{
	size_t cursor = 0;
	int r = 0;

	for (const struct slice *s; r == 0 && (s = map_next(m->slices, &cursor, NULL));)
		for (size_t i = 0;
		     r == 0 && s != but && s->leftovers && i < s->leftovers->claim.users_count; i++)
			r = leftover_claim_other(c, s->leftovers->claim.users[i].uid);
	return r;
}

bool leftovers_await(struct slice *s)
{
	struct leftovers *l = s->leftovers;
	struct fail why = { 0 };
	int r;

	if (!l || l->phase == PHASE_CLEANED || !desk_of(s))
		return false;
	if (l->phase == PHASE_CLEANING)
		return true;
	if (!leftover_suspected(s->manager->host, &l->claim, 0)) {
		l->phase = PHASE_CLEANED;
		return false;
	}
	l->cleaning = (struct leftover_cleaning){ .root = s->manager->host->root,
						  .claim = &l->claim,
						  .remove = s->manager->config->leftovers,
						  .limit_usec = CLEAN_LIMIT_USEC };
	r = name_others(s->manager, s, &l->claim);
	if (r == 0)
		r = send(l, PHASE_CLEANING, &why);
	if (r == 0)
		return true;
	l->phase = PHASE_CLEANED;
	not_cleaned(l, why.error ? why.text : strerror(-r));
	return false;
}

int leftovers_put(const struct slice *s, json_t *document)
{
	static const struct {
		const char *from, *to;
	} parts[] = {
		{ "removed", "left_removed" },
		{ "left_behind", "left_behind" },
		{ "left_behind_more", "left_behind_more" },
		{ "reason", "left_reason" },
	};
	int r = 0;

	for (size_t i = 0; s->leftovers && s->leftovers->result && r == 0 && i < ARRAY_SIZE(parts);
	     i++) {
		json_t *part = json_object_get(s->leftovers->result, parts[i].from);

		r = part ? json_put(document, parts[i].to, json_incref(part)) : 0;
	}
	return r;
}

/* --- slices that were lost --- */

void leftovers_inherit(const struct slice *s)
{
	const struct leftovers *l = s->leftovers;
	int r = 0;

	for (size_t i = 0; l && desk_of(s) && r == 0 && i < l->claim.users_count; i++)
		r = leftover_claim_user(&desk_of(s)->lost, l->claim.users[i].uid,
					l->claim.users[i].since_usec);
	if (r < 0)
		unknown_user(s, r);
}

struct lost_errand {
	struct errand *errand;
	bool over;
};

static void on_lost_done(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct lost_errand *l = userdata;

	l->over = true;
	if (why)
		log_warning(NULL, "what lost slices left in shared memory could not be removed: %s",
			    why->text);
	else if (size > 0)
		log_notice(NULL, "of what lost slices left in shared memory: %s", answer);
}

/* A loop of its own: the agent's does not turn yet. */
static int run_lost(struct leftover_cleaning *work, struct fail *f)
{
	struct lost_errand l = { 0 };
	sd_event *loop = NULL;
	int r = sd_event_new(&loop);

	if (r >= 0)
		r = errand_start(
			&l.errand, loop,
			&(struct errand_order){ .run = leftover_clean_errand,
						.argument = work,
						.limit_bytes = LEFTOVER_ANSWER_LIMIT_BYTES,
						.limit_usec = LOST_LIMIT_USEC + MARGIN_USEC,
						.done = on_lost_done,
						.userdata = &l },
			f);
	while (r >= 0 && !l.over)
		r = sd_event_run(loop, UINT64_MAX);
	errand_free(l.errand);
	sd_event_unref(loop);
	return r < 0 && f && !f->error ? fail_set(f, r, "%s", strerror(-r)) : r;
}

void leftovers_clean_lost(struct manager *m)
{
	struct leftover_desk *d = m->leftovers;
	struct leftover_cleaning work = { .root = m->host->root,
					  .remove = m->config->leftovers,
					  .limit_usec = LOST_LIMIT_USEC };
	struct fail why = { 0 };

	if (!d || d->lost.users_count == 0)
		return;
	work.claim = &d->lost;
	if (leftover_suspected(m->host, &d->lost, 0) &&
	    (name_others(m, NULL, &d->lost) < 0 || run_lost(&work, &why) < 0))
		log_warning(NULL, "what lost slices left in shared memory could not be removed: %s",
			    why.error ? why.text : "out of memory");
	leftover_claim_done(&d->lost);
}
