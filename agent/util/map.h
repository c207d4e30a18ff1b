/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* String -> pointer, open addressing, owning its keys and not its values. Iteration order is that
 * of insertion, so that whatever is printed from it is stable. */

#include <stdbool.h>
#include <stddef.h>

struct map;

int map_new(struct map **ret);
struct map *map_free(struct map *m); /* the values are the caller's; returns NULL */
size_t map_count(const struct map *m);
void *map_get(const struct map *m, const char *key);	  /* NULL when absent */
int map_put(struct map *m, const char *key, void *value); /* -EEXIST, -ENOMEM; value not NULL */
void *map_remove(struct map *m, const char *key);	  /* the value, or NULL */

/* The next value at or after *cursor (start with 0), or NULL at the end. The current item may be
 * removed while iterating; adding while iterating is not allowed. */
void *map_next(const struct map *m, size_t *cursor, const char **ret_key);
