/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text from the agent, made fit for a terminal, JSON or XML. Whatever could steer a terminal or
 * turn a line around (C0 and C1 controls, DEL, bidirectional overrides, zero-width characters:
 * Unicode 15, UAX #9) becomes '?', a newline or tab a blank. Pure. */

#include "util/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* The next harmless code point and how many columns it takes (1 or 2); 0 at the end. A broken UTF-8
 * sequence gives U+FFFD for its first byte. */
uint32_t text_next(const char **cursor, unsigned *ret_columns);

/* Columns of the whole text as text_safe writes it with utf8. */
unsigned text_columns(const char *text);

void text_encode(struct buf *into, uint32_t glyph); /* as UTF-8 */

/* NULL writes nothing. Without utf8 everything above ASCII becomes '?'. */
void text_safe(struct buf *into, const char *text, bool utf8);

/* The same for character data and attribute values of XML 1.0: & < > " ' are escaped. */
void text_xml(struct buf *into, const char *text);

/* A JSON document with DEL, C1 controls and bidirectional overrides inside its strings written as
 * \uXXXX: still the same document. */
void text_json(struct buf *into, const char *document);

/* A body of lines (metrics): newlines and tabs stay, other controls become '?'. */
void text_lines(struct buf *into, const char *text);
