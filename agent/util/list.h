/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Intrusive doubly linked list with a head node; an element sits in at most one list per link. */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *previous;
};

#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l->previous = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *item)
{
	item->previous = head->previous;
	item->next = head;
	head->previous->next = item;
	head->previous = item;
}

/* Takes the item out and leaves it an empty list, so that removing twice is harmless. */
static inline void list_remove(struct list *item)
{
	item->previous->next = item->next;
	item->next->previous = item->previous;
	list_init(item);
}

/* `item` may be removed (and freed) in the body; `next` is a scratch variable of the same type. */
#define list_each(item, next, head)                                                \
	for (struct list *item = (head)->next, *next = item->next; item != (head); \
	     item = next, next = item->next)
