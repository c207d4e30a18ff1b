/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: what is written, what is read back, and which answers of the kernel hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

#include "cgroups/control.h"

#include <sys/mman.h>

#define EVERYTHING UINT32_MAX

static const struct cg_readback *find(const struct cg_readbacks *r, const char *limit)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->items[i].limit, limit) == 0)
			return &r->items[i];
	fail_msg("no limit %s was read back", limit);
	return NULL;
}

static struct cpuset *set_of(const char *text)
{
	struct cpuset *set = NULL;

	assert_int_equal(cpuset_parse(text, &set), 0);
	return set;
}

/* A file that refuses writes and answers what is given, as the kernel does where it knows better: a
 * sealed memfd behind a link. Keeps the memfd open until close_fd(). */
static int put_answer(int dirfd, const char *file, const char *answer)
{
	int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char path[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)unlinkat(dirfd, file, 0); /* of the vector before */
	assert_int_equal(symlinkat(path, dirfd, file), 0);
	return fd;
}

/* Applies limits of one member whose file answers so; says whether it holds. */
static bool holds(int dirfd, const char *file, const char *answer, const struct cg_limits *limits)
{
	int fd = put_answer(dirfd, file, answer);
	struct cg_readbacks r = { 0 };
	size_t i = 0;
	bool result;

	assert_int_equal(cg_apply(dirfd, EVERYTHING, limits, &r), 0);
	while (i < r.count && strcmp(r.items[i].file, file) != 0)
		i++; /* huge pages have two limits */
	assert_true(i < r.count);
	assert_int_equal(r.items[i].error, -EPERM);
	assert_int_equal(strncmp(r.items[i].actual, answer, strcspn(answer, "\n")), 0);
	result = r.items[i].holds;
	cg_readbacks_done(&r);
	close_fd(fd);
	return result;
}

static void test_control_writes_nothing_that_is_unset(void **state)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_readbacks r = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), 0);
	assert_int_equal(r.count, 0);
	limits.cpu_period_usec = 1000; /* without a quota it means nothing */
	cg_readbacks_done(&r);
	assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), 0);
	assert_int_equal(r.count, 0);
	cg_readbacks_done(&r);
	scratch_done(&s);
}

static void test_control_writes_each_limit_to_its_file(void **state)
{
	static const char *const files[] = {
		"cpuset.cpus",
		"cpuset.mems",
		"cpuset.cpus.exclusive",
		"cpuset.cpus.partition",
		"cpu.weight",
		"cpu.max",
		"cpu.max.burst",
		"memory.min",
		"memory.low",
		"memory.high",
		"memory.max",
		"memory.swap.max",
		"memory.oom.group",
		"pids.max",
		"hugetlb.2MB.max",
		"hugetlb.2MB.rsvd.max",
		"hugetlb.64KB.max",
		"hugetlb.64KB.rsvd.max",
		"hugetlb.1GB.max",
		"hugetlb.1GB.rsvd.max",
	};
	static const char *const texts[] = {
		"2-3",	"0",   "2-3",	  "isolated", "200", "50000 100000", "20000",	"4096",
		"8192", "max", "1048576", "0",	      "1",   "64",	     "4194304", "4194304",
		"0",	"0",   "max",	  "max",
	};
	const struct cg_hugepages pages[] = { { 2 << 20, 4 << 20 },
					      { 64 << 10, 0 },
					      { 1 << 30, CG_MAX } };
	struct cpuset *cpus = set_of("2-3"), *nodes = set_of("0");
	struct cg_limits limits = { .cpus = cpus,
				    .nodes = nodes,
				    .exclusive = cpus,
				    .partition = "isolated",
				    .cpu_weight = 200,
				    .cpu_quota_usec = 50000,
				    .cpu_period_usec = 100000,
				    .cpu_burst_usec = 20000,
				    .memory_min_bytes = 4096,
				    .memory_low_bytes = 8192,
				    .memory_high_bytes = CG_MAX,
				    .memory_max_bytes = 1 << 20,
				    .swap_max_bytes = 0,
				    .oom_group = 1,
				    .pids_max = 64,
				    .hugepages = pages,
				    .hugepages_count = ARRAY_SIZE(pages) };
	struct cg_readbacks r = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_file(s.fd, files[i], "");
	put_file(s.fd, "cpuset.cpus.effective", "2-3\n");
	put_file(s.fd, "cpuset.mems.effective", "0\n");
	assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), 0);
	assert_int_equal(r.count, ARRAY_SIZE(files));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_file(s.fd, files[i], texts[i]);
		assert_string_equal(r.items[i].file, files[i]);
		assert_string_equal(r.items[i].wanted, texts[i]);
		assert_string_equal(r.items[i].actual, texts[i]);
		assert_int_equal(r.items[i].error, 0);
		assert_true(r.items[i].holds);
	}
	cg_readbacks_done(&r);
	cpuset_free(cpus);
	cpuset_free(nodes);
	scratch_done(&s);
}

