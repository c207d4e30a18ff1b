/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a made-up host; see made_host.h. */
#include "tests/sim/made_host.h"

#include "tests/sim/fake_cgroups.h"

#include "util/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

void made_hierarchy(struct agent *a)
{
	struct manager *m = a->manager;
	struct fail f = { 0 };
	char root[64];

	(void)snprintf(root, sizeof(root), "%.40s/cgroup", a->dir);
	if (mkdir(root, 0755) == 0)
		fake_cgroups_open(root);
	close_fd(m->host->cgroup_fd);
	m->host->cgroup_fd = fs_open_dir(AT_FDCWD, root);
	free(m->host->cgroup_path);
	m->host->cgroup_path = strdup(root);
	m->layout = CG_LAYOUT_UNIFIED;
	if (backend_cgroupfs.open(m, &f) < 0)
		fail_msg("%s", f.text);
	m->backend = &backend_cgroupfs;
}

void made_pages(struct inventory *inventory, unsigned pages)
{
	inventory_each (node, inventory, DEVICE_NODE) {
		struct device *d = (struct device *)(uintptr_t)node;

		free(d->memory.hugepages);
		d->memory.hugepages = calloc(1, sizeof(*d->memory.hugepages));
		assert_non_null(d->memory.hugepages);
		d->memory.hugepages_count = 1;
		d->memory.hugepages[0] = (struct device_hugepages){ .size_bytes = 2 << 20,
								    .total = pages,
								    .free = pages };
		return;
	}
}

/* Pages that this machine need not have, nor lose. */
void made_hugepages(struct agent *a, unsigned pages)
{
	static const char *const files[] = { "nr_hugepages", "free_hugepages" };
	struct manager *m = a->manager;
	char path[256];

	(void)snprintf(path, sizeof(path), "%.40s/sys/kernel/mm/hugepages/hugepages-2048kB",
		       a->dir);
	assert_int_equal(fs_make_dirs(path, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *file;

		(void)snprintf(path, sizeof(path),
			       "%.40s/sys/kernel/mm/hugepages/hugepages-2048kB/%s", a->dir,
			       files[i]);
		file = fopen(path, "we");
		assert_non_null(file);
		assert_true(fprintf(file, "%u\n", pages) > 0);
		assert_int_equal(fclose(file), 0);
	}
	(void)snprintf(path, sizeof(path), "%.40s/sys", a->dir);
	close_fd(m->host->sys_fd);
	m->host->sys_fd = fs_open_dir(AT_FDCWD, path);
	fake_attributes(path);
	a->config.hugepages = true;
	made_pages(m->inventory, pages);
}
