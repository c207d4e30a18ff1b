/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Log lines: to the journal with structured fields where stderr is the journal (JOURNAL_STREAM),
 * otherwise to stderr as "<level> text". Floors 0 to 2 use log_debug only; floor 3 logs once. */

#include "util/fail.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* What the line is about; every field may be NULL. They become REEVE_SLICE=, REEVE_TASK=,
 * REEVE_DEVICE= and REEVE_CODE= in the journal. */
struct log_about {
	const char *slice, *task, *device, *code;
};

void log_set_level(enum log_level most_verbose); /* default LOG_LEVEL_INFO; before threads, once */
int log_level_from_string(const char *name); /* "error" "warning" "notice" "info" "debug", or -1 */

void log_line(enum log_level level, const struct log_about *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A stream into the journal whose lines carry the identifier, for a child's output. The caller
 * closes it; a negative errno where no journald answers. */
int log_stream_open(const char *identifier);

#define log_error(about, ...) log_line(LOG_LEVEL_ERROR, about, __VA_ARGS__)
#define log_warning(about, ...) log_line(LOG_LEVEL_WARNING, about, __VA_ARGS__)
#define log_notice(about, ...) log_line(LOG_LEVEL_NOTICE, about, __VA_ARGS__)
#define log_info(about, ...) log_line(LOG_LEVEL_INFO, about, __VA_ARGS__)
#define log_debug(about, ...) log_line(LOG_LEVEL_DEBUG, about, __VA_ARGS__)
