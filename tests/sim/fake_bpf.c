/* SPDX-License-Identifier: Apache-2.0 */
/* Device programs of a made-up kernel; see fake_bpf.h. As much as cgroups/device_filter.c uses:
 * kernel/bpf/cgroup.c, BPF_F_ALLOW_MULTI and BPF_F_REPLACE. */
#include "tests/sim/fake_bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ATTACHED_MAX = 16, TEXT_ROOM = 256 };

struct program {
	uint32_t type, id;
	uint64_t tag;
	char name[BPF_OBJ_NAME_LEN];
};

struct attached {
	uint32_t ids[ATTACHED_MAX];
	size_t count;
};

const char *fake_bpf_name(int command)
{
	switch (command) {
	case BPF_PROG_LOAD:
		return "bpf load";
	case BPF_PROG_ATTACH:
		return "bpf attach";
	case BPF_PROG_DETACH:
		return "bpf detach";
	case BPF_PROG_QUERY:
		return "bpf query";
	case BPF_PROG_GET_FD_BY_ID:
		return "bpf open";
	case BPF_OBJ_GET_INFO_BY_FD:
		return "bpf info";
	default:
		return NULL;
	}
}

static long refuse(int error)
{
	errno = error;
	return -1;
}

/* Of an open file or folder, read and written whole. */
static long open_at(const struct fake_bpf *b, int dirfd, const char *path, int flags)
{
	return b->system_call(SYS_openat, dirfd, path, flags | O_CLOEXEC, 0600);
}

static void read_text(const struct fake_bpf *b, long fd, char room[TEXT_ROOM])
{
	long n = b->system_call(SYS_pread64, fd, room, TEXT_ROOM - 1, 0);

	room[n > 0 ? n : 0] = 0;
}

static long open_program(const struct fake_bpf *b, uint32_t id, int flags)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%" PRIu32, b->folder, id);
	return open_at(b, AT_FDCWD, path, flags);
}

static bool read_program(const struct fake_bpf *b, long fd, struct program *ret)
{
	char text[TEXT_ROOM];

	*ret = (struct program){ 0 };
	read_text(b, fd, text);
	return sscanf(text, "%" SCNu32 " %" SCNu32 " %" SCNx64 " %15s", &ret->id, &ret->type,
		      &ret->tag, ret->name) >= 3;
}

static void read_attached(const struct fake_bpf *b, int cgroup, struct attached *ret)
{
	long fd = open_at(b, cgroup, FAKE_BPF_FILE, O_RDONLY);
	char text[TEXT_ROOM] = "", *rest = NULL;

	*ret = (struct attached){ 0 };
	if (fd >= 0)
		read_text(b, fd, text);
	(void)b->system_call(SYS_close, fd);
	for (char *word = strtok_r(text, " \n", &rest); word && ret->count < ATTACHED_MAX;
	     word = strtok_r(NULL, " \n", &rest))
		ret->ids[ret->count++] = (uint32_t)strtoul(word, NULL, 10);
}

static void write_attached(const struct fake_bpf *b, int cgroup, const struct attached *a)
{
	long fd = open_at(b, cgroup, FAKE_BPF_FILE, O_WRONLY | O_TRUNC);
	char text[TEXT_ROOM] = "";

	for (size_t i = 0; i < a->count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%" PRIu32 " ",
			       a->ids[i]);
	(void)b->system_call(SYS_write, fd, text, strlen(text));
	(void)b->system_call(SYS_close, fd);
}

static size_t find(const struct attached *a, uint32_t id)
{
	size_t i = 0;

	while (i < a->count && a->ids[i] != id)
		i++;
	return i;
}

/* FNV-1a, where the kernel has a part of a SHA: other instructions, another tag. */
static uint64_t tag_of(const union bpf_attr *attr)
{
	const uint8_t *bytes = (const uint8_t *)(uintptr_t)attr->insns;
	uint64_t tag = 0xcbf29ce484222325;

	for (size_t i = 0; i < attr->insn_cnt * sizeof(struct bpf_insn); i++)
		tag = (tag ^ bytes[i]) * 0x100000001b3;
	return tag;
}

