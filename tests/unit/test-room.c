/* SPDX-License-Identifier: Apache-2.0 */
/* What the child of a room does, on plain files: what it asks of the kernel, and where it stops. */
#include "agent/room_errand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

#include "agent/meminfo.h"

#include <stdlib.h>

#define NODE "devices/system/node/node1/"
#define POOL NODE "hugepages/hugepages-2048kB/"
#define MIB (1ULL << 20)

struct rig {
	struct scratch sys, cgroup;
	struct host host;
	struct room_work work;
	char answer[ROOM_SENTENCE_BYTES];
	sd_event *loop;
	struct errand *errand;
};

static uint64_t no_time(const struct host *host)
{
	(void)host;
	return 0;
}

static void rig_open(struct rig *r)
{
	char path[160];

	*r = (struct rig){ 0 };
	scratch_open(&r->sys);
	scratch_open(&r->cgroup);
	r->host = (struct host){ .sys_fd = -1, .monotonic_usec = no_time };
	r->work.host = &r->host;
	(void)snprintf(path, sizeof(path), "%s/" POOL, r->sys.path);
	assert_int_equal(fs_make_dirs(path, 0755), 0);
	put_file(r->sys.fd, POOL "nr_hugepages", "8\n");
	put_file(r->sys.fd, POOL "free_hugepages", "8\n");
	put_file(r->sys.fd, NODE "meminfo",
		 "Node 1 MemTotal:  4194304 kB\nNode 1 MemFree:   102400 kB\n");
	put_file(r->cgroup.fd, "memory.reclaim", "none\n");
}

static void rig_done(struct rig *r)
{
	page_account_done(&r->work.loans);
	scratch_done(&r->sys);
	scratch_done(&r->cgroup);
}

static void on_done(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct rig *r = userdata;

	(void)size;
	(void)snprintf(r->answer, sizeof(r->answer), "%s", why ? why->text : answer);
	r->errand = errand_free(r->errand);
	(void)sd_event_exit(r->loop, 0);
}

static void send(struct rig *r)
{
	const struct errand_order order = { .run = room_errand,
					    .argument = &r->work,
					    .kept = { r->cgroup.fd, r->sys.fd },
					    .kept_count = 2,
					    .limit_bytes = ROOM_SENTENCE_BYTES,
					    .limit_usec = ROOM_LIMIT_USEC,
					    .done = on_done,
					    .userdata = r };
	struct fail f = { 0 };

	assert_true(sd_event_new(&r->loop) >= 0);
	assert_int_equal(errand_start(&r->errand, r->loop, &order, &f), 0);
	assert_int_equal(sd_event_loop(r->loop), 0);
	r->loop = sd_event_unref(r->loop);
}

static void lend(struct rig *r, enum page_account_state state, uint64_t before, uint64_t count)
{
	const struct page_loan loan = { { 1, 2 * MIB }, before, count };

	assert_int_equal(page_account_add(&r->work.loans, &loan), 0);
	r->work.loans.state = state;
}

static void test_room_reads_free_memory_strictly(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} vectors[] = {
		{ "Node 1 MemFree:   102400 kB\n", 0, 100 * MIB },
		{ "MemFree: 1 kB\n", 0, 1024 },
		{ "Node 1 MemTotal: 1 kB\n", -ENOENT, 7 },
		{ "", -ENOENT, 7 },
		{ "Node 1 MemFree: -1 kB\n", -EBADMSG, 7 },
		{ "Node 1 MemFree: much\n", -EBADMSG, 7 },
		{ "Node 1 MemFree: 12 MB\n", -EBADMSG, 7 },
		{ "Node 1 MemFree: 99999999999999999999 kB\n", -EBADMSG, 7 },
		{ "Node 1 MemFree: 18446744073709551615 kB\n", -EBADMSG, 7 },
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	r.host.sys_fd = r.sys.fd;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint64_t bytes = 7;

		put_file(r.sys.fd, NODE "meminfo", vectors[i].text);
		assert_int_equal(meminfo_node_free(&r.host, 1, &bytes), vectors[i].result);
		assert_true(bytes == vectors[i].bytes);
		assert_int_equal(meminfo_node_free(&r.host, 2, &bytes), -ENOENT);
	}
	rig_done(&r);
}

static void test_room_given_back_reclaims_all_and_shrinks_the_pools(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	put_file(r.cgroup.fd, "cgroup.kill", "");
	put_file(r.cgroup.fd, "cgroup.events", "populated 0\n");
	put_file(r.cgroup.fd, "memory.current", "314572800\n");
	r.work.gives = true;
	lend(&r, PAGE_ACCOUNT_GIVING, 8, 3);
	send(&r);
	assert_string_equal(r.answer, "");
	assert_file(r.cgroup.fd, "cgroup.kill", "1");
	assert_file(r.cgroup.fd, "memory.reclaim", "268435456\n"); /* a step; nothing came of it */
	assert_file(r.sys.fd, POOL "nr_hugepages", "5\n");
	rig_done(&r);
}

/* 100 MiB are free. */
static void test_room_asks_for_no_more_than_slices_have_left(void **state)
{
	static const struct {
		const char *all, *living;
		uint64_t needed_mib;
		const char *asked;
	} vectors[] = {
		{ "inactive_file N1=209715200\n", "inactive_file N1=0\n", 150, "52428800\n" },
		{ "active_file N1=209715200\n", "inactive_file N1=188743680\n", 150, "20971520\n" },
		{ "active_file N1=209715200\n", "inactive_file N1=209715200\n", 150, "none\n" },
		{ "active_file N0=209715200 N1=0\n", "active_file N1=0\n", 150, "none\n" },
		{ "inactive_file N1=209715200\n", "inactive_file N1=0\n", 100, "none\n" },
		{ "inactive_file N1=1073741824\n", "", 4096, "268435456\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct rig r;
		struct room_node node = { .number = 1,
					  .needed_bytes = vectors[i].needed_mib * MIB };

		rig_open(&r);
		assert_int_equal(mkdirat(r.cgroup.fd, "living", 0755), 0);
		put_file(r.cgroup.fd, "living/memory.numa_stat", vectors[i].living);
		put_file(r.cgroup.fd, "memory.numa_stat", vectors[i].all);
		r.work.nodes = &node;
		r.work.nodes_count = 1;
		send(&r);
		assert_string_equal(r.answer, "");
		assert_file(r.cgroup.fd, "memory.reclaim", vectors[i].asked);
		rig_done(&r);
	}
}

static void test_room_grows_pools_or_says_why_not(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	lend(&r, PAGE_ACCOUNT_ASKED, 8, 4);
	send(&r);
	assert_string_equal(r.answer, "");
	assert_file(r.sys.fd, POOL "nr_hugepages", "12\n");
	rig_done(&r);

	rig_open(&r);
	lend(&r, PAGE_ACCOUNT_ASKED, 8, 4);
	assert_int_equal(unlinkat(r.sys.fd, POOL "nr_hugepages", 0), 0);
	send(&r);
	assert_string_equal(r.answer, "node 1 can have only 0 of 4 more huge pages of 2048 KiB: "
				      "No such file or directory");
	rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_reads_free_memory_strictly),
		cmocka_unit_test(test_room_given_back_reclaims_all_and_shrinks_the_pools),
		cmocka_unit_test(test_room_asks_for_no_more_than_slices_have_left),
		cmocka_unit_test(test_room_grows_pools_or_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
