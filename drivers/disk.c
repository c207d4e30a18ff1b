/* SPDX-License-Identifier: Apache-2.0 */
/* Disks: whole block devices with hardware behind them, what `lsblk` calls a disk; persistent
 * memory in block form is one. A disk of which the host uses any part is listed and not offered
 * (disk-use.c). It reads sysfs and opens no block device: that could wake or stall a sick one. */
#include "drivers/disk.h"

#include "drivers/driver.h"
#include "drivers/label.h"
#include "drivers/place.h"
#include "drivers/sysfs.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECTOR_BYTES =
		512, /* of `size`, whatever the disk's own (Documentation/ABI/stable/sysfs-block) */
	VPD_HEADER_BYTES = 4, /* SCSI Primary Commands, unit serial number page 80h */
	VPD_LIMIT_BYTES = 4096,
};

static int read_scsi_serial(int fd, struct device *disk)
{
	_cleanup_free_ char *page = NULL;
	char serial[128];
	size_t size;

	if (fs_read(fd, "device/vpd_pg80", VPD_LIMIT_BYTES, &page, &size) < 0 ||
	    size <= VPD_HEADER_BYTES)
		return 0;
	label_clean(page + VPD_HEADER_BYTES, size - VPD_HEADER_BYTES, serial, sizeof(serial));
	return device_set_string(&disk->disk.serial, serial);
}

static int read_names(int fd, struct device *disk)
{
	const struct {
		const char *path;
		char **field;
	} files[] = {
		{ "device/model", &disk->disk.model },		 /* SCSI, ATA, NVMe */
		{ "device/name", &disk->disk.model },		 /* MMC */
		{ "serial", &disk->disk.serial },		 /* virtio */
		{ "device/serial", &disk->disk.serial },	 /* NVMe, MMC */
		{ "device/rev", &disk->disk.firmware },		 /* SCSI */
		{ "device/fwrev", &disk->disk.firmware },	 /* MMC */
		{ "device/firmware_rev", &disk->disk.firmware }, /* NVMe */
	};
	int r = read_scsi_serial(fd, disk);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		if (!*files[i].field)
			r = label_read(fd, files[i].path, files[i].field);
	return r;
}

/* SCSI / ATA Translation (SAT): the vendor of an ATA disk reads "ATA". */
static int read_transport(const struct place *place, int fd, struct device *disk)
{
	const char *transport = disk_transport(place->path, disk->disk.name);
	char vendor[32] = "";

	(void)fs_read_line(fd, "device/vendor", vendor, sizeof(vendor)); /* absent: not one */
	if (transport && strcmp(transport, "scsi") == 0 && strcmp(vendor, "ATA") == 0)
		transport = "sata";
	return device_set_string(&disk->disk.transport, transport);
}

static void read_numbers(int fd, struct device *disk)
{
	uint64_t sectors;
	int32_t rotational = 0;

	if (fs_read_u64(fd, "size", &sectors) == 0 && sectors < UINT64_MAX / SECTOR_BYTES)
		disk->disk.size_bytes = sectors * SECTOR_BYTES;
	(void)fs_read_i32(fd, "queue/rotational", &rotational); /* unknown: it does not turn */
	disk->disk.rotational = rotational == 1;
}

/* The function of a shared NVMe namespace: that of the subsystem's first controller. */
static int place_by_controller(struct discovery *d, int fd, struct device *disk)
{
	_cleanup_(fs_names_freep) char **names = NULL;

	if (fs_list(fd, "device", &names, NULL) < 0)
		return 0;
	for (char **name = names; *name; name++) {
		_cleanup_(place_done) struct place place = { 0 };
		_cleanup_free_ char *path = NULL, *target = NULL;
		unsigned number;

		if (sscanf(*name, "nvme%u", &number) != 1)
			continue;
		if (asprintf(&path, "device/%s", *name) < 0)
			return -ENOMEM;
		if (fs_readlink(fd, path, &target) < 0)
			continue;
		if (place_parse(target, "nvme", &place) < 0)
			return -ENOMEM;
		if (place.pci[0])
			return place_at_pci(d, disk, place.pci);
	}
	return 0;
}

static int locate(struct discovery *d, int fd, const struct place *place, struct device *disk)
{
	int32_t node;

	if (place->pci[0])
		return place_at_pci(d, disk, place->pci);
	if (strstr(place->path, "/nvme-subsystem/"))
		return place_by_controller(d, fd, disk);
	if (fs_read_i32(fd, "device/numa_node", &node) == 0)
		return place_at_node(d, disk, node);
	return 0;
}

static int set_offerable(const struct disk_use *use, int fd, struct device *disk)
{
	char reason[128];
	int32_t removable = 0;

	disk_use_reason(use, disk->disk.name, fd, reason);
	(void)fs_read_i32(fd, "removable", &removable); /* unknown: it stays in */
	if (!reason[0] && removable == 1)
		(void)snprintf(reason, sizeof(reason), "its medium can be taken out");
	if (!reason[0] && disk->disk.size_bytes == 0)
		(void)snprintf(reason, sizeof(reason), "it has no capacity");
	disk->offerable = !reason[0];
	return device_set_string(&disk->reason, reason);
}

struct found { /* one block device while it is read */
	const char *name;
	int fd; /* its directory, -1 where a capture has only the name */
	struct place place;
};

