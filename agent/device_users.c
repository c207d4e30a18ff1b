/* SPDX-License-Identifier: Apache-2.0 */
/* Users of device nodes; see device_users.h. statx(2) without a look at the server, since a file of
 * a server that is gone would hold us for ever. */
#include "device_users.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool matches(const struct device_rule *rule, const struct statx *st)
{
	return rule->block == (bool)S_ISBLK(st->stx_mode) &&
	       (rule->major == DEVICE_RULE_ANY || rule->major == st->stx_rdev_major) &&
	       (rule->minor == DEVICE_RULE_ANY || rule->minor == st->stx_rdev_minor);
}

static const struct device_rule *node_of(int fds, const char *fd, const struct device_rules *nodes)
{
	struct statx st;

	if (statx(fds, fd, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 ||
	    (!S_ISCHR(st.stx_mode) && !S_ISBLK(st.stx_mode)))
		return NULL;
	for (size_t i = 0; i < nodes->count; i++)
		if (matches(&nodes->items[i], &st))
			return &nodes->items[i];
	return NULL;
}

int device_users_look(int proc_fd, pid_t pid, const struct device_rules *nodes,
		      struct device_user *ret)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int fds = -1;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "%d/fd", (int)pid); /* fits */
	fds = fs_open_dir(proc_fd, path);
	r = fds < 0 ? fds : fs_list(fds, ".", &names, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : DEVICE_USERS_NONE;
	for (char **name = names; *name; name++) {
		const struct device_rule *node = node_of(fds, *name, nodes);

		if (!node)
			continue;
		*ret = (struct device_user){ .pid = pid, .node = *node };
		(void)snprintf(path, sizeof(path), "%d/comm", (int)pid); /* fits */
		if (fs_read_line(proc_fd, path, ret->command, sizeof(ret->command)) < 0)
			ret->command[0] = 0;
		return DEVICE_USERS_FOUND;
	}
	return DEVICE_USERS_NONE;
}

int device_users_find(int proc_fd, const struct device_rules *nodes, struct device_user *ret)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = nodes->count > 0 ? fs_list(proc_fd, ".", &names, NULL) : 0;

	for (char **name = names; r == 0 && name && *name; name++) {
		int32_t pid;

		if (parse_i32(*name, &pid) == 0 && pid > 0 && pid != getpid())
			r = device_users_look(proc_fd, pid, nodes, ret);
	}
	return r;
}
