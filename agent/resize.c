/* SPDX-License-Identifier: Apache-2.0 */
/* Resizing; see resize.h. The slice goes through at most three sizes: before, both, after. Each is
 * one call of hold(), which brings ledger, kernel and PID 1 to that size, in this order. The
 * ledger is asked by everybody who sets a limit, so it comes first also on the way down: within one
 * callback nobody can be offered what the kernel still holds, and on failure it is put back. */
#include "resize.h"

#include "admission.h"
#include "backend.h"
#include "carve.h"
#include "cgroups/hugetlb.h"
#include "cgroups/partition.h"
#include "cgroups/usage.h"
#include "device_use.h"
#include "document.h"
#include "enforce.h"
#include "limits_patch.h"
#include "manager.h"
#include "model/resizing.h"
#include "parts.h"
#include "room.h"
#include "slice_limits.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct resize {
	struct allocation *before, *both, *after; /* after NULL: interrupted by a restart */
	struct amounts had, has_both, gets;
	struct request_limits limits; /* those that the slice's request has not: after, or before */
	bool limits_change, limits_changed;
	uint64_t at_usec; /* CLOCK_REALTIME: when what it gives up is taken */
	uint64_t grace_usec;
	bool passes_both; /* some of it is got and some given up */
	bool announced;
	bool back; /* it is put back to what it was */
	sd_event_source *timer;
};

static struct resize *resize_free(struct resize *z)
{
	if (!z)
		return NULL;
	sd_event_source_disable_unref(z->timer);
	allocation_free(z->before);
	allocation_free(z->both);
	allocation_free(z->after);
	limits_done(&z->limits);
	free(z);
	return NULL;
}

static inline void resize_freep(struct resize **z)
{
	resize_free(*z);
}

void resize_drop(struct slice *s)
{
	s->resize = resize_free(s->resize);
}

const struct allocation *resize_before(const struct slice *s)
{
	return s->resize ? s->resize->before : NULL;
}

