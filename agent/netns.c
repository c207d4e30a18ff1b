/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned network namespaces; see netns.h. The agent has the host's mount namespace (its unit says
 * why), so that a mount of its child is there for plugins and for ip-netns(8) alike. */
#include "netns.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

static int raise_loopback(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/* The file that the mount hides. */
static int make_place(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, r;

	if (!slash || (size_t)(slash - path) >= sizeof(dir))
		return -EINVAL;
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path); /* fits */
	r = fs_make_dirs(dir, 0755);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (fd < 0)
		return -errno;
	close_fd(fd);
	return 0;
}

/* In the new one. */
static int pin(const char *path)
{
	int r = raise_loopback();

	if (r == 0)
		r = make_place(path);
	if (r == 0 && mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0) {
		r = -errno;
		(void)unlink(path); /* the first error is the one to tell */
	}
	return r;
}

int netns_make(const char *path, struct fail *f)
{
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0 || unshare(CLONE_NEWNET) < 0)
		return fail_set(f, -errno, "a network namespace cannot be made: %s",
				strerror(errno));
	r = pin(path);
	if (setns(home, CLONE_NEWNET) < 0 && r == 0)
		r = -errno;
	return r < 0 ? fail_set(f, r, "the network namespace cannot be pinned at %s: %s", path,
				strerror(-r))
		     : 0;
}

/* NSFS_MAGIC says that it is a namespace, the ioctl which kind (ioctl_ns(2)). */
int netns_open(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs st;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &st) < 0 || st.f_type != NSFS_MAGIC ||
	    ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return -ENOENT;
	return TAKE_FD(fd);
}

int netns_unpin(const char *path)
{
	/* Twice where somebody has stacked a mount; what is no mount is a file. */
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
