/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starts reeve-init in its place, and tasks below it. */

#include "slice.h"

/* Makes the slice's directory and socket and starts reeve-init, pinned, in s->leaf_fd where there
 * is one. s->init_pid is set. */
int launch_init(struct slice *s, struct fail *f);

/* Hands a task to reeve-init. spec is resolved (name, uid, gid, groups set); request is what the
 * API shows. *ret is in TASK_STARTING until reeve-init answers. */
int launch_task(struct slice *s, const struct task_spec *spec, json_t *request,
		struct slice_task **ret, struct fail *f);

/* Where a task's output goes: "<state dir>/slices/<slice>/<task>.<stream>". */
int launch_log_path(const struct slice *s, const char *task, const char *stream, char **ret);
void launch_forget_log(const struct slice *s, const char *task);
/* Removes the logs of a slice. */
void launch_forget_logs(const struct slice *s);
