/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of huge pages as plain files: what is written is what the pool then has. A limit on the
 * size of files plays a kernel that adds fewer pages than it was asked for. */
#include "agent/page_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

#include <inttypes.h>
#include <sys/resource.h>

#define BOOT "11111111-2222-3333-4444-555555555555"
#define POOL "devices/system/node/node1/hugepages/hugepages-2048kB/"

struct rig {
	struct scratch s;
	struct host host;
	char account[96];
};

static const struct page_pool pool = { .node = 1, .size_bytes = 2 << 20 };

static uint64_t no_time(const struct host *host)
{
	(void)host;
	return 0;
}

/* Every look at the clock is four seconds later. */
static uint64_t slow_time(const struct host *host)
{
	static uint64_t now;

	(void)host;
	return now += 4000000;
}

static void rig_open(struct rig *r, const char *total, const char *unused)
{
	char path[160];

	scratch_open(&r->s);
	r->host = (struct host){ .sys_fd = r->s.fd, .monotonic_usec = no_time };
	(void)snprintf(path, sizeof(path), "%s/" POOL, r->s.path);
	assert_int_equal(fs_make_dirs(path, 0755), 0);
	put_file(r->s.fd, POOL "nr_hugepages", total);
	put_file(r->s.fd, POOL "free_hugepages", unused);
	(void)snprintf(r->account, sizeof(r->account), "%s/account", r->s.path);
}

static uint64_t total_of(const struct rig *r)
{
	struct page_pool_state now;

	assert_int_equal(page_pool_read(&r->host, &pool, &now), 0);
	return now.total;
}

/* A write of more than one byte is cut: of "20" comes a 2. */
static void let_kernel_give_less(bool yes)
{
	const struct rlimit less = { .rlim_cur = 1, .rlim_max = RLIM_INFINITY },
			    all = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, yes ? &less : &all), 0);
}

static void test_page_pool_reads_numbers_only(void **state)
{
	static const char *const garbage[] = { "", "-1\n", "many\n", "1 2\n",
					       "99999999999999999999\n" };
	struct page_pool_state now = { 7, 7 };
	struct rig r;

	(void)state;
	rig_open(&r, "12\n", "3\n");
	assert_int_equal(page_pool_read(&r.host, &pool, &now), 0);
	assert_true(now.total == 12 && now.free == 3);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		put_file(r.s.fd, POOL "free_hugepages", garbage[i]);
		assert_true(page_pool_read(&r.host, &pool, &now) < 0);
		assert_true(now.total == 12 && now.free == 3);
	}
	assert_int_equal(page_pool_read(&r.host, &(struct page_pool){ 0, 2 << 20 }, &now), -ENOENT);
	scratch_done(&r.s);
}

