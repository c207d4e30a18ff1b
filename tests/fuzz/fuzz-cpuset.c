/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing a CPU list: what is taken can be written and read again, and stays the same set. */
#include "util/cleanup.h"
#include "util/cpuset.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size), *again = NULL;
	_cleanup_(cpuset_freep) struct cpuset *first = NULL, *second = NULL;

	assert(text);
	if (cpuset_parse(text, &first) < 0)
		return 0;
	assert(cpuset_count(first) <= CPUSET_MAX + 1);
	again = cpuset_format(first);
	assert(again && cpuset_parse(again, &second) == 0 && cpuset_equal(first, second));
	return 0;
}
