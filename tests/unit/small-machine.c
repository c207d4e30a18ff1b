/* SPDX-License-Identifier: Apache-2.0 */
/* Small machines; see small-machine.h. */
#include "tests/unit/small-machine.h"

#include "tests/nodes/machine.h"
#include "tests/nodes/tree.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const char small_machine_base[] =
	"proc/meminfo = MemTotal: 8192 kB\n"
	"sys/devices/system/cpu/online = 0-3\n"
	"sys/devices/system/cpu/present = 0-3\n"
	"sys/devices/system/cpu/possible = 0-3\n"
	"sys/devices/system/cpu/cpu{0-1}/topology/physical_package_id = 0\n"
	"sys/devices/system/cpu/cpu{2-3}/topology/physical_package_id = 1\n"
	"sys/devices/system/cpu/cpu{0-1}/topology/core_siblings = 3\n"
	"sys/devices/system/cpu/cpu{2-3}/topology/core_siblings = c\n"
	"sys/devices/system/cpu/cpu{0-3}/topology/core_id = %\n"
	"sys/devices/system/cpu/cpu0/topology/thread_siblings = 1\n"
	"sys/devices/system/cpu/cpu1/topology/thread_siblings = 2\n"
	"sys/devices/system/cpu/cpu2/topology/thread_siblings = 4\n"
	"sys/devices/system/cpu/cpu3/topology/thread_siblings = 8\n"
	"sys/devices/system/node/online = 0-1\n"
	"sys/devices/system/node/node0/cpumap = 3\n"
	"sys/devices/system/node/node1/cpumap = c\n"
	"sys/devices/system/node/node{0-1}/meminfo = Node % MemTotal: 4096 kB\n";

static void write_text(const char *path, const char *base, const char *lines)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fprintf(file, "%s%s", base ? base : "", lines ? lines : "") >= 0);
	assert_int_equal(fclose(file), 0);
}

static void unpack(char folder[32], const char *base, const char *lines)
{
	struct fail f = { 0 };
	char tree[64];

	(void)snprintf(folder, 32, "/tmp/reeve-small-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(tree, sizeof(tree), "%s/tree", folder);
	write_text(tree, base, lines);
	if (tree_unpack(tree, folder, &f) < 0)
		fail_msg("%s", f.text);
}

struct host *small_machine_open(const char *base, const char *lines)
{
	struct host *host = NULL;
	struct fail f = { 0 };
	char folder[32];

	unpack(folder, base, lines);
	if (host_open(&host, folder, &f) < 0)
		fail_msg("%s", f.text);
	return host;
}

void small_machine_close(struct host *host)
{
	machine_remove(host->root);
	host_free(host);
}

struct inventory *small_machine_discover(const char *base, const char *lines)
{
	struct inventory *inv = NULL;
	struct fail f = { 0 };
	char folder[32];
	int r;

	unpack(folder, base, lines);
	r = machine_discover(&inv, folder, NULL, &f);
	machine_remove(folder);
	if (r < 0)
		fail_msg("%s", f.text);
	return inv;
}

struct inventory *small_machine_discover_xml(const char *text, struct fail *f)
{
	struct inventory *inv = NULL;
	char path[] = "/tmp/reeve-small-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close_fd(fd);
	write_text(path, text, NULL);
	(void)machine_discover(&inv, NULL, path, f);
	(void)unlink(path);
	return inv;
}

unsigned small_machine_notes(const struct inventory *inv, const char *text)
{
	unsigned count = 0;

	for (size_t i = 0; i < inv->notes_count; i++)
		count += strstr(inv->notes[i].text, text) != NULL;
	return count;
}
