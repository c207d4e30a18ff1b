/* SPDX-License-Identifier: Apache-2.0 */
/* Names of device nodes; see device_path.h. */
#include "device_path.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { UEVENT_LIMIT_BYTES = 8 << 10 };

static int found(const char *name, size_t length, char **ret)
{
	return asprintf(ret, "/dev/%.*s", (int)length, name) < 0 ? -ENOMEM : 0;
}

/* Documentation/ABI/stable/sysfs-driver-base: dev/{char,block}/MAJOR:MINOR lead to the device. */
static int by_uevent(const struct host *host, const struct device_rule *rule, char **ret)
{
	static const char key[] = "DEVNAME=";
	_cleanup_free_ char *text = NULL;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "dev/%s/%u:%u/uevent", rule->block ? "block" : "char",
		       rule->major, rule->minor); /* fits */
	r = fs_read(host->sys_fd, path, UEVENT_LIMIT_BYTES, &text, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line += strlen(key);
		if (*line && *line != '\n' && *line != '/' && !strstr(line, ".."))
			return found(line, strcspn(line, "\n"), ret);
	}
	return -ENOENT;
}

static bool is_node(int dev, const char *name, const struct device_rule *rule)
{
	struct stat st;

	return fstatat(dev, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (rule->block ? S_ISBLK(st.st_mode) : S_ISCHR(st.st_mode)) &&
	       major(st.st_rdev) == rule->major && minor(st.st_rdev) == rule->minor;
}

static int by_looking(const struct host *host, const struct device_rule *rule, char **ret)
{
	_cleanup_close_ int dev = fs_open_dir(host->root_fd, "dev");
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = dev < 0 ? -ENOENT : fs_list(dev, ".", &names, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	for (char **name = names; *name; name++)
		if (is_node(dev, *name, rule))
			return found(*name, strlen(*name), ret);
	return -ENOENT;
}

int device_path(const struct host *host, const struct device_rule *rule, char **ret)
{
	int r = by_uevent(host, rule, ret);

	return r == -ENOENT ? by_looking(host, rule, ret) : r;
}
