/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes of slices; see devices.h. The program is on the delegated cgroup, which under the
 * systemd back end is that of the scope. PID 1 has programs of its own there or above, and
 * attaches, replaces and removes only those that it made, by their descriptors (BPF_F_ALLOW_MULTI):
 * so neither daemon-reload nor daemon-reexec touches ours, as they do the device rules of container
 * runtimes that let PID 1 own them.
 *
 * What it does not do: keep processes outside of slices from a device, or root in a slice from
 * taking programs off or leaving its cgroup: whoever may do that needs no device node. */
#include "devices.h"

#include "cgroups/device_filter.h"
#include "device_users.h"
#include "drivers/driver.h"
#include "enforce.h"
#include "hold.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY DEVICE_RULE_ANY
#define USE DEVICE_ACCESS_USE
#define MAKE DEVICE_ACCESS_MKNOD

/* What an ordinary process of an ordinary user needs and harms nobody with. Numbers: Documentation/
 * admin-guide/devices.txt. The files' own permissions still count. Left out, though others allow
 * it: the machine's console and virtual terminals, the kernel's log (1:11), loop and mapper
 * devices, and KVM (10:232), since a site that wants virtual machines in slices can say so. */
static const struct device_rule harmless[] = {
	{ false, 1, 3, USE },	   /* null */
	{ false, 1, 5, USE },	   /* zero */
	{ false, 1, 7, USE },	   /* full */
	{ false, 1, 8, USE },	   /* random */
	{ false, 1, 9, USE },	   /* urandom */
	{ false, 5, 0, USE },	   /* tty: the process's own terminal */
	{ false, 5, 2, USE },	   /* ptmx: new terminals */
	{ false, 136, ANY, USE },  /* pts/N: who may open which is their owners' matter */
	{ false, 10, 229, USE },   /* fuse: file systems by a user, each open a new one */
	{ false, 10, 200, USE },   /* net/tun: needs rights in a network namespace, gives none */
	{ false, ANY, ANY, MAKE }, /* a node that cannot be opened does nothing, and archives and */
	{ true, ANY, ANY, MAKE },  /* container images have them */
};

struct devices {
	struct device_rules rules; /* of the program; none: there is none yet */
	struct cg_device_program program;
};

int devices_new(struct devices **ret)
{
	struct devices *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->program.fd = -1;
	*ret = d;
	return 0;
}

struct devices *devices_free(struct devices *d)
{
	if (!d)
		return NULL;
	cg_device_unload(&d->program);
	device_rules_done(&d->rules);
	free(d);
	return NULL;
}

static const struct allocation *allocation_of(const struct slice *s)
{
	return ledger_find(s->manager->ledger, s->id);
}

struct work {
	struct slice *slice;
	const struct allocation *allocation;
	struct device_rules all;
	struct device_rules *own; /* one a device of the allocation */
	char wanted[CG_DEVICE_TAG_SIZE];
	const char *reason; /* why nothing holds; NULL: it holds */
	struct enforcements *rows;
};

static void work_done(struct work *w)
{
	for (size_t i = 0; w->own && i < w->allocation->devices_count; i++)
		device_rules_done(&w->own[i]);
	free(w->own);
	device_rules_done(&w->all);
}

/* A device that the machine no longer has adds nothing. */
static int collect_own(struct work *w, size_t i)
{
	const struct manager *m = w->slice->manager;
	const struct device *d = inventory_find(m->inventory, w->allocation->devices[i]);
	int r = d ? driver_nodes(manager_machine(m), d, &w->own[i]) : 0;

	return r < 0 ? r : device_rules_add_all(&w->all, &w->own[i]);
}

static int collect(struct work *w)
{
	int r = 0;

	w->own = calloc(w->allocation->devices_count + 1, sizeof(*w->own));
	if (!w->own)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(harmless); i++)
		r = device_rules_add(&w->all, &harmless[i]);
	if (r == 0)
		r = device_allow_rules(&w->slice->manager->config->device_allow, &w->all);
	for (size_t i = 0; r == 0 && i < w->allocation->devices_count; i++)
		r = collect_own(w, i);
	return r;
}

