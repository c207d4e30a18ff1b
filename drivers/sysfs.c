/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes into fields; see sysfs.h. */
#include "drivers/sysfs.h"

#include "model/device.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* A line of the kernel's for a name, a number or a version is far shorter; lists go by the heap. */
enum { ATTRIBUTE_BYTES = 512 };

int sysfs_string(int dirfd, const char *path, char **field)
{
	char line[ATTRIBUTE_BYTES];
	const char *text = line;

	if (fs_read_line(dirfd, path, line, sizeof(line)) < 0)
		return 0;
	while (isspace((unsigned char)*text))
		text++;
	return device_set_string(field, text);
}

int sysfs_link_name(int dirfd, const char *path, char **field)
{
	_cleanup_free_ char *name = NULL;
	int r = fs_link_name(dirfd, path, &name);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return device_set_string(field, name);
}

void sysfs_u32(int dirfd, const char *path, uint32_t *field)
{
	uint64_t value;

	if (fs_read_u64(dirfd, path, &value) == 0 && value < DEVICE_UNKNOWN_U32)
		*field = (uint32_t)value;
}

void sysfs_hex(int dirfd, const char *path, uint32_t *field)
{
	uint64_t value;

	if (fs_read_hex(dirfd, path, &value) == 0 && value < DEVICE_UNKNOWN_U32)
		*field = (uint32_t)value;
}

static int answer(int r)
{
	return r == -ENOMEM ? r : r < 0 ? SYSFS_GARBAGE : SYSFS_FOUND;
}

int sysfs_list(int dirfd, const char *path, struct cpuset **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = fs_read_line_new(dirfd, path, &text);

	if (r < 0)
		return r == -ENOMEM ? r : SYSFS_ABSENT;
	return answer(cpuset_parse(text, ret));
}

/* Strictly the kernel's form, before hwloc's lenient reader sees it. */
static bool mask_valid(const char *text)
{
	size_t word = 0;

	for (; *text; text++) {
		word = *text == ',' ? 0 : word + 1;
		if ((*text != ',' && !isxdigit((unsigned char)*text)) || word > 8)
			return false;
	}
	return word > 0;
}

int sysfs_mask(int dirfd, const char *path, struct cpuset **ret)
{
	_cleanup_free_ char *text = NULL;
	hwloc_bitmap_t bits;
	int r = fs_read_line_new(dirfd, path, &text);

	if (r < 0)
		return r == -ENOMEM ? r : SYSFS_ABSENT;
	if (!mask_valid(text))
		return SYSFS_GARBAGE;
	bits = hwloc_bitmap_alloc();
	if (!bits)
		return -ENOMEM;
	r = hwloc_bitmap_sscanf(bits, text) < 0 ? -EINVAL : cpuset_from_hwloc(ret, bits);
	hwloc_bitmap_free(bits);
	return answer(r);
}
