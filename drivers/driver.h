/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A driver knows one class of hardware: one file, ending in one `const struct driver`, listed in
 * table.c. Discovery calls probe() of every driver phase by phase; later phases see and annotate
 * what earlier ones added. Drivers read below discovery->host's directory fds only, so that a
 * captured machine can stand in; what the live kernel alone can tell (netlink, NVML, ioctl) is
 * asked only when host->live. They never log above debug: what is missing becomes a note. */

#include "model/device.h"
#include "model/health.h"
#include "util/device_rule.h"
#include "util/fail.h"
#include "util/host.h"

enum driver_phase {
	DRIVER_PHASE_CPU,
	DRIVER_PHASE_MEMORY,
	DRIVER_PHASE_PCI,
	DRIVER_PHASE_IO,
	DRIVER_PHASE_ANNOTATE,
	DRIVER_PHASES,
};

struct topology; /* drivers/topology.h: the hwloc view, loaded once per discovery */

/* Where a driver puts what it finds. Filled by whoever runs the discovery. */
struct discovery_sink {
	int (*add)(void *sink, struct device **d); /* as inventory_add */
	struct device *(*find)(void *sink, const char *id);
	struct device *(*next)(void *sink, enum device_kind kind, size_t *cursor);
	int (*note)(void *sink, const char *driver, const char *text);
};

struct discovery {
	const struct host *host;   /* of an XML topology: a host with no trees (all fds -1) */
	struct topology *topology; /* never NULL */
	struct machine *machine;   /* filled by the CPU driver */
	const struct cpuset *lent; /* CPUs that are ours, though no longer in our cpuset; or NULL */
	const struct discovery_sink *to;
	void *sink;
};

static inline int discovery_add(struct discovery *d, struct device **device)
{
	return d->to->add(d->sink, device);
}

static inline struct device *discovery_find(struct discovery *d, const char *id)
{
	return d->to->find(d->sink, id);
}

static inline struct device *discovery_next(struct discovery *d, enum device_kind kind,
					    size_t *cursor)
{
	return d->to->next(d->sink, kind, cursor);
}

/* A sentence into the inventory: what could not be read, what contradicts itself. */
int discovery_note(struct discovery *d, const char *driver, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* check() hands each observation here; it copies what it needs. */
typedef int (*driver_report)(const struct reading *reading, void *userdata);

/* What udev does not announce (a carrier that comes or goes, an address): a descriptor of the live
 * kernel's that is readable when it may have happened. */
struct driver_bell {
	/* A descriptor, non-blocking and closed on exec, that the caller owns; or a negative errno
	 * with the sentence. */
	int (*open)(struct fail *f);
	/* Reads what is there, a bounded part of it at a time. 1: a probe may say something else;
	 * 0: nothing that a probe would show; a negative errno: it will ring no more. */
	int (*heard)(int fd);
};

struct driver {
	const char *name; /* "cpu", "memory", "pci", "gpu", "nic", "disk", "smbios", ... */
	enum driver_phase phase;
	bool (*match)(const struct discovery *d); /* is there anything for me here; NULL: always */
	/* Adds devices, annotates found ones. A negative return means that this class is given up
	 * with the sentence as a note; the rest of the inventory stands. */
	int (*probe)(struct discovery *d, struct fail *f);
	/* udev subsystems whose events mean that a probe may say something else; NULL-terminated;
	 * NULL: nothing to watch. */
	const char *const *watch;
	const struct driver_bell *bell; /* beside udev; NULL: udev tells all there is to know */
	/* Reads what tells of trouble with one of its devices; quick, never blocks; NULL: nothing.
	 */
	int (*check)(const struct host *host, const struct device *device, driver_report report,
		     void *userdata);
	/* Adds the device nodes by which programs use one of its devices; what is absent adds none.
	 * NULL: its devices have none. 0, -ENOMEM, -E2BIG (more than a list holds). */
	int (*nodes)(const struct host *host, const struct device *device,
		     struct device_rules *into);
};

/* The nodes of a device, by the driver that knows its kind. As nodes(). */
int driver_nodes(const struct host *host, const struct device *device, struct device_rules *into);

/* Runs every driver, phase by phase; one that gives up leaves a note. d->machine was initialised by
 * the caller. -ENOMEM, or what the sink's note() returned. */
int discovery_run(struct discovery *d);

/* All drivers, in order of phase; NULL-terminated (table.c). */
extern const struct driver *const drivers[];
