/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How far two devices are from each other on the PCI tree, and a device from nodes. */

#include "model/inventory.h"

enum path_class {
	PATH_SWITCH,  /* behind one switch: nothing above it is passed */
	PATH_ROOT,    /* below one root port, through more bridges */
	PATH_NODE,    /* of one node, through its root complex */
	PATH_PACKAGE, /* of two nodes of one package */
	PATH_MACHINE, /* of two packages */
	PATH_UNKNOWN, /* the machine does not tell where one of them is */
	PATH_CLASSES,
};
STRTAB_DECLARE(path_class, enum path_class); /* "switch" "root-port" "node" "package" ... */
uint32_t path_weight(enum path_class class); /* what a path costs; larger is farther */

enum path_class path_between(const struct inventory *inv, const struct device *a,
			     const struct device *b);
/* The nearest of these nodes; PATH_NODE is the least. PATH_UNKNOWN for no nodes. */
enum path_class path_to_nodes(const struct inventory *inv, const struct device *d,
			      const struct cpuset *nodes);
/* Whether the machine leaves open where it is; a machine of one node leaves nothing open. */
bool path_open(const struct inventory *inv, const struct device *d);
/* MB/s of the direct link between two GPUs as either tells it, 0 none. */
uint32_t path_link(const struct device *a, const struct device *b);

/* The bridges above a device on the PCI tree, root port first; "" where it has none or is no PCI
 * device. */
const char *path_bridges(const struct inventory *inv, const struct device *d);
/* How many bridges two such texts begin with together: more is nearer. */
unsigned path_common(const char *a, const char *b);
unsigned path_shared_bridges(const struct inventory *inv, const struct device *a,
			     const struct device *b);
