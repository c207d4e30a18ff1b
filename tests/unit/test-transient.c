/* SPDX-License-Identifier: Apache-2.0 */
/* Transient units: what stands in the messages, and what their ends mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pid1-fixture.h"

#include <pthread.h>

static void test_name_of_a_unit_escapes_dashes(void **state)
{
	static const struct {
		const char *id, *suffix, *name;
	} vectors[] = {
		{ "x", ".slice", "reeve-x.slice" },
		{ "train-1", ".slice", "reeve-train\\x2d1.slice" },
		{ "a-b--c", ".scope", "reeve-a\\x2db\\x2d\\x2dc.scope" },
	};
	static const char *const bad[] = { NULL, "", "-x", "a/b", "..", "A", "x y" };
	char *name = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		assert_int_equal(transient_unit_name(vectors[i].id, vectors[i].suffix, &name), 0);
		assert_string_equal(name, vectors[i].name);
		free(TAKE_PTR(name));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(transient_unit_name(bad[i], ".slice", &name), -EINVAL);
	assert_null(name);
}

static void test_start_makes_slice_and_scope_in_one_call(void **state)
{
	const uint32_t pids[] = { 4242 };
	struct cpuset *cpus = NULL;
	struct outcome o = { 0 };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	assert_int_equal(cpuset_parse("0-9", &cpus), 0);
	const struct property_value scope[] = {
		{ PROPERTY_SLICE, .text = "reeve-x.slice" },
		{ PROPERTY_DELEGATE, .yes = true },
		{ PROPERTY_PIDS, .numbers = { pids, 1 } },
	};
	const struct property_value slice[] = {
		{ PROPERTY_DESCRIPTION, .text = "" },
		{ PROPERTY_ALLOWED_CPUS, .set = cpus },
		{ PROPERTY_MEMORY_MAX, .number = 1 << 30 },
	};
	const struct transient_order order = {
		"reeve-x.scope", "reeve-x.slice", scope, slice, 3, 3
	};

	pid1_open(&p);
	assert_int_equal(transient_start(p.systemd, &order, on_outcome, &o, &f), 0);
	assert_int_equal(o.calls, 0); /* never from inside of the call */
	turn(&p, &o, 1);
	assert_int_equal(o.error, 0);
	assert_int_equal(fake_pid1_calls(p.fake, "StartTransientUnit"), 1);
	assert_int_equal(fake_pid1_units(p.fake), 2);
	assert_true(fake_pid1_active(p.fake, "reeve-x.scope"));
	assert_true(fake_pid1_active(p.fake, "reeve-x.slice"));
	assert_string_equal(fake_pid1_property(p.fake, "reeve-x.scope", "Slice"), "reeve-x.slice");
	assert_string_equal(fake_pid1_property(p.fake, "reeve-x.scope", "Delegate"), "true");
	assert_string_equal(fake_pid1_property(p.fake, "reeve-x.scope", "PIDs"), "4242");
	assert_null(fake_pid1_property(p.fake, "reeve-x.scope", "AllowedCPUs"));
	assert_string_equal(fake_pid1_property(p.fake, "reeve-x.slice", "Description"), "");
	assert_string_equal(fake_pid1_property(p.fake, "reeve-x.slice", "AllowedCPUs"), "ff03");
	assert_string_equal(fake_pid1_property(p.fake, "reeve-x.slice", "MemoryMax"), "1073741824");
	pid1_done(&p);
	cpuset_free(cpus);
}

static void test_start_of_a_name_in_use_changes_nothing(void **state)
{
	struct outcome first = { 0 }, second = { 0 };
	const struct transient_order other = { .scope = "reeve-y.scope", .slice = "reeve-x.slice" };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	start_and_wait(&p, &first);
	start_and_wait(&p, &second);
	assert_int_equal(second.error, -EEXIST);
	assert_string_equal(second.why.code, "exists");
	second.calls = 0;
	assert_int_equal(transient_start(p.systemd, &other, on_outcome, &second, &f), 0);
	turn(&p, &second, 1);
	assert_int_equal(second.error, -EEXIST);
	assert_false(fake_pid1_loaded(p.fake, "reeve-y.scope"));
	assert_int_equal(fake_pid1_units(p.fake), 2);
	pid1_done(&p);
}

