/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to slices about pressure, and undone; see pressure.h. Deciding is the model's;
 * taking and giving back is relief's. */
#include "pressure_internal.h"

#include "carve.h"
#include "cgroups/usage.h"
#include "freeze.h"
#include "parts.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MIB = 1 << 20 };

static bool is_revocable(const struct slice *s)
{
	return s->state == SLICE_ACTIVE && s->request.revocable;
}

/* Who asked for nothing exclusive and no share has what is left: one CPU's worth. */
static uint64_t millicpus_of(const struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	uint64_t sum = a ? cpuset_count(a->cpus) * 1000ULL + a->shared_millicpus : 0;

	return sum ? sum : 1000;
}

static unsigned bits_of_point(const struct pressure_point *p, bool revocable)
{
	unsigned bits = 0, actions;

	if (!p->rule->on)
		return 0;
	actions = pressure_in_force(p->rule, &p->state, revocable);
	if (actions & PRESSURE_BIT(PRESSURE_THROTTLE))
		bits |= RELIEF_CPU | (p->resource == PRESSURE_MEMORY ? RELIEF_MEMORY : 0);
	if (actions & PRESSURE_BIT(PRESSURE_FREEZE))
		bits |= RELIEF_FREEZE;
	return bits;
}

static bool starts_there(const char *leaf, const void *userdata)
{
	return freeze_starting(userdata, leaf) != NULL; /* it is frozen at the next look */
}

bool pressure_froze(const struct slice *s)
{
	return s->pressure && s->pressure->relief &&
	       relief_bits(s->pressure->relief) & RELIEF_FREEZE;
}

/* Makes what all rules together ask of a slice true, and says what changed. */
static void settle(struct slice *s, char evidence[PRESSURE_EVIDENCE_BYTES])
{
	const struct pressure *host = s->manager->pressure;
	unsigned bits = 0;
	int r;

	*evidence = 0;
	if (s->state != SLICE_ACTIVE || !s->pressure || !s->pressure->relief)
		return;
	for (size_t i = 0; i < PRESSURE_RESOURCES; i++) {
		bits |= bits_of_point(&s->pressure->points[i], s->request.revocable);
		if (host && s->request.revocable)
			bits |= bits_of_point(&host->points[i], true);
	}
	r = relief_set(s->pressure->relief,
		       &(struct relief_target){ .cgroup = s->cgroup_fd,
						.millicpus = millicpus_of(s),
						.spares = starts_there,
						.userdata = s },
		       bits, evidence, PRESSURE_EVIDENCE_BYTES);
	if (r < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "pressure: not all that was to be done could be: %s", strerror(-r));
	freeze_settle(s); /* its owner may have frozen it meanwhile */
}

bool pressure_able(const struct pressure_point *p, char *why, size_t size)
{
	const struct manager *m = p->manager;
	uint64_t available, total;
	size_t cursor = 0, count = 0;

	if (p->slice)
		return p->slice->request.revocable;
	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));)
		count += is_revocable(s);
	if (p->resource != PRESSURE_MEMORY || !pressure_available(m->host, &available, &total)) {
		(void)snprintf(why, size, "revocable slices: %zu", count); /* fits */
		return count > 0;
	}
	(void)snprintf(why, size,
		       "%" PRIu64 " of %" PRIu64 " MiB are available (steps begin below %" PRIu64
		       " %%), revocable slices: %zu",
		       available / MIB, total / MIB, m->config->pressure.available_percent,
		       count); /* fits */
	/* A slice that stalls on its own limit stalls the host's average too: nobody else is
	 * helped by what others lose. */
	return count > 0 && (double)available * 100 <
				    (double)total * (double)m->config->pressure.available_percent;
}

static uint64_t memory_of(const struct slice *s)
{
	struct cg_usage usage;

	if (s->top_fd < 0 || cg_usage(s->top_fd, &usage) < 0 || usage.memory_bytes == CG_UNKNOWN)
		return 0;
	return usage.memory_bytes;
}

static struct slice *find_victim(const struct pressure_point *p, uint64_t *ret_bytes)
{
	struct slice *victim = NULL;
	struct pressure_candidate pair[2];
	size_t cursor = 0;

