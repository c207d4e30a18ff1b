/* SPDX-License-Identifier: Apache-2.0 */
/* Starting things; see launch.h. How reeve-init comes into being is in birth.c. */
#include "launch.h"

#include "birth.h"
#include "channel.h"
#include "enforce.h"
#include "leftovers.h"
#include "manager.h"
#include "network.h"
#include "parts.h"
#include "supervise.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_dir(struct slice *s, struct fail *f)
{
	int r;

	if (!s->dir &&
	    asprintf(&s->dir, "%s/slices/%s", s->manager->config->runtime_dir, s->id) < 0) {
		s->dir = NULL;
		return fail_set(f, -ENOMEM, "out of memory");
	}
	(void)fs_remove_tree(AT_FDCWD, s->dir); /* of a slice of this name that is gone */
	r = fs_make_dirs(s->dir, 0700);
	return r < 0 ? fail_set(f, r, "cannot make %s: %s", s->dir, strerror(-r)) : 0;
}

static int open_record(const struct slice *s)
{
	_cleanup_close_ int dir = fs_open_dir(AT_FDCWD, s->dir);
	int fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, "record", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

int launch_init(struct slice *s, struct fail *f)
{
	_cleanup_close_ int listener = -1, record = -1;
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	struct birth b = { .path = s->manager->init_path, .slice = s->id, .leaf_fd = s->leaf_fd };
	int r = make_dir(s, f);

	if (r < 0)
		return r;
	r = channel_listen(s->dir, &listener, f);
	if (r < 0)
		return r;
	record = open_record(s);
	if (record < 0)
		return fail_set(f, record, "cannot open %s/record", s->dir);
	if (enforce_pin(s, &b.pin, &pool) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	b.listener = listener;
	/* PID 1 makes the scope around a running reeve-init: it is told its cgroup later. */
	b.cgroup = s->cgroup_fd;
	b.record = record;
	return birth_init(&b, &s->manager->seats, &s->init_pid, &s->init_fd, f);
}

int launch_log_path(const struct slice *s, const char *task, const char *stream, char **ret)
{
	return asprintf(ret, "%s/slices/%s/%s.%s", s->manager->config->state_dir, s->id, task,
			stream) < 0
		       ? -ENOMEM
		       : 0;
}

void launch_forget_log(const struct slice *s, const char *task)
{
	static const char *const streams[] = { "stdout", "stderr" };

	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		_cleanup_free_ char *path = NULL;

		if (launch_log_path(s, task, streams[i], &path) == 0)
			(void)unlink(path); /* it goes with its slice otherwise */
	}
}

void launch_forget_logs(const struct slice *s)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/slices/%s", s->manager->config->state_dir,
			     s->id) < sizeof(path))
		(void)fs_remove_tree(AT_FDCWD,
				     path); /* what cannot be removed is in nobody's way */
}

static int open_log(const struct slice *s, const char *task, const char *stream, struct fail *f)
{
	_cleanup_free_ char *path = NULL, *dir = NULL;
	char *slash;
	int fd, r;

	if (launch_log_path(s, task, stream, &path) < 0 || !(dir = strdup(path)))
		return fail_set(f, -ENOMEM, "out of memory");
	slash = strrchr(dir, '/');
	*slash = 0;
	r = fs_make_dirs(dir, 0700);
	if (r < 0)
		return fail_set(f, r, "cannot make %s: %s", dir, strerror(-r));
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? fail_set(f, -errno, "cannot open %s: %s", path, strerror(errno)) : fd;
}

