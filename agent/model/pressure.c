/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions about pressure; see pressure.h. */
#include "model/pressure.h"

#include <assert.h>
#include <string.h>

enum {
	LOOK_USEC = 1000000,	       /* averages move every 2 s (PSI_FREQ) */
	TOLD_MAX_USEC = 300 * 1000000, /* a steady stall is told every five minutes */
	RELIEF_DOUBLINGS = 16,	       /* at most so many times the policy's relief */
};

/* The effect of hysteresis: half of what is trouble is well. */
static double calm_below(const struct pressure_rule *rule)
{
	return 50.0 * (double)rule->stall_usec / (double)rule->window_usec;
}

unsigned pressure_in_force(const struct pressure_rule *rule, const struct pressure_state *s,
			   bool revocable)
{
	unsigned actions = 0;

	for (size_t i = 0; i < s->level && i < rule->steps_count; i++)
		if (rule->steps[i].action != PRESSURE_REPORT &&
		    rule->steps[i].action != PRESSURE_KILL &&
		    (revocable || !rule->steps[i].revocable))
			actions |= PRESSURE_BIT(rule->steps[i].action);
	return actions;
}

bool pressure_acting(const struct pressure_rule *rule, const struct pressure_state *s)
{
	return s->level > 0 && rule->steps[s->level - 1].action != PRESSURE_REPORT;
}

static uint64_t relief(const struct pressure_policy *p, const struct pressure_state *s)
{
	return s->relief_usec ? s->relief_usec : p->relief_usec;
}

/* Nothing is in force, and it was quiet for long: what comes now is something new. */
static void begin_anew(const struct pressure_policy *p, const struct pressure_rule *rule,
		       struct pressure_state *s, uint64_t now_usec)
{
	if (pressure_acting(rule, s) || now_usec - s->fired_usec < p->relief_usec)
		return;
	s->level = 0;
	backoff_reset(&s->told);
}

/* Kills go on, one at a time, while there is need. */
static const struct pressure_step *next_step(const struct pressure_rule *rule,
					     const struct pressure_state *s, bool able)
{
	const size_t last = rule->steps_count - 1;
	size_t i = s->level;

	if (i > last && rule->steps[last].action == PRESSURE_KILL)
		i = last;
	while (i <= last && rule->steps[i].revocable && !able)
		i++;
	return i <= last ? &rule->steps[i] : NULL;
}

static bool due(const struct pressure_policy *p, const struct pressure_state *s, uint64_t now_usec)
{
	return s->level == 0 || now_usec - s->stepped_usec >= p->escalate_usec;
}

/* Pressure that is back soon after its steps were undone: the next relief has to last longer. */
static void note_relapse(const struct pressure_policy *p, struct pressure_state *s,
			 uint64_t now_usec)
{
	const uint64_t before = relief(p, s), most = p->relief_usec * RELIEF_DOUBLINGS;

	if (s->undone_usec == 0 || now_usec - s->undone_usec >= before)
		s->relief_usec = 0;
	else
		s->relief_usec = before > most / 2 ? most : before * 2;
}

static void take(const struct pressure_policy *p, const struct pressure_rule *rule,
		 struct pressure_state *s, const struct pressure_step *step)
{
	const uint64_t now_usec = s->fired_usec;
	const bool acted = pressure_acting(rule, s);

	s->level = (unsigned)(step - rule->steps) + 1;
	s->stepped_usec = now_usec;
	if (!acted && pressure_acting(rule, s))
		note_relapse(p, s, now_usec);
}

static bool time_to_tell(const struct pressure_rule *rule, struct pressure_state *s,
			 uint64_t now_usec)
{
	if (s->told.current_usec && now_usec - s->told_usec < s->told.current_usec)
		return false;
	s->told.first_usec = 2 * rule->window_usec; /* the one after the next window's */
	s->told.max_usec = TOLD_MAX_USEC;
	(void)backoff_next(&s->told);
	return true;
}

struct pressure_decision pressure_fired(const struct pressure_policy *p,
					const struct pressure_rule *rule, struct pressure_state *s,
					bool able, uint64_t now_usec)
{
	struct pressure_decision d = { 0 };
	const struct pressure_step *next;

	begin_anew(p, rule, s, now_usec);
	s->fired_usec = now_usec;
	s->calm_usec = 0;
	next = next_step(rule, s, able);
	if (next && due(p, s, now_usec)) {
		take(p, rule, s, next);
		d.step = next->action == PRESSURE_REPORT ? NULL : next;
	}
	d.tell = time_to_tell(rule, s, now_usec) || d.step;
	if (d.tell)
		s->told_usec = now_usec;
	d.look_usec = pressure_acting(rule, s) ? LOOK_USEC : 0;
	return d;
}

static bool is_calm(const struct pressure_rule *rule, const struct pressure_state *s, double avg10,
		    uint64_t now_usec)
{
	return avg10 < calm_below(rule) && now_usec - s->fired_usec >= rule->window_usec;
}

struct pressure_decision pressure_looked(const struct pressure_policy *p,
					 const struct pressure_rule *rule, struct pressure_state *s,
					 double avg10, uint64_t now_usec)
{
	if (!pressure_acting(rule, s))
		return (struct pressure_decision){ 0 };
	if (!is_calm(rule, s, avg10, now_usec))
		s->calm_usec = 0;
	else if (s->calm_usec == 0)
		s->calm_usec = now_usec;
	if (s->calm_usec == 0 || now_usec - s->calm_usec < relief(p, s))
		return (struct pressure_decision){ .look_usec = LOOK_USEC };
	s->level = 0;
	s->calm_usec = 0;
	s->undone_usec = now_usec;
	backoff_reset(&s->told);
	return (struct pressure_decision){ .undo = true, .tell = true };
}

static bool goes_before(const struct pressure_candidate *a, const struct pressure_candidate *b,
			enum pressure_resource resource)
{
	if (resource == PRESSURE_MEMORY && a->memory_bytes != b->memory_bytes)
		return a->memory_bytes > b->memory_bytes;
	if (a->created_usec != b->created_usec)
		return a->created_usec > b->created_usec;
	return strcmp(a->id, b->id) < 0;
}

size_t pressure_victim(const struct pressure_candidate *c, size_t count,
		       enum pressure_resource resource)
{
	size_t victim = 0;

	assert(count > 0);
	for (size_t i = 1; i < count; i++)
		if (goes_before(&c[i], &c[victim], resource))
			victim = i;
	return victim;
}
