/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the form NAME,KEY=VALUE,...: what is said of one disk, device or region; see
 * request.h. One table a list of the request. */
#include "ctl/request.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <string.h>

enum form { FORM_COUNT, FORM_BYTES, FORM_DURATION };

struct word {
	const char *name, *member;
	enum form form;
};

static const struct word io_words[] = {
	{ "read", "read_bytes_per_second", FORM_BYTES },
	{ "write", "write_bytes_per_second", FORM_BYTES },
	{ "reads", "read_operations_per_second", FORM_COUNT },
	{ "writes", "write_operations_per_second", FORM_COUNT },
	{ "weight", "weight", FORM_COUNT },
	{ "latency", "latency", FORM_DURATION },
	{ 0 },
};
static const struct word rdma_words[] = {
	{ "handles", "handles", FORM_COUNT },
	{ "objects", "objects", FORM_COUNT },
	{ 0 },
};
static const struct word region_words[] = {
	{ "min", "min", FORM_BYTES },
	{ "low", "low", FORM_BYTES },
	{ "max", "max", FORM_BYTES },
	{ 0 },
};

static const struct {
	const char *option, *member;
	const struct word *words;
	const char *wanted; /* for the sentence */
} items[] = {
	{ "io", "disk", io_words, "a disk or all, and limits: all,read=10MiB,weight=200" },
	{ "rdma", "device", rdma_words, "a device and limits: mlx5_0,handles=2,objects=2000" },
	{ "device-memory", "region", region_words, "a region and limits: REGION,max=4GiB" },
};

static json_t *value_of(enum form form, const char *text)
{
	uint64_t number;

	switch (form) {
	case FORM_COUNT:
		return parse_u64(text, &number) == 0 && number <= INT64_MAX
			       ? json_integer((json_int_t)number)
			       : NULL;
	case FORM_BYTES:
		return parse_bytes(text, &number) == 0 && number <= INT64_MAX
			       ? json_integer((json_int_t)number)
			       : NULL;
	case FORM_DURATION:
		return parse_duration(text, &number) == 0 ? json_string(text) : NULL;
	}
	return NULL;
}

static int put_word(json_t *item, const struct word *words, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return -EINVAL;
	*equals = 0;
	for (; words->name; words++)
		if (strcmp(words->name, text) == 0)
			return json_put(item, words->member, value_of(words->form, equals + 1));
	return -EINVAL;
}

static int put_name(json_t *item, size_t kind, const char *name)
{
	if (strcmp(items[kind].option, "io") == 0 && strcmp(name, "all") == 0)
		return json_put_string(item, "class", "all");
	return *name && parse_utf8_valid(name, strlen(name))
		       ? json_put_string(item, items[kind].member, name)
		       : -EINVAL;
}

/* What is not of the form and what there is no memory for look the same here: both end it. */
static int put_all(json_t *item, size_t kind, char *text)
{
	char *rest = text, *word = strsep(&rest, ",");
	int r = put_name(item, kind, word);

	while (r == 0 && (word = strsep(&rest, ",")))
		r = put_word(item, items[kind].words, word);
	return r;
}

int request_item(const struct given *g, json_t **ret, struct fail *f)
{
	_cleanup_json_ json_t *item = json_object();
	_cleanup_free_ char *text = strdup(g->value);
	size_t kind = 0;

	if (!item || !text)
		return fail_set(f, -ENOMEM, "out of memory");
	while (kind + 1 < ARRAY_SIZE(items) && strcmp(items[kind].option, g->row->name) != 0)
		kind++;
	if (put_all(item, kind, text) < 0)
		return fail_code(f, -EINVAL, "usage", "--%s wants %s, not '%s'", g->row->name,
				 items[kind].wanted, g->value);
	*ret = TAKE_PTR(item);
	return 0;
}
