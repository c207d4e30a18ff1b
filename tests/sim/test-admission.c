/* SPDX-License-Identifier: Apache-2.0 */
/* The door for requests on a made machine of 16 cores and 16 GiB: a herd that asks at once is let
 * in by dominant share, limits and guarantees hold, and who waits is told what becomes of it. */
#include "tests/sim/agent.h"
#include "tests/unit/discover.h"
#include "tests/unit/model-fixture.h"

#include "admission.h"
#include "decode.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECOND = 1000000, HERD = 50, EACH = 3, USER = 1000 };

struct rig {
	struct agent agent;
	char *root;
	char prefix[16]; /* of the names of slices: others may run this test too */
};

static void set(struct rig *r, const char *section, const char *key, const char *value)
{
	struct fail f = { 0 };

	if (config_set(&r->agent.config, section, key, value, &f) < 0)
		fail_msg("%s", f.text);
}

/* The machine is taken from the model's shapes; the agent believes that it is another one's. */
static void use_machine(struct rig *r)
{
	struct manager *m = r->agent.manager;
	struct inventory *inv = shape_make((struct shape){ .nodes = 2, .cores = 8 });

	inventory_seal(inv);
	inv->generation = m->inventory->generation;
	inventory_free(m->inventory);
	m->inventory = inv;
}

static void rig_open(struct rig *r)
{
	const char *missing = agent_missing(BACKEND_PROCESS);

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	*r = (struct rig){ .root = tree_new() };
	tree_file(r->root, "proc/meminfo", "MemTotal: 1048576 kB\n");
	agent_open_at(&r->agent, r->root);
	use_machine(r);
	(void)snprintf(r->prefix, sizeof(r->prefix), "a%d", (int)getpid());
}

static struct slice *any_slice(const struct rig *r)
{
	size_t cursor = 0;

	return map_next(r->agent.manager->slices, &cursor, NULL);
}

static void end(struct rig *r, const char *id)
{
	struct answer answer = { 0 };

	agent_delete(&r->agent, id, 0, &answer);
	assert_true(agent_await(&r->agent, &answer, 20 * SECOND));
	if (answer.error)
		fail_msg("%s", answer.text);
	answer_done(&answer);
}

static json_t *queue(const struct rig *r)
{
	json_t *document = NULL;
	struct fail f = { 0 };

	assert_int_equal(api_queue(r->agent.manager->api, NULL, &document, &f), 0);
	return document;
}

static size_t queue_length(const struct rig *r)
{
	_cleanup_json_ json_t *document = queue(r);

	return json_array_size(json_object_get(document, "queue"));
}

/* The oldest one, when it is made. */
static void end_one(struct rig *r)
{
	struct slice *s = any_slice(r);
	char id[64];

	assert_non_null(s);
	(void)snprintf(id, sizeof(id), "%s", s->id);
	for (unsigned turn = 0;
	     turn < 2000 && manager_slice(r->agent.manager, id)->state == SLICE_CREATING; turn++)
		agent_turn(&r->agent, 10000);
	end(r, id);
}

static void rig_close(struct rig *r)
{
	while (any_slice(r) || queue_length(r) > 0) {
		if (any_slice(r))
			end_one(r);
		else
			agent_turn(&r->agent, 1000);
	}
	assert_int_equal(ledger_count(r->agent.manager->ledger), 0);
	agent_done(&r->agent);
	tree_remove(r->root);
}

/* Asks as this user; what is between the braces of the request. */
static uint64_t ask(struct rig *r, uid_t uid, const char *members, struct answer *ret)
{
	const struct api_caller caller = { .uid = uid, .gid = uid };
	_cleanup_json_ json_t *object = NULL;
	struct request request;
	struct fail f = { 0 };
	char text[256];

	(void)snprintf(text, sizeof(text), "{%s}", members);
	assert_int_equal(json_parse_object(text, strlen(text), &object, &f), 0);
	request_init(&request);
	if (decode_request(object, &request, &f) < 0)
		fail_msg("%s: %s", text, f.text);
	return api_slice_create(r->agent.manager->api, &caller, &request, answer_here(ret));
}