/* What slices have in common is loaded once, and again when the site's names stand for others. */
static int load_common(struct devices *d, const struct device_rules *rules)
{
	struct cg_device_program fresh;
	int r;

	if (d->program.fd >= 0 && device_rules_equal(&d->rules, rules))
		return 0;
	r = cg_device_load(rules, &fresh);
	if (r < 0)
		return r;
	cg_device_unload(&d->program);
	d->program = fresh;
	device_rules_done(&d->rules);
	return device_rules_add_all(&d->rules, rules);
}

static int apply(struct work *w)
{
	struct devices *common = w->slice->manager->devices;
	struct cg_device_program own = { .fd = -1 }, *p = &own;
	int r;

	if (w->allocation->devices_count == 0) {
		r = load_common(common, &w->all);
		p = &common->program;
	} else {
		r = cg_device_load(&w->all, &own);
	}
	if (r == 0) {
		memcpy(w->wanted, p->tag, sizeof(w->wanted));
		cg_device_apply(w->slice->cgroup_fd, p, &w->slice->filter);
	}
	cg_device_unload(&own);
	return r;
}

/* Slices of the shared pool come here whenever it changes: then one look suffices. */
static bool is_held(const struct work *w)
{
	const struct slice *s = w->slice;

	return s->filter.holds && device_rules_equal(&s->filtered, &w->all) &&
	       cg_device_holds(s->cgroup_fd, s->filter.id);
}

static int hold(struct work *w)
{
	struct slice *s = w->slice;
	int r = 0;

	if (is_held(w)) {
		memcpy(w->wanted, s->filter.actual, sizeof(w->wanted));
		return 0;
	}
	device_rules_done(&s->filtered);
	r = apply(w);
	if (r == 0)
		r = device_rules_add_all(&s->filtered, &w->all);
	if (r == 0 && !s->filter.holds)
		w->reason = s->filter.reason;
	return r;
}

static int filter_row(const struct work *w)
{
	const struct enforcement row = {
		.resource = "devices",
		.limit = "device_filter",
		.mechanism = w->reason ? MECHANISM_NONE : MECHANISM_CGROUP,
		.file = CG_DEVICE_FILE,
		.wanted = w->wanted[0] ? w->wanted : NULL,
		.actual = w->slice->filter.actual[0] ? w->slice->filter.actual : NULL,
		.reason = w->reason,
	};

	return enforcements_add(w->rows, &row);
}

/* Why the filter does not guard this device, though it holds; NULL: it does. */
static const char *beyond(const struct work *w, size_t i)
{
	const struct device *d =
		inventory_find(w->slice->manager->inventory, w->allocation->devices[i]);

	if (!d)
		return "the machine does not have it any more";
	/* One that is an RDMA device alone has its name. */
	if (d->kind == DEVICE_NIC && (!d->nic.rdma || strcmp(d->nic.rdma, d->nic.name) != 0))
		return "a network interface has no device node: other processes are not kept from "
		       "it";
	return w->own[i].count == 0 ? "it has no device node on this host" : NULL;
}

static int device_row(const struct work *w, size_t i)
{
	const char *reason = w->reason ? w->reason : beyond(w, i);
	_cleanup_free_ char *nodes = w->own ? device_rules_text(&w->own[i]) : NULL;
	struct enforcement row = {
		.resource = "devices",
		.limit = w->allocation->devices[i],
		.mechanism = reason ? MECHANISM_NONE : MECHANISM_CGROUP,
		.file = nodes && *nodes ? CG_DEVICE_FILE : NULL,
		.wanted = nodes && *nodes ? nodes : "exclusive",
		/* By the tag the kernel's program is the one that was made of these. */
		.actual = w->reason || !nodes || !*nodes ? NULL : nodes,
		.reason = reason,
	};

	return enforcements_add(w->rows, &row);
}

static int report(const struct work *w, bool filtered)
{
	int r = filtered ? filter_row(w) : 0;

	for (size_t i = 0; r == 0 && i < w->allocation->devices_count; i++)
		r = device_row(w, i);
	return r;
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	_cleanup_(work_done) struct work w = { .slice = s,
					       .allocation = allocation_of(s),
					       .rows = rows };
	int r;

	(void)f; /* the table's own sentence is enough */
	if (s->cgroup_fd < 0) {
		w.reason = "this host has no cgroup v2 that can be written: the device is named "
			   "in the task's environment alone";
		return report(&w, false);
	}
	if (!s->manager->config->device_filter) {
		if (cg_device_remove(s->cgroup_fd) < 0)
			log_debug(&(struct log_about){ .slice = s->id },
				  "a device program of an earlier configuration may remain");
		w.reason = "device-filter is off in the configuration";
		return report(&w, false);
	}
	r = collect(&w);
	if (r == -E2BIG)
		w.reason = "there are more device nodes than a device program has room for";
	else if (r == 0)
		r = hold(&w);
	return r == -ENOMEM ? r : report(&w, true);
}

