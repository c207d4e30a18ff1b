/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs the plugins of a CNI network (SPEC.md 1.1.0, section 4): ADD in the order of the list, each
 * with the result of the one before; DEL in reverse, each with ADD's. It waits for them, so it is
 * for a child of its own (errand.h), which can wait for its children. */

#include "util/fail.h"
#include "wire/json.h"

struct cni_job {
	bool add; /* else DEL */
	const char *container, *interface, *arguments;
	const char *netns;	 /* path; NULL: there is none any more (DEL) */
	const char *plugin_path; /* directories with ':' between */
	const json_t *list;	 /* as cni_config_find() */
	const json_t *result;	 /* DEL: what ADD gave; NULL: it is not known */
	uint64_t limit_usec;	 /* for all of them together */
};

/* ADD: *ret is the last one's result; DEL: it is untouched. Stops at the first that fails: the
 * plugin's own words with -EIO or -EAGAIN; -ENOENT: it is in none of the directories; -ETIMEDOUT,
 * -EMSGSIZE, -EBADMSG: it was killed for its time or for what it wrote. */
int cni_run(const struct cni_job *job, json_t **ret, struct fail *f);