static void expect_refused(struct rig *r, uid_t uid, const char *members, const char *code)
{
	struct answer answer = { 0 };

	assert_int_equal(ask(r, uid, members, &answer), 0);
	if (answer.calls != 1 || !answer.error || strcmp(answer.code, code) != 0)
		fail_msg("{%s} was answered with %s (%s), not with %s", members, answer.code,
			 answer.text, code);
	answer_done(&answer);
}

static void await_made(struct rig *r, struct answer *answer)
{
	assert_true(agent_await(&r->agent, answer, 20 * SECOND));
	if (answer->error)
		fail_msg("%s", answer->text);
}

static void make(struct rig *r, uid_t uid, const char *members)
{
	struct answer answer = { 0 };

	assert_int_equal(ask(r, uid, members, &answer), 0);
	await_made(r, &answer);
	answer_done(&answer);
}

static unsigned held_by(const struct rig *r, uid_t uid)
{
	size_t cursor = 0;
	unsigned count = 0;

	for (const struct slice *s; (s = map_next(r->agent.manager->slices, &cursor, NULL));)
		count += s->owner_uid == uid && s->state != SLICE_DELETING;
	return count;
}

/* All of a herd want the same: so nobody may have two more than one who waits. */
static void assert_fair(const struct rig *r, struct answer answers[HERD][EACH])
{
	unsigned most = 0, least = UINT32_MAX;

	for (unsigned u = 0; u < HERD; u++) {
		const unsigned held = held_by(r, USER + u);
		bool waits = false;

		for (unsigned i = 0; i < EACH; i++)
			waits |= answers[u][i].calls == 0;
		most = held > most ? held : most;
		least = waits && held < least ? held : least;
	}
	if (least != UINT32_MAX && most > least + 1)
		fail_msg("one has %u slices and one who waits %u", most, least);
}

static unsigned count_answers(struct answer answers[HERD][EACH])
{
	unsigned count = 0;

	for (unsigned u = 0; u < HERD; u++)
		for (unsigned i = 0; i < EACH; i++)
			count += answers[u][i].calls;
	return count;
}

/* Ends one after the other, the oldest first, until all of the herd were served. */
static void serve_all(struct rig *r, struct answer answers[HERD][EACH])
{
	for (unsigned ended = 0; ended < HERD * EACH; ended++) {
		end_one(r);
		for (unsigned turn = 0;
		     turn < 2000 && map_count(r->agent.manager->slices) < 16 && queue_length(r) > 0;
		     turn++)
			agent_turn(&r->agent, 1000);
		assert_fair(r, answers);
	}
	assert_int_equal(queue_length(r), 0);
}

static void test_a_herd_of_fifty_users_is_served_fairly(void **state)
{
	static struct answer answers[HERD][EACH];
	struct answer blocker = { 0 };
	struct rig r;
	char id[64];

	(void)state;
	rig_open(&r);
	(void)snprintf(id, sizeof(id), "\"name\":\"%s-all\",\"cores\":16", r.prefix);
	assert_int_equal(ask(&r, 0, id, &blocker), 0);
	await_made(&r, &blocker);
	answer_done(&blocker);
	for (unsigned u = 0; u < HERD; u++)
		for (unsigned i = 0; i < EACH; i++)
			assert_int_not_equal(
				ask(&r, USER + u, "\"cores\":1,\"wait\":\"1h\"", &answers[u][i]),
				0);
	assert_int_equal(queue_length(&r), HERD * EACH);
	(void)snprintf(id, sizeof(id), "%s-all", r.prefix);
	end(&r, id);
	for (unsigned turn = 0; turn < 2000 && count_answers(answers) < 16; turn++)
		agent_turn(&r.agent, 10000);
	assert_int_equal(count_answers(answers), 16);
	for (unsigned u = 0; u < HERD; u++) /* the first of the first sixteen who came */
		assert_int_equal(answers[u][0].calls, u < 16);
	serve_all(&r, answers);
	for (unsigned u = 0; u < HERD; u++)
		for (unsigned i = 0; i < EACH; i++) {
			await_made(&r, &answers[u][i]);
			assert_int_equal(answers[u][i].calls, 1);
			answer_done(&answers[u][i]);
		}
	rig_close(&r);
}