static void test_control_names_a_limit_without_its_controller(void **state)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_readbacks r = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.memory_max_bytes = 4096;
	limits.pids_max = 5;
	put_file(s.fd, "memory.max", "");
	put_file(s.fd, "pids.max", "");
	assert_int_equal(cg_apply(s.fd, CG_BIT(CG_PIDS), &limits, &r), 0);
	assert_int_equal(find(&r, "memory_max")->error, -EOPNOTSUPP);
	assert_null(find(&r, "memory_max")->actual);
	assert_string_equal(find(&r, "memory_max")->wanted, "4096");
	assert_false(find(&r, "memory_max")->holds);
	assert_file(s.fd, "memory.max", "");
	assert_true(find(&r, "pids_max")->holds);
	cg_readbacks_done(&r);
	scratch_done(&s);
}

static void test_control_reports_an_absent_file_and_goes_on(void **state)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_readbacks r = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.cpu_weight = 100;
	limits.pids_max = CG_MAX;
	put_file(s.fd, "pids.max", "");
	assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), 0);
	assert_int_equal(find(&r, "cpu_weight")->error, -ENOENT);
	assert_false(find(&r, "cpu_weight")->holds);
	assert_string_equal(find(&r, "pids_max")->actual, "max");
	assert_true(find(&r, "pids_max")->holds);
	cg_readbacks_done(&r);
	scratch_done(&s);
}

static void test_control_takes_only_the_exact_word_for_a_partition(void **state)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	static const char file[] = "cpuset.cpus.partition";
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.partition = "isolated";
	assert_true(holds(s.fd, file, "isolated\n", &limits));
	assert_false(
		holds(s.fd, file, "isolated invalid (Parent is not a partition root)\n", &limits));
	assert_false(holds(s.fd, file, "member\n", &limits));
	assert_false(holds(s.fd, file, "", &limits));
	scratch_done(&s);
}

static void test_control_lets_memory_be_rounded_down_within_a_page_only(void **state)
{
	static const struct {
		uint64_t wanted;
		const char *answer;
		bool holds;
	} vectors[] = {
		{ 1 << 20, "1048576\n", true },	  { (1 << 20) + 1, "1048576\n", true },
		{ 1 << 20, "1044480\n", false },  { 1 << 20, "1052672\n", false },
		{ 1 << 20, "max\n", false },	  { CG_MAX, "max\n", true },
		{ CG_MAX, "1048576\n", false },	  { 1 << 20, "1048576 \xff\n", false },
		{ 1 << 20, "-1048576\n", false }, { 100, "0\n", true },
	};
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct scratch s;

	(void)state;
	if (sysconf(_SC_PAGESIZE) != 4096)
		skip(); /* the vectors are for pages of 4 KiB */
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		limits.memory_max_bytes = vectors[i].wanted;
		assert_int_equal(holds(s.fd, "memory.max", vectors[i].answer, &limits),
				 vectors[i].holds);
	}
	scratch_done(&s);
}

