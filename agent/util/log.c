/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines; see log.h. The level and the journal's answer are the process's, like stderr itself:
 * the one state in this code base that is not handed around. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "util/log.h"

#include "util/parse.h"
#include "util/strtab.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

enum { TEXT_ROOM = 1024 };

static enum log_level most_verbose = LOG_LEVEL_INFO;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

/* syslog(3) priorities; notice..debug follow each other there as here. */
static const int priorities[] = {
	[LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARNING] = 4, [LOG_LEVEL_NOTICE] = 5,
	[LOG_LEVEL_INFO] = 6,  [LOG_LEVEL_DEBUG] = 7,
};

void log_set_level(enum log_level level)
{
	most_verbose = level;
}

int log_level_from_string(const char *name)
{
	return strtab_value(level_names, sizeof(level_names) / sizeof(level_names[0]), name);
}

/* systemd.exec(5): JOURNAL_STREAM holds "device:inode" of the stream that was given as stderr. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

enum { FIELDS_MAX = 6 };

struct record { /* one journal entry on the stack */
	struct iovec fields[FIELDS_MAX];
	char rooms[FIELDS_MAX][TEXT_ROOM + 32];
	int count;
};

static void add_field(struct record *r, const char *name, const char *value)
{
	size_t size = sizeof(r->rooms[0]);
	char *room = r->rooms[r->count];
	int n;

	if (!value)
		return;
	n = snprintf(room, size, "%s=%s", name, value);
	if (n < 0)
		return;
	r->fields[r->count++] = (struct iovec){ room, (size_t)n < size ? (size_t)n : size - 1 };
}

static int to_journal(enum log_level level, const struct log_about *about, const char *text)
{
	struct record r = { .count = 0 };
	char level_text[16];

	(void)snprintf(level_text, sizeof(level_text), "%d", priorities[level]); /* one digit */
	add_field(&r, "MESSAGE", text);
	add_field(&r, "PRIORITY", level_text);
	if (about) {
		add_field(&r, "REEVE_SLICE", about->slice);
		add_field(&r, "REEVE_TASK", about->task);
		add_field(&r, "REEVE_DEVICE", about->device);
		add_field(&r, "REEVE_CODE", about->code);
	}
	return sd_journal_sendv(r.fields, r.count);
}

void log_line(enum log_level level, const struct log_about *about, const char *format, ...)
{
	char text[TEXT_ROOM];
	va_list args;

	if (level > most_verbose)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* a cut line is better than none */
	va_end(args);
	parse_clean(text); /* a quoted newline must not look like a line of ours */
	if (stderr_is_journal() && to_journal(level, about, text) == 0)
		return;
	(void)fprintf(
		stderr, "reeve: %s: %s%s%s%s%s\n", level_names[level], text,
		about && about->slice ? " slice=" : "", about && about->slice ? about->slice : "",
		about && about->task ? " task=" : "", about && about->task ? about->task : "");
}

int log_stream_open(const char *identifier)
{
	return sd_journal_stream_fd(identifier, priorities[LOG_LEVEL_INFO], 0);
}