static void test_page_pool_without_nodes_is_the_machines(void **state)
{
	struct page_pool_state now;
	struct host host;
	struct scratch s;
	char path[128];

	(void)state;
	scratch_open(&s);
	host = (struct host){ .sys_fd = s.fd, .monotonic_usec = no_time };
	(void)snprintf(path, sizeof(path), "%s/kernel/mm/hugepages/hugepages-2048kB", s.path);
	assert_int_equal(fs_make_dirs(path, 0755), 0);
	put_file(s.fd, "kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "5\n");
	put_file(s.fd, "kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "5\n");
	assert_int_equal(page_pool_read(&host, &(struct page_pool){ 0, 2 << 20 }, &now), 0);
	assert_true(now.total == 5);
	scratch_done(&s);
}

static void test_page_pool_grows_by_what_the_kernel_gives(void **state)
{
	uint64_t got = 99;
	struct rig r;

	(void)state;
	rig_open(&r, "4\n", "4\n");
	assert_int_equal(page_pool_grow(&r.host, &pool, 4, 60, &got), 0);
	assert_true(got == 60 && total_of(&r) == 64);
	put_file(r.s.fd, POOL "nr_hugepages", "1\n");
	let_kernel_give_less(true);
	assert_true(page_pool_grow(&r.host, &pool, 1, 19, &got) < 0); /* the write was cut */
	let_kernel_give_less(false);
	assert_true(got == 1 && total_of(&r) == 2);
	assert_int_equal(page_pool_grow(&r.host, &pool, UINT64_MAX, 1, &got), -ERANGE);
	scratch_done(&r.s);
}

/* Of 2000 pages of 2 MiB: 32 a step, and no step after ten seconds. */
static void test_page_pool_stops_growing_when_it_takes_too_long(void **state)
{
	uint64_t got = 0;
	struct rig r;

	(void)state;
	rig_open(&r, "0\n", "0\n");
	r.host.monotonic_usec = slow_time;
	assert_int_equal(page_pool_grow(&r.host, &pool, 0, 2000, &got), 0);
	assert_true(got == 64 && total_of(&r) == 64);
	scratch_done(&r.s);
}

static void test_page_pool_shrinks_by_free_pages_only(void **state)
{
	static const struct {
		const char *total, *unused;
		uint64_t count, out, left;
	} vectors[] = {
		{ "64\n", "64\n", 60, 60, 4 }, { "64\n", "10\n", 60, 10, 54 },
		{ "64\n", "0\n", 60, 0, 64 },  { "4\n", "4\n", 60, 4, 0 },
		{ "64\n", "64\n", 0, 0, 64 },  { "4\n", "9\n", 9, 0, 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint64_t out = 99;
		struct rig r;

		rig_open(&r, vectors[i].total, vectors[i].unused);
		(void)page_pool_shrink(&r.host, &pool, vectors[i].count, &out);
		assert_true(out == vectors[i].out && total_of(&r) == vectors[i].left);
		scratch_done(&r.s);
	}
}

static void save(const struct rig *r, enum page_account_state state, uint64_t before,
		 uint64_t count)
{
	struct page_loan loan = { .pool = pool, .before = before, .count = count };
	struct page_account a = { .items = &loan, .count = 1, .state = state };

	assert_int_equal(page_account_save(r->account, BOOT, &a), 0);
}

static void test_page_account_survives_a_crash_at_every_moment(void **state)
{
	static const struct {
		enum page_account_state state;
		uint64_t before, count;
		const char *total; /* that the next agent finds */
		uint64_t held;
	} vectors[] = {
		{ PAGE_ACCOUNT_ASKED, 10, 5, "10\n", 0 }, /* before the kernel was asked */
		{ PAGE_ACCOUNT_ASKED, 10, 5, "13\n", 3 }, /* it gave some */
		{ PAGE_ACCOUNT_ASKED, 10, 5, "15\n", 5 },
		{ PAGE_ACCOUNT_ASKED, 10, 5, "40\n", 5 }, /* somebody else did too */
		{ PAGE_ACCOUNT_ASKED, 10, 5, "2\n", 0 },
		{ PAGE_ACCOUNT_SETTLED, 10, 5, "10\n", 5 },
		{ PAGE_ACCOUNT_GIVING, 15, 5, "15\n", 5 },
		{ PAGE_ACCOUNT_GIVING, 15, 5, "12\n", 2 },
		{ PAGE_ACCOUNT_GIVING, 15, 5, "10\n", 0 },
		{ PAGE_ACCOUNT_GIVING, 15, 5, "3\n", 0 },
		{ PAGE_ACCOUNT_GIVING, 15, 5, "20\n", 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(page_account_done) struct page_account a = { 0 };
		struct rig r;

		rig_open(&r, vectors[i].total, vectors[i].total);
		save(&r, vectors[i].state, vectors[i].before, vectors[i].count);
		assert_int_equal(page_account_load(r.account, BOOT, &a), 0);
		assert_int_equal(page_account_settle(&r.host, &a), 0);
		assert_int_equal(a.state, PAGE_ACCOUNT_SETTLED);
		assert_int_equal(a.count, vectors[i].held > 0);
		assert_true(a.count == 0 || a.items[0].count == vectors[i].held);
		scratch_done(&r.s);
	}
}

static void test_page_account_refuses_garbage_and_other_boots(void **state)
{
	static const struct {
		const char *text;
		int error;
	} vectors[] = {
		{ "", -EBADMSG },
		{ "\n", -EBADMSG },
		{ BOOT "\n", -EBADMSG },
		{ BOOT " settled\n1 2097152 0\n", -EBADMSG },
		{ BOOT " settled\n1 2097152 0 5 5\n", -EBADMSG },
		{ BOOT " settled\n-1 2097152 0 5\n", -EBADMSG },
		{ BOOT " settled\n1 2 0 5\n", -EBADMSG },
		{ BOOT " sorted\n1 2097152 0 5\n", -EBADMSG },
		{ "other settled\n1 2097152 0 5\n", -ESTALE },
		{ BOOT " settled\n1 2097152 0 5\n", 0 },
	};
	struct rig r;

	(void)state;
	rig_open(&r, "0\n", "0\n");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(page_account_done) struct page_account a = { 0 };

		put_file(r.s.fd, "account", vectors[i].text);
		assert_int_equal(page_account_load(r.account, BOOT, &a), vectors[i].error);
		assert_int_equal(a.count, vectors[i].error == 0);
	}
	scratch_done(&r.s);
}

static void test_page_account_of_nothing_is_no_file(void **state)
{
	struct page_account none = { 0 }, a = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, "0\n", "0\n");
	assert_int_equal(page_account_load(r.account, BOOT, &a), 0);
	assert_int_equal(a.count, 0);
	save(&r, PAGE_ACCOUNT_SETTLED, 0, 5);
	assert_true(fs_exists(r.s.fd, "account"));
	assert_int_equal(page_account_save(r.account, BOOT, &none), 0);
	assert_false(fs_exists(r.s.fd, "account"));
	assert_int_equal(page_account_save(r.account, BOOT, &none), 0);
	scratch_done(&r.s);
}

static void test_page_account_gives_back_and_keeps_what_is_in_use(void **state)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	struct page_loan loan = { .pool = pool, .before = 10, .count = 5 };
	struct rig r;

	(void)state;
	rig_open(&r, "15\n", "3\n");
	assert_int_equal(page_account_add(&a, &loan), 0);
	a.state = PAGE_ACCOUNT_SETTLED;
	assert_int_equal(page_account_begin(&r.host, PAGE_ACCOUNT_GIVING, &a), 0);
	assert_true(a.items[0].before == 15);
	page_account_give(&r.host, &a);
	assert_true(total_of(&r) == 12 && a.count == 1 && a.items[0].count == 2);
	put_file(r.s.fd, POOL "free_hugepages", "12\n");
	page_account_give(&r.host, &a);
	assert_true(total_of(&r) == 10 && a.count == 0);
	scratch_done(&r.s);
}

/* A second demand on the same pool: what is held already is not asked for again. */
static void test_page_account_adds_up_by_pool(void **state)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, "15\n", "15\n");
	assert_int_equal(page_account_add(&a, &(struct page_loan){ pool, 10, 5 }), 0);
	assert_int_equal(page_account_begin(&r.host, PAGE_ACCOUNT_ASKED, &a), 0);
	assert_true(a.items[0].before == 10);
	assert_int_equal(page_account_add(&a, &(struct page_loan){ pool, 15, 7 }), 0);
	assert_true(a.count == 1 && a.items[0].before == 10 && a.items[0].count == 12);
	put_file(r.s.fd, POOL "nr_hugepages", "22\n");
	assert_int_equal(page_account_settle(&r.host, &a), 0);
	assert_true(a.items[0].count == 12);
	scratch_done(&r.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_pool_reads_numbers_only),
		cmocka_unit_test(test_page_pool_without_nodes_is_the_machines),
		cmocka_unit_test(test_page_pool_grows_by_what_the_kernel_gives),
		cmocka_unit_test(test_page_pool_stops_growing_when_it_takes_too_long),
		cmocka_unit_test(test_page_pool_shrinks_by_free_pages_only),
		cmocka_unit_test(test_page_account_survives_a_crash_at_every_moment),
		cmocka_unit_test(test_page_account_refuses_garbage_and_other_boots),
		cmocka_unit_test(test_page_account_of_nothing_is_no_file),
		cmocka_unit_test(test_page_account_gives_back_and_keeps_what_is_in_use),
		cmocka_unit_test(test_page_account_adds_up_by_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