static long load(const struct fake_bpf *b, const union bpf_attr *attr)
{
	char text[TEXT_ROOM];
	uint32_t id = 1;
	long fd, made;

	while ((fd = open_program(b, id, O_RDONLY)) >= 0) {
		(void)b->system_call(SYS_close, fd);
		id++;
	}
	made = open_program(b, id, O_WRONLY | O_CREAT | O_EXCL);
	(void)snprintf(text, sizeof(text), "%" PRIu32 " %" PRIu32 " %" PRIx64 " %s\n", id,
		       attr->prog_type, tag_of(attr), attr->prog_name);
	(void)b->system_call(SYS_write, made, text, strlen(text));
	(void)b->system_call(SYS_close, made);
	return open_program(b, id, O_RDONLY);
}

static long attach(const struct fake_bpf *b, const union bpf_attr *attr)
{
	struct program fresh, old;
	struct attached a;
	size_t place;

	if (!read_program(b, attr->attach_bpf_fd, &fresh))
		return refuse(EBADF);
	read_attached(b, (int)attr->target_fd, &a);
	place = a.count;
	if (attr->attach_flags & BPF_F_REPLACE) {
		if (!read_program(b, attr->replace_bpf_fd, &old))
			return refuse(EBADF);
		place = find(&a, old.id);
		if (place == a.count)
			return refuse(ENOENT);
	} else if (find(&a, fresh.id) < a.count) {
		return refuse(EINVAL);
	}
	if (place == ATTACHED_MAX)
		return refuse(E2BIG);
	a.count += place == a.count;
	a.ids[place] = fresh.id;
	write_attached(b, (int)attr->target_fd, &a);
	return 0;
}

static long detach(const struct fake_bpf *b, const union bpf_attr *attr)
{
	struct program p;
	struct attached a;
	size_t place;

	if (!read_program(b, attr->attach_bpf_fd, &p))
		return refuse(EBADF);
	read_attached(b, (int)attr->target_fd, &a);
	place = find(&a, p.id);
	if (place == a.count)
		return refuse(ENOENT);
	memmove(a.ids + place, a.ids + place + 1, (--a.count - place) * sizeof(*a.ids));
	write_attached(b, (int)attr->target_fd, &a);
	return 0;
}

static long query(const struct fake_bpf *b, union bpf_attr *attr)
{
	uint32_t *ids = (uint32_t *)(uintptr_t)attr->query.prog_ids;
	struct attached a;

	read_attached(b, (int)attr->query.target_fd, &a);
	for (size_t i = 0; ids && i < a.count && i < attr->query.prog_cnt; i++)
		ids[i] = a.ids[i];
	attr->query.prog_cnt = (uint32_t)a.count;
	return 0;
}

static long tell(const struct fake_bpf *b, union bpf_attr *attr)
{
	struct bpf_prog_info *info = (struct bpf_prog_info *)(uintptr_t)attr->info.info;
	struct program p;

	if (!read_program(b, attr->info.bpf_fd, &p))
		return refuse(EBADF);
	info->type = p.type;
	info->id = p.id;
	memcpy(info->tag, &p.tag, sizeof(info->tag));
	memcpy(info->name, p.name, sizeof(info->name));
	return 0;
}

long fake_bpf(const struct fake_bpf *b, int command, union bpf_attr *attr)
{
	switch (command) {
	case BPF_PROG_LOAD:
		return load(b, attr);
	case BPF_PROG_ATTACH:
		return attach(b, attr);
	case BPF_PROG_DETACH:
		return detach(b, attr);
	case BPF_PROG_QUERY:
		return query(b, attr);
	case BPF_PROG_GET_FD_BY_ID:
		return open_program(b, attr->prog_id, O_RDONLY);
	case BPF_OBJ_GET_INFO_BY_FD:
		return tell(b, attr);
	default:
		return refuse(EINVAL);
	}
}
