/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a slice owns, written down for container runtimes: a file "VENDOR-CLASS_SLICE.json" in the
 * directory cdi-dir of reeved.conf(5), with a device "SLICE" of all its nodes and one
 * "SLICE.DEVICE" for each of its devices that has nodes. podman, containerd and others then take
 * "VENDOR/CLASS=SLICE" for --device. It grants nothing by itself: what a process may open is the
 * device program's matter (devices.h). */

struct manager;

#define CDI_VENDOR "reeve.internal" /* a name that the DNS keeps for private use */
#define CDI_CLASS "slice"	    /* another runtime directory's: "slice-HASH" */

/* The row is hold_cdi of hold.h. s->cdi is the list of the qualified names; a directory that cannot
 * be written is logged, and no failure. */

/* Hardware came or went: files of slices follow. */
void cdi_inventory_changed(struct manager *m);
/* When the slices of before are adopted: files of those that are not there any more go. */
void cdi_clear_orphans(struct manager *m);
