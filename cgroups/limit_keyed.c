/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of many things in one file, a line each; see limit.h. Flat: "sev 100". Nested: "8:0
 * rbps=1048576 wbps=max". A line is written alone and leaves the others as they are; one that the
 * kernel does not list has no limit. The name of the thing is the first member of the item. */
#include "cgroups/limit.h"

#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(const void *item)
{
	return *(const char *const *)item;
}

static int steal(struct buf *b, char **ret)
{
	if (buf_error(b))
		return -ENOMEM;
	*ret = buf_steal(b);
	return *ret ? 0 : -ENOMEM;
}

static int encode_flat(const struct limit_row *row, const void *item, char **ret)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	_cleanup_free_ char *value = NULL;
	int r = limit_encode_number(row, item, &value);

	if (r < 0 || !value)
		return r;
	buf_format(&b, "%s %s", name_of(item), value);
	return steal(&b, ret);
}

/* All keys once one is set: a limit that is gone from the request is gone from the kernel. */
static int encode_nested(const struct limit_row *row, const void *item, char **ret)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	bool any = false;

	buf_text(&b, name_of(item));
	for (const struct limit_key *k = row->keys; k->key; k++) {
		_cleanup_free_ char *text = NULL;
		uint64_t value = *(const uint64_t *)(const void *)((const char *)item + k->offset);

		any |= value != CG_UNSET;
		if (limit_format(value == CG_UNSET ? CG_MAX : value, &text) < 0)
			return -ENOMEM;
		buf_format(&b, " %s=%s", k->key, text);
	}
	return any ? steal(&b, ret) : 0;
}

static int extract_keyed(const char *text, const char *wanted, char **ret)
{
	size_t n = strcspn(wanted, " ") + 1; /* the blank as well */

	while (strncmp(text, wanted, n) != 0) {
		text = strchr(text, '\n');
		if (!text || !*++text) {
			*ret = strdup("");
			return *ret ? 0 : -ENOMEM;
		}
	}
	return limit_extract_line(text, wanted, ret);
}

static int decode_flat(const char *text, uint64_t *ret)
{
	const char *blank = strchr(text, ' ');

	if (!*text) {
		*ret = CG_MAX;
		return 0;
	}
	return blank ? limit_decode_number(blank + 1, ret) : -EINVAL;
}

/* The value of "key=" in a line; CG_MAX where the line does not tell. */
static int decode_key(const char *line, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	*ret = CG_MAX;
	for (const char *p = strchr(line, ' '); p; p = strchr(p, ' ')) {
		_cleanup_free_ char *text = NULL;

		p++;
		if (strncmp(p, key, n) != 0 || p[n] != '=')
			continue;
		text = strndup(p + n + 1, strcspn(p + n + 1, " "));
		return text ? limit_decode_number(text, ret) : -ENOMEM;
	}
	return 0;
}

static bool verify_nested(int cgroup, const struct limit_row *row, const struct cg_readback *item)
{
	(void)cgroup;
	for (const struct limit_key *k = row->keys; k->key; k++) {
		uint64_t wanted, actual;

		if (decode_key(item->wanted, k->key, &wanted) < 0 ||
		    decode_key(item->actual, k->key, &actual) < 0 ||
		    !limit_holds(row, wanted, actual))
			return false;
	}
	return true;
}

const struct limit_kind limit_kind_flat = {
	.encode = encode_flat,
	.extract = extract_keyed,
	.decode = decode_flat,
	.verify = limit_verify_number,
};

const struct limit_kind limit_kind_nested = {
	.encode = encode_nested,
	.extract = extract_keyed,
	.verify = verify_nested,
};