static void test_control_lets_hugetlb_be_rounded_down_within_a_huge_page_only(void **state)
{
	struct cg_hugepages pages = { 2 << 20, 3 << 20 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.hugepages = &pages;
	limits.hugepages_count = 1;
	assert_true(holds(s.fd, "hugetlb.2MB.max", "2097152\n", &limits));
	assert_false(holds(s.fd, "hugetlb.2MB.max", "0\n", &limits));
	assert_false(holds(s.fd, "hugetlb.2MB.max", "4194304\n", &limits));
	assert_true(holds(s.fd, "hugetlb.2MB.rsvd.max", "2097152\n", &limits));
	assert_false(holds(s.fd, "hugetlb.2MB.rsvd.max", "0\n", &limits));
	scratch_done(&s);
}

static void test_control_refuses_a_page_size_without_a_name(void **state)
{
	struct cg_hugepages pages = { 512, 512 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_readbacks r = { .count = 77 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.hugepages = &pages;
	limits.hugepages_count = 1;
	assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), -EINVAL);
	assert_int_equal(r.count, 77);
	scratch_done(&s);
}

static void test_control_compares_sets_and_what_became_of_them(void **state)
{
	static const struct {
		const char *wanted, *answer, *effective;
		bool holds;
	} vectors[] = {
		{ "2-5", "2-5\n", "2-5\n", true },  { "2-5", "2,3,4-5\n", "2-5\n", true },
		{ "2-5", "2-5\n", "2,4\n", true },  /* a CPU went offline: still within */
		{ "2-5", "2-5\n", "\n", false },    /* nothing is left */
		{ "2-5", "2-5\n", "0-7\n", false }, /* the parent's were lent */
		{ "2-5", "2-4\n", "2-4\n", false }, { "2-5", "5-2\n", "2-5\n", false },
		{ "2-5", "\n", "2-5\n", false },    { "2-5", "2-5\n", "garbage\n", false },
		{ "", "\n", "0-7\n", true }, /* the empty set asks for nothing */
		{ "", "0\n", "0\n", false },
	};
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct cg_limits limits = CG_LIMITS_UNSET;
		struct cpuset *set = set_of(vectors[i].wanted);

		limits.cpus = set;
		put_file(s.fd, "cpuset.cpus.effective", vectors[i].effective);
		assert_int_equal(holds(s.fd, "cpuset.cpus", vectors[i].answer, &limits),
				 vectors[i].holds);
		cpuset_free(set);
	}
	scratch_done(&s);
}

static void test_control_does_not_trust_a_set_without_its_effective_file(void **state)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cpuset *set = set_of("1");
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.nodes = set;
	assert_false(holds(s.fd, "cpuset.mems", "1\n", &limits));
	put_file(s.fd, "cpuset.mems.effective", "1\n");
	assert_true(holds(s.fd, "cpuset.mems", "1\n", &limits));
	cpuset_free(set);
	scratch_done(&s);
}

static void test_control_sends_the_empty_set_as_a_line(void **state)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_readbacks r = { 0 };
	struct cpuset *set = set_of("");
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.exclusive = set;
	put_file(s.fd, "cpuset.cpus.exclusive", "");
	assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), 0);
	assert_file(s.fd, "cpuset.cpus.exclusive", "\n");
	assert_true(r.items[0].holds);
	cg_readbacks_done(&r);
	cpuset_free(set);
	scratch_done(&s);
}

static void test_control_reads_quota_and_period(void **state)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.cpu_quota_usec = 5000;
	assert_true(holds(s.fd, "cpu.max", "5000 100000\n", &limits));
	assert_false(holds(s.fd, "cpu.max", "50000 100000\n", &limits));
	assert_false(holds(s.fd, "cpu.max", "max 100000\n", &limits));
	limits.cpu_period_usec = 10000;
	assert_true(holds(s.fd, "cpu.max", "5000 10000\n", &limits));
	assert_false(holds(s.fd, "cpu.max", "5000 100000\n", &limits));
	limits.cpu_quota_usec = CG_MAX;
	assert_true(holds(s.fd, "cpu.max", "max 10000\n", &limits));
	scratch_done(&s);
}

