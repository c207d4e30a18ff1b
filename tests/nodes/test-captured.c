/* SPDX-License-Identifier: Apache-2.0 */
/* Machines captured by the hwloc project, looked for in $REEVE_MACHINES (else ../shared/machines
 * beside the sources): their summaries, counted by hand from the captures. Where the folder is not
 * there the tests are skipped. */
#include "drivers/driver.h"
#include "tests/nodes/machine.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct captured {
	const char *file;
	struct inventory_summary expected; /* packages, nodes, cores, threads, gpus, nics, disks */
	const char *why;
};

static const struct captured captured[] = {
	{ "16em64t-4s2c2t-offlines.tar.bz2",
	  { 4, 1, 7, 12, 0, 0, 0 },
	  "8 cores of 2 threads, CPUs 2, 5, 13 and 14 are offline, and 5 and 13 were one core" },
	{ "16intel64-manyVFs.xml",
	  { 2, 2, 16, 16, 0, 6, 0 },
	  "2 functions of an I350 and 4 of a VIC have interfaces, 11 virtual functions have none" },
	{ "192em64t-24n8c2t.xml",
	  { 24, 24, 192, 384, 0, 7, 2 },
	  "eth0 to eth5 and ib0; sda and sdb; a Matrox only displays" },
	{ "20em64t-hybrid-1p6c2t+2ca4co1t.tar.bz2",
	  { 1, 1, 14, 20, 0, 0, 0 },
	  "6 performance cores of 2 threads and 8 efficiency cores; no devices were captured" },
	{ "24em64t-2n6c2t-pci.xml",
	  { 2, 2, 12, 24, 3, 4, 1 },
	  "3 Tesla without display; eth0 to eth2 and ib0 (two ports of one ConnectX); sda" },
	{ "256ppc-8n8s4t.tar.bz2",
	  { 64, 8, 64, 256, 0, 0, 0 },
	  "this firmware calls every core a package, as lstopo shows too" },
	{ "2pa-pcidomain32bits.tar.bz2",
	  { 2, 1, 2, 2, 0, 1, 1 },
	  "ens3; vda in a PCI domain that hwloc leaves out; a Cirrus only displays; sr0 is a "
	  "drive" },
	{ "32amd64-4s2n4c-cgroup2.tar.bz2",
	  { 1, 6, 6, 6, 0, 0, 0 },
	  "cpuset: CPUs 0-5 and memory of nodes 0-5 of 8. lstopo shows 3 packages, two of them for "
	  "their memory alone; a package counts by its CPUs, and 0-5 are all in package 0" },
	{ "32em64t-2n8c+dax+nvme+mic+dimms.tar.bz2",
	  { 2, 2, 16, 16, 0, 3, 8 },
	  "eth0, eth1 and ib0; a Xeon Phi is no class 03 or 12; sda, nvme0n1 and six disks of "
	  "persistent memory" },
	{ "40intel64-2g2n4c+pcilocality.tar.bz2",
	  { 4, 4, 40, 40, 0, 5, 1 },
	  "eth0 to eth3 and ib0; sda; a Matrox only displays; sr0 is a drive" },
	{ "48amd64-4pa2n6c-sparse.tar.bz2",
	  { 4, 8, 48, 48, 0, 0, 0 },
	  "nodes 0-2, 33, 34, 45, 72 and 73; no devices were captured" },
	{ "64amd64-4s2n4ca2co.tar.bz2",
	  { 4, 8, 64, 64, 0, 0, 0 },
	  "2 cores share an L2 cache and the instruction cache, and are 2 cores" },
	{ "64intel64-heteromem.xml",
	  { 1, 8, 16, 64, 0, 0, 0 },
	  "4 nodes of DRAM with CPUs and 4 of HBM without: all are RAM of the host" },
	{ "96em64t-4n4d3ca2co-pci.xml",
	  { 16, 4, 96, 96, 0, 8, 3 },
	  "eth0 to eth7; sda to sdc, sr0 is a drive; an ES1000 only displays" },
	{ "nvidiaDGX2.xml",
	  { 2, 2, 4, 4, 16, 0, 0 },
	  "cut down to 4 cores when it was captured; 16 V100; no network interface is in it" },
	{ "nvidiagpunumanodes.tar.bz2",
	  { 2, 2, 8, 32, 6, 0, 0 },
	  "nodes 250 to 255 are the memory of 6 V100; lstopo leaves them out by default" },
};

static bool driver_exists(const char *name)
{
	for (size_t i = 0; drivers[i]; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return true;
	return false;
}

/* A class without a driver in this build is not counted. */
static void check_class(const char *driver, uint32_t found, uint32_t expected)
{
	if (driver_exists(driver))
		assert_int_equal(found, expected);
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

static int extract(const char *archive, const char *folder)
{
	const char *const argv[] = {
		"tar", "--no-same-owner", "-xjf", archive, "-C", folder, NULL
	};
	int status = -1;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) != 0)
		return -1;
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static bool machines_file(char path[PATH_MAX], const char *name)
{
	const char *folder = getenv("REEVE_MACHINES"), *source = getenv("REEVE_SRCDIR");

	if (folder)
		(void)snprintf(path, PATH_MAX, "%s/%s", folder, name);
	else
		(void)snprintf(path, PATH_MAX, "%s/../shared/machines/%s", source ? source : ".",
			       name);
	if (fs_exists(AT_FDCWD, path))
		return true;
	print_message("skipped: %s is not there (REEVE_MACHINES says where to look)\n", path);
	return false;
}

static void discover_file(struct inventory **ret, const char *path)
{
	/* Thousands of small files: in memory where there is such a folder. */
	char temporary[PATH_MAX];
	struct fail f = { 0 };
	int r;

	if (ends_with(path, ".xml")) {
		r = machine_discover(ret, NULL, path, &f);
	} else {
		(void)snprintf(temporary, sizeof(temporary), "%s/reeve-captured-XXXXXX",
			       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		assert_non_null(mkdtemp(temporary));
		r = extract(path, temporary);
		if (r == 0)
			r = machine_discover(ret, temporary, NULL, &f);
		machine_remove(temporary);
	}
	if (r < 0)
		print_error("%s: %s\n", path, f.error ? f.text : "tar cannot unpack it");
	assert_int_equal(r, 0);
}

static void test_captured_machine_counts_as_by_hand(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	const struct captured *c = *state;
	struct inventory_summary s;
	char path[PATH_MAX];

	if (!machines_file(path, c->file))
		skip();
	discover_file(&inv, path);
	if (getenv("REEVE_DUMP")) {
		_cleanup_free_ char *text = machine_dump(inv);

		(void)fputs(text, stdout);
	}
	inventory_summarise(inv, &s);
	print_message(
		"%s: packages=%u numa_nodes=%u cores=%u threads=%u gpus=%u nics=%u disks=%u\n",
		c->file, s.packages, s.numa_nodes, s.cores, s.threads, s.gpus, s.nics, s.disks);
	print_message("  (%s)\n", c->why);
	assert_int_equal(s.packages, c->expected.packages);
	assert_int_equal(s.numa_nodes, c->expected.numa_nodes);
	assert_int_equal(s.cores, c->expected.cores);
	assert_int_equal(s.threads, c->expected.threads);
	check_class("gpu", s.gpus, c->expected.gpus);
	check_class("nic", s.nics, c->expected.nics);
	check_class("disk", s.disks, c->expected.disks);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(captured)] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(captured); i++)
		tests[i] = (struct CMUnitTest){
			.name = captured[i].file,
			.test_func = test_captured_machine_counts_as_by_hand,
			.initial_state = (void *)&captured[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