json_t *resize_document(const struct slice *s)
{
	const struct resize *z = s->resize;
	_cleanup_(allocation_freep) struct allocation *taken = NULL;
	_cleanup_json_ json_t *object = json_object();

	if (!z || !z->after || !object || allocation_less(&taken, z->before, z->after) < 0 ||
	    json_put(object, "at", document_time(z->at_usec)) < 0 ||
	    json_put(object, "takes", document_allocation(taken)) < 0 ||
	    (z->gets.processes_max > 0 &&
	     json_put(object, "processes_max", json_integer((json_int_t)z->gets.processes_max)) <
		     0) ||
	    (z->limits_change && json_put(object, "limits", document_limits(&z->limits)) < 0) ||
	    json_put(object, "resources", document_allocation(z->after)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static int put_ledger(struct slice *s, const struct allocation *size)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	int r = allocation_copy(&a, size);

	if (r < 0)
		return r;
	a->slice = strdup(s->id);
	return a->slice ? ledger_replace(s->manager->ledger, &a) : -ENOMEM;
}

static bool wants_partition(const struct slice *s, const struct allocation *a)
{
	return !cpuset_empty(a->cpus) && (a->shared_millicpus == 0 || parts_exist(s));
}

/* In partitions, before a change: of all slices, and of this one. */
struct held {
	struct cpuset *granted, *own;
};

static void held_done(struct held *h)
{
	cpuset_free(h->granted);
	cpuset_free(h->own);
}

static int held_now(const struct slice *s, struct held *ret)
{
	const struct ledger *l = s->manager->ledger;
	int r = cpuset_copy(&ret->granted, ledger_cpus(l));

	return r < 0 ? r : cpuset_copy(&ret->own, ledger_find(l, s->id)->cpus);
}

/* A partition that there is follows before the limits are written: its CPUs are those that it has
 * exclusively, whatever cpuset.cpus says. One that there is not yet is made with the limits. */
static int move_partition(struct slice *s, const struct allocation *size, const struct held *before,
			  struct fail *f)
{
	_cleanup_(cg_partition_done) struct cg_partition p = { 0 };
	_cleanup_free_ char *path = NULL;
	const struct cg_partition_change change = { .granted_before = before->granted,
						    .granted = ledger_cpus(s->manager->ledger),
						    .cpus_before = before->own,
						    .cpus = size->cpus,
						    .top = s->top };
	int root = s->manager->host->cgroup_fd, r;
	const char *kind = NULL;

	if (!s->top || !(backend_controllers(s) & CG_BIT(CG_CPUSET)))
		return 0;
	if (parts_partition(s, &path) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	r = parts_yield(s, size->cpus);
	if (r < 0)
		return fail_code(f, -EBUSY, "resize-refused",
				 "the kernel refused the shared CPUs of slice %s: %s", s->id,
				 strerror(-r));
	if (cg_partition_kind(root, path, &kind) < 0 || !kind)
		return 0;
	if (!wants_partition(s, size)) {
		r = cg_partition_undo(root, path, s->top, change.granted);
		return r < 0 ? fail_code(f, -EBUSY, "resize-refused",
					 "the kernel keeps the partition of slice %s: %s", s->id,
					 strerror(-r))
			     : 0;
	}
	r = cg_partition_move(root, path, &change, &p);
	if (r < 0)
		return fail_set(f, r, "the partition of slice %s cannot be changed: %s", s->id,
				strerror(-r));
	if (p.stopped)
		log_notice(&(struct log_about){ .slice = s->id },
			   "its partition was none for a moment: the kernel did not take the "
			   "change as it was");
	return p.holds ? 0
		       : fail_code(f, -EBUSY, "resize-refused",
				   "the kernel refused the CPUs of slice %s: %s", s->id, p.reason);
}

/* Whether the rows have one for the same limit, and whether the kernel held one: there may be many,
 * one a disk. */
static bool had_row(const struct enforcements *rows, const struct enforcement *row, bool *ret_held)
{
	bool found = false;

	*ret_held = false;
	for (size_t i = 0; i < rows->count; i++) {
		const struct enforcement *had = &rows->items[i];

		if (strcmp(had->resource, row->resource) != 0 ||
		    strcmp(had->limit, row->limit) != 0)
			continue;
		found = true;
		*ret_held |= had->mechanism != MECHANISM_NONE && had->mechanism != MECHANISM_POLICY;
	}
	return found;
}

/* Whatever the kernel held is held at the new size as well, and so are new limits. But the memory
 * policy of a process that runs stays what it was; where that is all there is, its row says so. */
static int check_rows(const struct slice *s, const struct enforcements *before, struct fail *f)
{
	for (size_t i = 0; i < s->enforced.count; i++) {
		const struct enforcement *now = &s->enforced.items[i];
		bool held, had = had_row(before, now, &held);
		bool asked = !had && s->resize->limits_changed && limits_patch_names(now->limit);

		if (now->mechanism != MECHANISM_NONE || strcmp(now->resource, "noise") == 0 ||
		    (!held && !asked))
			continue;
		return fail_code(f, -EBUSY, "resize-refused",
				 "the kernel refused %s (%s) of slice %s: %s", now->limit,
				 now->wanted ? now->wanted : "", s->id,
				 now->reason ? now->reason : "it holds another value");
	}
	return 0;
}

/* Between a size with the one and a size with the other a slice has both for a moment. */
bool resize_is_passing(const struct slice *s)
{
	const struct resize *z = s->resize;
	const struct allocation *after = z && !z->back ? z->after : NULL;

	return after && !parts_wanted(after) &&
	       parts_wanted(ledger_find(s->manager->ledger, s->id));
}

/* Brings everything to one size. */
static int hold(struct slice *s, const struct allocation *size, const struct amounts *amounts,
		struct fail *f)
{
	_cleanup_(enforcements_done) struct enforcements before = { 0 };
	_cleanup_(held_done) struct held held = { 0 };
	int r = held_now(s, &held);

	if (r == 0)
		r = put_ledger(s, size);
	if (r < 0)
		return fail_set(f, r, "out of memory");
	amounts_put(&s->request, amounts);
	before = s->enforced;
	s->enforced = (struct enforcements){ 0 };
	enforce_pool_changed(s->manager, s); /* before its tasks can meet those of the pool */
	r = move_partition(s, size, &held, f);
	if (s->top && s->backend->resizing)
		s->backend->resizing(s);
	if (r == 0)
		r = enforce_resized(s, resize_is_passing(s), f);
	if (r == 0)
		r = check_rows(s, &before, f);
	if (r == 0 && s->backend->resized)
		s->backend->resized(s);
	return r;
}

/* The request has the limits of after the resize, or those of before. */
static void use_limits(struct slice *s, bool after)
{
	struct resize *z = s->resize;
	struct request_limits other = z->limits;

	if (!z->limits_change || z->limits_changed == after)
		return;
	z->limits = s->request.limits;
	s->request.limits = other;
	z->limits_changed = after;
}

/* As it was. If even that is refused, the books keep what the kernel may still hold. */
static void put_back(struct slice *s, const struct fail *reason)
{
	struct resize *z = s->resize;
	struct fail why = { 0 };

	z->back = true;
	use_limits(s, false);
	if (hold(s, z->before, &z->had, &why) < 0) {
		log_error(&(struct log_about){ .slice = s->id, .code = "leak" },
			  "it cannot be put back to the size it had: %s", why.text);
		(void)put_ledger(s, z->both); /* without memory: some CPUs are free too early */
	}
	enforce_pool_changed(s->manager, NULL);
	log_warning(&(struct log_about){ .slice = s->id, .code = reason->code },
		    "it keeps the size it had: %s", reason->text);
	if (z->announced)
		slice_report(s, EVENT_SLICE_RESIZE_FAILED, reason);
	resize_drop(s);
	carve_keep_record(s);
}

static int too_much_used(const struct slice *s, const char *code, const char *what, uint64_t used,
			 uint64_t wanted, struct fail *f)
{
	return fail_code(f, -EBUSY, code,
			 "slice %s uses %" PRIu64 " %s now, more than the %" PRIu64
			 " that it would have",
			 s->id, used, what, wanted);
}

static int check_hugepages(const struct slice *s, const struct resize *z, struct fail *f)
{
	for (size_t i = 0; i < z->before->hugepages_count; i++) {
		uint64_t size = z->before->hugepages[i].size_bytes, used = 0;
		uint64_t left = allocation_hugepages_total(z->after, size);

		if (left < allocation_hugepages_total(z->before, size) &&
		    cg_hugetlb_claimed(s->top_fd, size, &used) == 0 && used / size > left)
			return too_much_used(s, "hugepages-in-use", "huge pages", used / size, left,
					     f);
	}
	return 0;
}

static bool below(uint64_t wanted, uint64_t had)
{
	return wanted > 0 && (had == 0 || wanted < had); /* 0: no limit */
}

static int check_devices(const struct slice *s, const struct resize *z, struct fail *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < z->before->devices_count; i++)
		if (!allocation_has_device(z->after, z->before->devices[i]))
			r = device_use_check(s, z->before->devices[i], f);
	return r;
}

/* A task keeps the part that it was started in. */
static int check_share(const struct slice *s, const struct resize *z, struct fail *f)
{
	size_t cursor = 0;

	if (z->after->shared_millicpus > 0)
		return 0;
	for (const struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));)
		if (!task_is_over(t->state) && parts_of(s, t) == FRAME_CPUS_SHARED)
			return fail_code(f, -EBUSY, "shared-in-use",
					 "task %s of slice %s runs on its shared CPUs: stop it "
					 "first",
					 t->name, s->id);
	return 0;
}

