/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Classes of the cache and memory controllers: Intel's RDT, AMD's QoS and arm64's MPAM, by one file
 * system that the administrator mounts. See Documentation/filesystems/resctrl.rst. A class is a
 * directory ("group") with its share in `schemata` and its tasks in `tasks`; the root is the
 * default one, of all tasks that are in no other. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rdt_info {
	bool l3, cdp, bandwidth;
	uint64_t l3_mask, l3_shareable; /* of one domain; shareable: with devices, too */
	uint32_t l3_minimum;		/* bits in a row at least */
	uint32_t classes;		/* the default one included: the least of all resources */
	uint32_t bandwidth_minimum, bandwidth_step;
};

struct rdt_share { /* one domain of one line: "L3:...;1=f0" */
	char resource[16];
	uint32_t domain;
	uint64_t value; /* L2, L3: a mask of bits; else a number */
};
struct rdt_shares {
	struct rdt_share *items;
	size_t count;
};
void rdt_shares_done(struct rdt_shares *s);

/* "sys/fs/resctrl" below the sys fd; -ENOENT where it is not mounted. */
int rdt_open(int sys_fd, int *ret);
/* -EBADMSG for what is not of the form. A resource that is not there is false in *ret. */
int rdt_read_info(int root, struct rdt_info *ret);

/* The text of a schemata file. -EBADMSG for any line that is not of the form. */
int rdt_parse(const char *text, struct rdt_shares *ret);
int rdt_add(struct rdt_shares *s, const struct rdt_share *share); /* -EBADMSG: it is there */
const struct rdt_share *rdt_find(const struct rdt_shares *s, const char *resource, uint32_t domain);

/* Groups; NULL is the default one. */
int rdt_read(int root, const char *group, struct rdt_shares *ret);
/* All in one write: what is not named stays. Masks have as many digits as the kernel shows. */
int rdt_write(int root, const char *group, const struct rdt_info *info,
	      const struct rdt_shares *shares);
int rdt_make(int root, const char *group);   /* one that is there is fine; -ENOSPC: no class left */
int rdt_remove(int root, const char *group); /* its tasks go to the default one; absent is fine */
int rdt_list(int root, char ***ret, size_t *ret_count); /* free with fs_names_free */
int rdt_add_task(int root, const char *group, pid_t pid);
int rdt_has_task(int root, const char *group, pid_t pid, bool *ret);
/* What the kernel says of the last write that it refused; "" when it says nothing. */
void rdt_status(int root, char *room, size_t size);
