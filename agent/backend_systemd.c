/* SPDX-License-Identifier: Apache-2.0 */
/* Slices made by PID 1: a transient reeve-<id>.slice with the limits as its properties, and in it a
 * delegated scope that holds reeve-init and, in leaves of our own, the tasks. One D-Bus transaction
 * a slice, none a task. systemd.io/CGROUP_DELEGATION. Device rules are no property of these units:
 * what PID 1 keeps of them it writes anew at daemon-reload; see devices.c. */
#include "backend.h"

#include "enforce.h"
#include "manager.h"
#include "slice_limits_unit.h"
#include "systemd/transient.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PROPERTIES_MAX = 6 + LIMITS_UNIT_PROPERTIES };

#define DELEGATED ((1u << CG_CONTROLLERS) - 1)
#define UNKNOWN_TO_PID1 (CG_BIT(CG_HUGETLB) | CG_BIT(CG_RDMA) | CG_BIT(CG_MISC) | CG_BIT(CG_DMEM))

struct units {
	char *scope, *slice;
};

static void units_done(struct units *u)
{
	free(u->scope);
	free(u->slice);
}

static int units_of(const struct slice *s, struct units *ret)
{
	int r = transient_unit_name(s->id, ".scope", &ret->scope);

	return r < 0 ? r : transient_unit_name(s->id, ".slice", &ret->slice);
}

static int systemd_backend_open(struct manager *m, struct fail *f)
{
	int r;

	if (!manager_is_at_home(m))
		return fail_set(f, -EOPNOTSUPP, "the inventory is that of another machine");
	if (m->host->cgroup_fd < 0)
		return fail_set(f, -EOPNOTSUPP, "no cgroup v2 hierarchy is mounted");
	r = systemd_open(&m->systemd, m->loop, m->bus, f);
	if (r < 0)
		return r;
	/* On a hybrid host PID 1 enables none for its units (systemd's cg_enable_everywhere()). */
	m->controllers = 0;
	if (m->layout == CG_LAYOUT_UNIFIED)
		r = cg_available(m->host->cgroup_fd, &m->controllers);
	return r < 0 ? fail_set(f, r, "cannot read the controllers: %s", strerror(-r)) : 0;
}

static void systemd_backend_close(struct manager *m)
{
	m->systemd = systemd_free(m->systemd);
}

static int systemd_prepare(struct slice *s, struct fail *f)
{
	(void)s; /* the scope is made around reeve-init once it runs */
	(void)f;
	return 0;
}

static uint64_t quantity(uint64_t value)
{
	return value ? value : UINT64_MAX; /* systemd's "infinity" */
}

static size_t slice_properties(const struct slice *s, const struct pin *pin,
			       const struct limits_unit *limits,
			       struct property_value room[PROPERTIES_MAX])
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	size_t n = 0;

	room[n++] =
		(struct property_value){ .property = PROPERTY_DESCRIPTION,
					 .text = "Slice of the node's resources, held by reeve" };
	room[n++] = (struct property_value){ .property = PROPERTY_ALLOWED_CPUS, .set = pin->cpus };
	if (pin->nodes_only)
		room[n++] = (struct property_value){ .property = PROPERTY_ALLOWED_MEMORY_NODES,
						     .set = pin->nodes };
	room[n++] = (struct property_value){ .property = PROPERTY_MEMORY_MAX,
					     .number = quantity(allocation_memory_total(a)) };
	if (a->shared_millicpus > 0)
		room[n++] = (struct property_value){ .property = PROPERTY_CPU_WEIGHT,
						     .number = enforce_weight(a) };
	room[n++] = (struct property_value){ .property = PROPERTY_TASKS_MAX,
					     .number = quantity(s->request.processes_max) };
	for (size_t i = 0; i < limits->count; i++)
		room[n++] = limits->properties[i];
	return n;
}

/* PID 1 knows nothing of huge pages and the like, and leaves controllers that it does not know as
 * they are: those above the slice hand them down when we say so. What came of it is read back with
 * the limit. */
static void hand_down(struct slice *s)
{
	uint32_t wanted = limits_controllers(&s->request.limits) & UNKNOWN_TO_PID1;
	_cleanup_free_ char *above = strdup(s->top);
	uint32_t mask;

	wanted |= s->request.hugepages_count > 0 ? CG_BIT(CG_HUGETLB) : 0;
	for (char *slash = wanted ? above : NULL; slash; slash = strchr(slash + 1, '/')) {
		_cleanup_close_ int cgroup = -1;

		*slash = 0;
		if (cg_open(s->manager->host->cgroup_fd, above, &cgroup) == 0)
			(void)cg_enable(cgroup, wanted, &mask); /* see above */
		*slash = '/';
	}
}