/* Keyed files: what is written, the file afterwards, and whether it holds. */
static void test_control_judges_a_line_of_a_keyed_file(void **state)
{
	static const char io[] = "8:0 rbps=1048576 wbps=max riops=max wiops=50";
	static const struct {
		const char *file, *answer, *actual;
		bool holds;
	} vectors[] = {
		{ "io.max", "8:16 rbps=5\n8:0 rbps=1048576 wbps=max riops=max wiops=50\n", io,
		  true },
		{ "io.max", "8:0 rbps=1048576 wbps=max riops=max wiops=51\n",
		  "8:0 rbps=1048576 wbps=max riops=max wiops=51", false },
		{ "io.max", "8:0 wiops=50 riops=max rbps=1048576\n",
		  "8:0 wiops=50 riops=max rbps=1048576", true },
		{ "io.max", "8:01 rbps=1048576 wbps=max riops=max wiops=50\n", "", false },
		{ "io.max", "8:0 rbps=1048576 wbps=max riops=max wiops=\n",
		  "8:0 rbps=1048576 wbps=max riops=max wiops=", false },
		{ "io.max", "\n", "", false },
		{ "io.weight", "default 100\n8:0 300\n", "8:0 300", true },
		{ "io.weight", "default 300\n", "", false },
		{ "io.latency", "8:0 target=5000\n", "8:0 target=5000", true },
		{ "io.latency", "8:0 target=5001\n", "8:0 target=5001", false },
		{ "rdma.max",
		  "mlx5_1 hca_handle=2 hca_object=9\nmlx5_0 hca_handle=2 hca_object=max\n",
		  "mlx5_0 hca_handle=2 hca_object=max", true },
		{ "rdma.max", "mlx5_0 hca_handle=max hca_object=max\n",
		  "mlx5_0 hca_handle=max hca_object=max", false },
		{ "misc.max", "sev max\nsev_es 4\n", "sev_es 4", true },
		{ "misc.max", "sev 4\n", "", false },
		{ "misc.max", "sev_es \xff\n", "sev_es \xff", false },
		{ "dmem.max", "drm/0000:03:00.0/vram0 1044480\n", "drm/0000:03:00.0/vram0 1044480",
		  true },
		{ "dmem.max", "drm/0000:03:00.0/vram0 max\n", "drm/0000:03:00.0/vram0 max", false },
	};
	const struct cg_io disk = { "8:0", 1 << 20, CG_MAX, CG_UNSET, 50, CG_UNSET, CG_UNSET };
	const struct cg_io weight = {
		"8:0", CG_UNSET, CG_UNSET, CG_UNSET, CG_UNSET, 300, CG_UNSET
	};
	const struct cg_io latency = {
		"8:0", CG_UNSET, CG_UNSET, CG_UNSET, CG_UNSET, CG_UNSET, 5000
	};
	const struct cg_rdma rdma = { "mlx5_0", 2, CG_UNSET };
	const struct cg_misc misc = { "sev_es", 4 };
	const struct cg_dmem dmem = { "drm/0000:03:00.0/vram0", CG_UNSET, CG_UNSET, (1 << 20) - 1 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct cg_limits limits = CG_LIMITS_UNSET;
		struct cg_readbacks r = { 0 };
		const char *file = vectors[i].file;
		int fd = put_answer(s.fd, file, vectors[i].answer);

		limits.io = strcmp(file, "io.weight") == 0    ? &weight
			    : strcmp(file, "io.latency") == 0 ? &latency
							      : &disk;
		limits.rdma = &rdma;
		limits.misc = &misc;
		limits.dmem = &dmem;
		limits.io_count = strncmp(file, "io.", 3) == 0;
		limits.rdma_count = strncmp(file, "rdma.", 5) == 0;
		limits.misc_count = strncmp(file, "misc.", 5) == 0;
		limits.dmem_count = strncmp(file, "dmem.", 5) == 0;
		assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), 0);
		assert_int_equal(r.count, 1);
		assert_string_equal(r.items[0].file, file);
		assert_string_equal(r.items[0].actual, vectors[i].actual);
		assert_int_equal(r.items[0].holds, vectors[i].holds);
		cg_readbacks_done(&r);
		close_fd(fd);
	}
	scratch_done(&s);
}