static void test_limits_are_refused_at_once_with_what_waits_counted(void **state)
{
	struct answer waits = { 0 }, resized = { 0 };
	struct resize_change change;
	struct rig r;
	char id[64];

	(void)state;
	rig_open(&r);
	set(&r, "role batch", "limit", "cores=10");
	set(&r, "role batch", "user-limit", "cores=6");
	set(&r, "admission", "user-limit", "cores=12,slices=4");
	(void)snprintf(id, sizeof(id), "\"name\":\"%s-one\",\"cores\":4,\"role\":\"batch\"",
		       r.prefix);
	make(&r, USER, id);
	expect_refused(&r, USER, "\"cores\":3,\"role\":\"batch\",\"wait\":60", "user-limit");
	make(&r, USER + 1, "\"cores\":5,\"role\":\"batch\"");
	expect_refused(&r, USER + 2, "\"cores\":2,\"role\":\"batch\",\"wait\":60", "role-limit");
	expect_refused(&r, 0, "\"cores\":2,\"role\":\"batch\"", "role-limit");
	expect_refused(&r, USER + 2, "\"cores\":1,\"role\":\"other\"", "no-such-role");
	assert_int_not_equal(ask(&r, USER, "\"cores\":8,\"wait\":60", &waits), 0);
	expect_refused(&r, USER, "\"cores\":1", "user-limit"); /* 4 + 8 that wait */
	assert_int_equal(waits.calls, 0);
	resize_change_init(&change);
	change.cores = 7;
	(void)snprintf(id, sizeof(id), "%s-one", r.prefix);
	api_slice_resize(r.agent.manager->api, &(struct api_caller){ .uid = USER }, id, &change,
			 answer_here(&resized));
	assert_int_equal(resized.calls, 1);
	assert_string_equal(resized.code, "role-limit");
	answer_done(&resized);
	rig_close(&r); /* the slices end: it is let in */
	assert_int_equal(waits.calls, 1);
	answer_done(&waits);
}

static void test_a_role_is_refused_to_those_who_are_no_members(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	set(&r, "role staff", "users", "1007, @1008");
	expect_refused(&r, USER, "\"cores\":1,\"role\":\"staff\",\"wait\":60", "not-that-role");
	make(&r, USER + 7, "\"cores\":1,\"role\":\"staff\"");
	make(&r, USER + 8, "\"cores\":1,\"role\":\"staff\""); /* by its group */
	make(&r, 0, "\"cores\":1,\"role\":\"staff\"");
	rig_close(&r);
}

static void test_what_is_guaranteed_is_kept(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	set(&r, "role sure", "guarantee", "cores=10");
	make(&r, USER, "\"cores\":6");
	expect_refused(&r, USER, "\"cores\":1", "guaranteed");
	expect_refused(&r, USER, "\"cores\":7,\"wait\":60", "guaranteed"); /* it never fits */
	make(&r, USER + 1, "\"cores\":4,\"role\":\"sure\"");
	expect_refused(&r, USER, "\"cores\":1", "guaranteed");
	make(&r, USER, "\"memory\":\"1GiB\"");
	make(&r, USER + 1, "\"cores\":6,\"role\":\"sure\"");
	expect_refused(&r, USER, "\"cores\":1", "cores-short");
	rig_close(&r);
}

static void test_nobody_takes_what_one_before_him_waits_for(void **state)
{
	struct answer big = { 0 }, small = { 0 };
	struct rig r;
	char id[64];

	(void)state;
	rig_open(&r);
	(void)snprintf(id, sizeof(id), "\"name\":\"%s-held\",\"cores\":10", r.prefix);
	make(&r, 0, id);
	make(&r, USER + 1, "\"memory\":\"1GiB\"");
	expect_refused(&r, USER, "\"cores\":8", "cores-short");
	expect_refused(&r, USER, "\"cores\":17,\"wait\":60", "cores-short"); /* it never fits */
	assert_int_not_equal(ask(&r, USER, "\"cores\":8,\"wait\":60", &big), 0);
	expect_refused(&r, USER + 1, "\"cores\":1", "others-wait");
	assert_int_not_equal(ask(&r, USER + 1, "\"cores\":1,\"wait\":60", &small), 0);
	make(&r, USER + 2, "\"memory\":\"1GiB\""); /* he waits for no memory */
	assert_int_equal(big.calls + small.calls, 0);
	(void)snprintf(id, sizeof(id), "%s-held", r.prefix);
	end(&r, id);
	await_made(&r, &big);
	await_made(&r, &small); /* 16 cores are enough for both */
	answer_done(&big);
	answer_done(&small);
	rig_close(&r);
}

