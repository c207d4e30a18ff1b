/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of one value in a file of their own: a number or a word; see limit.h. */
#include "cgroups/limit.h"

#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int limit_format(uint64_t value, char **ret)
{
	if (value == CG_MAX)
		*ret = strdup("max");
	else if (asprintf(ret, "%" PRIu64, value) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

int limit_encode_number(const struct limit_row *row, const void *values, char **ret)
{
	uint64_t value = *(const uint64_t *)(const void *)((const char *)values + row->offset);

	return value == CG_UNSET ? 0 : limit_format(value, ret);
}

int limit_extract_line(const char *text, const char *wanted, char **ret)
{
	size_t n = strcspn(text, "\n");

	(void)wanted;
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	*ret = strndup(text, n);
	return *ret ? 0 : -ENOMEM;
}

int limit_decode_number(const char *text, uint64_t *ret)
{
	if (strcmp(text, "max") == 0) {
		*ret = CG_MAX;
		return 0;
	}
	return parse_u64(text, ret);
}

bool limit_verify_same(int cgroup, const struct limit_row *row, const struct cg_readback *item)
{
	(void)cgroup;
	(void)row;
	return strcmp(item->wanted, item->actual) == 0;
}

static uint64_t granule(const struct limit_row *row)
{
	long page = sysconf(_SC_PAGESIZE);

	if (row->unit != LIMIT_BYTES)
		return 1;
	return row->granule_bytes ? row->granule_bytes : page > 0 ? (uint64_t)page : 4096;
}

/* page_counter_memparse() rounds down to pages. */
bool limit_holds(const struct limit_row *row, uint64_t wanted, uint64_t actual)
{
	if (wanted == actual || wanted == CG_MAX || actual == CG_MAX)
		return wanted == actual;
	return actual <= wanted && wanted - actual < granule(row);
}

bool limit_verify_number(int cgroup, const struct limit_row *row, const struct cg_readback *item)
{
	uint64_t wanted, actual;

	(void)cgroup;
	return row->kind->decode(item->wanted, &wanted) == 0 &&
	       row->kind->decode(item->actual, &actual) == 0 && limit_holds(row, wanted, actual);
}

static int encode_word(const struct limit_row *row, const void *values, char **ret)
{
	const char *word = *(const char *const *)(const void *)((const char *)values + row->offset);

	if (!word)
		return 0;
	*ret = strdup(word);
	return *ret ? 0 : -ENOMEM;
}

const struct limit_kind limit_kind_number = {
	.encode = limit_encode_number,
	.extract = limit_extract_line,
	.decode = limit_decode_number,
	.verify = limit_verify_number,
};

const struct limit_kind limit_kind_word = {
	.encode = encode_word,
	.extract = limit_extract_line,
	.verify = limit_verify_same,
};
