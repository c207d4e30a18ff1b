/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Specification files of the Container Device Interface (github.com/cncf-tags/
 * container-device-interface, SPEC.md 1.1.0) as JSON, each of the lowest version that covers what
 * is in it: a runtime refuses a whole file whose version it does not know. Pure. */

#include "util/device_rule.h"
#include "wire/json.h"

struct cdi_node {
	char *path;	 /* on the host and in the container alike */
	char *host_path; /* NULL: as path */
	struct device_rule rule;
};

struct cdi_device {
	char *name;		/* of the form of cdi_name() */
	const char *const *env; /* "K=V", NULL-terminated; NULL: none */
	struct cdi_node *nodes;
	size_t nodes_count; /* one at least: an edit of nothing is no valid device */
};

struct cdi_spec {
	const char *kind; /* "vendor/class" */
	struct cdi_device *devices;
	size_t count; /* one at least */
};

/* NULL without memory. */
json_t *cdi_document(const struct cdi_spec *spec);
/* The lowest version that has every field that the specification uses. */
const char *cdi_version(const json_t *document);

/* "<slice>" or "<slice>.<device>" by the rules for device names: what they do not allow (the colons
 * of a PCI address) becomes '_'. Heap, NULL without memory. */
char *cdi_name(const char *slice, const char *device);
