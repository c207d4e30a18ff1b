/* SPDX-License-Identifier: Apache-2.0 */
/* The door for JSON: what is good is taken in full, what is bad is refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decode.h"
#include "document.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define GIB (1ULL << 30)

/* 0, or the error of the parser or the decoder, with its sentence. */
static int request_of(const char *text, struct request *ret, struct fail *f)
{
	_cleanup_json_ json_t *object = NULL;
	int r = json_parse_object(text, strlen(text), &object, f);

	request_init(ret);
	return r < 0 ? r : decode_request(object, ret, f);
}

static int task_of(const char *text, struct task_spec *ret, struct fail *f)
{
	_cleanup_json_ json_t *object = NULL;
	int r = json_parse_object(text, strlen(text), &object, f);

	task_spec_init(ret);
	return r < 0 ? r : decode_task(object, ret, f);
}

static void assert_sentence(const char *text, int r, const struct fail *f)
{
	if (r != -EINVAL && r != -ERANGE && r != -E2BIG)
		fail_msg("%s was answered with %d", text, r);
	assert_int_equal(f->error, r);
	assert_non_null(f->code);
	if (strlen(f->text) < 10)
		fail_msg("%s: \"%s\" is no sentence", text, f->text);
	assert_true(parse_utf8_valid(f->text, strlen(f->text)));
}

static void test_full_request_is_taken_as_it_is(void **state)
{
	const char text[] =
		"{\"name\":\"train-1\",\"offer\":\"o-1-2-3\",\"owner\":\"M\xc3\xbcller\","
		"\"role\":\"batch\",\"labels\":{\"a\":\"1\",\"b\":\"\"},\"cores\":2,"
		"\"shared_cpus\":0.5,\"memory\":\"4GiB\",\"hugepages\":[{\"size\":\"2MiB\","
		"\"count\":8},{\"size\":1073741824,\"count\":1}],\"devices\":[{\"class\":\"gpu\","
		"\"count\":2},{\"class\":\"disk\",\"count\":1}],\"align\":\"package\","
		"\"align_required\":true,\"strategy\":\"pack\",\"apart\":\"package\","
		"\"apart_required\":true,\"isolation\":\"required\",\"processes_max\":64,"
		"\"revocable\":true,\"nic\":{\"function\":\"virtual\",\"speed_mbps\":25000},"
		"\"interrupts\":\"slice\"}";
	struct request r;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(request_of(text, &r, &f), 0);
	assert_string_equal(r.name, "train-1");
	assert_string_equal(r.offer, "o-1-2-3");
	assert_string_equal(r.owner, "M\xc3\xbcller");
	assert_string_equal(r.role, "batch");
	assert_int_equal(r.labels_count, 2);
	assert_string_equal(r.labels[1].key, "b");
	assert_string_equal(r.labels[1].value, "");
	assert_int_equal(r.nic.function, NIC_FUNCTION_VIRTUAL);
	assert_int_equal(r.nic.speed_mbps, 25000);
	assert_int_equal(r.cores, 2);
	assert_int_equal(r.shared_millicpus, 500);
	assert_int_equal(r.memory_bytes, 4 * GIB);
	assert_int_equal(r.hugepages_count, 2);
	assert_int_equal(r.hugepages[0].size_bytes, 2 << 20);
	assert_int_equal(r.hugepages[1].count, 1);
	assert_int_equal(r.devices[DEVICE_GPU], 2);
	assert_int_equal(r.devices[DEVICE_DISK], 1);
	assert_int_equal(r.devices[DEVICE_NIC], 0);
	assert_int_equal(r.align, ALIGN_PACKAGE);
	assert_true(r.align_required);
	assert_true(r.strategy == STRATEGY_PACK && r.apart == APART_PACKAGE && r.apart_required);
	assert_int_equal(r.isolation, ISOLATION_REQUIRED);
	assert_int_equal(r.processes_max, 64);
	assert_true(r.revocable);
	assert_int_equal(r.interrupts, INTERRUPTS_SLICE);
	request_done(&r);
}

static void test_empty_request_has_the_defaults(void **state)
{
	struct request r;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(request_of("{}", &r, &f), 0);
	assert_true(request_empty(&r));
	assert_null(r.name);
	assert_int_equal(r.align, ALIGN_NODE);
	assert_int_equal(r.isolation, ISOLATION_BEST_EFFORT);
	assert_false(r.align_required);
	assert_true(r.strategy == STRATEGY_LEAVE_LARGEST_HOLE && r.apart == APART_NONE);
	assert_false(r.revocable);
	assert_int_equal(r.interrupts, INTERRUPTS_AWAY);
	request_done(&r);
}

