/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One piece of hardware, as discovered: pure data, owned by an inventory. What a kind has is listed
 * in one table of fields (device_fields), from which JSON, the diff and the drawing are made: a new
 * fact is one struct member and one table row. Numbers the machine does not tell are
 * DEVICE_UNKNOWN_*; strings and sets it does not tell are NULL. */

#include "util/cpuset.h"
#include "util/strtab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum device_kind {
	DEVICE_PACKAGE,	 /* "package-0" */
	DEVICE_NODE,	 /* "node-0": a NUMA node with its memory */
	DEVICE_CORE,	 /* "core-0": numbered 0.. in order of its lowest CPU */
	DEVICE_PCI,	 /* "pci-0000:17:00.0" */
	DEVICE_GPU,	 /* "gpu-0000:17:00.0", "gpu-NAME" where it is on no PCI bus */
	DEVICE_NIC,	 /* "nic-eth0" */
	DEVICE_DISK,	 /* "disk-nvme0n1" */
	DEVICE_FIRMWARE, /* "firmware-bios", "firmware-dimm-P1_A0", "firmware-tpm-0" */
	DEVICE_KINDS,
};
STRTAB_DECLARE(device_kind, enum device_kind);	       /* "package", "node", "core", ... */
const char *device_kind_plural(enum device_kind kind); /* "packages", "nodes", ..., "firmware" */

#define DEVICE_UNKNOWN_U32 UINT32_MAX
#define DEVICE_UNKNOWN_U64 UINT64_MAX
#define DEVICE_NO_NODE (-1)

struct device_numbers { /* a short list, e.g. distances by node: value[i] belongs to number[i] */
	uint32_t *number, *value;
	size_t count;
};

struct device_hugepages {		  /* one page size of one node */
	uint64_t size_bytes, total, free; /* counts of pages */
};

struct device_package {
	uint32_t number;
	char *vendor, *model;
	char *microcode;     /* "0xd0003a5" */
	struct cpuset *cpus; /* online and allowed */
};

struct device_node {
	uint32_t number;
	uint64_t memory_bytes; /* total */
	struct cpuset *cpus;   /* online and allowed CPUs of the node */
	char *memory_kind;     /* "dram", "hbm", "pmem", "cxl", "gpu"; NULL unknown */
	bool host_memory;      /* may be handed out as RAM: false for GPU memory and 0-byte nodes */
	struct device_numbers distances; /* ACPI SLIT, 10 = local */
	uint32_t read_bandwidth_mbps,
		write_bandwidth_mbps; /* MB/s, ACPI HMAT, from the best initiator */
	uint32_t read_latency_ns, write_latency_ns;
	struct device_hugepages *hugepages;
	size_t hugepages_count;
};

struct device_core {
	uint32_t number; /* the N of its id */
	uint32_t package, die;
	uint32_t l3, l2;     /* number of the cache domain: lowest CPU of the cache */
	struct cpuset *cpus; /* its hardware threads, online and allowed */
	char *core_kind;     /* "performance", "efficiency"; NULL where all are alike */
	uint32_t base_mhz, maximum_mhz;
	bool isolated; /* all its CPUs are kept from the kernel's scheduler (isolcpus=) */
};

struct device_pci {
	uint32_t class_code; /* 24 bits: class, subclass, programming interface */
	uint32_t vendor_id, device_id, subsystem_vendor_id, subsystem_device_id;
	char *class_name; /* "VGA compatible controller"; NULL unknown */
	char *driver;
	char *path; /* bridges from the root port down, "0000:00:01.0/0000:01:00.0"; NULL on the
		       root */
	uint32_t link_speed_mts, link_speed_maximum_mts; /* megatransfers/s per lane */
	uint32_t link_width, link_width_maximum;	 /* lanes */
	char *iommu_group;
	uint32_t virtual_functions, virtual_functions_maximum; /* SR-IOV, of a physical function */
	char *physical_function; /* PCI address, of a virtual function */
};

struct device_gpu {
	char *vendor, *model, *uuid;
	char *card, *render, *control; /* device nodes below /dev: "dri/card0", "dri/renderD128",
					* "nvidia0" */
	char *driver, *firmware;       /* kernel driver; VBIOS version */
	uint64_t memory_bytes;
	bool compute; /* false: a display-only adapter, listed and not offered */
	char *source; /* who told: "nvml", "kfd", "drm", "pci", "hwloc" */
	char *links;  /* to other GPUs, in MB/s: "0000:34:00.0=50000,0000:36:00.0=25000" */
};

