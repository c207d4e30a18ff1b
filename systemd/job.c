/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of PID 1: a call answers with the path of a job, and a signal tells how the job ended. The
 * signal may overtake the answer, so ends of the same unit are kept until the answer is there. What
 * is over is first set aside and then delivered, because a callback may free the connection. */
#include "systemd/job.h"

#include "util/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Jobs of one unit that end while a call about it waits for its answer: its own, and one or two
 * that it replaced. */
enum { EARLY_KEPT = 4 };

struct job {
	struct list link;
	struct systemd *systemd;
	struct job_order order; /* unit and verb are ours: unit_copy, and a constant */
	char *unit_copy, *path; /* path NULL until the answer */
	sd_bus_slot *answer;
	sd_event_source *deadline;
	struct {
		char *path, *result;
	} early[EARLY_KEPT];
	unsigned early_next;
	int error;
	struct fail why;
};

static struct job *job_free(struct job *j)
{
	if (!j)
		return NULL;
	sd_bus_slot_unref(j->answer);
	sd_event_source_disable_unref(j->deadline);
	for (unsigned i = 0; i < EARLY_KEPT; i++) {
		free(j->early[i].path);
		free(j->early[i].result);
	}
	free(j->path);
	free(j->unit_copy);
	free(j);
	return NULL;
}
DEFINE_CLEANUP(struct job *, job_free);

static void job_release(struct job *j)
{
	list_remove(&j->link);
	if (j->order.release)
		j->order.release(j->order.userdata);
	job_free(j);
}

static struct job *first_job(struct list *list)
{
	return list_empty(list) ? NULL : container_of(list->next, struct job, link);
}

/* Sets the job aside: its error and sentence are final. */
static void job_end(struct job *j, int error)
{
	j->error = error;
	j->answer = sd_bus_slot_unref(j->answer);
	j->deadline = sd_event_source_disable_unref(j->deadline);
	list_remove(&j->link);
	list_append(&j->systemd->over, &j->link);
}

static void deliver(struct systemd *s)
{
	struct job *j;

	s->references++;
	while ((j = first_job(&s->over))) {
		list_remove(&j->link); /* ours now, also if done() frees the connection */
		if (j->order.done)
			j->order.done(j->error, &j->why, j->order.userdata);
		job_release(j);
	}
	systemd_unref(s);
}

/* Results of a job: org.freedesktop.systemd1(5), JobRemoved; job_result_table[] in systemd. */
static const struct {
	const char *result;
	int error;
	const char *sentence;
} results[] = {
	{ "done", 0, "it is done" },
	{ "canceled", -ECANCELED, "another job took its place" },
	{ "timeout", -ETIMEDOUT, "the job ran into systemd's own time limit" },
	{ "failed", -EIO, "the unit failed" },
	{ "dependency", -EIO, "a unit that it depends on failed" },
	{ "skipped", -ECANCELED, "it does not apply in the unit's present state" },
	{ "invalid", -EINVAL, "the unit cannot be reloaded" },
	{ "assert", -EINVAL, "an assertion of the unit is not met" },
	{ "unsupported", -EOPNOTSUPP, "this kind of unit is not supported on this system" },
	{ "collected", -ECANCELED, "the unit was removed before" },
	{ "once", -EALREADY, "the unit runs only once, and did" },
};

static void job_end_with(struct job *j, const char *result)
{
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		if (strcmp(results[i].result, result) != 0)
			continue;
		if (results[i].error < 0)
			fail_set(&j->why, results[i].error, "systemd could not %s %s: %s",
				 j->order.verb, j->order.unit, results[i].sentence);
		job_end(j, results[i].error);
		return;
	}
	job_end(j, fail_set(&j->why, -EIO, "systemd could not %s %s: the job ended as \"%s\"",
			    j->order.verb, j->order.unit, result));
}