static void test_start_refuses_a_property_without_a_value(void **state)
{
	const struct property_value bad = { PROPERTY_SLICE, .text = NULL };
	const struct transient_order order = { .scope = "reeve-x.scope",
					       .scope_properties = &bad,
					       .scope_count = 1 };
	struct outcome o = { 0 };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	assert_int_equal(transient_start(p.systemd, &order, on_outcome, &o, &f), -EINVAL);
	assert_non_null(strstr(f.text, "reeve-x.scope"));
	turn(&p, NULL, 0);
	assert_int_equal(o.calls, 0);
	assert_int_equal(fake_pid1_calls(p.fake, "StartTransientUnit"), 0);
	pid1_done(&p);
}

static void stop_and_wait(struct pid1 *p, struct outcome *o)
{
	struct fail f = { 0 };

	*o = (struct outcome){ 0 };
	assert_int_equal(
		transient_stop(p->systemd, "reeve-x.scope", "reeve-x.slice", on_outcome, o, &f), 0);
	turn(p, o, 1);
	turn(p, NULL, 0);
	assert_int_equal(o->calls, 1);
}

static void test_stop_ends_both_and_frees_their_names(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	start_and_wait(&p, &o);
	stop_and_wait(&p, &o);
	assert_int_equal(o.error, 0);
	assert_int_equal(fake_pid1_units(p.fake), 0);
	assert_int_equal(fake_pid1_calls(p.fake, "ResetFailedUnit"), 2);
	o = (struct outcome){ 0 };
	start_and_wait(&p, &o);
	assert_int_equal(o.error, 0);
	pid1_done(&p);
}

static void test_stop_of_what_is_not_there_is_done(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	stop_and_wait(&p, &o);
	assert_int_equal(o.error, 0);
	assert_int_equal(fake_pid1_calls(p.fake, "StopUnit"), 2);
	pid1_done(&p);
}

static void test_stop_resets_units_that_failed(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	fake_pid1_answer(p.fake, FAKE_FAILED, 0);
	start_and_wait(&p, &o);
	assert_int_equal(o.error, -EIO);
	assert_true(fake_pid1_loaded(p.fake, "reeve-x.scope"));
	stop_and_wait(&p, &o); /* which fails too, and still the names are free */
	assert_int_equal(o.error, -EIO);
	assert_non_null(strstr(o.why.text, "could not stop reeve-x.s"));
	assert_int_equal(fake_pid1_units(p.fake), 0);
	pid1_done(&p);
}

static void test_stop_wants_a_unit(void **state)
{
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	assert_int_equal(transient_stop(p.systemd, NULL, NULL, NULL, NULL, &f), -EINVAL);
	pid1_done(&p);
}

/* Synchronous calls need a manager that runs beside them. */
static void *run_loop(void *loop)
{
	return (void *)(intptr_t)sd_event_loop(loop);
}

static int on_stop_thread(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)fd;
	(void)events;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

struct threaded {
	struct pid1 pid1;
	sd_event *server_loop;
	pthread_t thread;
	int gate[2];
};

/* What is started beforehand is started on one loop, by turning both. */
static void threaded_open(struct threaded *t, enum fake_answer answer)
{
	struct outcome o = { 0 };
	struct fail f = { 0 };
	struct pid1 *p = &t->pid1;

	*t = (struct threaded){ 0 };
	assert_true(sd_event_new(&p->loop) >= 0);
	assert_true(sd_event_new(&t->server_loop) >= 0);
	assert_int_equal(fake_pid1_new(&p->fake, t->server_loop, p->loop, &p->client), 0);
	assert_int_equal(systemd_open(&p->systemd, p->loop, p->client, &f), 0);
	assert_int_equal(start_pair(p, &o, &f), 0);
	for (unsigned i = 0; i < 1000 && o.calls == 0; i++) {
		assert_true(sd_event_run(t->server_loop, 1000) >= 0);
		assert_true(sd_event_run(p->loop, 1000) >= 0);
	}
	assert_int_equal(o.calls, 1);
	fake_pid1_answer(p->fake, answer, 0);
	assert_int_equal(pipe(t->gate), 0);
	assert_true(sd_event_add_io(t->server_loop, NULL, t->gate[0], EPOLLHUP, on_stop_thread,
				    NULL) >= 0);
	assert_int_equal(pthread_create(&t->thread, NULL, run_loop, t->server_loop), 0);
}

static void threaded_join(struct threaded *t)
{
	close_fd(t->gate[1]);
	assert_int_equal(pthread_join(t->thread, NULL), 0);
	close_fd(t->gate[0]);
}

static void threaded_done(struct threaded *t)
{
	pid1_done(&t->pid1);
	sd_event_unref(t->server_loop);
}

