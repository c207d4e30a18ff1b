/* SPDX-License-Identifier: Apache-2.0 */
/* Made machines: each folder here with a `tree` is unpacked, discovered, and compared line by line
 * with its `expected.txt`. REEVE_BLESS=NAME (or "all") writes that file instead. */
#include "tests/nodes/machine.h"
#include "tests/nodes/tree.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { DUMP_LIMIT_BYTES = 4 << 20 };

static char *discover_made(const char *folder)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	char temporary[] = "/tmp/reeve-node-XXXXXX", tree[PATH_MAX];
	struct fail f = { 0 };
	char *dump;

	assert_non_null(mkdtemp(temporary));
	(void)snprintf(tree, sizeof(tree), "%s/tree", folder);
	if (tree_unpack(tree, temporary, &f) < 0 || machine_discover(&inv, temporary, NULL, &f) < 0)
		print_error("%s: %s\n", folder, f.text);
	machine_remove(temporary);
	assert_non_null(inv);
	dump = machine_dump(inv);
	assert_non_null(dump);
	return dump;
}

/* Shows the first line that differs: two texts of hundreds of lines help nobody. */
static void compare(const char *machine, const char *expected, const char *found)
{
	for (unsigned line = 1; *expected || *found; line++) {
		size_t a = strcspn(expected, "\n"), b = strcspn(found, "\n");

		if (a != b || strncmp(expected, found, a) != 0)
			fail_msg("%s, line %u of expected.txt: expected \"%.*s\", found \"%.*s\"",
				 machine, line, (int)a, expected, (int)b, found);
		expected += a + (expected[a] == '\n');
		found += b + (found[b] == '\n');
	}
}

static void test_machine_is_discovered_as_expected(void **state)
{
	const char *machine = *state, *bless = getenv("REEVE_BLESS");
	_cleanup_free_ char *expected = NULL, *found = NULL;
	char folder[PATH_MAX - 16], path[PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%s/tests/nodes/%s", getenv("REEVE_SRCDIR"),
		       machine);
	(void)snprintf(path, sizeof(path), "%s/expected.txt", folder);
	found = discover_made(folder);
	print_message("%s: %.*s\n", machine, (int)strcspn(found, "\n"), found);
	if (bless && (strcmp(bless, machine) == 0 || strcmp(bless, "all") == 0)) {
		assert_int_equal(fs_replace(AT_FDCWD, path, found, strlen(found), 0644), 0);
		return;
	}
	assert_int_equal(fs_read(AT_FDCWD, path, DUMP_LIMIT_BYTES, &expected, NULL), 0);
	compare(machine, expected, found);
}

static void test_machine_is_discovered_twice_alike(void **state)
{
	_cleanup_free_ char *first = NULL, *second = NULL;
	char folder[PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%s/tests/nodes/%s", getenv("REEVE_SRCDIR"),
		       (const char *)*state);
	first = discover_made(folder);
	second = discover_made(folder);
	assert_string_equal(first, second);
}

#define MACHINE_TEST(function, machine)                               \
	{                                                             \
		.name = #function " " machine, .test_func = function, \
		.initial_state = (char[]){ machine },                 \
	}
#define MACHINE(machine) MACHINE_TEST(test_machine_is_discovered_as_expected, machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE("broken-contradictory"),
		MACHINE("broken-truncated"),
		MACHINE("gpu-memory-node"),
		MACHINE("hybrid-cores"),
		MACHINE("no-numa"),
		MACHINE("offlined-cpus"),
		MACHINE("sparse-nodes"),
		MACHINE("two-nodes-smt"),
		MACHINE_TEST(test_machine_is_discovered_twice_alike, "two-nodes-smt"),
	};

	if (!getenv("REEVE_SRCDIR")) {
		print_message("REEVE_SRCDIR is not set: run it with make check\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
