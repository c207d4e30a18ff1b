/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and records by columns. A table is measured first: every cell is written once into a small
 * buffer, then the lines are put together. It does not wrap: long texts stand in the last column.
 */
#include "ctl/writer.h"

#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/unit.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_LIMIT = 16, GAP = 2 };

static const struct {
	const char *word, *escape;
} verdict_colours[] = {
	{ "ok", "\033[32m" },	    { "running", "\033[32m" },	 { "active", "\033[32m" },
	{ "up", "\033[32m" },	    { "degraded", "\033[33m" },	 { "waiting", "\033[33m" },
	{ "stopping", "\033[33m" }, { "starting", "\033[33m" },	 { "creating", "\033[33m" },
	{ "deleting", "\033[33m" }, { "affinity", "\033[33m" },	 { "policy", "\033[33m" },
	{ "failed", "\033[1;31m" }, { "lost", "\033[1;31m" },	 { "down", "\033[31m" },
	{ "none", "\033[31m" },	    { "partition", "\033[32m" }, { "cpuset", "\033[32m" },
	{ "cgroup", "\033[32m" },   { "unknown", "\033[35m" },
};

const char *writer_verdict_on(const struct screen *screen, const char *word)
{
	for (size_t i = 0; screen->colour && word && i < ARRAY_SIZE(verdict_colours); i++)
		if (strcmp(verdict_colours[i].word, word) == 0)
			return verdict_colours[i].escape;
	return "";
}

const char *writer_dim_on(const struct screen *screen)
{
	return screen->colour ? "\033[2m" : "";
}

const char *writer_bold_on(const struct screen *screen)
{
	return screen->colour ? "\033[1m" : "";
}

const char *writer_off(const struct screen *screen)
{
	return screen->colour ? "\033[0m" : "";
}

