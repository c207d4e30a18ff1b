/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines as they arrive at stderr, which is a pipe here. */
#include "util/cleanup.h"
#include "util/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct capture {
	int pipe[2], saved;
	char text[8192];
};

static int setup(void **state)
{
	struct capture *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	assert_int_equal(pipe2(c->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	c->saved = dup(STDERR_FILENO);
	assert_true(c->saved >= 0);
	assert_true(dup2(c->pipe[1], STDERR_FILENO) >= 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct capture *c = *state;

	assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
	close_fd(c->saved);
	close_fd(c->pipe[0]);
	close_fd(c->pipe[1]);
	free(c);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static const char *captured(void **state)
{
	struct capture *c = *state;
	ssize_t n = read(c->pipe[0], c->text, sizeof(c->text) - 1);

	c->text[n > 0 ? n : 0] = 0;
	return c->text;
}

static void test_log_line_names_its_level_and_what_it_is_about(void **state)
{
	log_warning((&(struct log_about){ .slice = "train-1", .task = "main" }), "%d left", 3);
	assert_string_equal(captured(state), "reeve: warning: 3 left slice=train-1 task=main\n");
	log_error(NULL, "no");
	assert_string_equal(captured(state), "reeve: error: no\n");
}

static void test_log_line_above_the_level_is_not_written(void **state)
{
	log_debug(NULL, "hidden");
	assert_string_equal(captured(state), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug(NULL, "seen");
	assert_string_equal(captured(state), "reeve: debug: seen\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning(NULL, "hidden");
	log_info(NULL, "hidden");
	assert_string_equal(captured(state), "");
}

static void test_log_line_stays_one_line_whatever_it_quotes(void **state)
{
	log_info(NULL, "user says %s", "a\nreeve: error: forged\x1b[2J\xff");
	assert_string_equal(captured(state),
			    "reeve: info: user says a?reeve: error: forged?[2J?\n");
}

static void test_log_line_is_cut_and_still_ends(void **state)
{
	char huge[5000];
	const char *text;

	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = 0;
	log_info(NULL, "%s", huge);
	text = captured(state);
	assert_true(strlen(text) > 500 && strlen(text) < 2000);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_log_does_not_mistake_stderr_for_the_journal(void **state)
{
	static const char *const streams[] = { "",    "x",     "1",
					       "1:2", "-1:-1", "99999999999999999999:1" };

	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		assert_int_equal(setenv("JOURNAL_STREAM", streams[i], 1), 0);
		log_info(NULL, "line");
		assert_string_equal(captured(state), "reeve: info: line\n");
	}
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void test_log_level_names_are_known_both_ways(void **state)
{
	(void)state;
	assert_int_equal(log_level_from_string("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_from_string("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_from_string("Debug"), -1);
	assert_int_equal(log_level_from_string(""), -1);
	assert_int_equal(log_level_from_string(NULL), -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_log_line_names_its_level_and_what_it_is_about),
		TEST(test_log_line_above_the_level_is_not_written),
		TEST(test_log_line_stays_one_line_whatever_it_quotes),
		TEST(test_log_line_is_cut_and_still_ends),
		TEST(test_log_does_not_mistake_stderr_for_the_journal),
		cmocka_unit_test(test_log_level_names_are_known_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
