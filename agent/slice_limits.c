/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a slice on this host; see slice_limits.h. A disk is named to the kernel by its number,
 * which is asked for each time: another boot, or another plug, gives another. */
#include "slice_limits.h"

#include "cgroups/usage.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QOS_LIMIT_BYTES = 64 << 10 }; /* a line a disk */

/* Those it has for itself, and the pool's where it shares; the allocation need not be in the ledger
 * yet. */
static int count_cpus(const struct manager *m, const struct allocation *a, unsigned *ret)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	struct view v = manager_view(m);
	int r = 0;

	*ret = cpuset_count(a->cpus);
	if (a->shared_millicpus == 0 && *ret > 0)
		return 0;
	r = view_shared_pool(&v, &pool);
	if (r == 0)
		r = cpuset_union(pool, a->cpus);
	if (r == 0)
		*ret = cpuset_count(pool);
	return r;
}

static uint64_t known(uint64_t value)
{
	return value == CG_UNKNOWN ? 0 : value;
}

int limits_check(const struct manager *m, const struct allocation *a, int cgroup,
		 const struct request_limits *l, struct fail *f)
{
	struct limits_room room = { .inventory = m->inventory };
	struct cg_usage usage = { .memory_bytes = CG_UNKNOWN, .swap_bytes = CG_UNKNOWN };
	int r = limits_consistent(l, allocation_memory_total(a), f);

	if (r < 0 || limits_empty(l))
		return r;
	if (count_cpus(m, a, &room.cpus) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	if (cgroup >= 0 && cg_usage(cgroup, &usage) < 0)
		return fail_set(f, -ENODEV, "limits: what the slice uses cannot be read");
	room.memory_used_bytes = known(usage.memory_bytes);
	room.swap_used_bytes = known(usage.swap_bytes);
	return limits_fit(l, &room, f);
}

void limits_values_done(struct limits_values *v)
{
	free(v->io);
	free(v->numbers);
	free(v->absent);
	free(v->rdma);
	free(v->misc);
	free(v->dmem);
	*v = (struct limits_values){ 0 };
}

/* "major:minor" of a disk, from /sys/block/NAME/dev. */
static int number_of(const struct slice *s, const struct device *d, char room[24])
{
	char path[300];

	if (!d || !d->disk.name ||
	    (size_t)snprintf(path, sizeof(path), "block/%s/dev", d->disk.name) >= sizeof(path))
		return -ENODEV;
	return fs_read_line(s->manager->host->sys_fd, path, room, 24);
}

static uint64_t rate(uint64_t value)
{
	return value ? value : CG_UNSET;
}

static void take_disk(const struct slice *s, const struct limits_io *io, const struct device *d,
		      struct limits_values *v)
{
	size_t n = v->io_count;

	if (number_of(s, d, v->numbers[n]) < 0) {
		if (io->disk)
			v->absent[v->absent_count++] = io;
		return;
	}
	v->io[v->io_count++] = (struct cg_io){
		.disk = v->numbers[n],
		.read_bytes_per_second = rate(io->read_bytes_per_second),
		.write_bytes_per_second = rate(io->write_bytes_per_second),
		.read_operations_per_second = rate(io->read_operations_per_second),
		.write_operations_per_second = rate(io->write_operations_per_second),
		.weight = rate(io->weight),
		.latency_usec = rate(io->latency_usec),
	};
}

static bool named(const struct request_limits *l, const struct device *d)
{
	for (size_t i = 0; i < l->io_count; i++)
		if (l->io[i].disk && strcmp(l->io[i].disk, d->id) == 0)
			return true;
	return false;
}

/* What is said of a disk by name goes before what is said of all. */
static int take_disks(const struct slice *s, const struct request_limits *l,
		      struct limits_values *v)
{
	const struct inventory *inv = s->manager->inventory;
	size_t count = l->io_count;

	inventory_each (d, inv, DEVICE_DISK)
		count += d->kind == DEVICE_DISK;
	v->io = calloc(count, sizeof(*v->io));
	v->numbers = calloc(count, sizeof(*v->numbers));
	v->absent = calloc(count, sizeof(*v->absent));
	if (!v->io || !v->numbers || !v->absent)
		return -ENOMEM;
	for (size_t i = 0; i < l->io_count; i++) {
		if (l->io[i].disk) {
			take_disk(s, &l->io[i], inventory_find(inv, l->io[i].disk), v);
			continue;
		}
		inventory_each (d, inv, DEVICE_DISK)
			if (!named(l, d))
				take_disk(s, &l->io[i], d, v);
	}
	return 0;
}

static int take_named(const struct request_limits *l, struct limits_values *v)
{
	v->rdma = calloc(l->rdma_count + 1, sizeof(*v->rdma));
	v->misc = calloc(l->misc_count + 1, sizeof(*v->misc));
	v->dmem = calloc(l->regions_count + 1, sizeof(*v->dmem));
	if (!v->rdma || !v->misc || !v->dmem)
		return -ENOMEM;
	for (size_t i = 0; i < l->rdma_count; i++)
		v->rdma[i] = (struct cg_rdma){ l->rdma[i].device, l->rdma[i].handles,
					       l->rdma[i].objects };
	for (size_t i = 0; i < l->misc_count; i++)
		v->misc[i] = (struct cg_misc){ l->misc[i].resource, l->misc[i].max };
	for (size_t i = 0; i < l->regions_count; i++)
		v->dmem[i] = (struct cg_dmem){ l->regions[i].region, l->regions[i].min_bytes,
					       l->regions[i].low_bytes, l->regions[i].max_bytes };
	return 0;
}

static void set_plain(const struct request_limits *l, struct cg_limits *into)
{
	if (l->cpus_max_millicpus > 0) {
		into->cpu_quota_usec = limits_quota_usec(l);
		into->cpu_period_usec = LIMITS_PERIOD_USEC;
	}
	into->cpu_burst_usec = rate(l->burst_usec);
	into->memory_min_bytes = rate(l->memory_min_bytes);
	into->memory_low_bytes = rate(l->memory_low_bytes);
	into->memory_high_bytes = rate(l->memory_high_bytes);
	if (l->swap_limited)
		into->swap_max_bytes = l->swap_max_bytes;
}

int limits_values(const struct slice *s, struct limits_values *ret, struct cg_limits *into)
{
	_cleanup_(limits_values_done) struct limits_values v = { 0 };
	const struct request_limits *l = &s->request.limits;
	int r = 0;

	set_plain(l, into);
	if (l->io_count > 0)
		r = take_disks(s, l, &v);
	if (r == 0)
		r = take_named(l, &v);
	if (r < 0)
		return r;
	into->io = v.io;
	into->io_count = v.io_count;
	into->rdma = v.rdma;
	into->rdma_count = l->rdma_count;
	into->misc = v.misc;
	into->misc_count = l->misc_count;
	into->dmem = v.dmem;
	into->dmem_count = l->regions_count;
	*ret = TAKE(v, (struct limits_values){ 0 });
	return 0;
}

int limits_report_absent(const struct limits_values *v, struct enforcements *rows)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->absent_count; i++)
		r = enforcements_add(
			rows, &(struct enforcement){ .resource = "io",
						     .limit = "io_max",
						     .mechanism = MECHANISM_NONE,
						     .wanted = v->absent[i]->disk,
						     .reason = "the disk is not there now" });
	return r;
}

