/* SPDX-License-Identifier: Apache-2.0 */
/* Self-protection; see protect.h. The values are those of the units. */
#include "protect.h"

#include "cgroups/control.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OOM_SCORE = -900, CPU_WEIGHT = 1000, MEMORY_MIN_BYTES = 32 << 20 };

/* systemd.exec(5): the main process of a unit, and not what was started from within one. */
static bool is_unit(void)
{
	const char *pid = secure_getenv("SYSTEMD_EXEC_PID");
	uint32_t number;

	return pid && parse_u32(pid, &number) == 0 && number == (uint32_t)getpid();
}

static void complain(struct buf *b, const char *what, int error)
{
	buf_format(b, "%s%s: %s", b->size ? "; " : "", what, strerror(-error));
}

/* proc_pid_oom_score_adj(5); lowering it needs CAP_SYS_RESOURCE. reeve-init gives its tasks 0. */
static void spare_from_oom(const struct host *host, struct buf *b)
{
	int32_t now = 0;
	int r = fs_read_i32(host->proc_fd, "self/oom_score_adj", &now);

	if (r == 0 && now > OOM_SCORE)
		r = fs_write_format(host->proc_fd, "self/oom_score_adj", "%d", OOM_SCORE);
	if (r < 0)
		complain(b, "oom_score_adj", r);
}

static void apply(int cgroup, uint32_t controllers, struct buf *b)
{
	_cleanup_(cg_readbacks_done) struct cg_readbacks back = { 0 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	int r;

	limits.cpu_weight = CPU_WEIGHT;
	limits.memory_min_bytes = MEMORY_MIN_BYTES;
	r = cg_apply(cgroup, controllers, &limits, &back);
	if (r < 0)
		complain(b, "its cgroup", r);
	for (size_t i = 0; i < back.count; i++)
		if (!back.items[i].holds)
			complain(b, back.items[i].limit,
				 back.items[i].error ? back.items[i].error : -EREMOTEIO);
}

static void move_aside(const struct host *host, const char *tree, struct buf *b)
{
	const uint32_t wanted = CG_BIT(CG_CPU) | CG_BIT(CG_MEMORY);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int cgroup = -1;
	uint32_t enabled = 0;
	int r = cg_path_of(host, 0, &path);

	if (r < 0 || strcmp(path, "/") != 0)
		return; /* who has placed it has thought of its limits */
	(void)cg_enable(host->cgroup_fd, wanted, &enabled); /* what it says counts */
	if (!(enabled & wanted))
		return complain(b, "cpu.weight and memory.min", -EOPNOTSUPP);
	r = cg_make(host->cgroup_fd, tree, &cgroup);
	if (r == -EEXIST)
		r = cg_open(host->cgroup_fd, tree, &cgroup);
	if (r == 0)
		r = cg_attach(cgroup, getpid());
	if (r < 0)
		return complain(b, "a cgroup of its own", r);
	apply(cgroup, enabled, b);
}

int protect_self(const struct host *host, const char *tree, char **ret)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	*ret = NULL;
	if (is_unit())
		return 0;
	spare_from_oom(host, &b);
	if (tree && host->cgroup_fd >= 0)
		move_aside(host, tree, &b);
	if (buf_error(&b))
		return -ENOMEM;
	*ret = b.size ? buf_steal(&b) : NULL;
	return 0;
}

void protect_undo(const struct host *host, const char *tree)
{
	_cleanup_free_ char *path = NULL;

	if (!tree || host->cgroup_fd < 0 || cg_path_of(host, 0, &path) < 0 ||
	    strcmp(path + 1, tree) != 0)
		return;
	if (cg_attach(host->cgroup_fd, getpid()) == 0)
		(void)cg_remove(host->cgroup_fd, tree); /* an empty cgroup harms nobody */
}
