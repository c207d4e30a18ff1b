/* SPDX-License-Identifier: Apache-2.0 */
/* String map: an insertion-ordered entry array plus an index of slots into it; see map.h. Removed
 * entries leave a hole that the next growth closes. */
#include "util/map.h"

#include "util/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *key; /* NULL: removed */
	void *value;
	uint64_t hash;
};

struct map {
	struct entry *entries;
	size_t used, live, capacity; /* entries in use (with holes), alive, allocated */
	uint32_t *slots;	     /* entry index + 1; 0: empty; twice `capacity` of them */
};

/* FNV-1a, 64 bits: keys here are ids that we made or validated, so no seed is needed. */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
	return hash;
}

int map_new(struct map **ret)
{
	struct map *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*ret = m;
	return 0;
}

struct map *map_free(struct map *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->used; i++)
		free(m->entries[i].key);
	free(m->entries);
	free(m->slots);
	free(m);
	return NULL;
}

size_t map_count(const struct map *m)
{
	return m->live;
}

static void place(struct map *m, size_t index)
{
	size_t mask = 2 * m->capacity - 1;
	size_t slot = m->entries[index].hash & mask;

	while (m->slots[slot])
		slot = (slot + 1) & mask;
	m->slots[slot] = (uint32_t)index + 1;
}

/* Rebuilds with room for more; holes go away. */
static int rebuild(struct map *m, size_t capacity)
{
	_cleanup_free_ struct entry *entries = calloc(capacity, sizeof(*entries));
	_cleanup_free_ uint32_t *slots = calloc(2 * capacity, sizeof(*slots));
	size_t n = 0;

	if (!entries || !slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].key)
			entries[n++] = m->entries[i];
	free(m->entries);
	free(m->slots);
	m->entries = TAKE_PTR(entries);
	m->slots = TAKE_PTR(slots);
	m->capacity = capacity;
	m->used = m->live = n;
	for (size_t i = 0; i < n; i++)
		place(m, i);
	return 0;
}

/* A power of two; mostly holes means that the present size will do again. */
static size_t grown(const struct map *m)
{
	if (m->capacity == 0)
		return 16;
	return m->live > m->capacity / 2 ? m->capacity * 2 : m->capacity;
}

static struct entry *find(const struct map *m, const char *key)
{
	uint64_t hash;
	size_t mask;

	if (m->capacity == 0)
		return NULL;
	hash = hash_text(key);
	mask = 2 * m->capacity - 1;
	for (size_t slot = hash & mask; m->slots[slot]; slot = (slot + 1) & mask) {
		struct entry *e = &m->entries[m->slots[slot] - 1];

		if (e->key && e->hash == hash && strcmp(e->key, key) == 0)
			return e;
	}
	return NULL;
}

void *map_get(const struct map *m, const char *key)
{
	struct entry *e = find(m, key);

	return e ? e->value : NULL;
}

int map_put(struct map *m, const char *key, void *value)
{
	char *copy;
	int r;

	assert(value);
	if (find(m, key))
		return -EEXIST;
	if (m->used == m->capacity) {
		r = rebuild(m, grown(m));
		if (r < 0)
			return r;
	}
	copy = strdup(key);
	if (!copy)
		return -ENOMEM;
	m->entries[m->used] = (struct entry){ .key = copy, .value = value, .hash = hash_text(key) };
	place(m, m->used++);
	m->live++;
	return 0;
}

void *map_remove(struct map *m, const char *key)
{
	struct entry *e = find(m, key);
	void *value;

	if (!e)
		return NULL;
	value = TAKE_PTR(e->value);
	free(TAKE_PTR(e->key));
	m->live--;
	return value;
}

void *map_next(const struct map *m, size_t *cursor, const char **ret_key)
{
	while (*cursor < m->used) {
		const struct entry *e = &m->entries[(*cursor)++];

		if (!e->key)
			continue;
		if (ret_key)
			*ret_key = e->key;
		return e->value;
	}
	return NULL;
}