struct device_nic {
	char *name, *mac, *driver, *firmware;
	char *nic_kind; /* "physical", "virtual-function", or the kernel's kind: "bridge", "veth"...
			 */
	bool physical;
	char *link; /* "up", "down"; NULL unknown */
	uint32_t speed_mbps, mtu_bytes;
	uint32_t receive_queues, transmit_queues;
	uint32_t virtual_functions, virtual_functions_maximum;
	char *physical_function; /* PCI address, of a virtual function */
	char *rdma;		 /* RDMA device: "mlx5_0" */
};

struct device_disk {
	char *name, *model, *serial, *firmware;
	char *transport; /* "nvme", "virtio", "sata", "scsi", "mmc"; NULL unknown */
	uint64_t size_bytes;
	bool rotational;
};

struct device_firmware {
	char *component; /* "bios", "system", "board", "chassis", "dimm", "boot", "secure-boot",
			  * "tpm", "bmc", "microcode", "esrt" */
	char *vendor, *product, *version, *date, *serial;
	char *slot;	     /* of a DIMM: the silk-screen name */
	char *state;	     /* "uefi"/"legacy", "enabled"/"disabled", "present" */
	uint64_t size_bytes; /* of a DIMM; 0: an empty slot */
	uint32_t speed_mts;  /* of a DIMM, megatransfers/s as configured */
};

struct device {
	enum device_kind kind;
	char *id;
	char *pci;    /* its PCI address "0000:17:00.0" (domain may be longer), or NULL */
	int32_t node; /* nearest NUMA node, DEVICE_NO_NODE unknown */
	struct cpuset *local_cpus; /* NULL unknown */
	bool offerable;		   /* may be part of an offer */
	char *reason;		   /* why not, a sentence; NULL when offerable */
	size_t place;		   /* in the devices of a sealed inventory, which sets it */
	union {
		struct device_package package;
		struct device_node memory;
		struct device_core core;
		struct device_pci function;
		struct device_gpu gpu;
		struct device_nic nic;
		struct device_disk disk;
		struct device_firmware firmware;
	};
};

/* A device of the kind with everything unknown, node DEVICE_NO_NODE, offerable true. The id is
 * "<kind>-<name>"; name is copied. -ENOMEM. */
int device_new(struct device **ret, enum device_kind kind, const char *name);
struct device *device_free(struct device *d); /* frees all that the fields own */
static inline void device_freep(struct device **d)
{
	device_free(*d);
}

/* Replaces a string the device owns; NULL and "" make it unknown. -ENOMEM. */
int device_set_string(char **field, const char *value);

enum field_type {
	FIELD_STRING, /* char * */
	FIELD_U32,    /* uint32_t, DEVICE_UNKNOWN_U32 */
	FIELD_HEX,    /* uint32_t shown as 0x... */
	FIELD_U64,    /* uint64_t, DEVICE_UNKNOWN_U64 */
	FIELD_I32,    /* int32_t, negative: unknown */
	FIELD_BOOL,
	FIELD_CPUSET,	 /* struct cpuset * */
	FIELD_NUMBERS,	 /* struct device_numbers */
	FIELD_HUGEPAGES, /* struct device_hugepages * followed by its size_t count */
};

struct device_field {
	const char *name; /* as in JSON, with its unit */
	enum field_type type;
	size_t offset; /* in struct device */
};

/* The fields of a kind: first those that every device has (id, pci, node, local_cpus, offerable,
 * reason), then its own. Ends with a NULL name. `kind` selects the second part. */
const struct device_field *device_common_fields(void);
const struct device_field *device_own_fields(enum device_kind kind);
bool device_field_equal(const struct device_field *field, const struct device *a,
			const struct device *b);
bool device_field_known(const struct device_field *field, const struct device *d);

/* The CPUs of the whole machine, beside the devices. Sets are never NULL once machine_init ran. */
struct machine {
	struct cpuset *online, *offline, *allowed, *isolated; /* isolated: isolcpus= */
	struct cpuset *allowed_nodes;			      /* NUMA nodes we may use */
	char *architecture;				      /* "x86_64"; NULL unknown */
	char *kernel;					      /* release; NULL unknown */
	bool smt;					      /* some core has two online threads */
};
int machine_init(struct machine *m);
void machine_done(struct machine *m);
