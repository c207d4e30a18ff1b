/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is done about pressure that the kernel has announced: which step of its rule comes next,
 * what is told, and when all of it is undone. Pure: time and readings are parameters. */

#include "model/pressure_rule.h"
#include "util/backoff.h"

/* Of one rule on one subject (the host, or a slice). All zero to begin with. */
struct pressure_state {
	unsigned level;	       /* steps that were taken, and are in force */
	uint64_t fired_usec;   /* when the kernel said so last, */
	uint64_t stepped_usec; /* a step was taken last, */
	uint64_t told_usec;    /* it was told last, */
	uint64_t calm_usec;    /* readings became calm; 0: they are not, */
	uint64_t undone_usec;  /* and the steps were undone last; 0 never */
	uint64_t relief_usec;  /* how long it must be calm this time; 0 as the policy says */
	struct backoff told;   /* between tellings of the same */
};

struct pressure_decision {
	const struct pressure_step *step; /* to be taken now; NULL none */
	bool tell;			  /* an event about it */
	bool undo;			  /* what is in force */
	uint64_t look_usec; /* read the averages after so long (pressure_looked); 0: no need */
};

/* The kernel has announced it. able: steps on the revocable could do something now (there are such
 * slices, and the host truly lacks the resource); else they are passed over. */
struct pressure_decision pressure_fired(const struct pressure_policy *p,
					const struct pressure_rule *rule, struct pressure_state *s,
					bool able, uint64_t now_usec);

/* While something is in force: avg10 of the rule's kind in per cent, below 0 where it is not
 * known. Calm is less than half of what the rule calls pressure, for as long as the policy says;
 * twice as long each time that pressure was back soon after. */
struct pressure_decision pressure_looked(const struct pressure_policy *p,
					 const struct pressure_rule *rule, struct pressure_state *s,
					 double avg10, uint64_t now_usec);

/* Whether steps other than a mere report are in force. */
bool pressure_acting(const struct pressure_rule *rule, const struct pressure_state *s);
/* Bits of the lasting actions of a rule that are in force on a slice, revocable or not: throttle
 * and freeze. */
#define PRESSURE_BIT(action) (1u << (action))
unsigned pressure_in_force(const struct pressure_rule *rule, const struct pressure_state *s,
			   bool revocable);

struct pressure_candidate {
	const char *id;
	uint64_t memory_bytes; /* 0 not known */
	uint64_t created_usec;
};
/* Who is to go first: for memory who uses most of it, else the newest. Never of none. */
size_t pressure_victim(const struct pressure_candidate *c, size_t count,
		       enum pressure_resource resource);