static void test_shared_cpus_are_thousandths_rounded_up(void **state)
{
	static const struct {
		const char *text;
		uint32_t millicpus;
	} vectors[] = {
		{ "{\"shared_cpus\":0}", 0 },	      { "{\"shared_cpus\":1}", 1000 },
		{ "{\"shared_cpus\":0.029}", 29 },    { "{\"shared_cpus\":0.57}", 570 },
		{ "{\"shared_cpus\":0.0001}", 1 },    { "{\"shared_cpus\":1.0005}", 1001 },
		{ "{\"shared_cpus\":1e3}", 1000000 }, { "{\"shared_cpus\":65536}", 65536000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct request r;
		struct fail f = { 0 };

		assert_int_equal(request_of(vectors[i].text, &r, &f), 0);
		assert_int_equal(r.shared_millicpus, vectors[i].millicpus);
		request_done(&r);
	}
}

/* What the agent shows of a request is taken again: adoption lives by it. */
static void test_request_survives_its_document(void **state)
{
	for (uint32_t millicpus = 1; millicpus < 3000; millicpus++) {
		_cleanup_json_ json_t *document = NULL;
		_cleanup_free_ char *text = NULL;
		struct request before, after;
		struct fail f = { 0 };

		(void)state;
		request_init(&before);
		before.shared_millicpus = millicpus;
		before.devices[DEVICE_NIC] = 3;
		document = document_request(&before);
		text = json_text(document);
		assert_int_equal(request_of(text, &after, &f), 0);
		assert_int_equal(after.shared_millicpus, millicpus);
		assert_int_equal(after.devices[DEVICE_NIC], 3);
		assert_string_equal(after.role, "default");
		request_done(&before);
		request_done(&after);
	}
}

static void test_bad_request_is_refused_with_a_sentence(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"[]",
		"null",
		"1",
		"\"x\"",
		"{",
		"{}}",
		"{\"cores\":}",
		"{\"cores\":1,\"cores\":2}",
		"{\"colour\":1}",
		"{\"Cores\":1}",
		"{\"\":1}",
		"{\"cores\":-1}",
		"{\"cores\":\"2\"}",
		"{\"cores\":1.5}",
		"{\"cores\":65537}",
		"{\"cores\":99999999999999999999}",
		"{\"cores\":1e400}",
		"{\"cores\":true}",
		"{\"cores\":[]}",
		"{\"shared_cpus\":-0.1}",
		"{\"shared_cpus\":65537}",
		"{\"shared_cpus\":\"1\"}",
		"{\"shared_cpus\":1e999}",
		"{\"name\":1}",
		"{\"name\":\"\"}",
		"{\"name\":\"A\"}",
		"{\"name\":\"-a\"}",
		"{\"name\":\"a/b\"}",
		"{\"name\":\"..\"}",
		"{\"name\":\"a\\u0000b\"}",
		"{\"name\":\"a\xff\"}",
		"{\"name\":\"a234567890b234567890c234567890d234567890e\"}",
		"{\"owner\":5}",
		"{\"owner\":\"\\u0000\"}",
		"{\"owner\":\"\xc3\x28\"}",
		"{\"role\":\"No Role\"}",
		"{\"labels\":[]}",
		"{\"labels\":{\"a\":1}}",
		"{\"labels\":{\"\":\"x\"}}",
		"{\"labels\":{\"a\":null}}",
		"{\"memory\":-1}",
		"{\"memory\":\"-1\"}",
		"{\"memory\":\"4 parsecs\"}",
		"{\"memory\":\"99999999999TiB\"}",
		"{\"memory\":18446744073709551616}",
		"{\"hugepages\":{}}",
		"{\"hugepages\":[1]}",
		"{\"hugepages\":[{}]}",
		"{\"hugepages\":[{\"size\":\"2MiB\"}]}",
		"{\"hugepages\":[{\"count\":1}]}",
		"{\"hugepages\":[{\"size\":\"2MiB\",\"count\":0}]}",
		"{\"hugepages\":[{\"size\":\"3MiB\",\"count\":1}]}",
		"{\"hugepages\":[{\"size\":1024,\"count\":1}]}",
		"{\"hugepages\":[{\"size\":\"2MiB\",\"count\":1,\"node\":0}]}",
		"{\"devices\":{\"gpu\":1}}",
		"{\"devices\":[{\"class\":\"gpu\"}]}",
		"{\"devices\":[{\"class\":\"fpga\",\"count\":1}]}",
		"{\"devices\":[{\"class\":\"core\",\"count\":1}]}",
		"{\"devices\":[{\"class\":\"gpu\",\"count\":0}]}",
		"{\"devices\":[{\"class\":\"gpu\",\"count\":-3}]}",
		"{\"devices\":[{\"class\":\"gpu\",\"count\":1},{\"class\":\"gpu\",\"count\":1}]}",
		"{\"align\":\"socket\"}",
		"{\"align\":1}",
		"{\"strategy\":\"best\"}",
		"{\"apart\":\"switch\"}",
		"{\"apart_required\":1}",
		"{\"align_required\":\"yes\"}",
		"{\"isolation\":\"maybe\"}",
		"{\"revocable\":1}",
		"{\"processes_max\":0}",
		"{\"interrupts\":true}",
		"{\"interrupts\":\"here\"}",
		"{\"nic\":\"virtual\"}",
		"{\"nic\":{\"function\":\"port\"}}",
		"{\"nic\":{\"speed_mbps\":-1}}",
		"{\"nic\":{\"speed_mbps\":4294967296}}",
		"{\"nic\":{\"more\":1}}",
		"{\"processes_max\":4194305}",
		"{\"offer\":7}",
		"\xff\xfe{}",
	};

	(void)state;
	assert_true(ARRAY_SIZE(bad) > 60);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct request r;
		struct fail f = { 0 };

		assert_sentence(bad[i], request_of(bad[i], &r, &f), &f);
		request_done(&r);
	}
}

