/* SPDX-License-Identifier: Apache-2.0 */
/* The table of back ends and the choice among them; see backend.h. */
#include "backend.h"

#include "manager.h"
#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

const struct backend *const backends[] = {
	&backend_systemd,
	&backend_cgroupfs,
	&backend_process,
	NULL,
};

int backend_choose(struct manager *m, const struct backend **ret, struct fail *f)
{
	struct fail why = { 0 };
	_cleanup_(buf_done) struct buf reasons = { 0 };

	for (size_t i = 0; backends[i]; i++) {
		const struct backend *b = backends[i];

		if (m->config->backend != BACKEND_AUTO && m->config->backend != b->choice)
			continue;
		if (b->open(m, &why) == 0) {
			*ret = b;
			return 0;
		}
		b->close(m); /* what it had opened before it gave up */
		buf_format(&reasons, "%s%s: %s", reasons.size ? "; " : "", b->name, why.text);
	}
	return fail_code(f, -EOPNOTSUPP, "no-backend", "no way to hold slices works here: %s",
			 reasons.data ? reasons.data : "out of memory");
}

uint32_t backend_controllers(const struct slice *s)
{
	uint32_t mask = 0;

	if (s->top_fd < 0 || cg_available(s->top_fd, &mask) < 0)
		return 0;
	return mask;
}