/* io.weight takes a value as soon as blk-iocost was ever on for the disk; only while it is on does
 * anything follow it. io.cost.qos of the root: "259:0 enable=1 ctrl=auto ...". */
static bool weight_is_followed(const struct slice *s, const char *wanted)
{
	_cleanup_free_ char *text = NULL;
	char line[64];
	const char *place;

	if (fs_read(s->manager->host->cgroup_fd, "io.cost.qos", QOS_LIMIT_BYTES, &text, NULL) < 0)
		return false;
	(void)snprintf(line, sizeof(line), "%.*s enable=1 ", (int)strcspn(wanted, " "),
		       wanted); /* fits: "major:minor" */
	place = strstr(text, line);
	return place && (place == text || place[-1] == '\n');
}

bool limits_hold(const struct slice *s, const struct cg_readback *b)
{
	return b->holds && (strcmp(b->limit, "io_weight") != 0 || weight_is_followed(s, b->wanted));
}

const char *limits_reason(const struct cg_readback *b, uint32_t controllers)
{
	if (!(controllers & CG_BIT(b->controller)))
		return "this host has no such controller on cgroup v2";
	if (b->error == -ENOENT)
		return "this kernel has no such limit";
	if (b->holds || (b->error == -EOPNOTSUPP && b->controller == CG_IO))
		return "the kernel schedules this disk without weights (see io.cost.qos)";
	if (b->error == -EINVAL && b->controller == CG_MISC)
		return "the kernel counts no such resource (see misc.capacity)";
	if ((b->error == -EINVAL || b->error == -ENODEV) &&
	    (b->controller == CG_RDMA || b->controller == CG_DMEM))
		return "the kernel knows no such device";
	return b->error ? strerror(-b->error) : "the kernel holds another value";
}

uint32_t limits_controllers(const struct request_limits *l)
{
	uint32_t mask = 0;

	mask |= l->cpus_max_millicpus ? CG_BIT(CG_CPU) : 0;
	mask |= l->memory_min_bytes || l->memory_low_bytes || l->memory_high_bytes ||
				l->swap_limited
			? CG_BIT(CG_MEMORY)
			: 0;
	mask |= l->io_count ? CG_BIT(CG_IO) : 0;
	mask |= l->rdma_count ? CG_BIT(CG_RDMA) : 0;
	mask |= l->misc_count ? CG_BIT(CG_MISC) : 0;
	mask |= l->regions_count ? CG_BIT(CG_DMEM) : 0;
	return mask;
}