static int open_output(const struct slice *s, const char *task, enum task_output to,
		       const char *stream, struct fail *f)
{
	char identifier[160];
	int fd = -1;

	switch (to) {
	case TASK_OUTPUT_FILE:
		return open_log(s, task, stream, f);
	case TASK_OUTPUT_JOURNAL:
		(void)snprintf(identifier, sizeof(identifier), "reeve-%s-%s", s->id,
			       task); /* fits */
		fd = log_stream_open(identifier);
		if (fd < 0)
			return fail_code(f, -EOPNOTSUPP, "no-journal",
					 "the journal does not answer on this host: %s; send %s to "
					 "a file instead",
					 strerror(-fd), stream);
		return fd;
	case TASK_OUTPUT_NULL:
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		return fd < 0 ? fail_set(f, -errno, "cannot open /dev/null") : fd;
	}
	return -EINVAL;
}

static void put_numbers(struct frame_writer *w, const struct task_spec *spec)
{
	frame_put_u32(w, FRAME_TAG_UID, spec->uid);
	frame_put_u32(w, FRAME_TAG_GID, spec->gid);
	for (size_t i = 0; i < spec->groups_count; i++)
		frame_put_u32(w, FRAME_TAG_GROUP, spec->groups[i]);
	frame_put_u32(w, FRAME_TAG_UMASK, spec->umask);
	for (size_t i = 0; i < spec->limits_count; i++) {
		const uint64_t limit[3] = { (uint64_t)spec->limits[i].resource,
					    spec->limits[i].soft, spec->limits[i].hard };

		frame_put(w, FRAME_TAG_LIMIT, limit, sizeof(limit));
	}
	frame_put_u64(w, FRAME_TAG_GRACE_USEC, spec->kill_grace_usec);
	frame_put_u32(w, FRAME_TAG_RESTART, spec->restart);
	frame_put_u64(w, FRAME_TAG_BACKOFF_FIRST_USEC, spec->backoff_first_usec);
	frame_put_u64(w, FRAME_TAG_BACKOFF_MAX_USEC, spec->backoff_max_usec);
	if (spec->restarts_max > 0)
		frame_put_u32(w, FRAME_TAG_RESTARTS_MAX, spec->restarts_max);
}

/* The kernel's modes; weighted interleaving came with Linux 6.9 (uapi/linux/mempolicy.h). */
static void put_memory(struct frame_writer *w, const struct task_spec *spec,
		       const struct cpuset *nodes)
{
	static const uint32_t modes[] = {
		[TASK_POLICY_BIND] = MPOL_BIND,
		[TASK_POLICY_PREFERRED] = MPOL_PREFERRED_MANY,
		[TASK_POLICY_INTERLEAVE] = MPOL_INTERLEAVE,
		[TASK_POLICY_WEIGHTED_INTERLEAVE] = 6, /* MPOL_WEIGHTED_INTERLEAVE */
	};

	if (spec->oom == TASK_OOM_SINGLE)
		frame_put_u32(w, FRAME_TAG_OOM_SINGLE, 1);
	if (spec->memory_policy == TASK_POLICY_DEFAULT)
		return;
	frame_put_u32(w, FRAME_TAG_MEMORY_POLICY, modes[spec->memory_policy]);
	cpuset_each (node, nodes)
		frame_put_u32(w, FRAME_TAG_MEMORY_NODE, (uint32_t)node);
}

static void put_variable(struct frame_writer *w, const char *name, const char *value)
{
	char text[4096];

	if (value && *value &&
	    (size_t)snprintf(text, sizeof(text), "%s=%s", name, value) < sizeof(text))
		frame_put_text(w, FRAME_TAG_ENVIRONMENT, text);
}