	for (struct slice *s; (s = map_next(p->manager->slices, &cursor, NULL));) {
		if (!is_revocable(s))
			continue;
		pair[1] = (struct pressure_candidate){ .id = s->id,
						       .memory_bytes = memory_of(s),
						       .created_usec = s->created_usec };
		if (victim && pressure_victim(pair, 2, p->resource) == 0)
			continue;
		victim = s;
		pair[0] = pair[1];
	}
	*ret_bytes = victim ? pair[0].memory_bytes : 0;
	return victim;
}

/* What it holds must be free at once; carve takes down the rest. */
static void kill_tasks(struct slice *s)
{
	size_t cursor = 0;

	for (const struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));) {
		_cleanup_close_ int leaf = -1;

		if (parts_open_leaf(s, t, &leaf) == 0)
			(void)cg_kill(leaf); /* reeve-init is told to do it as well */
	}
}

static void take_away(const struct pressure_point *p, struct slice *s, uint64_t bytes)
{
	struct fail why = { 0 };
	char used[64] = "";

	if (bytes > 0)
		(void)snprintf(used, sizeof(used), "; it used %" PRIu64 " MiB",
			       bytes / MIB); /* fits */
	fail_code(&why, -ECANCELED, "revoked",
		  "revoked: %s %s pressure: tasks stalled %" PRIu64 " ms and more within %" PRIu64
		  " ms%s",
		  p->slice ? "its own" : "host", pressure_resource_to_string(p->resource),
		  p->rule->stall_usec / 1000, p->rule->window_usec / 1000, used);
	kill_tasks(s);
	carve_revoke(s, &why);
}

/* On the host's revocable slices. A story each, and the list of them. */
static void act_on_all(const struct pressure_point *p, const char *action, json_t *slices)
{
	char evidence[PRESSURE_EVIDENCE_BYTES];
	size_t cursor = 0;

	for (struct slice *s; (s = map_next(p->manager->slices, &cursor, NULL));) {
		if (!is_revocable(s))
			continue;
		settle(s, evidence);
		if (!*evidence)
			continue;
		json_array_append_new(slices, json_string(s->id));
		pressure_tell(p, &(struct pressure_story){
					 .action = action, .evidence = evidence, .about = s });
	}
}

static void act_on_host(const struct pressure_point *p, enum pressure_action action,
			const char *why)
{
	_cleanup_json_ json_t *slices = json_array();
	const char *name = pressure_action_to_string(action);

	if (action == PRESSURE_KILL) {
		uint64_t bytes = 0;
		struct slice *victim = find_victim(p, &bytes);

		if (victim) {
			json_array_append_new(slices, json_string(victim->id));
			take_away(p, victim, bytes);
		}
	} else {
		act_on_all(p, name, slices);
	}
	pressure_tell(
		p, &(struct pressure_story){ .action = name, .evidence = why, .slices = slices });
}

static void act_on_slice(const struct pressure_point *p, enum pressure_action action)
{
	char evidence[PRESSURE_EVIDENCE_BYTES] = "";

	if (action != PRESSURE_KILL)
		settle(p->slice, evidence);
	pressure_tell(p, &(struct pressure_story){ .action = pressure_action_to_string(action),
						   .evidence = evidence,
						   .about = p->slice });
	if (action == PRESSURE_KILL)
		take_away(p, p->slice, 0);
}

void pressure_act(const struct pressure_point *p, enum pressure_action action, const char *why)
{
	if (p->slice)
		act_on_slice(p, action);
	else
		act_on_host(p, action, why);
}

void pressure_restore(const struct pressure_point *p)
{
	_cleanup_json_ json_t *slices = json_array();
	char evidence[PRESSURE_EVIDENCE_BYTES];

	if (p->slice) {
		settle(p->slice, evidence);
		pressure_tell(p, &(struct pressure_story){ .action = "restore",
							   .evidence = evidence,
							   .about = p->slice });
		return;
	}
	act_on_all(p, "restore", slices);
	pressure_tell(p, &(struct pressure_story){
				 .action = "restore", .evidence = "", .slices = slices });
}

/* Tasks that were started since get what the others have. */
void pressure_act_again(const struct pressure_point *p)
{
	char evidence[PRESSURE_EVIDENCE_BYTES];
	size_t cursor = 0;

	if (p->slice) {
		settle(p->slice, evidence);
		return;
	}
	for (struct slice *s; (s = map_next(p->manager->slices, &cursor, NULL));)
		if (is_revocable(s))
			settle(s, evidence);
}
