/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a FRAME_START; see order.h. Numbers come from one table of tags; texts and lists stay in
 * the packet and are only checked. It starts nothing. */
#include "init/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "util/cleanup.h"

enum {
	DEFAULT_GRACE_USEC = 10000000,
	DEFAULT_BACKOFF_FIRST_USEC = 1000000,
	DEFAULT_BACKOFF_MAX_USEC = 60000000,
	SHORTEST_BACKOFF_USEC = 1000, /* a task that cannot run must not spin */
};
static const uint64_t longest_usec = (uint64_t)366 * 86400 * 1000000; /* sums stay far from 2^64 */

static const struct number {
	uint16_t tag, bytes;
	size_t offset;
} numbers[] = {
	{ FRAME_TAG_UID, 4, offsetof(struct order, uid) },
	{ FRAME_TAG_GID, 4, offsetof(struct order, gid) },
	{ FRAME_TAG_UMASK, 4, offsetof(struct order, umask) },
	{ FRAME_TAG_OOM_SINGLE, 4, offsetof(struct order, oom_single) },
	{ FRAME_TAG_MEMORY_POLICY, 4, offsetof(struct order, memory_policy) },
	{ FRAME_TAG_RESTART, 4, offsetof(struct order, restart) },
	{ FRAME_TAG_NETNS, 4, offsetof(struct order, netns) },
	{ FRAME_TAG_CPUS, 4, offsetof(struct order, cpus) },
	{ FRAME_TAG_RESTARTS_MAX, 4, offsetof(struct order, restarts_max) },
	{ FRAME_TAG_GRACE_USEC, 8, offsetof(struct order, grace_usec) },
	{ FRAME_TAG_BACKOFF_FIRST_USEC, 8, offsetof(struct order, backoff_first_usec) },
	{ FRAME_TAG_BACKOFF_MAX_USEC, 8, offsetof(struct order, backoff_max_usec) },
};

int order_name(const struct frame_field *field, char room[ORDER_NAME_BYTES])
{
	int r = frame_text(field, room, ORDER_NAME_BYTES);

	if (r < 0)
		return r;
	if (room[0] == 0 || strspn(room, "abcdefghijklmnopqrstuvwxyz0123456789-") != field->size)
		return -EINVAL;
	return strcmp(room, "init") == 0 ? -EINVAL : 0; /* the cgroup reeve-init itself sits in */
}

static int take_text(const struct frame_field *field, uint32_t *count)
{
	if (memchr(field->value, 0, field->size))
		return -EBADMSG;
	(*count)++;
	return 0;
}

static int take_limit(const struct frame_field *field)
{
	uint64_t limit[3];

	if (field->size != sizeof(limit))
		return -EBADMSG;
	memcpy(limit, field->value, sizeof(limit));
	return limit[0] < RLIM_NLIMITS && limit[1] <= limit[2] ? 0 : -EINVAL;
}

static int take_group(const struct frame_field *field, uint32_t *count)
{
	uint32_t group;

	(*count)++;
	if (frame_u32(field, &group) < 0)
		return -EBADMSG;
	return group == (uint32_t)ORDER_ABSENT ? -EINVAL : 0;
}

/* An id of 2^32-1 means "leave it" to the kernel, and so would keep root. */
static int take_number(struct order *o, const struct frame_field *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (numbers[i].tag != field->tag)
			continue;
		if (numbers[i].bytes != field->size)
			return -EBADMSG;
		memcpy((char *)o + numbers[i].offset, field->value, field->size);
		if (field->size == 4 && field->tag != FRAME_TAG_RESTARTS_MAX &&
		    memcmp(field->value, "\377\377\377\377", 4) == 0)
			return -EINVAL;
	}
	return 0; /* an unknown tag is skipped */
}

static int take_node(const struct frame_field *field)
{
	uint32_t node;

	if (frame_u32(field, &node) < 0)
		return -EBADMSG;
	return node < ORDER_NODES_MAX ? 0 : -EINVAL;
}

