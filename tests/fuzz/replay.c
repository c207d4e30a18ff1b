/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libFuzzer in `make check`: gives every file of the target's corpus to it, whole and
 * cut at every length. The corpus is found by the program's name; an empty one is a failure. */
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FILE_LIMIT_BYTES = 1 << 20, CUTS_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From a heap block of exactly that size, so that a sanitizer sees one byte too many. */
static int replay_cut(const char *data, size_t size)
{
	_cleanup_free_ uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return -1;
	memcpy(copy, data, size);
	return LLVMFuzzerTestOneInput(copy, size);
}

static int replay_file(int directory, const char *name)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0, first;
	int r = fs_read(directory, name, FILE_LIMIT_BYTES, &data, &size);

	if (r < 0)
		return r;
	first = size > CUTS_MAX ? size - CUTS_MAX : 0;
	for (size_t cut = first; cut <= size && r == 0; cut++)
		r = replay_cut(data, cut);
	return r;
}

static int replay(const char *path)
{
	_cleanup_close_ int directory = fs_open_dir(AT_FDCWD, path);
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t count = 0;
	int r = directory < 0 ? directory : fs_list(directory, ".", &names, &count);

	for (size_t i = 0; i < count && r == 0; i++)
		r = replay_file(directory, names[i]);
	if (r < 0)
		return r;
	printf("%zu files of %s\n", count, path);
	return count > 0 ? 0 : -ENOENT;
}

int main(int argc, char *argv[])
{
	const char *source = getenv("REEVE_SRCDIR"), *name = strstr(argv[0], "fuzz-");
	char path[4096];
	int r;

	if (argc > 1) {
		(void)snprintf(path, sizeof(path), "%s", argv[1]);
	} else if (source && name) {
		(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", source, name + 5);
	} else {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	r = replay(path);
	if (r != 0)
		fprintf(stderr, "%s: %s\n", path, r < 0 ? strerror(-r) : "the target says no");
	return r == 0 ? 0 : 1;
}
