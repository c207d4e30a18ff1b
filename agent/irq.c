/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts' CPUs; see irq.h. */
#include "irq.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum { PATH_ROOM = 64 };

/* Directory names that are numbers; anything else (default_smp_affinity) is no interrupt. */
static int add_names(char *const *names, struct cpuset *into)
{
	int r = 0;

	for (char *const *name = names; r == 0 && *name; name++) {
		uint32_t irq;

		if (parse_u32(*name, &irq) == 0 && irq <= CPUSET_MAX)
			r = cpuset_add(into, irq);
	}
	return r;
}

int irq_list(const struct host *host, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *irqs = NULL;
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = fs_list(host->proc_fd, "irq", &names, NULL);

	if (r == 0)
		r = cpuset_new(&irqs);
	if (r == 0)
		r = add_names(names, irqs);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(irqs);
	return 0;
}

/* A list of CPUs in a file that a driver or a captured tree may have filled with anything. */
static int read_list(int dirfd, const char *path, struct cpuset **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = fs_read_line_new(dirfd, path, &text);

	if (r < 0)
		return r;
	r = cpuset_parse(text, ret);
	return r == -EINVAL || r == -ERANGE ? -EBADMSG : r;
}

static int read_of(const struct host *host, unsigned irq, const char *file, struct cpuset **ret)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof(path), "irq/%u/%s", irq, file); /* fits */
	return read_list(host->proc_fd, path, ret);
}

int irq_read(const struct host *host, unsigned irq, struct cpuset **ret)
{
	return read_of(host, irq, "smp_affinity_list", ret);
}

/* Since Linux 4.13, and only where the interrupt controller tells. */
int irq_read_effective(const struct host *host, unsigned irq, struct cpuset **ret)
{
	int r = read_of(host, irq, "effective_affinity_list", ret);

	return r == -ENOENT ? irq_read(host, irq, ret) : r;
}

int irq_write(const struct host *host, unsigned irq, const struct cpuset *cpus)
{
	_cleanup_free_ char *text = cpuset_format(cpus);
	char path[PATH_ROOM];

	if (!text)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "irq/%u/smp_affinity_list", irq); /* fits */
	return fs_write(host->proc_fd, path, text);
}

bool irq_in_use(const struct host *host, unsigned irq)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	char path[PATH_ROOM];
	bool found = false;

	(void)snprintf(path, sizeof(path), "irq/%u", irq); /* fits */
	if (fs_list(host->proc_fd, path, &names, NULL) < 0)
		return false;
	for (char **name = names; !found && *name; name++) {
		char below[PATH_ROOM + NAME_MAX];
		struct stat s;

		(void)snprintf(below, sizeof(below), "irq/%u/%s", irq, *name); /* fits */
		found = fstatat(host->proc_fd, below, &s, 0) == 0 && S_ISDIR(s.st_mode);
	}
	return found;
}

int irq_read_node(const struct host *host, unsigned irq, struct cpuset **ret)
{
	char path[PATH_ROOM];
	int32_t node = -1;
	int r;

	(void)snprintf(path, sizeof(path), "irq/%u/node", irq); /* fits */
	if (fs_read_i32(host->proc_fd, path, &node) < 0 || node < 0)
		return cpuset_new(ret);
	(void)snprintf(path, sizeof(path), "devices/system/node/node%d/cpulist", node); /* fits */
	r = read_list(host->sys_fd, path, ret);
	return r < 0 && r != -ENOMEM ? cpuset_new(ret) : r;
}

int irq_read_default(const struct host *host, struct cpuset **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = fs_read_line_new(host->proc_fd, "irq/default_smp_affinity", &text);

	if (r < 0)
		return r;
	r = cpuset_parse_mask(text, ret);
	return r == -EINVAL || r == -ERANGE ? -EBADMSG : r;
}

int irq_write_default(const struct host *host, const struct cpuset *cpus)
{
	_cleanup_free_ char *text = cpuset_format_mask(cpus);

	return text ? fs_write(host->proc_fd, "irq/default_smp_affinity", text) : -ENOMEM;
}

int irq_of_device(const struct host *host, const char *pci, struct cpuset *into)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	char path[PATH_ROOM + NAME_MAX];
	int r;

	if ((size_t)snprintf(path, sizeof(path), "bus/pci/devices/%s/msi_irqs", pci) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	r = fs_list(host->sys_fd, path, &names, NULL);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return add_names(names, into);
}