static void expect_place(const struct rig *r, size_t index, const char *id, const char *code)
{
	_cleanup_json_ json_t *document = queue(r);
	const json_t *row = json_array_get(json_object_get(document, "queue"), index);

	assert_string_equal(json_string_value(json_object_get(row, "id")), id);
	assert_int_equal(json_integer_value(json_object_get(row, "place")), index + 1);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(row, "waits_for"), "code")),
		code);
}

static void name_of(uint64_t number, char room[32])
{
	(void)snprintf(room, 32, "q-%llu", (unsigned long long)number);
}

static void test_who_waits_is_seen_and_can_be_taken_out(void **state)
{
	const struct api_caller stranger = { .uid = USER + 9 }, owner = { .uid = USER };
	struct answer first = { 0 }, second = { 0 }, third = { 0 };
	uint64_t a, b, c;
	struct fail f = { 0 };
	struct rig r;
	char id[32];

	(void)state;
	rig_open(&r);
	make(&r, USER, "\"cores\":16");
	a = ask(&r, USER, "\"name\":\"same\",\"cores\":1,\"wait\":60", &first);
	b = ask(&r, USER + 1, "\"cores\":2,\"wait\":60", &second);
	c = ask(&r, USER, "\"cores\":3,\"wait\":60", &third);
	name_of(b, id);
	expect_place(&r, 0, id, "cores-short"); /* he has nothing yet */
	name_of(a, id);
	expect_place(&r, 1, id, "cores-short");
	expect_refused(&r, USER + 2, "\"name\":\"same\",\"memory\":\"1GiB\"", "name-taken");
	assert_int_equal(api_queue_leave(r.agent.manager->api, &stranger, id, &f), -EPERM);
	assert_string_equal(f.code, "not-owner");
	assert_int_equal(api_queue_leave(r.agent.manager->api, &owner, id, &f), 0);
	assert_string_equal(first.code, "withdrawn");
	assert_int_equal(api_queue_leave(r.agent.manager->api, &owner, id, &f), -ENOENT);
	assert_true(api_withdraw(r.agent.manager->api, c)); /* its client left */
	assert_false(api_withdraw(r.agent.manager->api, c));
	assert_string_equal(third.code, "withdrawn");
	assert_int_equal(queue_length(&r), 1);
	rig_close(&r); /* the second is let in, and ended */
	assert_int_equal(second.calls, 1);
	answer_done(&first);
	answer_done(&second);
	answer_done(&third);
}

static void test_the_queue_is_bounded(void **state)
{
	struct answer waits[3] = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	set(&r, "admission", "queue", "3");
	set(&r, "admission", "queue-per-user", "2");
	make(&r, 0, "\"cores\":16");
	for (unsigned i = 0; i < 2; i++)
		assert_int_not_equal(ask(&r, USER, "\"cores\":1,\"wait\":60", &waits[i]), 0);
	expect_refused(&r, USER, "\"cores\":1,\"wait\":60", "queue-full");
	assert_int_not_equal(ask(&r, 0, "\"cores\":1,\"wait\":60", &waits[2]), 0);
	expect_refused(&r, USER + 1, "\"cores\":1,\"wait\":60", "queue-full");
	expect_refused(&r, USER + 1, "\"cores\":1", "cores-short");
	assert_int_equal(queue_length(&r), 3);
	rig_close(&r);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(waits[i].error, 0);
		answer_done(&waits[i]);
	}
}

static void test_waiting_has_an_end(void **state)
{
	struct answer waits = { 0 }, last = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	make(&r, 0, "\"cores\":16");
	assert_int_not_equal(ask(&r, USER, "\"cores\":1,\"wait\":\"100ms\"", &waits), 0);
	assert_int_equal(waits.calls, 0);
	assert_true(agent_await(&r.agent, &waits, 20 * SECOND));
	assert_string_equal(waits.code, "wait-over");
	assert_non_null(strstr(waits.text, "it waited in vain: "));
	assert_non_null(strstr(waits.text, "free cores"));
	answer_done(&waits);
	assert_int_not_equal(ask(&r, USER, "\"cores\":1,\"wait\":60", &last), 0);
	end_one(&r);
	await_made(&r, &last);
	rig_close(&r);
	answer_done(&last);
}