/* Those of after, and what they may contradict: the record would not be read again. A memory_high
 * that stays may be exceeded: it slows down, and refuses nothing. */
static int check_limits(const struct slice *s, const struct resize *z, struct fail *f)
{
	const struct request_limits *now = &s->request.limits;
	bool lower = below(z->limits.memory_high_bytes, now->memory_high_bytes) ||
		     (z->limits.swap_limited &&
		      (!now->swap_limited || z->limits.swap_max_bytes < now->swap_max_bytes));

	if (!z->limits_change)
		return limits_consistent(now, z->gets.memory_bytes, f);
	return limits_check(s->manager, z->after, lower ? s->top_fd : -1, &z->limits, f);
}

/* The kernel would reclaim, and then kill, for a limit below what is used. */
static int check_use(const struct slice *s, const struct resize *z, struct fail *f)
{
	struct cg_usage usage;
	int r = check_limits(s, z, f);

	if (r == 0)
		r = check_devices(s, z, f);

	if (r == 0)
		r = check_share(s, z, f);
	if (r < 0 || s->top_fd < 0 || cg_usage(s->top_fd, &usage) < 0)
		return r;
	if (below(z->gets.memory_bytes, z->had.memory_bytes) && usage.memory_bytes != CG_UNKNOWN &&
	    usage.memory_bytes > z->gets.memory_bytes)
		return too_much_used(s, "memory-in-use", "bytes of memory (memory.current)",
				     usage.memory_bytes, z->gets.memory_bytes, f);
	if (below(z->gets.processes_max, z->had.processes_max) && usage.pids != CG_UNKNOWN &&
	    usage.pids > z->gets.processes_max)
		return too_much_used(s, "processes-in-use", "processes (pids.current)", usage.pids,
				     z->gets.processes_max, f);
	return check_hugepages(s, z, f);
}