/* Without memory the end is lost, and the deadline tells. */
static void keep_early(struct job *j, const char *path, const char *result)
{
	unsigned i = j->early_next++ % EARLY_KEPT;

	free(j->early[i].path);
	free(j->early[i].result);
	j->early[i].path = strdup(path);
	j->early[i].result = strdup(result);
}

int job_on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct systemd *s = userdata;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error; /* for method calls alone */
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0; /* not of the documented form: the deadline tells */
	list_each (item, next, &s->waiting) {
		struct job *j = container_of(item, struct job, link);

		if (j->path && strcmp(j->path, path) == 0)
			job_end_with(j, result);
		else if (!j->path && strcmp(j->order.unit, unit) == 0)
			keep_early(j, path, result);
	}
	deliver(s);
	return 0;
}

static void take_answer(struct job *j, sd_bus_message *answer)
{
	const char *path;
	int r = sd_bus_message_read(answer, "o", &path);

	if (r < 0) {
		job_end(j, fail_set(&j->why, -EBADMSG,
				    "systemd answered the call to %s %s without a job",
				    j->order.verb, j->order.unit));
		return;
	}
	for (unsigned i = 0; i < EARLY_KEPT; i++)
		if (j->early[i].path && j->early[i].result && strcmp(j->early[i].path, path) == 0) {
			job_end_with(j, j->early[i].result);
			return;
		}
	j->path = strdup(path);
	if (!j->path)
		job_end(j, fail_set(&j->why, -ENOMEM, "out of memory"));
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *unused)
{
	struct job *j = userdata;
	struct systemd *s = j->systemd;
	const sd_bus_error *error = sd_bus_message_get_error(answer);
	int r;

	(void)unused; /* for method calls alone */
	if (!error) {
		take_answer(j, answer);
	} else {
		r = systemd_refusal(error, j->order.verb, j->order.unit, &j->why);
		job_end(j, r == -ENOENT && j->order.absent_is_done ? 0 : r);
	}
	deliver(s);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct job *j = userdata;
	struct systemd *s = j->systemd;

	(void)source;
	(void)usec;
	job_end(j, fail_set(&j->why, -ETIMEDOUT, "systemd did not %s %s in time%s", j->order.verb,
			    j->order.unit, j->path ? "" : ": it has not even answered"));
	deliver(s);
	return 0;
}

static int job_new(struct job **ret, struct systemd *s, const struct job_order *order)
{
	_cleanup_(job_freep) struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	list_init(&j->link);
	j->systemd = s;
	j->order = *order;
	j->order.unit = j->unit_copy = strdup(order->unit);
	if (!j->unit_copy)
		return -ENOMEM;
	*ret = TAKE_PTR(j);
	return 0;
}

int job_call(struct systemd *s, sd_bus_message *call, const struct job_order *order, struct fail *f)
{
	_cleanup_(job_freep) struct job *j = NULL;
	int r = job_new(&j, s, order);

	if (r ==
	    0) /* the deadline covers the answer and the job, so the call has none of its own */
		r = sd_bus_call_async(s->bus, &j->answer, call, on_answer, j, UINT64_MAX);
	if (r >= 0)
		r = sd_event_add_time_relative(s->loop, &j->deadline, CLOCK_MONOTONIC,
					       s->timeout_usec, 0, on_deadline, j);
	if (r < 0)
		return fail_set(f, r, "cannot ask systemd to %s %s: %s", order->verb, order->unit,
				strerror(-r));
	list_append(&s->waiting, &j->link);
	TAKE_PTR(j);
	return 0;
}

void job_fail_all(struct systemd *s, int error, const char *sentence)
{
	struct job *j;

	while ((j = first_job(&s->waiting)))
		job_end(j, fail_set(&j->why, error, "cannot %s %s: %s", j->order.verb,
				    j->order.unit, sentence));
	deliver(s);
}

void job_drop_all(struct systemd *s)
{
	struct job *j;

	while ((j = first_job(&s->waiting)))
		job_release(j);
	while ((j = first_job(&s->over)))
		job_release(j);
}