static void test_control_writes_every_item_of_a_list(void **state)
{
	const struct cg_io disks[] = {
		{ "8:0", 1 << 20, CG_UNSET, CG_UNSET, CG_UNSET, 200, CG_UNSET },
		{ "8:16", CG_UNSET, CG_UNSET, CG_UNSET, CG_UNSET, CG_UNSET, CG_UNSET },
		{ "259:0", CG_UNSET, CG_UNSET, 7, CG_UNSET, CG_UNSET, 5000 },
	};
	static const char *const wanted[] = {
		"8:0 rbps=1048576 wbps=max riops=max wiops=max",
		"8:0 200",
		"259:0 rbps=max wbps=max riops=7 wiops=max",
		"259:0 target=5000",
	};
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_readbacks r = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	limits.io = disks;
	limits.io_count = ARRAY_SIZE(disks);
	put_file(s.fd, "io.max", "");
	put_file(s.fd, "io.weight", "");
	assert_int_equal(cg_apply(s.fd, EVERYTHING, &limits, &r), 0);
	assert_int_equal(r.count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < r.count; i++) {
		assert_string_equal(r.items[i].wanted, wanted[i]);
		assert_string_equal(r.items[i].resource, "io");
	}
	assert_true(find(&r, "io_weight")->holds);
	assert_int_equal(find(&r, "io_latency")->error, -ENOENT);
	assert_false(find(&r, "io_latency")->holds);
	cg_readbacks_done(&r);
	scratch_done(&s);
}

