/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of placement; see placement-rows.h. */
#include "tests/unit/placement-rows.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static bool is_called(const char *id, const char *name, size_t size)
{
	static const char *const shapes[][2] = {
		{ "gpu-0000:", ":00.0" }, { "gpu-", "" }, { "nic-", "" }, { "disk-", "" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		size_t before = strlen(shapes[i][0]);

		if (strncmp(id, shapes[i][0], before) == 0 &&
		    strncmp(id + before, name, size) == 0 &&
		    strcmp(id + before + size, shapes[i][1]) == 0)
			return true;
	}
	return false;
}

/* The next word of the text, moved behind it; its size, 0 at the end. */
static size_t next_word(const char **text, const char **word)
{
	size_t size;

	*text += strspn(*text, " ");
	*word = *text;
	size = strcspn(*text, " ");
	*text += size;
	return size;
}

static const struct device *find(const struct inventory *inv, const char *name, size_t size)
{
	for (size_t i = 0; i < inv->count; i++)
		if (is_called(inv->devices[i]->id, name, size))
			return inv->devices[i];
	fail_msg("no device is called %.*s", (int)size, name);
	return NULL;
}

static void hold(struct stage *s, const char *held)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	const char *word;
	size_t size = next_word(&held, &word);
	char cpus[64];

	(void)snprintf(cpus, sizeof(cpus), "%.*s", (int)size, word);
	stage_hold(s, "holder-of-cpus", strcmp(cpus, "-") == 0 ? "" : cpus);
	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup("holder-of-devices");
	while ((size = next_word(&held, &word)) > 0)
		assert_int_equal(allocation_add_device(a, find(s->inventory, word, size)->id), 0);
	assert_int_equal(ledger_take(s->ledger, &a), 0);
}

/* One part, "2 of 34 36": so many of its devices are among those that were taken. */
static bool part_holds(const struct inventory *inv, const struct allocation *a, const char *text,
		       size_t *ret_count)
{
	unsigned wanted = (unsigned)strtoul(text, NULL, 10), found = 0;
	const char *names = strstr(text, "of ") + 3, *word;

	for (size_t size; (size = next_word(&names, &word)) > 0;)
		found += allocation_has_device(a, find(inv, word, size)->id);
	*ret_count += wanted;
	return found == wanted;
}

static bool alternative_holds(const struct inventory *inv, const struct allocation *a, char *text)
{
	size_t count = 0;
	bool holds = true;
	char *rest = NULL;

	for (char *part = strtok_r(text, "+", &rest); part; part = strtok_r(NULL, "+", &rest))
		holds = part_holds(inv, a, part, &count) && holds;
	return holds && a->devices_count == count;
}

static bool devices_hold(const struct inventory *inv, const struct allocation *a, const char *text)
{
	_cleanup_free_ char *copy = strdup(text ? text : "");
	bool holds = !text && a->devices_count == 0;
	char *rest = NULL;

	for (char *one = strtok_r(copy, "|", &rest); one; one = strtok_r(NULL, "|", &rest))
		holds = alternative_holds(inv, a, one) || holds;
	return holds;
}

static bool set_is(const struct cpuset *set, const char *wanted)
{
	_cleanup_free_ char *text = cpuset_format(set);

	return !wanted || strcmp(text, wanted) == 0;
}

static void tell(const char *name, size_t nth, const struct placement_row *row,
		 const struct allocation *a)
{
	_cleanup_free_ char *cpus = cpuset_format(a->cpus), *nodes = cpuset_format(a->nodes);

	print_error("%s, row %zu: CPUs %s, nodes %s, cost %u,", name, nth, cpus, nodes, a->cost);
	for (size_t i = 0; i < a->devices_count; i++)
		print_error(" %s", a->devices[i]);
	print_error("\n  expected: CPUs %s, nodes %s, cost %u, %s\n  because %s\n",
		    row->cpus ? row->cpus : "any", row->nodes ? row->nodes : "any", row->cost,
		    row->devices ? row->devices : "no devices", row->because);
}

static bool row_holds(const char *name, size_t nth, const struct placement_row *row,
		      const struct stage *s)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct fail why = { 0 };
	int answer = stage_decide(s, &row->request, &a, &why);
	bool holds;

	if (answer == PLACEMENT_NO_FIT) {
		holds = row->refused && strcmp(row->refused, why.code) == 0;
		if (!holds)
			print_error("%s, row %zu: refused (%s: %s)\n  because %s\n", name, nth,
				    why.code, why.text, row->because);
		return holds;
	}
	holds = !row->refused && set_is(a->cpus, row->cpus) && set_is(a->nodes, row->nodes) &&
		a->cost == row->cost && devices_hold(s->inventory, a, row->devices);
	if (!holds)
		tell(name, nth, row, a);
	return holds;
}

bool placement_rows_hold(const char *name, struct inventory *inv, const struct placement_row *rows,
			 size_t count)
{
	struct stage s;
	bool all = true;

	stage_open(&s, inv);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].held)
			hold(&s, rows[i].held);
		all = row_holds(name, i + 1, &rows[i], &s) && all;
		ledger_release(s.ledger, "holder-of-cpus");
		ledger_release(s.ledger, "holder-of-devices");
	}
	stage_close(&s);
	return all;
}
