/* SPDX-License-Identifier: Apache-2.0 */
/* Pinning by system call; see pin.h. */
#include "pin.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MASK_BITS = 8192, NODE_BITS = 1024 }; /* the kernel's own largest NR_CPUS and MAX_NUMNODES */

struct mask {
	unsigned long words[MASK_BITS / (8 * sizeof(unsigned long))];
};

static void fill_mask(struct mask *m, const struct cpuset *s)
{
	const unsigned bits = 8 * sizeof(unsigned long);

	*m = (struct mask){ 0 };
	cpuset_each (number, s)
		if (number < MASK_BITS)
			m->words[(unsigned)number / bits] |= 1UL << ((unsigned)number % bits);
}

static int set_mask(pid_t pid, const struct mask *m)
{
	return syscall(SYS_sched_setaffinity, pid, sizeof(*m), m->words) < 0 ? -errno : 0;
}

/* MPOL_PREFERRED_MANY came with Linux 5.15; before, one node can be preferred. */
static int set_policy(const struct cpuset *nodes, bool only)
{
	struct mask m;

	fill_mask(&m, nodes);
	if (syscall(SYS_set_mempolicy, only ? MPOL_BIND : MPOL_PREFERRED_MANY, m.words,
		    (unsigned long)NODE_BITS) == 0)
		return 0;
	if (only || errno != EINVAL)
		return -errno;
	return syscall(SYS_set_mempolicy, MPOL_PREFERRED, m.words, (unsigned long)NODE_BITS) < 0
		       ? -errno
		       : 0;
}

static int set_cpus(pid_t pid, const struct cpuset *cpus)
{
	struct mask m;

	fill_mask(&m, cpus);
	return set_mask(pid, &m);
}

int pin_self(const struct pin *pin)
{
	int cpus = cpuset_empty(pin->cpus) ? 0 : set_cpus(0, pin->cpus);
	int nodes = cpuset_empty(pin->nodes) ? 0 : set_policy(pin->nodes, pin->nodes_only);

	return cpus < 0 ? cpus : nodes;
}

static int set_each_thread(const struct host *host, pid_t pid, const struct mask *m)
{
	_cleanup_(fs_names_freep) char **threads = NULL;
	char path[64];
	int result = 0, r;

	(void)snprintf(path, sizeof(path), "%d/task", (int)pid); /* fits */
	r = fs_list(host->proc_fd, path, &threads, NULL);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char **t = threads; *t; t++) {
		int32_t thread;

		if (parse_i32(*t, &thread) < 0)
			continue;
		r = set_mask(thread, m);
		if (r < 0 && r != -ESRCH)
			result = r;
	}
	return result;
}

int pin_process(const struct host *host, pid_t pid, const struct cpuset *cpus)
{
	struct mask m;

	fill_mask(&m, cpus);
	return set_each_thread(host, pid, &m);
}

/* The kernel keeps what was asked for last (user_cpus_ptr, Linux 6.2) and cuts every later cpuset
 * with it; CPUs that the mask has and the machine has not are no error. */
int pin_release(const struct host *host, pid_t pid)
{
	struct mask all;

	memset(&all, 0xff, sizeof(all));
	return set_each_thread(host, pid, &all);
}

int pin_read_cpus(pid_t pid, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *s = NULL;
	const unsigned bits = 8 * sizeof(unsigned long);
	struct mask m = { 0 };

	if (syscall(SYS_sched_getaffinity, pid, sizeof(m), m.words) < 0)
		return -errno;
	if (cpuset_new(&s) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < MASK_BITS; i++)
		if (m.words[i / bits] >> (i % bits) & 1 && cpuset_add(s, i) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(s);
	return 0;
}

/* proc_pid_numa_maps(5): "address policy key=value ...". */
int pin_read_policy(const struct host *host, pid_t pid, char **ret)
{
	char path[64], policy[128];
	_cleanup_free_ char *line = NULL;
	int r;

	(void)snprintf(path, sizeof(path), "%d/numa_maps", (int)pid); /* fits */
	r = fs_read_line_new(host->proc_fd, path, &line);
	if (r < 0)
		return r;
	if (sscanf(line, "%*s %127s", policy) != 1)
		return -ENODATA;
	/* "prefer (many):0" has a blank in its name */
	if (strcmp(policy, "prefer") == 0 && sscanf(line, "%*s prefer %100s", policy + 7) == 1)
		policy[6] = ' ';
	*ret = strdup(policy);
	return *ret ? 0 : -ENOMEM;
}