/* The last size. The event comes before the record: told twice rather than never. */
static int finish(struct slice *s, struct fail *f)
{
	struct resize *z = s->resize;
	int r = check_use(s, z, f);

	if (r == 0) {
		use_limits(s, true);
		r = hold(s, z->after, &z->gets, f);
	}
	if (r == 0)
		r = check_devices(s, z, f); /* opened in the last moment: it would stay open */
	if (r < 0) {
		put_back(s, f);
		return r;
	}
	resize_drop(s);
	enforce_pool_changed(s->manager, NULL);
	slice_report(s, EVENT_SLICE_RESIZED, NULL);
	carve_keep_record(s);
	return 0;
}

static int on_grace_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;
	struct fail why = { 0 };

	(void)source;
	(void)usec;
	(void)finish(s, &why); /* told by an event and in the log */
	return 0;
}

static int change_amounts(struct slice *s, const struct resize_change *change, struct resize *z,
			  struct fail *f)
{
	z->had = z->gets = amounts_of(&s->request);
	if (amounts_change(&z->gets, change) < 0)
		return fail_set(f, -E2BIG, "hugepages: at most %d sizes are possible",
				REQUEST_HUGEPAGES_MAX);
	if (z->gets.memory_bytes == 0 && z->had.memory_bytes > 0)
		return fail_code(f, -EINVAL, "memory-needed",
				 "memory of slice %s cannot be taken away wholly: without any it "
				 "would have no limit",
				 s->id);
	z->has_both = z->had; /* the rest is the allocation's */
	z->has_both.processes_max = below(z->gets.processes_max, z->had.processes_max)
					    ? z->had.processes_max
					    : z->gets.processes_max;
	return 0;
}

/* Where its tasks have their memory; not known is none. */
static size_t memory_in_use(const struct slice *s, const struct allocation *a,
			    struct allocation_memory *ret)
{
	size_t n = 0;

	for (size_t i = 0; s->top_fd >= 0 && i < a->memory_count; i++) {
		ret[n].node = a->memory[i].node;
		if (cg_usage_on_node(s->top_fd, ret[n].node, &ret[n].bytes) == 0)
			n++;
	}
	return n;
}

static int decide(struct slice *s, const struct resize_change *change, struct resize *z,
		  struct fail *f)
{
	const struct allocation *held = ledger_find(s->manager->ledger, s->id);
	_cleanup_free_ struct allocation_memory *used =
		calloc(held->memory_count + 1, sizeof(*used));
	struct request wanted = s->request; /* borrows all but the amounts */
	struct view v = manager_view(s->manager);
	struct resize_wish wish = { .wanted = &wanted,
				    .keep_cpus = change->keep_cpus,
				    .keep_devices = change->keep_devices,
				    .keep_devices_count = change->keep_devices_count,
				    .used = used };
	int r;

	if (!used)
		return fail_set(f, -ENOMEM, "out of memory");
	amounts_put(&wanted, &z->gets);
	wish.used_count = memory_in_use(s, held, used);
	r = resize_decide(&v, held, &wish, &z->after, f);
	if (r == PLACEMENT_NO_FIT)
		return f->error;
	if (r == 0)
		r = allocation_copy(&z->before, held);
	if (r == 0)
		r = allocation_join(&z->both, z->before, z->after);
	return r < 0 ? fail_set(f, r, "out of memory") : 0;
}

