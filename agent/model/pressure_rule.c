/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the policy on pressure and their text; see pressure_rule.h. */
#include "model/pressure_rule.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(pressure_scope,
	      enum pressure_scope, [PRESSURE_HOST] = "host", [PRESSURE_SLICE] = "slice");
STRTAB_DEFINE(pressure_resource, enum pressure_resource, [PRESSURE_CPU] = "cpu",
	      [PRESSURE_MEMORY] = "memory", [PRESSURE_IO] = "io");
STRTAB_DEFINE(pressure_action,
	      enum pressure_action, [PRESSURE_REPORT] = "report", [PRESSURE_THROTTLE] = "throttle",
	      [PRESSURE_FREEZE] = "freeze", [PRESSURE_KILL] = "kill");

enum { TEXT_MAX = 256 };
#define REVOCABLE "-revocable"

/* Cuts blanks off both ends, in place. */
static char *trimmed(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	for (n = strlen(text); n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t');)
		text[--n] = 0;
	return text;
}

/* "throttle-revocable" */
static int parse_step(char *text, enum pressure_scope scope, struct pressure_step *ret)
{
	const size_t n = strlen(text), tail = strlen(REVOCABLE);
	struct pressure_step step = { 0 };
	int action;

	if (n > tail && strcmp(text + n - tail, REVOCABLE) == 0) {
		step.revocable = true;
		text[n - tail] = 0;
	}
	action = pressure_action_from_string(text);
	if (action < 0)
		return -EINVAL;
	step.action = (enum pressure_action)action;
	if (step.action == PRESSURE_REPORT && step.revocable)
		return -EINVAL;
	if (scope == PRESSURE_HOST && step.action != PRESSURE_REPORT && !step.revocable)
		return -EINVAL;
	*ret = step;
	return 0;
}

static int parse_steps(char *text, enum pressure_scope scope, struct pressure_rule *rule)
{
	for (char *next; text; text = next) {
		struct pressure_step step;

		next = strchr(text, ',');
		if (next)
			*next++ = 0;
		if (rule->steps_count == PRESSURE_STEPS_MAX ||
		    parse_step(trimmed(text), scope, &step) < 0)
			return -EINVAL;
		if (rule->steps_count > 0 &&
		    step.action <= rule->steps[rule->steps_count - 1].action)
			return -EINVAL;
		rule->steps[rule->steps_count++] = step;
	}
	return 0;
}

/* "full 150ms/1s" */
static int parse_trigger(char *text, struct pressure_rule *rule)
{
	char *stall = strpbrk(text, " \t"), *window;

	if (!stall)
		return -EINVAL;
	*stall++ = 0;
	rule->full = strcmp(text, "full") == 0;
	if (!rule->full && strcmp(text, "some") != 0)
		return -EINVAL;
	window = strchr(stall, '/');
	if (!window)
		return -EINVAL;
	*window++ = 0;
	if (parse_duration(trimmed(stall), &rule->stall_usec) < 0 ||
	    parse_duration(trimmed(window), &rule->window_usec) < 0)
		return -EINVAL;
	return rule->window_usec >= PRESSURE_WINDOW_MIN_USEC &&
			       rule->window_usec <= PRESSURE_WINDOW_MAX_USEC &&
			       rule->stall_usec >= PRESSURE_STALL_MIN_USEC &&
			       rule->stall_usec <= rule->window_usec
		       ? 0
		       : -EINVAL;
}

int pressure_rule_parse(const char *text, enum pressure_scope scope,
			enum pressure_resource resource, struct pressure_rule *ret)
{
	struct pressure_rule rule = { .on = true };
	char room[TEXT_MAX], *line, *steps;

	if (strlen(text) >= sizeof(room))
		return -EINVAL;
	line = trimmed(strcpy(room, text));
	if (strcmp(line, "off") == 0) {
		*ret = (struct pressure_rule){ 0 };
		return 0;
	}
	steps = strchr(line, ':');
	if (!steps)
		return -EINVAL;
	*steps++ = 0;
	if (parse_trigger(trimmed(line), &rule) < 0 || parse_steps(steps, scope, &rule) < 0)
		return -EINVAL;
	/* psi.rst: "CPU full is undefined at the system level" */
	if (scope == PRESSURE_HOST && resource == PRESSURE_CPU && rule.full)
		return -EINVAL;
	*ret = rule;
	return 0;
}
