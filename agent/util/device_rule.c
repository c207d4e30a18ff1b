/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules; see device_rule.h. */
#include "util/device_rule.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_BYTES = 32 };

static const struct {
	char letter;
	uint32_t bit;
} accesses[] = {
	{ 'r', DEVICE_ACCESS_READ },
	{ 'w', DEVICE_ACCESS_WRITE },
	{ 'm', DEVICE_ACCESS_MKNOD },
};

void device_rules_done(struct device_rules *rules)
{
	free(rules->items);
	*rules = (struct device_rules){ 0 };
}

static bool same_numbers(const struct device_rule *a, const struct device_rule *b)
{
	return a->block == b->block && a->major == b->major && a->minor == b->minor;
}

int device_rules_add(struct device_rules *rules, const struct device_rule *rule)
{
	struct device_rule *grown;

	for (size_t i = 0; i < rules->count; i++)
		if (same_numbers(&rules->items[i], rule)) {
			rules->items[i].access |= rule->access;
			return 0;
		}
	if (rules->count == DEVICE_RULES_MAX)
		return -E2BIG;
	grown = reallocarray(rules->items, rules->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rules->items = grown;
	grown[rules->count++] = *rule;
	return 0;
}

int device_rules_add_all(struct device_rules *rules, const struct device_rules *more)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->count; i++)
		r = device_rules_add(rules, &more->items[i]);
	return r;
}

bool device_rules_equal(const struct device_rules *a, const struct device_rules *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same_numbers(&a->items[i], &b->items[i]) ||
		    a->items[i].access != b->items[i].access)
			return false;
	return true;
}

static void put_number(struct buf *b, uint32_t number)
{
	if (number == DEVICE_RULE_ANY)
		buf_text(b, "*");
	else
		buf_format(b, "%u", number);
}

char *device_rules_text(const struct device_rules *rules)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	buf_text(&b, "");
	for (size_t i = 0; i < rules->count; i++) {
		const struct device_rule *rule = &rules->items[i];

		buf_format(&b, "%s%c ", i ? ", " : "", rule->block ? 'b' : 'c');
		put_number(&b, rule->major);
		buf_text(&b, ":");
		put_number(&b, rule->minor);
		buf_text(&b, " ");
		for (size_t k = 0; k < ARRAY_SIZE(accesses); k++)
			if (rule->access & accesses[k].bit)
				buf_append(&b, &accesses[k].letter, 1);
	}
	return buf_steal(&b);
}

int device_rule_parse_access(const char *text, uint32_t *ret)
{
	uint32_t access = 0;

	for (; *text; text++) {
		uint32_t bit = 0;

		for (size_t i = 0; i < ARRAY_SIZE(accesses); i++)
			if (accesses[i].letter == *text)
				bit = accesses[i].bit;
		if (bit == 0 || (access & bit))
			return -EINVAL;
		access |= bit;
	}
	if (access == 0)
		return -EINVAL;
	*ret = access;
	return 0;
}

static int parse_number(const char *text, uint32_t maximum, bool any, uint32_t *ret)
{
	uint32_t number;
	int r;

	if (any && strcmp(text, "*") == 0) {
		*ret = DEVICE_RULE_ANY;
		return 0;
	}
	r = parse_u32(text, &number);
	if (r < 0)
		return r;
	if (number > maximum)
		return -ERANGE;
	*ret = number;
	return 0;
}

static int parse_numbers(const char *text, bool any, struct device_rule *ret)
{
	char room[NUMBER_TEXT_BYTES];
	char *colon;
	int r;

	if ((size_t)snprintf(room, sizeof(room), "%s", text) >= sizeof(room))
		return -EINVAL;
	colon = strchr(room, ':');
	if (!colon)
		return -EINVAL;
	*colon = 0;
	r = parse_number(room, DEVICE_RULE_MAJOR_MAX, any, &ret->major);
	return r < 0 ? r : parse_number(colon + 1, DEVICE_RULE_MINOR_MAX, any, &ret->minor);
}

int device_rule_parse_numbers(const char *text, uint32_t *ret_major, uint32_t *ret_minor)
{
	struct device_rule rule;
	int r = parse_numbers(text, false, &rule);

	if (r < 0)
		return r;
	*ret_major = rule.major;
	*ret_minor = rule.minor;
	return 0;
}

int device_rule_parse(const char *text, struct device_rule *ret)
{
	struct device_rule rule = { .block = text[0] == 'b' };
	char numbers[NUMBER_TEXT_BYTES];
	const char *blank;
	int r;

	if ((text[0] != 'b' && text[0] != 'c') || text[1] != ' ')
		return -EINVAL;
	text += 2;
	blank = strchr(text, ' ');
	if (!blank || (size_t)(blank - text) >= sizeof(numbers))
		return -EINVAL;
	memcpy(numbers, text, (size_t)(blank - text));
	numbers[blank - text] = 0;
	r = parse_numbers(numbers, true, &rule);
	if (r == 0)
		r = device_rule_parse_access(blank + 1, &rule.access);
	if (r == 0)
		*ret = rule;
	return r;
}
