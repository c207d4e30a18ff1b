/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The limits of a slice's request on this host: whether they fit it, and as values of its cgroup's
 * files. */

#include "cgroups/control.h"
#include "slice.h"

/* Whether the limits make sense for what a slice holds and, where `cgroup` is that of a living one
 * (else -1), for what it uses already. As limits_fit() and limits_consistent() say. */
int limits_check(const struct manager *m, const struct allocation *a, int cgroup,
		 const struct request_limits *l, struct fail *f);

/* Keeps what the values point at. */
struct limits_values {
	struct cg_io *io;
	size_t io_count;
	char (*numbers)[24];		 /* "259:0", one an io */
	const struct limits_io **absent; /* disks that are not there now; of the request */
	size_t absent_count;
	struct cg_rdma *rdma;
	struct cg_misc *misc;
	struct cg_dmem *dmem;
};
void limits_values_done(struct limits_values *v);
/* Sets in *into what the slice's request limits. -ENOMEM. */
int limits_values(const struct slice *s, struct limits_values *ret, struct cg_limits *into);
/* A row for each disk that could not be named. */
int limits_report_absent(const struct limits_values *v, struct enforcements *rows);

/* Whether a limit that was read back is truly held. */
bool limits_hold(const struct slice *s, const struct cg_readback *b);
/* Why a limit does not hold; `controllers`: those that the cgroup has. */
const char *limits_reason(const struct cg_readback *b, uint32_t controllers);
/* Controllers that the request's limits need. */
uint32_t limits_controllers(const struct request_limits *l);