static void test_cgroup_of_a_unit_is_asked_for(void **state)
{
	static const struct {
		const char *unit, *path;
		int error;
	} vectors[] = {
		{ "reeve-x.slice", "/reeve.slice/reeve-x.slice", 0 },
		{ "reeve-x.scope", "/reeve.slice/reeve-x.slice/reeve-x.scope", 0 },
		{ "reeve-y.scope", NULL, -ENOENT },
		{ "reeve-x.mount", NULL, -EINVAL },
		{ "reeve", NULL, -EINVAL },
	};
	struct threaded t;

	(void)state;
	threaded_open(&t, FAKE_DONE);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct fail f = { 0 };
		char *path = NULL;

		assert_int_equal(transient_cgroup(t.pid1.systemd, vectors[i].unit, &path, &f),
				 vectors[i].error);
		if (vectors[i].path)
			assert_string_equal(path, vectors[i].path);
		else
			assert_non_null(strstr(f.text, vectors[i].unit));
		free(path);
	}
	threaded_join(&t);
	threaded_done(&t);
}

static void test_cgroup_of_a_unit_is_not_waited_for_beyond_the_deadline(void **state)
{
	struct fail f = { 0 };
	char *path = NULL;
	struct threaded t;

	(void)state;
	threaded_open(&t, FAKE_SILENT);
	systemd_set_timeout(t.pid1.systemd, 50000);
	assert_int_equal(transient_cgroup(t.pid1.systemd, "reeve-x.scope", &path, &f), -ETIMEDOUT);
	assert_null(path);
	threaded_join(&t);
	threaded_done(&t);
}

static void test_set_changes_a_running_unit(void **state)
{
	const struct property_value memory = { PROPERTY_MEMORY_HIGH, .number = 4096 };
	struct fail f = { 0 };
	struct threaded t;

	(void)state;
	threaded_open(&t, FAKE_DONE);
	assert_int_equal(transient_set(t.pid1.systemd, "reeve-x.slice", &memory, 1, &f), 0);
	assert_int_equal(transient_set(t.pid1.systemd, "reeve-y.slice", &memory, 1, &f), -ENOENT);
	assert_non_null(strstr(f.text, "reeve-y.slice"));
	threaded_join(&t);
	assert_string_equal(fake_pid1_property(t.pid1.fake, "reeve-x.slice", "MemoryHigh"), "4096");
	threaded_done(&t);
}

static void test_tell_changes_a_running_unit_and_waits_for_nothing(void **state)
{
	const struct property_value high = { .property = PROPERTY_MEMORY_HIGH, .number = 4096 },
				    low = { .property = PROPERTY_MEMORY_LOW, .number = 1024 };
	struct threaded t;
	struct fail f = { 0 };

	(void)state;
	threaded_open(&t, FAKE_DONE);
	assert_int_equal(transient_tell(t.pid1.systemd, "reeve-y.slice", &high, 1, &f), 0);
	assert_int_equal(transient_tell(t.pid1.systemd, "reeve-x.slice", &high, 1, &f), 0);
	/* calls are taken in order: when this one is answered the others were done */
	assert_int_equal(transient_set(t.pid1.systemd, "reeve-x.slice", &low, 1, &f), 0);
	threaded_join(&t);
	assert_string_equal(fake_pid1_property(t.pid1.fake, "reeve-x.slice", "MemoryHigh"), "4096");
	assert_int_equal(fake_pid1_calls(t.pid1.fake, "SetUnitProperties"), 3);
	threaded_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_of_a_unit_escapes_dashes),
		cmocka_unit_test(test_start_makes_slice_and_scope_in_one_call),
		cmocka_unit_test(test_start_of_a_name_in_use_changes_nothing),
		cmocka_unit_test(test_start_refuses_a_property_without_a_value),
		cmocka_unit_test(test_stop_ends_both_and_frees_their_names),
		cmocka_unit_test(test_stop_of_what_is_not_there_is_done),
		cmocka_unit_test(test_stop_resets_units_that_failed),
		cmocka_unit_test(test_stop_wants_a_unit),
		cmocka_unit_test(test_cgroup_of_a_unit_is_asked_for),
		cmocka_unit_test(test_cgroup_of_a_unit_is_not_waited_for_beyond_the_deadline),
		cmocka_unit_test(test_set_changes_a_running_unit),
		cmocka_unit_test(test_tell_changes_a_running_unit_and_waits_for_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