/* The only controller of v2 on a hybrid host is often hugetlb. */
static void test_control_limits_huge_pages_in_the_real_kernel(void **state)
{
	struct cg_hugepages pages = { 2 << 20, 5 << 20 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_readbacks r = { 0 };
	struct kernel_cgroup k;
	uint32_t mask = 0;
	int leaf;

	(void)state;
	limits.hugepages = &pages;
	limits.hugepages_count = 1;
	limits.pids_max = 10;
	if (kernel_cgroup_open(&k)) {
		assert_int_equal(cg_enable(k.fd, CG_BIT(CG_HUGETLB), &mask), 0);
		assert_int_equal(cg_make(k.fd, "leaf", &leaf), 0);
		assert_int_equal(cg_apply(leaf, mask, &limits, &r), 0);
		assert_int_equal(find(&r, "pids_max")->error, -EOPNOTSUPP);
		if (!(mask & CG_BIT(CG_HUGETLB)))
			print_message("skipped: hugetlb is not enabled for this cgroup\n");
		else if (find(&r, "hugepages")->error == -ENOENT)
			print_message("skipped: no huge pages of 2 MiB here\n");
		else {
			assert_int_equal(find(&r, "hugepages")->error, 0);
			assert_string_equal(find(&r, "hugepages")->wanted, "5242880");
			assert_string_equal(find(&r, "hugepages")->actual, "4194304");
			assert_true(find(&r, "hugepages")->holds);
		}
		cg_readbacks_done(&r);
		close_fd(leaf);
	}
	kernel_cgroup_done(&k);
}

static void test_control_resets_what_is_asked_for_no_more(void **state)
{
	static const struct {
		const char *file, *before, *kept, *reset; /* kept: where the limit is asked for */
	} files[] = {
		{ "cpuset.cpus", "2-3\n", "2-3\n", "2-3\n" },
		{ "cpu.weight", "50\n", "50\n", "100" },
		{ "cpu.max", "50000 100000\n", "50000 100000\n", "max 100000" },
		{ "cpu.max.burst", "30000\n", "0", "0" }, /* it is another one that is asked for */
		{ "memory.min", "4096\n", "4096\n", "0" },
		{ "memory.low", "4096\n", "4096\n", "0" },
		{ "memory.high", "8192\n", "8192\n", "max" },
		{ "memory.max", "8192\n", "8192\n", "max" },
		{ "memory.swap.max", "0\n", "0\n", "max" },
		{ "pids.max", "9\n", "9\n", "max" },
		{ "hugetlb.2MB.max", "0\n", "0\n", "0\n" },
		{ "io.max", "8:0 rbps=1 wbps=max riops=max wiops=max\n",
		  "8:0 rbps=1 wbps=max riops=max wiops=max\n",
		  "8:0 rbps=max wbps=max riops=max wiops=max" },
		{ "io.weight", "default 100\n8:0 50\n", "default 100\n8:0 50\n", "8:0 default" },
		{ "io.latency", "8:0 target=75\n", "8:0 target=75\n", "8:0 target=max" },
		{ "rdma.max", "mlx5_0 hca_handle=1 hca_object=max\n",
		  "mlx5_0 hca_handle=1 hca_object=max\n", "mlx5_0 hca_handle=max hca_object=max" },
		{ "misc.max", "sev_es max\nsev 2\n", "sev_es max\nsev 2\n", "sev max" },
		{ "dmem.min", "a 0\nb 7\n", "a 0\nb 7\n", "b 0" },
		{ "dmem.max", "b 7\na max\n", "b 7\na max\n", "b max" },
	};
	const struct cg_io io = { "8:0", 1, CG_UNSET, CG_UNSET, CG_UNSET, 50, 75 };
	const struct cg_rdma rdma = { "mlx5_0", 1, CG_UNSET };
	const struct cg_misc misc = { "sev", 2 };
	const struct cg_dmem dmem = { "b", 7, CG_UNSET, 7 };
	const struct cg_limits none = CG_LIMITS_UNSET, all = {
		.cpu_weight = 50,
		.cpu_quota_usec = 50000,
		.cpu_period_usec = 100000,
		.cpu_burst_usec = 20000,
		.memory_min_bytes = 4096,
		.memory_low_bytes = 4096,
		.memory_high_bytes = 8192,
		.memory_max_bytes = 8192,
		.swap_max_bytes = 0,
		.oom_group = CG_UNSET,
		.pids_max = 9,
		.io = &io,
		.io_count = 1,
		.rdma = &rdma,
		.rdma_count = 1,
		.misc = &misc,
		.misc_count = 1,
		.dmem = &dmem,
		.dmem_count = 1,
	};
	const char *refused = NULL;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (int pass = 0; pass < 3; pass++) { /* without controllers, all asked for, nothing */
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			put_file(s.fd, files[i].file, files[i].before);
		assert_int_equal(
			cg_reset(s.fd, pass ? EVERYTHING : 0, pass == 1 ? &all : &none, &refused),
			0);
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			assert_file(s.fd, files[i].file,
				    pass == 0	? files[i].before
				    : pass == 1 ? files[i].kept
						: files[i].reset);
	}
	assert_int_equal(cg_reset(s.fd, EVERYTHING, &none, &refused), 0); /* again */
	assert_null(refused);
	scratch_done(&s);
}

static void test_control_says_what_cannot_be_reset(void **state)
{
	const struct cg_limits none = CG_LIMITS_UNSET;
	const char *refused = NULL;
	struct scratch s;
	int fd;

	(void)state;
	scratch_open(&s);
	fd = put_answer(s.fd, "memory.high", "4096\n");
	assert_int_equal(cg_reset(s.fd, EVERYTHING, &none, &refused), -EPERM);
	assert_string_equal(refused, "memory.high");
	close_fd(fd);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_writes_nothing_that_is_unset),
		cmocka_unit_test(test_control_writes_each_limit_to_its_file),
		cmocka_unit_test(test_control_names_a_limit_without_its_controller),
		cmocka_unit_test(test_control_reports_an_absent_file_and_goes_on),
		cmocka_unit_test(test_control_takes_only_the_exact_word_for_a_partition),
		cmocka_unit_test(test_control_lets_memory_be_rounded_down_within_a_page_only),
		cmocka_unit_test(test_control_lets_hugetlb_be_rounded_down_within_a_huge_page_only),
		cmocka_unit_test(test_control_refuses_a_page_size_without_a_name),
		cmocka_unit_test(test_control_compares_sets_and_what_became_of_them),
		cmocka_unit_test(test_control_does_not_trust_a_set_without_its_effective_file),
		cmocka_unit_test(test_control_sends_the_empty_set_as_a_line),
		cmocka_unit_test(test_control_reads_quota_and_period),
		cmocka_unit_test(test_control_judges_a_line_of_a_keyed_file),
		cmocka_unit_test(test_control_writes_every_item_of_a_list),
		cmocka_unit_test(test_control_resets_what_is_asked_for_no_more),
		cmocka_unit_test(test_control_says_what_cannot_be_reset),
		cmocka_unit_test(test_control_limits_huge_pages_in_the_real_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