/* The scope's cgroup is divided among tasks; the limits are on the slice above it, as PID 1 set
 * them. That one first: a scope ends with its last process, and what its slice holds is to be
 * undone all the same. */
static int open_cgroups(struct slice *s)
{
	char *slash;
	int r;

	free(s->top);
	s->top = strdup(s->cgroup);
	slash = s->top ? strrchr(s->top, '/') : NULL;
	if (!slash || slash == s->top)
		return s->top ? -ENOENT : -ENOMEM;
	*slash = 0;
	r = cg_open(s->manager->host->cgroup_fd, s->top + 1, &s->top_fd);
	return r < 0 ? r : cg_open(s->manager->host->cgroup_fd, s->cgroup + 1, &s->cgroup_fd);
}

/* Where the unit is: of a slice that is found again its record says it, and asks PID 1 no favour.
 */
static int find_cgroup(struct slice *s, bool fresh, struct fail *f)
{
	_cleanup_(units_done) struct units u = { 0 };

	if (!fresh && s->cgroup && s->cgroup[0] == '/')
		return 0;
	if (units_of(s, &u) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	free(TAKE_PTR(s->cgroup));
	return transient_cgroup(s->manager->systemd, u.scope, &s->cgroup, f);
}

/* The delegated cgroup with reeve-init in a leaf of its own. */
static int open_scope(struct slice *s, bool fresh, struct fail *f)
{
	uint32_t mask;
	int r = find_cgroup(s, fresh, f);

	if (r < 0)
		return r;
	r = open_cgroups(s);
	if (r == 0 && fresh)
		hand_down(s);
	if (r == 0)
		r = fresh ? cg_make(s->cgroup_fd, "init", &s->leaf_fd)
			  : cg_open(s->cgroup_fd, "init", &s->leaf_fd);
	if (r == 0 && fresh)
		r = cg_attach(s->leaf_fd, s->init_pid);
	if (r < 0)
		return fail_set(f, r, "cannot set up the cgroup %s: %s", s->cgroup, strerror(-r));
	(void)cg_enable(s->cgroup_fd, DELEGATED, &mask); /* for tasks' own use; none is needed */
	return 0;
}

static void on_started(int error, const struct fail *why, void *userdata)
{
	struct slice *s = userdata;
	struct fail reason = { 0 };

	if (error == 0 && s->state == SLICE_CREATING) {
		error = open_scope(s, true, &reason);
		why = &reason;
	}
	s->answer(s, error, why);
}

static int systemd_admit(struct slice *s, backend_done done, struct fail *f)
{
	_cleanup_(units_done) struct units u = { 0 };
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	const uint32_t pid = (uint32_t)s->init_pid;
	_cleanup_(limits_unit_done) struct limits_unit limits = { 0 };
	struct property_value of_slice[PROPERTIES_MAX];
	struct pin pin;

	if (units_of(s, &u) < 0 || enforce_pin(s, &pin, &pool) < 0 ||
	    limits_unit_make(s, false, &limits) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	const struct property_value of_scope[] = {
		{ .property = PROPERTY_DESCRIPTION, .text = "Tasks of a slice held by reeve" },
		{ .property = PROPERTY_SLICE, .text = u.slice },
		{ .property = PROPERTY_DELEGATE, .yes = true },
		{ .property = PROPERTY_PIDS, .numbers = { .values = &pid, .count = 1 } },
		{ .property = PROPERTY_COLLECT_MODE, .text = "inactive-or-failed" },
	};
	const struct transient_order order = {
		.scope = u.scope,
		.slice = u.slice,
		.scope_properties = of_scope,
		.scope_count = ARRAY_SIZE(of_scope),
		.slice_properties = of_slice,
		.slice_count = slice_properties(s, &pin, &limits, of_slice),
	};
	s->answer = done; /* one transaction at a time: carve waits for it */
	return transient_start(s->manager->systemd, &order, on_started, s, f);
}

static void on_stopped(int error, const struct fail *why, void *userdata)
{
	struct slice *s = userdata;

	s->answer(s, error, why);
}

static int systemd_remove(struct slice *s, backend_done done, struct fail *f)
{
	_cleanup_(units_done) struct units u = { 0 };

	if (s->cgroup_fd >= 0)
		(void)cg_kill(s->cgroup_fd); /* stopping the units does it too, later */
	s->cgroup_fd = close_fd(s->cgroup_fd);
	s->leaf_fd = close_fd(s->leaf_fd);
	s->top_fd = close_fd(s->top_fd);
	if (units_of(s, &u) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	s->answer = done;
	return transient_stop(s->manager->systemd, u.scope, u.slice, done ? on_stopped : NULL, s,
			      f);
}

/* Else PID 1 would put back what it knows when it next writes the unit's cgroup. */
static void systemd_repin(struct slice *s, const struct cpuset *cpus)
{
	_cleanup_(units_done) struct units u = { 0 };
	struct fail why = { 0 };
	int r = units_of(s, &u);

	if (r == 0)
		r = transient_tell(
			s->manager->systemd, u.slice,
			&(struct property_value){ .property = PROPERTY_ALLOWED_CPUS, .set = cpus },
			1, &why);
	if (r < 0)
		log_warning(&(struct log_about){ .slice = s->id }, "%s", why.text);
}

/* All of them, and those of limits that it has no more: else a daemon-reload would bring back the
 * old size. */
static void systemd_resized(struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	_cleanup_(units_done) struct units u = { 0 };
	_cleanup_(limits_unit_done) struct limits_unit limits = { 0 };
	struct property_value of_slice[PROPERTIES_MAX];
	struct fail why = { 0 };
	struct pin pin;
	size_t count;
	int r = units_of(s, &u);

	if (r == 0)
		r = enforce_pin(s, &pin, &pool);
	if (r == 0)
		r = limits_unit_make(s, true, &limits);
	if (r == 0) {
		count = slice_properties(s, &pin, &limits, of_slice);
		if (a->shared_millicpus == 0)
			of_slice[count++] =
				(struct property_value){ .property = PROPERTY_CPU_WEIGHT,
							 .number = UINT64_MAX };
		r = transient_tell(s->manager->systemd, u.slice, of_slice, count, &why);
	}
	if (r < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "PID 1 does not know its new size: %s",
			    why.error ? why.text : strerror(-r));
}

static int systemd_adopt(struct slice *s, struct fail *f)
{
	return open_scope(s, false, f);
}

/* "reeve-train\x2d1.slice" -> "train-1"; NULL for a name that is not of ours. */
static char *id_of_unit(const char *unit)
{
	static const char prefix[] = "reeve-", suffix[] = ".slice", dash[] = "\\x2d";
	size_t length = strlen(unit), end;
	_cleanup_(buf_done) struct buf b = { 0 };

	if (length <= strlen(prefix) + strlen(suffix) ||
	    strncmp(unit, prefix, strlen(prefix)) != 0 ||
	    strcmp(unit + length - strlen(suffix), suffix) != 0)
		return NULL;
	end = length - strlen(suffix);
	for (size_t i = strlen(prefix); i < end;) {
		bool escaped = strncmp(unit + i, dash, strlen(dash)) == 0;

		buf_append(&b, escaped ? "-" : unit + i, 1);
		i += escaped ? strlen(dash) : 1;
	}
	return buf_steal(&b);
}

/* Units have one name space on a host: another agent beside the host's own (a trial, a test) has no
 * say about what it did not make. */
static int systemd_list(struct manager *m, char ***ret)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int top = -1;
	size_t count = 0, kept = 0;
	int r;

	if (strcmp(m->config->runtime_dir, "/run/reeve") != 0)
		return -EOPNOTSUPP;
	r = cg_open(m->host->cgroup_fd, "reeve.slice", &top);
	if (r == 0)
		r = cg_children(top, &names, &count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		char *id = id_of_unit(names[i]);

		free(names[i]);
		names[i] = NULL;
		if (id && parse_name_valid(id))
			names[kept++] = id;
		else
			free(id);
	}
	*ret = TAKE_PTR(names);
	return 0;
}

const struct backend backend_systemd = {
	.name = "systemd",
	.choice = BACKEND_SYSTEMD,
	.open = systemd_backend_open,
	.close = systemd_backend_close,
	.prepare = systemd_prepare,
	.admit = systemd_admit,
	.remove = systemd_remove,
	.repin = systemd_repin,
	.resizing = hand_down,
	.resized = systemd_resized,
	.adopt = systemd_adopt,
	.list = systemd_list,
};