static char *repeated(const char *before, const char *item, size_t count, const char *after)
{
	struct buf b = { 0 };

	buf_text(&b, before);
	for (size_t i = 0; i < count; i++)
		buf_format(&b, "%s%s%zu\":\"x\"", i ? "," : "", item, i);
	buf_text(&b, after);
	return buf_steal(&b);
}

static void test_labels_are_bounded(void **state)
{
	static const struct {
		size_t count;
		int error;
	} vectors[] = { { REQUEST_LABELS_MAX, 0 }, { REQUEST_LABELS_MAX + 1, -ERANGE } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *text =
			repeated("{\"labels\":{", "\"k", vectors[i].count, "}}");
		struct request r;
		struct fail f = { 0 };

		assert_int_equal(request_of(text, &r, &f), vectors[i].error);
		request_done(&r);
	}
}

static void test_full_task_is_taken_as_it_is(void **state)
{
	const char text[] =
		"{\"name\":\"main\",\"argv\":[\"sh\",\"\",\"-c\"],\"env\":{\"A\":\"1=2\",\"B\":"
		"\"\"},"
		"\"user\":\"root\",\"group\":\"0\",\"cwd\":\"/tmp\",\"umask\":18,"
		"\"network\":{\"cni\":\"lab_1\"},"
		"\"limits\":{\"nofile\":{\"soft\":1,\"hard\":2},\"core\":0,\"as\":\"infinity\"},"
		"\"stdout\":\"journal\",\"stderr\":\"null\",\"kill_grace\":\"250ms\","
		"\"restart\":\"on-failure\",\"restart_backoff\":\"2min\",\"restarts_max\":3}";
	struct task_spec s;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(task_of(text, &s, &f), 0);
	assert_string_equal(s.name, "main");
	assert_string_equal(s.argv[1], "");
	assert_string_equal(s.argv[2], "-c");
	assert_null(s.argv[3]);
	assert_string_equal(s.env[0], "A=1=2");
	assert_string_equal(s.env[1], "B=");
	assert_null(s.env[2]);
	assert_string_equal(s.cwd, "/tmp");
	assert_string_equal(s.cni, "lab_1");
	assert_int_equal(s.umask, 022);
	assert_int_equal(s.limits_count, 3);
	assert_int_equal(s.limits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(s.limits[0].soft, 1);
	assert_int_equal(s.limits[0].hard, 2);
	assert_true(s.limits[2].hard == UINT64_MAX);
	assert_int_equal(s.stdout_to, TASK_OUTPUT_JOURNAL);
	assert_int_equal(s.stderr_to, TASK_OUTPUT_NULL);
	assert_int_equal(s.kill_grace_usec, 250000);
	assert_int_equal(s.restart, TASK_RESTART_ON_FAILURE);
	assert_int_equal(s.backoff_first_usec, 120 * 1000000);
	assert_int_equal(s.backoff_max_usec, 120 * 1000000); /* never below the first */
	assert_int_equal(s.restarts_max, 3);
	task_spec_done(&s);
}

static void test_bad_task_is_refused_with_a_sentence(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"argv\":[]}",
		"{\"argv\":\"sh\"}",
		"{\"argv\":[\"\"]}",
		"{\"argv\":[1]}",
		"{\"argv\":[\"a\",null]}",
		"{\"argv\":[\"a\\u0000\"]}",
		"{\"argv\":[\"\xff\"]}",
		"{\"argv\":[\"a\"],\"shell\":true}",
		"{\"argv\":[\"a\"],\"env\":[]}",
		"{\"argv\":[\"a\"],\"env\":{\"A=B\":\"1\"}}",
		"{\"argv\":[\"a\"],\"env\":{\"\":\"1\"}}",
		"{\"argv\":[\"a\"],\"env\":{\"A\":1}}",
		"{\"argv\":[\"a\"],\"user\":0}",
		"{\"argv\":[\"a\"],\"cwd\":\"tmp\"}",
		"{\"argv\":[\"a\"],\"cwd\":\"\"}",
		"{\"argv\":[\"a\"],\"umask\":-1}",
		"{\"argv\":[\"a\"],\"umask\":512}",
		"{\"argv\":[\"a\"],\"umask\":\"022\"}",
		"{\"argv\":[\"a\"],\"limits\":[]}",
		"{\"argv\":[\"a\"],\"limits\":{\"files\":1}}",
		"{\"argv\":[\"a\"],\"limits\":{\"nofile\":-1}}",
		"{\"argv\":[\"a\"],\"limits\":{\"nofile\":1.5}}",
		"{\"argv\":[\"a\"],\"limits\":{\"nofile\":\"many\"}}",
		"{\"argv\":[\"a\"],\"limits\":{\"nofile\":{\"soft\":1}}}",
		"{\"argv\":[\"a\"],\"limits\":{\"nofile\":{\"soft\":3,\"hard\":2}}}",
		"{\"argv\":[\"a\"],\"limits\":{\"nofile\":{\"soft\":1,\"hard\":2,\"x\":3}}}",
		"{\"argv\":[\"a\"],\"network\":\"lab\"}",
		"{\"argv\":[\"a\"],\"network\":{}}",
		"{\"argv\":[\"a\"],\"network\":{\"cni\":\"\"}}",
		"{\"argv\":[\"a\"],\"network\":{\"cni\":\"../lab\"}}",
		"{\"argv\":[\"a\"],\"network\":{\"cni\":7}}",
		"{\"argv\":[\"a\"],\"network\":{\"cni\":\"lab\",\"bridge\":\"x\"}}",
		"{\"argv\":[\"a\"],\"network\":{\"cni\":\"lab\",\"nic\":\"nic-e\"}}",
		"{\"argv\":[\"a\"],\"network\":{\"cni\":\"lab\",\"addresses\":[]}}",
		"{\"argv\":[\"a\"],\"network\":{\"cni\":\"lab\",\"interface\":\"eth0\"}}",
		"{\"argv\":[\"a\"],\"network\":{\"addresses\":[\"192.0.2.2/24\"]}}",
		"{\"argv\":[\"a\"],\"network\":{\"nic\":7}}",
		"{\"argv\":[\"a\"],\"stdout\":\"tty\"}",
		"{\"argv\":[\"a\"],\"stderr\":2}",
		"{\"argv\":[\"a\"],\"kill_grace\":\"-1s\"}",
		"{\"argv\":[\"a\"],\"kill_grace\":\"2h\"}",
		"{\"argv\":[\"a\"],\"kill_grace\":\"soon\"}",
		"{\"argv\":[\"a\"],\"restart\":\"maybe\"}",
		"{\"argv\":[\"a\"],\"restart_backoff\":\"1us\"}",
		"{\"argv\":[\"a\"],\"restart_backoff_max\":\"2d\"}",
		"{\"argv\":[\"a\"],\"restarts_max\":0}",
		"{\"argv\":[\"a\"],\"restarts_max\":4294967296}",
		"{\"argv\":[\"a\"],\"name\":\"Main\"}",
		"{\"argv\":[\"a\"],\"name\":\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct task_spec s;
		struct fail f = { 0 };

		assert_sentence(bad[i], task_of(bad[i], &s, &f), &f);
		task_spec_done(&s);
	}
}

