/* SPDX-License-Identifier: Apache-2.0 */
/* Device programs of cgroups; see device_filter.h. Look, attach, look again: whether the right
 * program is attached is told by its tag, which the kernel makes of its instructions. */
#include "cgroups/device_filter.h"

#include "cgroups/device_program.h"
#include "util/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ATTACHED_MAX = 64 }; /* BPF_CGROUP_MAX_PROGS (include/linux/bpf-cgroup-defs.h) */

struct attached { /* ours on a cgroup */
	uint32_t ids[ATTACHED_MAX];
	uint32_t count;
};

static int say(char reason[CG_DEVICE_REASON_SIZE], int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int say(char reason[CG_DEVICE_REASON_SIZE], int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(reason, CG_DEVICE_REASON_SIZE, format, arguments); /* may be cut */
	va_end(arguments);
	return error;
}

static int read_info(int program, struct bpf_prog_info *ret)
{
	uint32_t size = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_obj_get_info_by_fd(program, ret, &size);
}

static bool is_ours(const struct bpf_prog_info *info)
{
	return info->type == BPF_PROG_TYPE_CGROUP_DEVICE &&
	       strncmp(info->name, CG_DEVICE_NAME, sizeof(info->name)) == 0;
}

static void write_tag(const struct bpf_prog_info *info, char room[CG_DEVICE_TAG_SIZE])
{
	_Static_assert(CG_DEVICE_TAG_SIZE == BPF_TAG_SIZE * 2 + 1, "two digits a byte");

	for (size_t i = 0; i < BPF_TAG_SIZE; i++)
		(void)snprintf(room + 2 * i, 3, "%02x", info->tag[i]); /* fits */
}

/* One that goes between the question and the look at it is passed over. */
static int find_ours(int cgroup, struct attached *ret)
{
	struct attached all = { .count = ATTACHED_MAX };
	int r = bpf_prog_query(cgroup, BPF_CGROUP_DEVICE, 0, NULL, all.ids, &all.count);

	ret->count = 0;
	for (uint32_t i = 0; r == 0 && i < all.count && i < ATTACHED_MAX; i++) {
		_cleanup_close_ int program = bpf_prog_get_fd_by_id(all.ids[i]);
		struct bpf_prog_info info;

		if (program < 0 && program != -ENOENT)
			return program;
		if (program >= 0 && read_info(program, &info) == 0 && is_ours(&info))
			ret->ids[ret->count++] = all.ids[i];
	}
	return r < 0 ? r : 0;
}

static int detach(int cgroup, uint32_t id)
{
	_cleanup_close_ int program = bpf_prog_get_fd_by_id(id);

	if (program < 0)
		return program == -ENOENT ? 0 : program;
	return bpf_prog_detach2(program, cgroup, BPF_CGROUP_DEVICE);
}

/* In place of the first of ours, or beside what else is there. */
static int attach(int cgroup, int program, const struct attached *old)
{
	_cleanup_close_ int replaced = old->count ? bpf_prog_get_fd_by_id(old->ids[0]) : -1;
	LIBBPF_OPTS(bpf_prog_attach_opts, options, .flags = BPF_F_ALLOW_MULTI);

	if (old->count && replaced < 0)
		return replaced;
	if (old->count) {
		options.flags |= BPF_F_REPLACE;
		options.replace_prog_fd = replaced;
	}
	return bpf_prog_attach_opts(program, cgroup, BPF_CGROUP_DEVICE, &options);
}

/* The tag of ours that is attached, when it is one alone. */
static int read_back(int cgroup, struct cg_device_filter *ret)
{
	struct attached now;
	struct bpf_prog_info info;
	_cleanup_close_ int program = -1;
	int r = find_ours(cgroup, &now);

	ret->id = 0;
	ret->actual[0] = 0;
	if (r < 0 || now.count != 1)
		return r;
	program = bpf_prog_get_fd_by_id(now.ids[0]);
	r = program < 0 ? program : read_info(program, &info);
	if (r < 0)
		return r;
	ret->id = now.ids[0];
	write_tag(&info, ret->actual);
	return 0;
}

static int say_load(char reason[CG_DEVICE_REASON_SIZE], size_t rules, int error)
{
	if (error == -E2BIG)
		return say(reason, error, "%zu rules are more than a device program has room for",
			   rules);
	if (error == -EPERM || error == -EACCES)
		return say(reason, error,
			   "the kernel lets this process load no device program (CAP_BPF and "
			   "CAP_NET_ADMIN, or CAP_SYS_ADMIN)");
	if (error == -EINVAL || error == -ENOSYS)
		return say(reason, error,
			   "this kernel takes no device programs (CONFIG_CGROUP_BPF): %s",
			   strerror(-error));
	return say(reason, error, "the device program cannot be loaded: %s", strerror(-error));
}

/* (Before Linux 5.11, which is older than what this runs on, libbpf raises RLIMIT_MEMLOCK here.) */
static int load(const struct device_rules *rules, int *ret)
{
	_cleanup_free_ struct bpf_insn *instructions = NULL;
	size_t count = 0;
	int r = cg_device_assemble(rules, &instructions, &count);

	if (r < 0)
		return r;
	r = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, CG_DEVICE_NAME, "Apache-2.0", instructions,
			  count, NULL);
	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int cg_device_load(const struct device_rules *rules, struct cg_device_program *ret)
{
	struct cg_device_program p = { .fd = -1 };
	_cleanup_close_ int program = -1;
	struct bpf_prog_info info;
	int r = load(rules, &program);

	if (r == 0)
		r = read_info(program, &info);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		p.error = say_load(p.reason, rules->count, r);
	} else {
		write_tag(&info, p.tag);
		p.fd = TAKE_FD(program);
	}
	*ret = p;
	return 0;
}