static void found_done(struct found *b)
{
	close_fd(b->fd);
	place_done(&b->place);
}

static int add(struct discovery *d, const struct disk_use *use, const struct found *b)
{
	_cleanup_(device_freep) struct device *disk = NULL;
	int r = device_new(&disk, DEVICE_DISK, b->name);

	if (r == 0)
		r = device_set_string(&disk->disk.name, b->name);
	if (r == 0)
		r = read_transport(&b->place, b->fd, disk);
	if (r == 0)
		r = read_names(b->fd, disk);
	if (r == 0)
		r = locate(d, b->fd, &b->place, disk);
	if (r < 0)
		return r;
	read_numbers(b->fd, disk);
	r = set_offerable(use, b->fd, disk);
	if (r == 0)
		r = discovery_add(d, &disk);
	return r == -EEXIST ? 0 : r;
}

/* Old kernels have /sys/block alone; some captures have parts of both. */
static int find_place(struct discovery *d, const char *name, struct place *ret)
{
	_cleanup_free_ char *path = NULL, *target = NULL;
	int r = place_find(d->host, "block", name, ret);

	if (r == 0 || r == -ENOMEM)
		return r;
	if (asprintf(&path, "block/%s", name) < 0)
		return -ENOMEM;
	r = fs_readlink(d->host->sys_fd, path, &target);
	return r == -ENOMEM ? r : place_parse(r < 0 ? "" : target, "block", ret);
}

static int open_found(struct discovery *d, const char *directory, const char *name,
		      struct found *ret)
{
	_cleanup_free_ char *path = NULL;
	int r = find_place(d, name, &ret->place);

	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	ret->name = name;
	ret->fd = fs_open_dir(d->host->sys_fd, path);
	return 0;
}

/* A reader without a card, and the hidden paths of a shared NVMe namespace, are no disks. */
static bool is_disk(const struct found *b)
{
	int32_t removable = 0, hidden = 0;
	uint64_t sectors = 1;

	(void)fs_read_i32(b->fd, "removable", &removable); /* absent: no */
	(void)fs_read_i32(b->fd, "hidden", &hidden);	   /* absent: no */
	(void)fs_read_u64(b->fd, "size", &sectors);	   /* absent: not known to be empty */
	return disk_is_real(b->place.path, b->name) && !b->place.is_virtual && hidden != 1 &&
	       !fs_exists(b->fd, "partition") && (removable != 1 || sectors > 0);
}

static int list(struct discovery *d, const struct disk_use *use, const char *directory)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = 0;

	if (fs_list(d->host->sys_fd, directory, &names, NULL) < 0)
		return 0;
	for (char **name = names; r == 0 && *name; name++) {
		_cleanup_(found_done) struct found b = { .fd = -1 };

		r = open_found(d, directory, *name, &b);
		if (r == 0 && is_disk(&b))
			r = add(d, use, &b);
	}
	return r;
}

static int disk_probe(struct discovery *d, struct fail *f)
{
	_cleanup_(disk_use_freep) struct disk_use *use = NULL;
	int r = disk_use_load(&use, d->host);

	if (r == 0 && topology_is_xml(d->topology))
		r = disk_from_hwloc(d);
	else if (r == 0)
		r = list(d, use, "class/block");
	if (r == 0 && !topology_is_xml(d->topology))
		r = list(d, use, "block");
	return r < 0 ? fail_set(f, r, "cannot list the disks: %s", strerror(-r)) : 0;
}

static const struct {
	const char *state;
	enum verdict verdict;
} states[] = {
	/* drivers/scsi/scsi_sysfs.c, sdev_states; drivers/nvme/host/sysfs.c, state_name */
	{ "running", VERDICT_OK },	   { "live", VERDICT_OK },
	{ "blocked", VERDICT_DEGRADED },   { "quiesce", VERDICT_DEGRADED },
	{ "resetting", VERDICT_DEGRADED }, { "connecting", VERDICT_DEGRADED },
	{ "offline", VERDICT_FAILED },	   { "transport-offline", VERDICT_FAILED },
	{ "dead", VERDICT_FAILED },
};

/* The kernel's own opinion of the device, kept in memory: reading it touches no disk. */
static int disk_check(const struct host *host, const struct device *device, driver_report report,
		      void *userdata)
{
	struct reading reading = { .subject = device->id,
				   .type = "disk-state",
				   .verdict = VERDICT_OK };
	char path[256], state[32], evidence[96];

	if (device->kind != DEVICE_DISK)
		return 0;
	(void)snprintf(path, sizeof(path), "class/block/%s/device/state", device->disk.name);
	if (fs_read_line(host->sys_fd, path, state, sizeof(state)) < 0)
		return 0; /* virtio and others have no such state */
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].state, state) == 0)
			reading.verdict = states[i].verdict;
	if (reading.verdict != VERDICT_OK) {
		(void)snprintf(evidence, sizeof(evidence), "the kernel has it in state %s", state);
		reading.evidence = evidence;
	}
	return report(&reading, userdata);
}

static const char *const disk_subsystems[] = { "block", "nvme", NULL };

const struct driver driver_disk = {
	.name = "disk",
	.phase = DRIVER_PHASE_IO,
	.probe = disk_probe,
	.watch = disk_subsystems,
	.check = disk_check,
	.nodes = disk_nodes,
};
