/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names that firmware and devices give themselves: model, serial, locator. They come from a maker's
 * template as often as not, in any encoding. */

#include <stddef.h>

/* The text as printable ASCII without blanks around it, into room (always terminated; what is too
 * long is cut): other bytes become '?'. "" for what makers leave in place of a name ("To Be Filled
 * By O.E.M.", "Not Specified", "0123456789", ...). size is that of room, at least 1; length that of
 * text. */
void label_clean(const char *text, size_t length, char *room, size_t size);

/* A device's field from such a text; what says nothing leaves the field as it is. -ENOMEM. */
int label_set(char **field, const char *text);

/* The same from a file below dirfd; absent: the field is left. -ENOMEM. */
int label_read(int dirfd, const char *path, char **field);
