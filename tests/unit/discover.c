/* SPDX-License-Identifier: Apache-2.0 */
/* Machines for the tests of drivers; see discover.h. An archive is unpacked by tar into a directory
 * of its own, which is removed when it has been read. */
#include "discover.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

#define CPU0 "sys/devices/system/cpu/cpu0/topology/"

/* One CPU: the least that hwloc takes for a machine. */
char *tree_new(void)
{
	static const char *const siblings[] = { CPU0 "thread_siblings", CPU0 "core_siblings",
						CPU0 "core_cpus", CPU0 "package_cpus" };
	char *root = strdup("/tmp/reeve-tree-XXXXXX");

	assert_non_null(root);
	assert_non_null(mkdtemp(root));
	tree_directory(root, "proc");
	tree_file(root, "sys/devices/system/cpu/online", "0\n");
	tree_file(root, "sys/devices/system/cpu/possible", "0\n");
	tree_file(root, "sys/devices/system/cpu/present", "0\n");
	for (size_t i = 0; i < ARRAY_SIZE(siblings); i++)
		tree_file(root, siblings[i], "1\n");
	return root;
}

void tree_remove(char *root)
{
	assert_int_equal(fs_remove_tree(AT_FDCWD, root), 0);
	free(root);
}

void tree_directory(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_int_equal(fs_make_dirs(full, 0755), 0);
}

static void full_path(const char *root, const char *path, char room[PATH_MAX])
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	tree_directory(root, dirname(copy));
	snprintf(room, PATH_MAX, "%s/%s", root, path);
}

void tree_bytes(const char *root, const char *path, const void *data, size_t size)
{
	char full[PATH_MAX];
	int fd;

	full_path(root, path, full);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

void tree_file(const char *root, const char *path, const char *text)
{
	tree_bytes(root, path, text, strlen(text));
}

void tree_link(const char *root, const char *path, const char *target)
{
	char full[PATH_MAX];

	full_path(root, path, full);
	assert_int_equal(symlink(target, full), 0);
}

void tree_pci(const char *root, const char *address, const char *class_vendor_device,
	      const char *driver)
{
	static const char *const names[] = { "class", "vendor", "device" };
	char path[PATH_MAX], words[3][16], real[PATH_MAX];

	assert_int_equal(
		sscanf(class_vendor_device, "%15s %15s %15s", words[0], words[1], words[2]), 3);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", address);
	snprintf(real, sizeof(real), "../../../devices/pci0000:00/%s", address);
	tree_link(root, path, real);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/%s", address, names[i]);
		tree_file(root, path, words[i]);
	}
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/local_cpus", address);
	tree_file(root, path, "1");
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/driver", address);
	snprintf(real, sizeof(real), "../../../bus/pci/drivers/%s", driver ? driver : "");
	if (driver)
		tree_link(root, path, real);
}

static int sink_add(void *sink, struct device **d)
{
	return inventory_add(sink, d);
}

static struct device *sink_find(void *sink, const char *id)
{
	return inventory_find(sink, id);
}

static struct device *sink_next(void *sink, enum device_kind kind, size_t *cursor)
{
	return inventory_next(sink, kind, cursor);
}

static int sink_note(void *sink, const char *driver, const char *text)
{
	return inventory_note(sink, driver, text);
}

static const struct discovery_sink inventory_sink = {
	.add = sink_add,
	.find = sink_find,
	.next = sink_next,
	.note = sink_note,
};

/* A host without trees, as of an XML topology. */
static struct host *empty_host(void)
{
	struct host *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	h->root_fd = h->sys_fd = h->proc_fd = h->cgroup_fd = -1;
	return h;
}

struct inventory *discover(const char *root, const char *xml_path)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_(topology_freep) struct topology *topology = NULL;
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	struct fail f = { 0 };
	struct discovery d;

	if (xml_path)
		host = empty_host();
	else
		assert_int_equal(host_open(&host, root, &f), 0);
	if (topology_load(&topology, host, xml_path, &f) < 0)
		fail_msg("%s", f.text);
	assert_int_equal(inventory_new(&inventory), 0);
	d = (struct discovery){
		.host = host,
		.topology = topology,
		.machine = &inventory->machine,
		.to = &inventory_sink,
		.sink = inventory,
	};
	assert_int_equal(discovery_run(&d), 0);
	inventory_seal(inventory);
	return TAKE_PTR(inventory);
}

char *machines_folder(void)
{
	const char *named = getenv("REEVE_MACHINES"), *sources = getenv("REEVE_SRCDIR");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/../shared/machines", sources ? sources : ".");
	return realpath(named ? named : path, NULL);
}

static void unpack(const char *archive, const char *into)
{
	const char *argv[] = { "tar", "-C", into, "-xjf", archive, NULL };
	int status;
	pid_t pid;

	assert_int_equal(posix_spawnp(&pid, "tar", NULL, NULL, (char **)argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

struct inventory *discover_machine(const char *folder, const char *file)
{
	char path[PATH_MAX], into[] = "/tmp/reeve-machine-XXXXXX";
	struct inventory *inventory;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	if (access(path, R_OK) < 0)
		return NULL;
	if (strstr(file, ".xml"))
		return discover(NULL, path);
	assert_non_null(mkdtemp(into));
	unpack(path, into);
	inventory = discover(into, NULL);
	assert_int_equal(fs_remove_tree(AT_FDCWD, into), 0);
	return inventory;
}
