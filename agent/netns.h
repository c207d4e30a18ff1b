/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Network namespaces with names: a file that the namespace is mounted on, as ip-netns(8) does it,
 * so that it stays while no process is in it, and plugins can be told where it is. */

#include "util/fail.h"

/* Makes one, with its loopback up, and pins it at the path; the directory is made. The calling
 * process is in it for a moment, and back afterwards: where it cannot come back, it fails. */
int netns_make(const char *path, struct fail *f);
/* A descriptor of what is pinned there; -ENOENT: nothing, or no network namespace. */
int netns_open(const char *path);
/* Idempotent: 0 where nothing is. */
int netns_unpin(const char *path);