#define NIC "{\"argv\":[\"a\"],\"network\":{\"nic\":\"nic-ens1\""

static void test_task_with_a_nic_is_taken_as_it_is(void **state)
{
	const char text[] = NIC ",\"interface\":\"net1\",\"addresses\":[\"192.0.2.2/24\","
				"\"2001:db8::2/128\"],\"gateways\":[\"192.0.2.1\","
				"\"fe80::1\"]}}";
	struct task_spec s;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(task_of(text, &s, &f), 0);
	assert_null(s.cni);
	assert_string_equal(s.nic.device, "nic-ens1");
	assert_string_equal(s.nic.interface, "net1");
	assert_string_equal(s.nic.addresses[0], "192.0.2.2/24");
	assert_string_equal(s.nic.addresses[1], "2001:db8::2/128");
	assert_null(s.nic.addresses[2]);
	assert_string_equal(s.nic.gateways[1], "fe80::1");
	assert_null(s.nic.gateways[2]);
	task_spec_done(&s);
	assert_int_equal(task_of(NIC "}}", &s, &f), 0);
	assert_null(s.nic.interface);
	assert_null(s.nic.addresses[0]);
	task_spec_done(&s);
}

static void test_nic_that_cannot_be_meant_is_refused(void **state)
{
	static const char *const bad[] = {
		"\"interface\":\"\"",
		"\"interface\":\"lo\"",
		"\"interface\":\"..\"",
		"\"interface\":\"a/b\"",
		"\"interface\":\"eth%d\"",
		"\"interface\":\"a b\"",
		"\"interface\":\"sixteen-letters-\"",
		"\"interface\":\"\u00e9th0\"",
		"\"interface\":1",
		"\"addresses\":\"192.0.2.2/24\"",
		"\"addresses\":[1]",
		"\"addresses\":[\"\"]",
		"\"addresses\":[\"192.0.2.2\"]",
		"\"addresses\":[\"192.0.2.2/\"]",
		"\"addresses\":[\"192.0.2.2/0\"]",
		"\"addresses\":[\"192.0.2.2/33\"]",
		"\"addresses\":[\"192.0.2.2/-1\"]",
		"\"addresses\":[\"192.0.2.2/24/24\"]",
		"\"addresses\":[\"192.0.2/24\"]",
		"\"addresses\":[\"0.0.0.0/24\"]",
		"\"addresses\":[\"224.0.0.1/24\"]",
		"\"addresses\":[\"::/64\"]",
		"\"addresses\":[\"ff02::1/64\"]",
		"\"addresses\":[\"2001:db8::1/129\"]",
		"\"addresses\":[\"1111:2222:3333:4444:5555:6666:7777:8888:9999:0:0:0:0:0:0:0/64\"]",
		"\"addresses\":[\"10.0.0.1/8\",\"10.0.0.2/8\",\"10.0.0.3/8\",\"10.0.0.4/8\","
		"\"10.0.0.5/8\",\"10.0.0.6/8\",\"10.0.0.7/8\",\"10.0.0.8/8\",\"10.0.0.9/8\","
		"\"10.0.0.10/8\",\"10.0.0.11/8\",\"10.0.0.12/8\",\"10.0.0.13/8\","
		"\"10.0.0.14/8\",\"10.0.0.15/8\",\"10.0.0.16/8\",\"10.0.0.17/8\"]",
		"\"gateways\":[\"192.0.2.1\"]",
		"\"addresses\":[\"192.0.2.2/24\"],\"gateways\":[\"192.0.2.1/24\"]",
		"\"addresses\":[\"192.0.2.2/24\"],\"gateways\":[\"fe80::1\"]",
		"\"addresses\":[\"192.0.2.2/24\"],\"gateways\":[\"192.0.2.1\",\"192.0.2.3\"]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *text = NULL;
		struct task_spec s;
		struct fail f = { 0 };

		assert_true(asprintf(&text, NIC ",%s}}", bad[i]) > 0);
		assert_sentence(text, task_of(text, &s, &f), &f);
		task_spec_done(&s);
	}
}

