/* SPDX-License-Identifier: Apache-2.0 */
/* Leaks as a list; see leak.h. Whether they are leaks is decided by those who look (hold.h). */
#include "leak.h"

#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int leaks_add_note(struct leaks *l, const char *why)
{
	char **grown = reallocarray(l->reasons, l->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->reasons = grown;
	l->reasons[l->count] = strdup(why);
	if (!l->reasons[l->count])
		return -ENOMEM;
	l->count++;
	return 0;
}

static int need_held(struct leaks *l)
{
	return l->held ? 0 : allocation_new(&l->held);
}

int leaks_add_cpus(struct leaks *l, const struct cpuset *cpus, const char *why)
{
	int r = need_held(l);

	if (r == 0)
		r = cpuset_union(l->held->cpus, cpus);
	return r < 0 ? r : leaks_add_note(l, why);
}

int leaks_add_device(struct leaks *l, const char *id, const char *why)
{
	int r = need_held(l);

	if (r == 0)
		r = allocation_add_device(l->held, id);
	return r < 0 ? r : leaks_add_note(l, why);
}

int leaks_add_hugepages(struct leaks *l, const struct allocation_hugepages *pages, const char *why)
{
	int r = need_held(l);

	if (r == 0)
		r = allocation_add_hugepages(l->held, pages->node, pages->size_bytes, pages->count);
	return r < 0 ? r : leaks_add_note(l, why);
}

bool leaks_hold(const struct leaks *l)
{
	return l->held != NULL;
}

char *leaks_text(const struct leaks *l)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	if (l->count == 0)
		return NULL;
	for (size_t i = 0; i < l->count; i++) {
		if (i > 0)
			(void)buf_text(&b, "; "); /* the first failure sticks */
		(void)buf_text(&b, l->reasons[i]);
	}
	return buf_steal(&b);
}

void leaks_done(struct leaks *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->reasons[i]);
	free(l->reasons);
	allocation_free(l->held);
	*l = (struct leaks){ 0 };
}
