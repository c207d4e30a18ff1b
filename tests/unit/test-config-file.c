/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file that is installed: it says nothing by itself, and shows every key, with
 * its default where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"
#include "tests/unit/scratch.h"
#include "util/cleanup.h"

#include <stdlib.h>

enum { FILE_MAX = 1 << 16 };

static char *shipped_path(void)
{
	const char *build = getenv("REEVE_BUILDDIR");
	char *path = NULL;

	assert_true(asprintf(&path, "%s/agent/reeved.conf", build ? build : ".") > 0);
	return path;
}

static char *shipped_text(void)
{
	_cleanup_free_ char *path = shipped_path();
	char *text = NULL;

	assert_int_equal(fs_read(AT_FDCWD, path, FILE_MAX, &text, NULL), 0);
	return text;
}

static void no_warning(const char *file, uint64_t line, const char *text, void *userdata)
{
	(void)userdata;
	fail_msg("%s:%lu: %s", file, (unsigned long)line, text);
}

static void read_without_complaint(const char *path, struct config *ret)
{
	struct fail f = { 0 };

	assert_int_equal(config_init(ret, &f), 0);
	if (config_read(ret, path, true, no_warning, NULL, &f) < 0)
		fail_msg("%s", f.text);
}

static void assert_same_text(const char *a, const char *b)
{
	if (a || b)
		assert_string_equal(a, b);
}

/* Member by member: texts by what they say. */
static void assert_defaults(const struct config *c)
{
	_cleanup_(config_done) struct config initial;
	struct fail f = { 0 };

	assert_int_equal(config_init(&initial, &f), 0);
	assert_same_text(c->socket, initial.socket);
	assert_same_text(c->socket_group, initial.socket_group);
	assert_same_text(c->runtime_dir, initial.runtime_dir);
	assert_same_text(c->state_dir, initial.state_dir);
	assert_int_equal(c->socket_mode, initial.socket_mode);
	assert_int_equal(c->log_level, initial.log_level);
	assert_int_equal(c->backend, initial.backend);
	assert_int_equal(c->heartbeat_usec, initial.heartbeat_usec);
	assert_int_equal(c->offer_lifetime_usec, initial.offer_lifetime_usec);
	assert_int_equal(c->events_kept, initial.events_kept);
	assert_true(c->reserve_cores == initial.reserve_cores);
	assert_int_equal(c->reserve_memory_bytes, initial.reserve_memory_bytes);
	assert_null(c->reserve_cpus);
	assert_int_equal(c->connections, initial.connections);
	assert_int_equal(c->connections_per_uid, initial.connections_per_uid);
	assert_int_equal(c->slices, initial.slices);
	assert_int_equal(c->tasks_per_slice, initial.tasks_per_slice);
	assert_int_equal(c->stream_bytes, initial.stream_bytes);
	assert_true(share_policy_empty(&c->shares));
}

static void test_the_installed_file_changes_nothing(void **state)
{
	_cleanup_free_ char *path = shipped_path();
	_cleanup_(config_done) struct config c;

	(void)state;
	read_without_complaint(path, &c);
	assert_defaults(&c);
}

/* "#key = value" and "#key =": a setting that is commented out; sentences have a blank after "#".
 */
static bool is_setting(const char *line)
{
	return line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
}

static void test_what_the_installed_file_shows_are_the_defaults(void **state)
{
	_cleanup_free_ char *text = shipped_text();
	_cleanup_(config_done) struct config c;
	struct scratch s;
	char path[96], *out = text;

	(void)state;
	for (char *line = text, *next; *line; line = next) {
		const char *equals;
		size_t length;

		next = strchr(line, '\n');
		assert_non_null(next);
		next++;
		equals = memchr(line, '=', (size_t)(next - line));
		if (is_setting(line) && equals && equals[1] == ' ')
			line++; /* out of its comment */
		length = (size_t)(next - line);
		memmove(out, line, length);
		out += length;
	}
	*out = 0;
	assert_non_null(strstr(text, "\nheartbeat = 5s\n"));
	scratch_open(&s);
	put_file(s.fd, "reeved.conf", text);
	(void)snprintf(path, sizeof(path), "%s/reeved.conf", s.path);
	read_without_complaint(path, &c);
	assert_defaults(&c);
	scratch_done(&s);
}

/* How often a section of the text has this line. */
static unsigned count_lines(const char *text, const char *section, const char *wanted)
{
	_cleanup_free_ char *copy = strdup(text), *head = NULL;
	unsigned found = 0;
	bool inside = false;
	char *rest = copy;

	assert_true(asprintf(&head, "[%s]", section) > 0);
	for (const char *line; (line = strsep(&rest, "\n"));) {
		if (line[0] == '[')
			inside = strcmp(line, head) == 0;
		found += inside && strcmp(line, wanted) == 0;
	}
	return found;
}

/* "role NAME" stands for the sections that the file shows. */
static const char *shown_section(const struct config_key *k)
{
	if (strcmp(k->section, "role NAME") == 0)
		return "role default";
	return strcmp(k->section, "user NAME") == 0 ? "user root" : k->section;
}

static void test_the_installed_file_has_every_key_once_and_no_other(void **state)
{
	_cleanup_free_ char *text = shipped_text(), *copy = strdup(text);
	unsigned keys = 0, settings = 0;
	char *rest = copy;

	(void)state;
	for (const struct config_key *k = config_party_keys; k->section; k++, keys++) {
		_cleanup_free_ char *line = NULL;

		assert_true(asprintf(&line, "#%s =", k->key) > 0);
		if (count_lines(text, shown_section(k), line) != 1)
			fail_msg("[%s] should have once the line: %s", shown_section(k), line);
	}
	for (const struct config_key *k = config_keys; k->section; k++, keys++) {
		_cleanup_free_ char *line = NULL;

		assert_true(asprintf(&line, "#%s =%s%s", k->key, k->initial ? " " : "",
				     k->initial ? k->initial : "") > 0);
		if (count_lines(text, k->section, line) != 1)
			fail_msg("[%s] should have once the line: %s", k->section, line);
	}
	for (const char *line; (line = strsep(&rest, "\n"));)
		settings += is_setting(line);
	assert_int_equal(settings, keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_installed_file_changes_nothing),
		cmocka_unit_test(test_what_the_installed_file_shows_are_the_defaults),
		cmocka_unit_test(test_the_installed_file_has_every_key_once_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