/* Ids of the slice's devices, and of NVIDIA GPUs their UUIDs as CUDA wants them. */
static void put_devices(struct frame_writer *w, const struct manager *m, const struct allocation *a)
{
	char devices[2048] = "", gpus[2048] = "";
	bool nvidia = false;

	for (size_t i = 0; i < a->devices_count; i++) {
		const struct device *d = inventory_find(m->inventory, a->devices[i]);
		size_t n = strlen(devices), k = strlen(gpus);

		(void)snprintf(devices + n, sizeof(devices) - n, "%s%s", n ? "," : "",
			       a->devices[i]); /* a cut list is left out below */
		if (d && d->kind == DEVICE_GPU && d->gpu.uuid) {
			nvidia = true;
			(void)snprintf(gpus + k, sizeof(gpus) - k, "%s%s", k ? "," : "",
				       d->gpu.uuid); /* likewise */
		}
	}
	put_variable(w, "REEVE_DEVICES", strlen(devices) + 1 < sizeof(devices) ? devices : NULL);
	if (nvidia && strlen(gpus) + 1 < sizeof(gpus))
		put_variable(w, "CUDA_VISIBLE_DEVICES", gpus);
}

/* What a task may want to know of its slice. */
static int put_surroundings(struct frame_writer *w, const struct slice *s, const char *task,
			    enum frame_cpus part)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	_cleanup_free_ char *cpus = NULL, *nodes = cpuset_format(a->nodes);
	const struct cpuset *set;

	if (parts_cpus(s, part, &set, &pool) < 0 || !nodes || !(cpus = cpuset_format(set)))
		return -ENOMEM;
	put_variable(w, "REEVE_SLICE", s->id);
	put_variable(w, "REEVE_TASK", task);
	put_variable(w, "REEVE_CPUS", cpus);
	put_variable(w, "REEVE_NODES", nodes);
	put_variable(w, "REEVE_SOCKET", s->manager->config->socket);
	put_devices(w, s->manager, a);
	return 0;
}

/* Those of the slice, or all of the machine where it is bound to none. */
static const struct cpuset *nodes_of(const struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);

	return cpuset_empty(a->nodes) ? s->manager->inventory->machine.allowed_nodes : a->nodes;
}

/* A task on its way to reeve-init. */
struct parcel {
	char *room;
	struct frame_writer frame;
	int fds[4]; /* stdin, stdout, stderr, and its network namespace: -1 none */
	enum frame_cpus cpus;
};

static struct parcel *parcel_free(struct parcel *p)
{
	for (size_t i = 0; p && i < ARRAY_SIZE(p->fds); i++)
		close_fd(p->fds[i]);
	if (p)
		free(p->room);
	free(p);
	return NULL;
}
DEFINE_CLEANUP(struct parcel *, parcel_free);

static bool has_network(const struct task_spec *spec)
{
	return spec->cni || spec->nic.device;
}

static int write_frame(struct parcel *p, const struct slice *s, const struct task_spec *spec)
{
	struct frame_writer *w = &p->frame;

	frame_begin(w, p->room, FRAME_LIMIT_BYTES, FRAME_START);
	frame_put_text(w, FRAME_TAG_TASK, spec->name);
	for (char **word = spec->argv; *word; word++)
		frame_put_text(w, FRAME_TAG_ARGUMENT, *word);
	if (put_surroundings(w, s, spec->name, p->cpus) < 0)
		return -ENOMEM;
	for (char **word = spec->env; word && *word; word++)
		frame_put_text(w, FRAME_TAG_ENVIRONMENT, *word);
	frame_put_text(w, FRAME_TAG_CWD, spec->cwd);
	put_numbers(w, spec);
	put_memory(w, spec, nodes_of(s));
	if (has_network(spec))
		frame_put_u32(w, FRAME_TAG_NETNS, 1);
	if (p->cpus != FRAME_CPUS_ALL)
		frame_put_u32(w, FRAME_TAG_CPUS, p->cpus);
	return 0;
}

/* What an older one would pass over in silence. Just after a start of the agent none has said yet
 * what it can do. */
static int check_ability(const struct slice *s, enum frame_ability ability, const char *lack,
			 struct fail *f)
{
	int r = s->channel ? channel_can(s->channel, ability) : -EAGAIN;