static void scalar(struct buf *into, const json_t *value, const struct screen *screen)
{
	if (json_is_string(value))
		text_safe(into, json_string_value(value), screen->utf8);
	else if (json_is_integer(value))
		buf_format(into, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		buf_format(into, "%.6g", json_real_value(value));
	else if (json_is_boolean(value))
		buf_text(into, json_is_true(value) ? "yes" : "no");
	else if (value)
		buf_text(into, "?"); /* an object or array where a word was to stand */
}

static void list(struct buf *into, const json_t *value, const struct screen *screen)
{
	const char *key;
	json_t *item;
	size_t i;

	json_array_foreach (value, i, item) {
		if (i)
			buf_text(into, " ");
		scalar(into, item, screen);
	}
	i = 0;
	json_object_foreach ((json_t *)value, key, item) {
		if (i++)
			buf_text(into, " ");
		text_safe(into, key, screen->utf8);
		buf_text(into, "=");
		scalar(into, item, screen);
	}
}

static void hugepages(struct buf *into, const json_t *value, const struct screen *screen)
{
	json_t *item;
	size_t i;

	json_array_foreach (value, i, item) {
		uint64_t count = look_u64_or(item, "count", look_u64_or(item, "total", 0)), size;

		if (!look_u64(item, "size_bytes", &size))
			continue;
		buf_format(into, "%s%llu %s ", i ? ", " : "", (unsigned long long)count,
			   screen->utf8 ? "×" : "x");
		unit_bytes(into, size);
	}
}

void writer_value(struct buf *into, const struct screen *screen, const struct column *column,
		  const json_t *row)
{
	const json_t *value = look(row, column->path);

	if (column->cell) {
		column->cell(into, row, screen);
		return;
	}
	if (!value)
		return;
	switch (column->kind) {
	case COLUMN_BYTES:
		if (json_is_integer(value) && json_integer_value(value) >= 0)
			unit_bytes(into, (uint64_t)json_integer_value(value));
		else
			scalar(into, value, screen);
		return;
	case COLUMN_TIME:
		unit_time(into, json_string_value(value));
		return;
	case COLUMN_LIST:
		list(into, value, screen);
		return;
	case COLUMN_COUNT:
		buf_format(into, "%zu", json_array_size(value));
		return;
	case COLUMN_HUGEPAGES:
		hugepages(into, value, screen);
		return;
	case COLUMN_TEXT:
	case COLUMN_NUMBER:
	case COLUMN_VERDICT:
	case COLUMN_YES:
		scalar(into, value, screen);
	}
}

static size_t count_columns(const struct column *columns)
{
	size_t n = 0;

	while (columns[n].title && n < COLUMNS_LIMIT)
		n++;
	return n;
}

static bool right_aligned(const struct column *column)
{
	return column->kind == COLUMN_NUMBER || column->kind == COLUMN_BYTES ||
	       column->kind == COLUMN_COUNT;
}

static void pad(struct buf *into, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buf_text(into, " ");
}

/* Returns how many columns are left to fill behind a left-aligned cell. */
static unsigned put_cell(struct buf *into, const struct screen *screen, const struct column *column,
			 const struct buf *cell, unsigned width)
{
	const char *text = cell->data ? cell->data : "";
	unsigned taken = text_columns(text), fill = width > taken ? width - taken : 0;
	const char *on = column->kind == COLUMN_VERDICT ? writer_verdict_on(screen, text) : "";

	if (right_aligned(column))
		pad(into, fill);
	buf_format(into, "%s%s%s", on, text, *on ? writer_off(screen) : "");
	return right_aligned(column) ? 0 : fill;
}

static void put_line(struct buf *into, const struct screen *screen, const struct column *columns,
		     struct buf *cells, const unsigned *widths)
{
	size_t last = count_columns(columns);
	unsigned fill = 0;

	/* nothing follows the last cell with content: no blanks at the end of lines */
	while (last > 0 && cells[last - 1].size == 0)
		last--;
	for (size_t i = 0; i < last; i++) {
		pad(into, i ? fill + GAP : 0);
		fill = put_cell(into, screen, &columns[i], &cells[i], widths[i]);
	}
	buf_text(into, "\n");
}

static void put_heading(struct buf *into, const struct screen *screen, const struct column *columns,
			const unsigned *widths)
{
	size_t n = count_columns(columns);

	buf_text(into, writer_bold_on(screen));
	for (size_t i = 0; i < n; i++) {
		unsigned fill = widths[i] - text_columns(columns[i].title);

		if (right_aligned(&columns[i]))
			pad(into, fill);
		buf_text(into, columns[i].title);
		if (i + 1 < n)
			pad(into, GAP + (right_aligned(&columns[i]) ? 0 : fill));
	}
	buf_format(into, "%s\n", writer_off(screen));
}

static void measure(struct buf *cells, const struct screen *screen, const struct column *columns,
		    const json_t *rows, unsigned *widths)
{
	size_t n = count_columns(columns), y;
	json_t *row;

	for (size_t x = 0; x < n; x++)
		widths[x] = text_columns(columns[x].title);
	json_array_foreach (rows, y, row) {
		for (size_t x = 0; x < n; x++) {
			struct buf *cell = &cells[y * n + x];
			unsigned width;

			writer_value(cell, screen, &columns[x], row);
			width = cell->data ? text_columns(cell->data) : 0;
			widths[x] = width > widths[x] ? width : widths[x];
		}
	}
}

void writer_table(struct buf *into, const struct screen *screen, const struct column *columns,
		  const json_t *rows, const char *empty)
{
	size_t n = count_columns(columns), lines = json_array_size(rows);
	unsigned widths[COLUMNS_LIMIT] = { 0 };
	struct buf *cells;

	if (lines == 0) {
		if (empty)
			buf_format(into, "%s\n", empty);
		return;
	}
	cells = calloc(lines * n, sizeof(*cells));
	if (!cells) {
		into->error = -ENOMEM;
		return;
	}
	measure(cells, screen, columns, rows, widths);
	put_heading(into, screen, columns, widths);
	for (size_t y = 0; y < lines; y++)
		put_line(into, screen, columns, cells + y * n, widths);
	for (size_t i = 0; i < lines * n; i++)
		buf_done(&cells[i]);
	free(cells);
}

void writer_record(struct buf *into, const struct screen *screen, const struct column *columns,
		   const json_t *object)
{
	size_t n = count_columns(columns);
	unsigned width = 0;

	for (size_t i = 0; i < n; i++)
		if (text_columns(columns[i].title) > width)
			width = text_columns(columns[i].title);
	for (size_t i = 0; i < n; i++) {
		struct buf value = { 0 };

		writer_value(&value, screen, &columns[i], object);
		if (value.size) {
			const char *on = columns[i].kind == COLUMN_VERDICT
						 ? writer_verdict_on(screen, value.data)
						 : "";

			buf_format(into, "%s%s%s", writer_dim_on(screen), columns[i].title,
				   writer_off(screen));
			pad(into, width - text_columns(columns[i].title) + GAP);
			buf_format(into, "%s%s%s\n", on, value.data, *on ? writer_off(screen) : "");
		}
		buf_done(&value);
	}
}

void writer_json(struct buf *into, const json_t *document)
{
	_cleanup_free_ char *text = json_text_pretty(document);

	if (!text)
		into->error = -ENOMEM;
	else
		text_json(into, text);
}
