/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For the tests of drivers: a made or captured machine, discovered by all drivers into an
 * inventory. Fails the test where the machine cannot be loaded. */

#include "drivers/driver.h"
#include "drivers/topology.h"
#include "model/inventory.h"

/* A new directory with sys and proc of a machine of one CPU and no devices; tree_remove frees and
 * removes it. */
char *tree_new(void);
void tree_remove(char *root);
/* Files and links below it, with the directories on the way. */
void tree_file(const char *root, const char *path, const char *text);
void tree_bytes(const char *root, const char *path, const void *data, size_t size);
void tree_link(const char *root, const char *path, const char *target);
void tree_directory(const char *root, const char *path);
/* sys/bus/pci/devices/ADDRESS with class, vendor, device and (unless NULL) a driver. */
void tree_pci(const char *root, const char *address, const char *class_vendor_device,
	      const char *driver);

/* root NULL: the live host; xml_path NULL: from the root. */
struct inventory *discover(const char *root, const char *xml_path);

/* The folder of captured machines: $REEVE_MACHINES, or ../shared/machines beside the sources; NULL
 * where it is not there. The caller frees. */
char *machines_folder(void);
/* Discovers one of them, a .tar.bz2 or .xml; NULL where that file is not there. */
struct inventory *discover_machine(const char *folder, const char *file);