	if (r < 0)
		return fail_set(f, r, "slice %s has no connection to its reeve-init", s->id);
	return r > 0 ? 0
		     : fail_code(f, -EOPNOTSUPP, "old-init",
				 "the reeve-init of slice %s is of a version that %s: make the "
				 "slice anew",
				 s->id, lack);
}

static int check_abilities(const struct slice *s, const struct task_spec *spec, struct fail *f)
{
	int r = 0;

	if (spec->memory_policy != TASK_POLICY_DEFAULT)
		r = check_ability(s, FRAME_ABILITY_MEMORY, "knows no memory policy", f);
	if (r == 0 && spec->cni)
		r = check_ability(s, FRAME_ABILITY_NETNS, "gives no networks to tasks", f);
	return r;
}

static int pack(struct parcel **ret, const struct slice *s, const struct task_spec *spec,
		struct fail *f)
{
	_cleanup_(parcel_freep) struct parcel *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return fail_set(f, -ENOMEM, "out of memory");
	memset(p->fds, -1, sizeof(p->fds));
	r = parts_choose(s, spec->cpus, &p->cpus, f);
	if (r < 0)
		return r;
	p->room = malloc(FRAME_LIMIT_BYTES);
	if (!p->room || write_frame(p, s, spec) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	p->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (p->fds[0] < 0)
		return fail_set(f, -errno, "cannot open /dev/null");
	p->fds[1] = open_output(s, spec->name, spec->stdout_to, "stdout", f);
	if (p->fds[1] < 0)
		return p->fds[1];
	p->fds[2] = open_output(s, spec->name, spec->stderr_to, "stderr", f);
	if (p->fds[2] < 0)
		return p->fds[2];
	*ret = TAKE_PTR(p);
	return 0;
}

static int send_parcel(const struct slice *s, const struct parcel *p, struct fail *f)
{
	if (!s->channel)
		return fail_set(f, -EAGAIN, "slice %s has no connection to its reeve-init", s->id);
	return channel_send(s->channel, &p->frame, p->fds, p->fds[3] < 0 ? 3 : 4, f);
}

static void on_network(struct slice *s, struct slice_task *t, int netns, const struct fail *why,
		       void *userdata)
{
	struct fail reason = why ? *why : (struct fail){ 0 };
	struct parcel *p = userdata;

	p->fds[3] = netns;
	if (why || send_parcel(s, p, &reason) < 0)
		supervise_not_started(s, t, reason.text);
}

static void drop_parcel(void *userdata)
{
	parcel_free(userdata);
}

/* The parcel goes with the wish, or is the caller's still. */
static int join_first(struct slice *s, struct slice_task *t, const struct task_spec *spec,
		      struct parcel **parcel, struct fail *f)
{
	int r = network_join(s, t,
			     &(struct network_wish){ .spec = spec,
						     .ready = on_network,
						     .drop = drop_parcel,
						     .userdata = *parcel },
			     f);

	if (r == 0)
		*parcel = NULL;
	return r;
}

int launch_task(struct slice *s, const struct task_spec *spec, json_t *request,
		struct slice_task **ret, struct fail *f)
{
	_cleanup_(parcel_freep) struct parcel *p = NULL;
	struct slice_task *t;
	int r = check_abilities(s, spec, f);

	if (r == 0)
		r = pack(&p, s, spec, f);
	if (r < 0)
		return r;
	if (p->cpus != FRAME_CPUS_ALL &&
	    json_put_string(request, "cpus",
			    p->cpus == FRAME_CPUS_SHARED ? "shared" : "exclusive") < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	leftovers_note_user(s, spec->uid);
	r = slice_task_add(s, spec->name, request, &t);
	if (r < 0)
		return fail_set(f, r, "there is a task %s in slice %s already", spec->name, s->id);
	r = has_network(spec) ? join_first(s, t, spec, &p, f) : send_parcel(s, p, f);
	if (r < 0) {
		slice_task_remove(s, spec->name);
		return r;
	}
	*ret = t;
	return 0;
}