static int take_field(struct order *o, const struct frame_field *field)
{
	uint32_t ignored = 0;

	switch (field->tag) {
	case FRAME_TAG_TASK:
		return order_name(field, o->name);
	case FRAME_TAG_ARGUMENT:
		return take_text(field, &o->argument_count);
	case FRAME_TAG_ENVIRONMENT:
		return take_text(field, &o->environment_count);
	case FRAME_TAG_CWD:
		return take_text(field, &ignored);
	case FRAME_TAG_GROUP:
		return take_group(field, &o->group_count);
	case FRAME_TAG_LIMIT:
		return take_limit(field);
	case FRAME_TAG_MEMORY_NODE:
		return take_node(field);
	default: /* numbers, and tags of a newer agent */
		return take_number(o, field);
	}
}

static int order_check(const struct order *o)
{
	if (!o->name[0] || o->argument_count == 0 || o->restart > FRAME_RESTART_ALWAYS ||
	    o->netns > 1 || o->cpus >= FRAME_CPUS_COUNT)
		return -EINVAL;
	/* A task that gives up root but keeps root's groups would keep most of it. */
	if (o->uid != (uint32_t)ORDER_ABSENT && o->gid == (uint32_t)ORDER_ABSENT)
		return -EINVAL;
	if (o->umask != (uint32_t)ORDER_ABSENT && o->umask > 0777)
		return -EINVAL;
	if (o->oom_single > 1)
		return -EINVAL;
	if (o->grace_usec > longest_usec || o->backoff_max_usec > longest_usec)
		return -EINVAL;
	return 0;
}

static void order_clamp(struct order *o)
{
	if (o->backoff_first_usec < SHORTEST_BACKOFF_USEC)
		o->backoff_first_usec = SHORTEST_BACKOFF_USEC;
	if (o->backoff_max_usec < SHORTEST_BACKOFF_USEC)
		o->backoff_max_usec = SHORTEST_BACKOFF_USEC;
	if (o->backoff_first_usec > o->backoff_max_usec)
		o->backoff_first_usec = o->backoff_max_usec;
}

static void name_leaf(struct order *o)
{
	static const char *const parts[FRAME_CPUS_COUNT] = {
		[FRAME_CPUS_ALL] = "",
		[FRAME_CPUS_EXCLUSIVE] = FRAME_PART_EXCLUSIVE "/",
		[FRAME_CPUS_SHARED] = FRAME_PART_SHARED "/",
	};

	(void)stpcpy(stpcpy(o->leaf, parts[o->cpus]), o->name); /* fits */
}

struct frame_reader order_reader(const struct order *o)
{
	struct frame_reader reader;
	uint32_t version, type;

	if (frame_open(&reader, o->packet, o->packet_bytes, &version, &type) < 0)
		return (struct frame_reader){ 0 }; /* not reached: it was opened before */
	return reader;
}

int order_init(struct order *o, const void *packet, size_t size)
{
	struct order order = {
		.uid = ORDER_ABSENT,
		.gid = ORDER_ABSENT,
		.umask = ORDER_ABSENT,
		.memory_policy = ORDER_ABSENT,
		.restarts_max = UINT32_MAX,
		.grace_usec = DEFAULT_GRACE_USEC,
		.backoff_first_usec = DEFAULT_BACKOFF_FIRST_USEC,
		.backoff_max_usec = DEFAULT_BACKOFF_MAX_USEC,
		.packet = (void *)packet, /* only read until it is replaced by our copy */
		.packet_bytes = size,
	};
	struct frame_reader reader = order_reader(&order);
	struct frame_field field;
	int r;

	while (frame_next(&reader, &field) > 0) {
		r = take_field(&order, &field);
		if (r < 0)
			return r;
	}
	r = order_check(&order);
	if (r < 0)
		return r;
	order_clamp(&order);
	name_leaf(&order);
	order.packet = malloc(size);
	if (!order.packet)
		return -ENOMEM;
	memcpy(order.packet, packet, size);
	*o = order;
	return 0;
}

void order_drop_packet(struct order *o)
{
	free(o->packet);
	o->packet = NULL;
	o->packet_bytes = 0;
}

void order_done(struct order *o)
{
	order_drop_packet(o);
}
