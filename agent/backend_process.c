/* SPDX-License-Identifier: Apache-2.0 */
/* The back end of last resort: a container without a writable cgroup v2. reeve-init is the
 * subreaper of everything it starts, so the tree of processes below it is the slice. */
#include "backend.h"

#include "manager.h"

static int process_open(struct manager *m, struct fail *f)
{
	(void)f;
	m->controllers = 0;
	return 0;
}

static void process_close(struct manager *m)
{
	(void)m;
}

static int process_prepare(struct slice *s, struct fail *f)
{
	(void)s;
	(void)f;
	return 0;
}

static int process_admit(struct slice *s, backend_done done, struct fail *f)
{
	(void)f;
	done(s, 0, NULL);
	return 0;
}

/* reeve-init has taken everything with it. */
static int process_remove(struct slice *s, backend_done done, struct fail *f)
{
	(void)f;
	if (done)
		done(s, 0, NULL);
	return 0;
}

static int process_adopt(struct slice *s, struct fail *f)
{
	(void)s;
	(void)f;
	return 0;
}

const struct backend backend_process = {
	.name = "process",
	.choice = BACKEND_PROCESS,
	.open = process_open,
	.close = process_close,
	.prepare = process_prepare,
	.admit = process_admit,
	.remove = process_remove,
	.adopt = process_adopt,
};