static bool gives_up(const struct resize *z, bool *ret_gets_more)
{
	_cleanup_(allocation_freep) struct allocation *less = NULL, *more = NULL;

	if (allocation_less(&less, z->before, z->after) < 0 ||
	    allocation_less(&more, z->after, z->before) < 0) {
		*ret_gets_more = true; /* the longest way is always right */
		return true;
	}
	*ret_gets_more = !allocation_empty(more);
	return !allocation_empty(less) || below(z->gets.processes_max, z->had.processes_max);
}

/* Both sizes at once, in the books and on disk before the kernel has them. */
static int book_both(struct slice *s, struct fail *f)
{
	if (put_ledger(s, s->resize->both) < 0) {
		resize_drop(s);
		return fail_set(f, -ENOMEM, "out of memory");
	}
	carve_keep_record(s);
	return 0;
}

static void announce(struct slice *s)
{
	s->resize->announced = true;
	slice_report(s, EVENT_SLICE_RESIZING, NULL);
}

/* There is room for both. */
static int go_on(struct slice *s, struct fail *f)
{
	struct resize *z = s->resize;
	int r = z->passes_both ? hold(s, z->both, &z->has_both, f) : 0;

	if (r == 0 && z->grace_usec == 0)
		return finish(s, f);
	if (r == 0 && sd_event_add_time_relative(s->manager->loop, &z->timer, CLOCK_MONOTONIC,
						 z->grace_usec, 0, on_grace_over, s) < 0)
		r = fail_set(f, -ENOMEM, "out of memory");
	if (r < 0)
		put_back(s, f);
	return r < 0 ? r : RESIZE_LATER;
}

static void on_room(struct slice *s, const struct fail *lack)
{
	struct fail why = lack ? *lack : (struct fail){ 0 };

	if (s->state != SLICE_ACTIVE || !s->resize)
		return;
	if (lack)
		put_back(s, &why);
	else
		(void)go_on(s, &why); /* told by an event and in the log */
}

static int go(struct slice *s, uint64_t grace_usec, struct fail *f)
{
	struct resize *z = s->resize;
	bool more = false, less = gives_up(z, &more);
	int r;

	z->grace_usec = less ? grace_usec : 0;
	z->passes_both = more && less;
	z->at_usec = s->manager->host->realtime_usec(s->manager->host) + z->grace_usec;
	if (less)
		announce(s);
	r = book_both(s, f);
	if (r < 0)
		return r;
	r = room_make(s, on_room, f);
	if (r == ROOM_LATER && !less)
		announce(s); /* its end is told, not answered */
	if (r < 0)
		put_back(s, f);
	return r == 0 ? go_on(s, f) : r < 0 ? r : RESIZE_LATER;
}

int resize_start(struct slice *s, const struct resize_change *change, struct fail *f)
{
	_cleanup_(resize_freep) struct resize *z = NULL;
	int r = slice_may_change(s, f);

	if (r < 0)
		return r;
	z = calloc(1, sizeof(*z));
	if (!z)
		return fail_set(f, -ENOMEM, "out of memory");
	r = change_amounts(s, change, z, f);
	if (r == 0 && change->limits)
		r = limits_patch(&s->request.limits, change->limits, &z->limits, &z->limits_change,
				 f);
	if (r == 0)
		r = decide(s, change, z, f);
	if (r == 0)
		r = admission_may_grow(s->manager->admission, s, z->after, f);
	if (r == 0)
		r = check_use(s, z, f);
	if (r < 0 || (amounts_equal(&z->had, &z->gets) && !z->limits_change))
		return r;
	s->resize = TAKE_PTR(z);
	return go(s, change->grace_usec, f);
}

int resize_adopt(struct slice *s, struct allocation **before)
{
	const struct allocation *held = ledger_find(s->manager->ledger, s->id);
	_cleanup_(resize_freep) struct resize *z = calloc(1, sizeof(*z));

	if (!z || allocation_copy(&z->both, held) < 0)
		return -ENOMEM;
	z->before = TAKE_PTR(*before);
	z->had = z->has_both = z->gets = amounts_of(&s->request);
	z->announced = true; /* perhaps: told twice rather than never */
	s->resize = TAKE_PTR(z);
	return 0;
}

void resize_settle(struct slice *s)
{
	struct fail why = { 0 };

	if (!s->resize || s->resize->after)
		return;
	fail_code(&why, -EINTR, "agent-restarted",
		  "the agent was restarted while slice %s was being resized", s->id);
	put_back(s, &why);
}
