/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts of what a machine has; see share_amounts.h. */
#include "model/share_amounts.h"

#include "model/bounded.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256, CPUS_MAX = 65536 };

/* How each resource is written in the configuration, and how it is spoken of. */
static const struct {
	const char *key; /* NULL: cannot be configured */
	uint64_t maximum;
	const char *one, *many;
} resources[SHARE_RESOURCES] = {
	[SHARE_CORES] = { "cores", REQUEST_CORES_MAX, "core", "cores" },
	[SHARE_CPUS] = { "shared-cpus", CPUS_MAX * 1000ULL, "shared CPU", "shared CPUs" },
	[SHARE_MEMORY] = { "memory", SHARE_MOST, "memory", "memory" },
	[SHARE_HUGEPAGES] = { NULL, 0, "huge pages", "huge pages" },
	[SHARE_GPUS] = { "gpus", REQUEST_DEVICES_MAX, "GPU", "GPUs" },
	[SHARE_SLICES] = { "slices", 65536, "slice", "slices" },
};

/* "2.5" -> 2500: up to three digits behind the point. */
static int parse_thousandths(const char *text, uint64_t *ret)
{
	const size_t whole = strspn(text, "0123456789");
	const char *point = text + whole;
	uint64_t units = 0, thousandths = 0;

	if (whole == 0 || whole > 9)
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		units = units * 10 + (uint64_t)(text[i] - '0');
	if (*point == '.') {
		const size_t digits = strspn(point + 1, "0123456789");

		if (digits == 0 || digits > 3 || point[1 + digits])
			return -EINVAL;
		for (size_t i = 0; i < 3; i++)
			thousandths = thousandths * 10 +
				      (i < digits ? (uint64_t)(point[1 + i] - '0') : 0);
	} else if (*point) {
		return -EINVAL;
	}
	*ret = units * 1000 + thousandths;
	return 0;
}

static int parse_amount(enum share_resource resource, const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	int r;

	if (resource == SHARE_CPUS)
		r = parse_thousandths(text, &value);
	else if (resource == SHARE_MEMORY)
		r = parse_bytes(text, &value);
	else
		r = parse_u64(text, &value);
	if (r < 0)
		return r;
	if (value > resources[resource].maximum)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* "memory=16GiB" */
static int parse_word(const char *word, bool seen[SHARE_RESOURCES], struct share_amounts *ret)
{
	const char *equals = strchr(word, '=');

	for (enum share_resource i = 0; equals && i < SHARE_RESOURCES; i++) {
		const char *key = resources[i].key;
		const size_t n = key ? strlen(key) : 0;

		if (!key || (size_t)(equals - word) != n || strncmp(word, key, n) != 0)
			continue;
		if (seen[i])
			return -EINVAL;
		seen[i] = true;
		return parse_amount(i, equals + 1, &ret->of[i]);
	}
	return -EINVAL;
}

int share_amounts_parse(const char *text, uint64_t absent, struct share_amounts *ret)
{
	struct share_amounts amounts = share_amounts_all(absent);
	bool seen[SHARE_RESOURCES] = { 0 };
	char room[TEXT_MAX], *rest = room;

	if (strlen(text) >= sizeof(room))
		return -EINVAL;
	(void)strcpy(room, text); /* fits */
	while (rest && strcmp(text, "off") != 0) {
		char *word = strsep(&rest, ",");
		size_t length;
		int r;

		word += strspn(word, " \t");
		length = strcspn(word, " \t");
		if (word[length + strspn(word + length, " \t")])
			return -EINVAL; /* a blank within */
		word[length] = 0;
		r = parse_word(word, seen, &amounts);
		if (r < 0)
			return r;
	}
	*ret = amounts;
	return 0;
}

struct share_amounts share_amounts_all(uint64_t value)
{
	struct share_amounts amounts;

	for (size_t i = 0; i < SHARE_RESOURCES; i++)
		amounts.of[i] = value;
	return amounts;
}

static uint64_t at_most(uint64_t value)
{
	return value < SHARE_MOST ? value : SHARE_MOST;
}

void share_amounts_add(struct share_amounts *to, const struct share_amounts *what)
{
	for (size_t i = 0; i < SHARE_RESOURCES; i++)
		to->of[i] = add_bounded(to->of[i], what->of[i]);
}

struct share_amounts share_of_request(const struct request *r)
{
	uint64_t hugepages = 0;

	for (size_t i = 0; i < r->hugepages_count; i++)
		hugepages = add_bounded(hugepages, multiply_bounded(r->hugepages[i].size_bytes,
								    r->hugepages[i].count));
	return (struct share_amounts){ .of = {
					       [SHARE_CORES] = r->cores,
					       [SHARE_CPUS] = r->shared_millicpus,
					       [SHARE_MEMORY] = at_most(r->memory_bytes),
					       [SHARE_HUGEPAGES] = at_most(hugepages),
					       [SHARE_GPUS] = r->devices[DEVICE_GPU],
					       [SHARE_SLICES] = 1,
				       } };
}

struct share_amounts share_of_allocation(const struct inventory *inv, const struct allocation *a)
{
	uint64_t hugepages = 0, gpus = 0;

	for (size_t i = 0; i < a->hugepages_count; i++)
		hugepages = add_bounded(hugepages, multiply_bounded(a->hugepages[i].size_bytes,
								    a->hugepages[i].count));
	for (size_t i = 0; i < a->devices_count; i++) {
		const struct device *d = inventory_find(inv, a->devices[i]);

		gpus += d && d->kind == DEVICE_GPU; /* one that was unplugged is nobody's share */
	}
	return (struct share_amounts){ .of = {
					       [SHARE_CORES] = cpuset_count(a->cores),
					       [SHARE_CPUS] = a->shared_millicpus,
					       [SHARE_MEMORY] = at_most(allocation_memory_total(a)),
					       [SHARE_HUGEPAGES] = at_most(hugepages),
					       [SHARE_GPUS] = gpus,
					       [SHARE_SLICES] = 1,
				       } };
}

const char *share_text(enum share_resource resource, uint64_t amount, char room[SHARE_TEXT_BYTES])
{
	const char *many = resources[resource].many;

	if (resource == SHARE_CPUS)
		(void)snprintf(room, SHARE_TEXT_BYTES, "%" PRIu64 ".%03u %s", amount / 1000,
			       (unsigned)(amount % 1000), many);
	else if (resource == SHARE_MEMORY || resource == SHARE_HUGEPAGES)
		(void)snprintf(room, SHARE_TEXT_BYTES, "%" PRIu64 " MiB of %s", amount >> 20, many);
	else
		(void)snprintf(room, SHARE_TEXT_BYTES, "%" PRIu64 " %s", amount,
			       amount == 1 ? resources[resource].one : many);
	return room; /* 20 digits and the longest word fit */
}
