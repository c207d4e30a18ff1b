/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A topology file for the hwloc that is linked: version 3 of the format ("hwloc2.dtd", topology
 * version="3.0") is brought into the form of version 2 where that is all the library reads. What it
 * does not do: check the file; hwloc does that. */

#include "util/fail.h"

#include <stddef.h>

enum { TOPOLOGY_XML_LIMIT_BYTES = 64 << 20 };

/* Reads the file; NUL-terminated, *ret_size without the NUL; the caller frees. Negative errno of
 * reading it; -EFBIG above the limit; -EINVAL when it is no XML topology at all. */
int topology_xml_read(const char *path, char **ret, size_t *ret_size, struct fail *f);

/* The translation alone: version 3 text in, version 2 text out (other versions are copied).
 * -EINVAL when it has no <topology> or ends within a tag, -ENOMEM. */
int topology_xml_translate(const char *text, char **ret, size_t *ret_size);
