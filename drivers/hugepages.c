/* SPDX-License-Identifier: Apache-2.0 */
/* Huge page pools; see hugepages.h. */
#include "drivers/hugepages.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES_LIMIT = 16 }; /* arm64 has the most: 4 with each page size */

uint64_t hugepages_size_of_name(const char *name)
{
	static const char prefix[] = "hugepages-", suffix[] = "kB";
	size_t length = strlen(name);
	char number[24];
	uint64_t kib;

	if (length < sizeof(prefix) + sizeof(suffix) - 1 ||
	    length >= sizeof(number) + sizeof(prefix) - 1 ||
	    strncmp(name, prefix, sizeof(prefix) - 1) != 0 ||
	    strcmp(name + length - sizeof(suffix) + 1, suffix) != 0)
		return 0;
	(void)snprintf(number, sizeof(number), "%.*s",
		       (int)(length - sizeof(prefix) - sizeof(suffix) + 2),
		       name + sizeof(prefix) - 1);
	if (parse_u64(number, &kib) < 0 || kib > UINT64_MAX >> 10)
		return 0;
	return kib << 10;
}

static bool read_pool(int folder, const char *name, struct device_hugepages *pool)
{
	char path[300];

	pool->size_bytes = hugepages_size_of_name(name);
	if (pool->size_bytes == 0 || strlen(name) > 255)
		return false;
	(void)snprintf(path, sizeof(path), "%s/nr_hugepages", name);
	if (fs_read_u64(folder, path, &pool->total) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/free_hugepages", name);
	return fs_read_u64(folder, path, &pool->free) == 0;
}

static int by_size(const void *a, const void *b)
{
	const struct device_hugepages *first = a, *second = b;

	return (first->size_bytes > second->size_bytes) - (first->size_bytes < second->size_bytes);
}

static int open_pools(const struct device_node *node, const struct host *host, bool whole)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "devices/system/node/node%u/hugepages", node->number);
	fd = fs_open_dir(host->sys_fd, path);
	return fd < 0 && whole ? fs_open_dir(host->sys_fd, "kernel/mm/hugepages") : fd;
}

int hugepages_fill(struct device_node *node, const struct host *host, bool whole)
{
	_cleanup_close_ int folder = open_pools(node, host, whole);
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t count = 0;

	if (folder < 0 || fs_list(folder, ".", &names, &count) < 0 || count == 0)
		return 0;
	node->hugepages = calloc(SIZES_LIMIT, sizeof(*node->hugepages));
	if (!node->hugepages)
		return -ENOMEM;
	for (size_t i = 0; i < count && node->hugepages_count < SIZES_LIMIT; i++)
		node->hugepages_count +=
			read_pool(folder, names[i], &node->hugepages[node->hugepages_count]);
	qsort(node->hugepages, node->hugepages_count, sizeof(*node->hugepages), by_size);
	return 0;
}
