/* SPDX-License-Identifier: Apache-2.0 */
/* Picking a class and ways of the caches that the picked CPUs have; see pick.h and cache.h. */
#include "model/pick.h"

#include "util/cleanup.h"

#include <errno.h>

/* Shared CPUs are all of the pool, whichever node they are on. */
static int cpus_of(const struct pick *p, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	int r = p->request->shared_millicpus > 0 ? view_shared_pool(p->view, &cpus)
						 : cpuset_new(&cpus);

	if (r == 0)
		r = cpuset_union(cpus, p->allocation->cpus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(cpus);
	return 0;
}

/* Isolation that is not required takes what there is: the slice has no class then, and says so. */
int pick_cache(struct pick *p)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	_cleanup_(cache_use_done) struct cache_use use = { 0 };
	const struct cache_request *request = &p->request->cache;
	char why[CACHE_WHY_ROOM];
	int r;

	if (cache_request_empty(request))
		return PLACEMENT_FITS;
	if (cpus_of(p, &cpus) < 0 || view_cache_use(p->view, &use) < 0)
		return -ENOMEM;
	r = cache_pick(&p->view->inventory->cache, &use,
		       &(struct cache_wish){ .request = request, .cpus = cpus },
		       &p->allocation->cache, why);
	if (r <= 0 || p->request->isolation != ISOLATION_REQUIRED)
		return r < 0 ? r : PLACEMENT_FITS;
	if (r == CACHE_UNSUPPORTED)
		fail_code(&p->why, -EOPNOTSUPP, "isolation-unavailable",
			  "isolation is required, and %s", why);
	else
		fail_code(&p->why, -ENOSPC, "cache-short", "%s: %s", p->region->label, why);
	return PLACEMENT_NO_FIT;
}