void cg_device_unload(struct cg_device_program *p)
{
	p->fd = close_fd(p->fd);
}

static int say_attach(char reason[CG_DEVICE_REASON_SIZE], int error)
{
	if (error == -EPERM)
		return say(reason, error,
			   "the kernel refuses the device program: one on this cgroup or above it "
			   "allows no other beside it");
	return say(reason, error, "the device program cannot be attached: %s", strerror(-error));
}

/* Puts the program in place of all of ours. */
static int put(int cgroup, int program, char reason[CG_DEVICE_REASON_SIZE])
{
	struct attached old;
	int r = find_ours(cgroup, &old);

	if (r < 0)
		return say(reason, r,
			   "the kernel does not tell what device programs are attached: %s",
			   strerror(-r));
	r = attach(cgroup, program, &old);
	for (uint32_t i = 1; r == 0 && i < old.count; i++)
		r = detach(cgroup, old.ids[i]);
	return r < 0 ? say_attach(reason, r) : 0;
}

void cg_device_apply(int cgroup, const struct cg_device_program *p, struct cg_device_filter *ret)
{
	struct cg_device_filter f = { .error = p->error };

	(void)read_back(cgroup, &f); /* what cannot be read is not known to be right */
	if (p->fd < 0) {
		memcpy(f.reason, p->reason, sizeof(f.reason));
	} else if (strcmp(p->tag, f.actual) != 0) {
		f.error = put(cgroup, p->fd, f.reason);
		(void)read_back(cgroup, &f); /* likewise */
	}
	f.holds = p->fd >= 0 && f.error == 0 && strcmp(p->tag, f.actual) == 0;
	if (!f.holds && f.error == 0)
		f.error = say(f.reason, -EIO,
			      "the kernel holds another device program than was given to it");
	*ret = f;
}

bool cg_device_holds(int cgroup, uint32_t id)
{
	struct attached now;

	return id != 0 && find_ours(cgroup, &now) == 0 && now.count == 1 && now.ids[0] == id;
}

int cg_device_remove(int cgroup)
{
	struct attached now;
	int r = find_ours(cgroup, &now);

	for (uint32_t i = 0; r == 0 && i < now.count; i++)
		r = detach(cgroup, now.ids[i]);
	return r;
}