static uint64_t now_usec(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void test_who_asks_too_often_is_delayed_or_refused(void **state)
{
	struct answer late[2] = { 0 };
	struct rig r;
	uint64_t begin;

	(void)state;
	rig_open(&r);
	set(&r, "admission", "request-every", "1s");
	set(&r, "admission", "request-burst", "2");
	begin = now_usec();
	make(&r, USER, "\"cores\":1");
	make(&r, USER, "\"cores\":1");
	for (unsigned i = 0; i < 2; i++)
		assert_int_not_equal(ask(&r, USER, "\"cores\":1,\"wait\":60", &late[i]), 0);
	expect_refused(&r, USER, "\"cores\":1", "too-often");
	make(&r, USER + 1, "\"cores\":1"); /* who has a token is not held up */
	for (unsigned i = 0; i < 3; i++)
		make(&r, 0, "\"cores\":1");
	await_made(&r, &late[0]);
	assert_true(now_usec() - begin >= SECOND);
	await_made(&r, &late[1]);
	assert_true(now_usec() - begin >= 2 * SECOND);
	for (unsigned i = 0; i < 2; i++)
		answer_done(&late[i]);
	rig_close(&r);
}

static void test_who_waits_when_the_agent_stops_is_told(void **state)
{
	struct answer waits = { 0 }, late = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	make(&r, 0, "\"cores\":16");
	assert_int_not_equal(ask(&r, USER, "\"cores\":1,\"wait\":60", &waits), 0);
	assert_int_equal(admission_close(r.agent.manager->admission), 1);
	assert_int_equal(waits.calls, 1);
	assert_string_equal(waits.code, "agent-stopping");
	expect_refused(&r, USER, "\"cores\":1,\"wait\":60", "agent-stopping");
	answer_done(&waits);
	agent_restart(&r.agent);
	use_machine(&r);
	assert_int_equal(queue_length(&r), 0);
	assert_int_not_equal(ask(&r, USER, "\"cores\":1,\"wait\":60", &late), 0);
	rig_close(&r);
	assert_int_equal(late.error, 0);
	answer_done(&late);
}

static void test_the_life_of_one_who_waits_is_told_in_events(void **state)
{
	struct journal_reader *reader = NULL;
	struct journal_record record;
	struct answer waits = { 0 };
	unsigned queued = 0, ended = 0;
	uint64_t from = 0;
	struct rig r;

	(void)state;
	rig_open(&r);
	make(&r, 0, "\"cores\":16");
	assert_int_equal(journal_reader_new(&reader, r.agent.manager->journal,
					    journal_last(r.agent.manager->journal), NULL, NULL),
			 0);
	assert_int_not_equal(ask(&r, USER, "\"name\":\"told\",\"cores\":1,\"wait\":60", &waits), 0);
	end_one(&r);
	await_made(&r, &waits);
	for (; journal_reader_peek(reader, &record, &from) == JOURNAL_RECORD;
	     journal_reader_advance(reader)) {
		const bool first = strstr(record.text, "\"request.queued\"") != NULL;

		if (!first && !strstr(record.text, "\"request.ended\""))
			continue;
		queued += first;
		ended += !first;
		assert_string_equal(record.slice, "told");
		assert_non_null(strstr(record.text, first ? "\"place\":1" : "\"admitted\":true"));
		assert_non_null(strstr(record.text, "\"owner_uid\":1000"));
	}
	assert_int_equal(queued, 1);
	assert_int_equal(ended, 1);
	journal_reader_free(reader);
	answer_done(&waits);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_are_refused_at_once_with_what_waits_counted),
		cmocka_unit_test(test_a_role_is_refused_to_those_who_are_no_members),
		cmocka_unit_test(test_what_is_guaranteed_is_kept),
		cmocka_unit_test(test_nobody_takes_what_one_before_him_waits_for),
		cmocka_unit_test(test_who_waits_is_seen_and_can_be_taken_out),
		cmocka_unit_test(test_the_queue_is_bounded),
		cmocka_unit_test(test_waiting_has_an_end),
		cmocka_unit_test(test_who_asks_too_often_is_delayed_or_refused),
		cmocka_unit_test(test_who_waits_when_the_agent_stops_is_told),
		cmocka_unit_test(test_the_life_of_one_who_waits_is_told_in_events),
		cmocka_unit_test(test_a_herd_of_fifty_users_is_served_fairly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