void devices_inventory_changed(struct manager *m)
{
	size_t cursor = 0;

	for (struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		const struct allocation *a = allocation_of(s);

		if (s->state == SLICE_ACTIVE && a && a->devices_count > 0 &&
		    enforce_again(s, &hold_devices, "devices") < 0)
			log_warning(&(struct log_about){ .slice = s->id },
				    "out of memory: its device nodes stay as they were");
	}
}

static bool has_node(const struct device_rules *rules, const struct device_rule *node)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->items[i].block == node->block && rules->items[i].major == node->major &&
		    rules->items[i].minor == node->minor)
			return true;
	return false;
}

/* The nodes of a device that no other has too: the control node of all GPUs of a maker is in use as
 * long as one of them is. */
static int nodes_of_its_own(const struct manager *m, const struct device *d,
			    struct device_rules *ret)
{
	_cleanup_(device_rules_done) struct device_rules all = { 0 }, of_others = { 0 };
	int r = driver_nodes(manager_machine(m), d, &all);

	if (r < 0 || all.count == 0)
		return r;
	inventory_each (other, m->inventory, d->kind) {
		_cleanup_(device_rules_done) struct device_rules some = { 0 };

		if (r == 0 && other != d)
			r = driver_nodes(manager_machine(m), other, &some);
		if (r == 0)
			r = device_rules_add_all(&of_others, &some);
	}
	for (size_t i = 0; r == 0 && i < all.count; i++)
		if (!has_node(&of_others, &all.items[i]))
			r = device_rules_add(ret, &all.items[i]);
	return r;
}

static int left_by(const struct manager *m, const char *id, struct leaks *ret)
{
	const struct device *d = inventory_find(m->inventory, id);
	_cleanup_(device_rules_done) struct device_rules nodes = { 0 };
	struct device_user user;
	char why[256];
	int r = d ? nodes_of_its_own(m, d, &nodes) : 0;

	if (r == 0)
		r = device_users_find(m->host->proc_fd, &nodes, &user);
	if (r != DEVICE_USERS_FOUND) /* what cannot be known holds nothing back */
		return r == -ENOMEM ? r : 0;
	(void)snprintf(why, sizeof(why), "process %d (%s) has %s %u:%u of device %s open",
		       (int)user.pid, *user.command ? user.command : "of no name",
		       user.node.block ? "block node" : "character node", user.node.major,
		       user.node.minor, id); /* a long id may be cut */
	return leaks_add_device(ret, id, why);
}

/* Whether anybody has any of them open: a look at every process of the host, so one for all. */
static int any_in_use(const struct manager *m, const struct allocation *a, bool *ret)
{
	_cleanup_(device_rules_done) struct device_rules all = { 0 };
	struct device_user user;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->devices_count; i++) {
		_cleanup_(device_rules_done) struct device_rules nodes = { 0 };
		const struct device *d = inventory_find(m->inventory, a->devices[i]);

		r = d ? nodes_of_its_own(m, d, &nodes) : 0;
		if (r == 0)
			r = device_rules_add_all(&all, &nodes);
	}
	if (r == 0)
		r = device_users_find(m->host->proc_fd, &all, &user);
	*ret = r != DEVICE_USERS_NONE; /* what went wrong is met again device by device */
	return r == -ENOMEM ? r : 0;
}

/* The filter keeps a task from opening, not a stranger from keeping what it was handed. */
static int left(struct slice *s, struct leaks *ret)
{
	const struct allocation *a = allocation_of(s);
	bool in_use = false;
	int r = 0;

	if (a && a->devices_count > 0 && manager_is_at_home(s->manager))
		r = any_in_use(s->manager, a, &in_use);
	for (size_t i = 0; in_use && r == 0 && i < a->devices_count; i++)
		r = left_by(s->manager, a->devices[i], ret);
	return r;
}

const struct hold hold_devices = { .name = "device filter", .take = take, .left = left };