static void test_too_many_words_are_refused(void **state)
{
	_cleanup_free_ char *env = repeated("{\"argv\":[\"a\"],\"env\":{", "\"K", 4097, "}}");
	_cleanup_free_ char *long_word = malloc(TASK_WORDS_BYTES_MAX + 64);
	struct task_spec s;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(task_of(env, &s, &f), -ERANGE);
	task_spec_done(&s);
	memset(long_word, 'a', TASK_WORDS_BYTES_MAX + 60);
	memcpy(long_word, "{\"argv\":[\"", 10);
	memcpy(long_word + TASK_WORDS_BYTES_MAX + 60, "\"]}", 4);
	assert_int_equal(task_of(long_word, &s, &f), -E2BIG);
	task_spec_done(&s);
}

static void test_signals_by_name_and_number(void **state)
{
	static const struct {
		const char *name;
		int signal; /* 0: refused */
	} vectors[] = {
		{ "TERM", SIGTERM },
		{ "SIGTERM", SIGTERM },
		{ "sigkill", SIGKILL },
		{ "9", 9 },
		{ "64", 64 },
		{ "0", 0 },
		{ "65", 0 },
		{ "-9", 0 },
		{ "", 0 },
		{ "SIG", 0 },
		{ "TERM ", 0 },
		{ "9x", 0 },
		{ NULL, 0 },
		{ "99999999999", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct fail f = { 0 };
		int signal = 0, r = decode_signal(vectors[i].name, &signal, &f);

		assert_int_equal(signal, vectors[i].signal);
		assert_int_equal(r, vectors[i].signal ? 0 : -EINVAL);
		assert_true(r == 0 || *f.text);
	}
}

static int allocation_of(const char *text, struct allocation **ret)
{
	_cleanup_json_ json_t *object = NULL;
	struct fail f = { 0 };
	int r = json_parse_object(text, strlen(text), &object, &f);

	return r < 0 ? r : decode_allocation(object, ret, &f);
}

static void test_bad_record_of_an_allocation_is_refused(void **state)
{
	static const char *const bad[] = {
		"{\"cpus\":\"a\"}",
		"{\"cpus\":\"3-1\"}",
		"{\"cpus\":\"0-99999999\"}",
		"{\"nodes\":\"-\"}",
		"{\"cores\":[\"cpu-1\"]}",
		"{\"cores\":[1]}",
		"{\"cores\":[\"core-4294967295\"]}",
		"{\"cores\":[\"core-\"]}",
		"{\"memory_by_node\":[{\"node\":99999999,\"bytes\":1}]}",
		"{\"devices\":[7]}",
		"{\"devices\":[null]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct allocation *a = NULL;

		if (allocation_of(bad[i], &a) >= 0)
			fail_msg("%s was taken", bad[i]);
		assert_null(a);
	}
}

static void test_record_of_an_allocation_may_have_nothing_in_it(void **state)
{
	static const char *const empty[] = {
		"{}",
		"{\"cpus\":7,\"cores\":\"x\",\"shared_cpus\":\"y\",\"devices\":{}}",
		"{\"shared_cpus\":-4}",
		"{\"shared_cpus\":1e300}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		_cleanup_(allocation_freep) struct allocation *a = NULL;

		assert_int_equal(allocation_of(empty[i], &a), 0);
		assert_true(cpuset_empty(a->cpus) && a->shared_millicpus == 0);
		assert_int_equal(a->devices_count + a->memory_count + a->hugepages_count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_request_is_taken_as_it_is),
		cmocka_unit_test(test_empty_request_has_the_defaults),
		cmocka_unit_test(test_shared_cpus_are_thousandths_rounded_up),
		cmocka_unit_test(test_request_survives_its_document),
		cmocka_unit_test(test_bad_request_is_refused_with_a_sentence),
		cmocka_unit_test(test_labels_are_bounded),
		cmocka_unit_test(test_full_task_is_taken_as_it_is),
		cmocka_unit_test(test_bad_task_is_refused_with_a_sentence),
		cmocka_unit_test(test_task_with_a_nic_is_taken_as_it_is),
		cmocka_unit_test(test_nic_that_cannot_be_meant_is_refused),
		cmocka_unit_test(test_too_many_words_are_refused),
		cmocka_unit_test(test_signals_by_name_and_number),
		cmocka_unit_test(test_bad_record_of_an_allocation_is_refused),
		cmocka_unit_test(test_record_of_an_allocation_may_have_nothing_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
