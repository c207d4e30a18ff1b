/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every `show`, written once: a table of columns says where a value is in the answer and how people
 * read it; text output follows the table, JSON output is the API's own document. */

#include "util/buf.h"
#include "wire/json.h"

#include <stdbool.h>

struct screen {		  /* what can be shown where the output goes */
	bool json;	  /* --output=json */
	bool colour;	  /* escape sequences may be written */
	bool utf8;	  /* the locale's characters are UTF-8 */
	unsigned columns; /* of the terminal, at least 40 */
};

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER, /* any JSON number, right-aligned */
	COLUMN_BYTES,  /* right-aligned */
	COLUMN_TIME,
	COLUMN_LIST,	  /* an array of strings or numbers, with blanks; an object as K=V */
	COLUMN_COUNT,	  /* how many items an array has */
	COLUMN_VERDICT,	  /* text, coloured by ok, degraded, failed and the states of tasks */
	COLUMN_YES,	  /* a boolean */
	COLUMN_HUGEPAGES, /* [{"size_bytes":..,"count"|"free":..}] as "8 x 2 MiB" */
};

struct column {
	const char *title; /* NULL ends the table */
	const char *path;
	enum column_kind kind;
	/* Writes the value itself, for what no kind describes; may be NULL. */
	void (*cell)(struct buf *into, const json_t *row, const struct screen *screen);
};

/* One value, made safe; nothing when it is absent. */
void writer_value(struct buf *into, const struct screen *screen, const struct column *column,
		  const json_t *row);

/* A heading and one aligned line an item. An empty array says `empty` (may be NULL: nothing). */
void writer_table(struct buf *into, const struct screen *screen, const struct column *columns,
		  const json_t *rows, const char *empty);

/* One "title  value" line for each column that has a value. */
void writer_record(struct buf *into, const struct screen *screen, const struct column *columns,
		   const json_t *object);

/* The document, pretty-printed, without anything that could steer a terminal. */
void writer_json(struct buf *into, const json_t *document);

/* Escape sequences around a word by its meaning ("ok", "failed", "running"), where colours may be.
 */
const char *writer_verdict_on(const struct screen *screen, const char *word);
const char *writer_dim_on(const struct screen *screen);
const char *writer_bold_on(const struct screen *screen);
const char *writer_off(const struct screen *screen);
