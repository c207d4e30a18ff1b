/* SPDX-License-Identifier: Apache-2.0 */
/* Which disks are in use; see disk.h. A mount is seen in the mount tables of PID 1 and of our own,
 * by device number and by name (btrfs shows numbers of its own), and where it is in neither
 * (another container's) by the file system's directory in sysfs. It opens no block device. */
#include "drivers/disk.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_LIMIT_BYTES = 8 << 20, TABLES = 4 };

static const char *const tables[TABLES] = {
	"1/mountinfo", "self/mountinfo", "mounts", "swaps", /* proc(5) */
};

struct disk_use {
	const struct host *host;
	char *text[TABLES]; /* NULL where the table cannot be read */
};

int disk_use_load(struct disk_use **ret, const struct host *host)
{
	struct disk_use *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->host = host;
	for (size_t i = 0; i < TABLES; i++)
		if (fs_read(host->proc_fd, tables[i], TABLE_LIMIT_BYTES, &u->text[i], NULL) < 0)
			u->text[i] = NULL;
	*ret = u;
	return 0;
}

struct disk_use *disk_use_free(struct disk_use *u)
{
	for (size_t i = 0; u && i < TABLES; i++)
		free(u->text[i]);
	free(u);
	return NULL;
}

/* The word, with a blank or a line's end on both sides. */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; n > 0 && p && (p = strstr(p, word)); p++)
		if ((p == text || strchr(" \t\n", p[-1])) && (!p[n] || strchr(" \t\n", p[n])))
			return true;
	return false;
}

static bool in_tables(const struct disk_use *u, const char *word, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (has_word(u->text[i], word))
			return true;
	return false;
}

/* ext4, xfs, f2fs and others have a directory a mounted device; btrfs has one a file system with
 * its devices in it. */
static bool in_filesystems(const struct disk_use *u, const char *name)
{
	_cleanup_(fs_names_freep) char **systems = NULL, **volumes = NULL;
	char path[512];

	if (fs_list(u->host->sys_fd, "fs", &systems, NULL) == 0)
		for (char **s = systems; *s; s++) {
			(void)snprintf(path, sizeof(path), "fs/%s/%s", *s, name); /* cut: absent */
			if (strcmp(*s, "cgroup") != 0 && fs_exists(u->host->sys_fd, path))
				return true;
		}
	if (fs_list(u->host->sys_fd, "fs/btrfs", &volumes, NULL) == 0)
		for (char **v = volumes; *v; v++) {
			(void)snprintf(path, sizeof(path), "fs/btrfs/%s/devices/%s", *v,
				       name); /* cut: absent */
			if (fs_exists(u->host->sys_fd, path))
				return true;
		}
	return false;
}

static bool has_holders(int fd, const char *directory)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	char path[300];
	size_t count;

	(void)snprintf(path, sizeof(path), "%s/holders", directory); /* cut: absent */
	return fs_list(fd, path, &names, &count) == 0 && count > 0;
}

/* One block device: the disk itself (directory ".") or a partition of it. */
static const char *what_uses(const struct disk_use *u, const char *name, int fd,
			     const char *directory)
{
	char node[300], number[32] = "";

	(void)snprintf(node, sizeof(node), "%s/dev", directory); /* cut: absent */
	(void)fs_read_line(fd, node, number, sizeof(number));	 /* unknown: "" matches nothing */
	(void)snprintf(node, sizeof(node), "/dev/%s", name);	 /* cut: matches nothing */
	if (in_tables(u, node, 3, TABLES))
		return "holds swap";
	if (in_tables(u, number, 0, 2) || in_tables(u, node, 0, 3) || in_filesystems(u, name))
		return "holds a mounted file system";
	if (has_holders(fd, directory))
		return "carries another block device";
	return NULL;
}

void disk_use_reason(const struct disk_use *u, const char *name, int fd, char room[128])
{
	_cleanup_(fs_names_freep) char **names = NULL;
	const char *use = what_uses(u, name, fd, ".");

	room[0] = 0;
	if (use)
		(void)snprintf(room, 128, "it %s", use); /* fits */
	if (use || fs_list(fd, ".", &names, NULL) < 0)
		return;
	for (char **part = names; !use && *part; part++) {
		if (strncmp(*part, name, strlen(name)) != 0)
			continue;
		use = what_uses(u, *part, fd, *part);
		if (use)
			(void)snprintf(room, 128, "its partition %s %s", *part,
				       use); /* a long name is cut */
	}
}
