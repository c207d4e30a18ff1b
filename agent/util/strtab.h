/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* enum <-> string by a const table indexed by the enum: one definition serves both directions. */

#include <stddef.h>
#include <string.h>

/* NULL for a value outside of the table or without a name. */
static inline const char *strtab_name(const char *const *table, size_t count, int value)
{
	return value >= 0 && (size_t)value < count ? table[value] : NULL;
}

/* The index of the name, or -1 when it is NULL or unknown. Case matters. */
static inline int strtab_value(const char *const *table, size_t count, const char *name)
{
	for (size_t i = 0; name && i < count; i++)
		if (table[i] && strcmp(table[i], name) == 0)
			return (int)i;
	return -1;
}

/* Declares / defines PREFIX_to_string(enum) and PREFIX_from_string(name). */
#define STRTAB_DECLARE(prefix, type)                \
	const char *prefix##_to_string(type value); \
	int prefix##_from_string(const char *name)

#define STRTAB_DEFINE(prefix, type, ...)                                                       \
	static const char *const prefix##_names[] = { __VA_ARGS__ };                           \
	const char *prefix##_to_string(type value)                                             \
	{                                                                                      \
		return strtab_name(prefix##_names,                                             \
				   sizeof(prefix##_names) / sizeof(prefix##_names[0]),         \
				   (int)value);                                                \
	}                                                                                      \
	int prefix##_from_string(const char *name)                                             \
	{                                                                                      \
		return strtab_value(prefix##_names,                                            \
				    sizeof(prefix##_names) / sizeof(prefix##_names[0]), name); \
	}                                                                                      \
	struct swallow_semicolon
