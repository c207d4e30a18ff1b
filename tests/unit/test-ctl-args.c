/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: options in any order, commands left alone, requests as the API wants them. */
#include "ctl-fixture.h"
#include "ctl/args.h"
#include "ctl/request.h"
#include "ctl/verb.h"

#include <errno.h>

static const struct option_row *const request_sets[] = { global_options, slice_request_options,
							 slice_limits_options, task_request_options,
							 NULL };

static int parse(struct args *a, char **argv, int words, struct fail *f)
{
	return args_parse(a, argv, request_sets, words, f);
}

#define ARGV(...) ((char *[]){ (char[]){ "x" }, __VA_ARGS__, NULL })
#define W(text) ((char[]){ text })

static void test_options_and_words_may_be_mixed(void **state)
{
	struct args a = { 0 };
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(parse(&a,
			       ARGV(W("one"), W("--cores"), W("2"), W("two"), W("-ojson"), W("--"),
				    W("--cores")),
			       ARGS_ALL_WORDS, &f),
			 0);
	assert_int_equal(a.words_count, 3);
	assert_string_equal(a.words[0], "one");
	assert_string_equal(a.words[1], "two");
	assert_string_equal(a.words[2], "--cores");
	assert_string_equal(args_value(&a, "cores"), "2");
	assert_string_equal(args_value(&a, "output"), "json");
	assert_null(args_value(&a, "memory"));
	args_done(&a);
}

static void test_a_command_keeps_its_own_options(void **state)
{
	struct args a = { 0 };

	(void)state;
	assert_int_equal(
		parse(&a, ARGV(W("--cores=2"), W("stress"), W("--cores"), W("9"), W("--"), W("-h")),
		      0, NULL),
		0);
	assert_int_equal(a.words_count, 5);
	assert_string_equal(a.words[1], "--cores");
	assert_string_equal(a.words[3], "--");
	assert_string_equal(args_value(&a, "cores"), "2");
	args_done(&a);
	/* one word, then options, then a command */
	assert_int_equal(
		parse(&a, ARGV(W("slice"), W("--user"), W("bob"), W("ls"), W("-l")), 1, NULL), 0);
	assert_int_equal(a.words_count, 3);
	assert_string_equal(a.words[2], "-l");
	assert_string_equal(args_value(&a, "user"), "bob");
	args_done(&a);
	/* a value that looks like the end of options */
	assert_int_equal(parse(&a, ARGV(W("--owner"), W("--"), W("ls")), 0, NULL), 0);
	assert_string_equal(args_value(&a, "owner"), "--");
	assert_int_equal(a.words_count, 1);
	args_done(&a);
}

static void test_wrong_options_get_a_sentence(void **state)
{
	static const struct {
		const char *word, *sentence;
	} vectors[] = {
		{ "--nonsense", "there is no option '--nonsense', or it is ambiguous" },
		{ "--cores", "option '--cores' needs a value" },
		{ "-Q", "there is no option '-Q'" },
		{ "--help=yes", "option '--help' takes no value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char word[32], name[] = "x", *argv[] = { name, word, NULL };
		struct args a = { 0 };
		struct fail f = { 0 };

		strcpy(word, vectors[i].word);
		assert_int_equal(parse(&a, argv, ARGS_ALL_WORDS, &f), -EINVAL);
		assert_string_equal(f.text, vectors[i].sentence);
	}
}

static json_t *build(char **argv, const struct option_row *table, struct fail *f)
{
	struct args a = { 0 };
	json_t *body = NULL;

	assert_int_equal(parse(&a, argv, ARGS_ALL_WORDS, f), 0);
	(void)request_build(&a, SETS(table, slice_limits_options), &body,
			    f); /* the sentence and the document tell */
	args_done(&a);
	return body;
}

static void assert_builds(char **argv, const struct option_row *table, const char *expected)
{
	json_t *wanted = fixture_json(expected);
	struct fail f = { 0 };
	json_t *body = build(argv, table, &f);

	if (!json_equal(body, wanted))
		fail_msg("%s: got %s", expected, body ? json_dumps(body, 0) : f.text);
	json_decref(wanted);
	json_decref(body);
}

static void test_requests_are_what_the_api_wants(void **state)
{
	(void)state;
	assert_builds(ARGV(W("-c2"), W("-m"), W("1.5GiB"), W("--name=t"), W("--align-required"),
			   W("--align=package"), W("--shared-cpus=0.5"), W("--processes=9"),
			   W("--revocable"), W("--wait=90s")),
		      slice_request_options,
		      "{\"cores\":2,\"memory\":1610612736,\"name\":\"t\",\"align_required\":true,"
		      "\"align\":\"package\",\"shared_cpus\":0.5,\"processes_max\":9,\"revocable\":"
		      "true,\"wait\":\"90s\"}");
	assert_builds(
		ARGV(W("--gpus=2"), W("--device=disk"), W("--device"), W("nic:3"),
		     W("--hugepages=2MiB:8"), W("--hugepages=1GiB:1")),
		slice_request_options,
		"{\"devices\":[{\"class\":\"gpu\",\"count\":2},{\"class\":\"disk\",\"count\":1},"
		"{\"class\":\"nic\",\"count\":3}],\"hugepages\":[{\"size\":\"2MiB\",\"count\":8},"
		"{\"size\":\"1GiB\",\"count\":1}]}");
	assert_builds(ARGV(W("-la=b"), W("--label"), W("c=d=e"), W("-eX="), W("--task-name=n")),
		      slice_request_options, "{\"labels\":{\"a\":\"b\",\"c\":\"d=e\"}}");
	assert_builds(
		ARGV(W("-eX="), W("--limit=nofile=5:6"), W("--limit=core=0"), W("--grace=5s"),
		     W("--restart=always"), W("--restarts-max=3"), W("--stdout=null")),
		task_request_options,
		"{\"env\":{\"X\":\"\"},\"limits\":{\"nofile\":{\"soft\":5,\"hard\":6},\"core\":0},"
		"\"kill_grace\":\"5s\",\"restart\":\"always\",\"restarts_max\":3,"
		"\"stdout\":\"null\"}");
	assert_builds(ARGV(W("--network=cni:lab")), task_request_options,
		      "{\"network\":{\"cni\":\"lab\"}}");
	assert_builds(ARGV(W("--network=nic:nic-ens1")), task_request_options,
		      "{\"network\":{\"nic\":\"nic-ens1\"}}");
	assert_builds(ARGV(W("--network=nic:nic-e,interface=net1,address=192.0.2.2/24,"
			     "address=2001:db8::2/64,gateway=192.0.2.1")),
		      task_request_options,
		      "{\"network\":{\"nic\":\"nic-e\",\"interface\":\"net1\",\"addresses\":["
		      "\"192.0.2.2/24\",\"2001:db8::2/64\"],\"gateways\":[\"192.0.2.1\"]}}");
	assert_builds(
		ARGV(W("--cpus-max=1.5"), W("--burst=5ms"), W("--memory-high=1KiB"),
		     W("--swap-max=0"), W("--io=disk-sda,read=1MiB,reads=5,latency=2ms"),
		     W("--io=all,weight=7"), W("--rdma=mlx5_0,handles=2,objects=3"),
		     W("--misc=sev=4"), W("--misc=sev_es=0"),
		     W("--device-memory=drm/0000:03:00.0/vram0,max=1GiB,low=0"),
		     W("--partition=root")),
		slice_request_options,
		"{\"limits\":{\"cpus_max\":1.5,\"burst\":\"5ms\",\"memory_high\":1024,"
		"\"swap_max\":0,\"io\":[{\"disk\":\"disk-sda\",\"read_bytes_per_second\":1048576,"
		"\"read_operations_per_second\":5,\"latency\":\"2ms\"},{\"class\":\"all\","
		"\"weight\":7}],\"rdma\":[{\"device\":\"mlx5_0\",\"handles\":2,\"objects\":3}],"
		"\"misc\":{\"sev\":4,\"sev_es\":0},\"device_memory\":[{\"region\":"
		"\"drm/0000:03:00.0/vram0\",\"max\":1073741824,\"low\":0}]},"
		"\"partition\":\"root\"}");
	assert_builds(ARGV(W("--oom=single"), W("--memory-policy=weighted-interleave"),
			   W("--cpus=shared")),
		      task_request_options,
		      "{\"oom\":\"single\",\"memory_policy\":\"weighted-interleave\","
		      "\"cpus\":\"shared\"}");
	assert_builds(ARGV(W("--cache-ways=3"), W("--memory-bandwidth=50"), W("--cache=8MiB")),
		      slice_request_options,
		      "{\"cache\":{\"l3_ways\":3,\"memory_bandwidth_percent\":50,"
		      "\"l3_bytes\":8388608}}");
	assert_builds(ARGV(W("word")), slice_request_options, "{}");
	assert_builds(ARGV(W("--io=none"), W("--burst=none"), W("--misc=sev=none"), W("--misc=a=1"),
			   W("--rdma=none"), W("--rdma=x,handles=1")),
		      slice_resize_options,
		      "{\"limits\":{\"io\":null,\"burst\":null,\"misc\":{\"sev\":null,\"a\":1},"
		      "\"rdma\":[{\"device\":\"x\",\"handles\":1}]}}");
}

static void test_resizing_is_what_the_api_wants(void **state)
{
	static const struct option_row *const sets[] = { slice_resize_options, NULL };
	char **argv = ARGV(W("--cores=1"), W("--keep-cpus=0-3"), W("--keep-device=gpu-0"),
			   W("--keep-device=nic-1"), W("--grace=5s"));
	json_t *wanted = fixture_json("{\"cores\":1,\"grace\":\"5s\",\"keep\":{\"cpus\":\"0-3\","
				      "\"devices\":[\"gpu-0\",\"nic-1\"]}}");
	struct args a = { 0 };
	json_t *body = NULL;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(args_parse(&a, argv, sets, ARGS_ALL_WORDS, &f), 0);
	assert_int_equal(request_build(&a, SETS(slice_resize_options), &body, &f), 0);
	assert_true(json_equal(body, wanted));
	args_done(&a);
	json_decref(body);
	json_decref(wanted);
}

static void test_values_of_the_wrong_form_are_refused_by_name(void **state)
{
	static const char *const wrong[] = {
		"--cores=-1",
		"--cores=two",
		"--cores=99999999999999999999",
		"--cores=",
		"--shared-cpus=1e3",
		"--shared-cpus=.5",
		"--shared-cpus=1.",
		"--shared-cpus=nan",
		"--memory=lots",
		"--memory=16EiB",
		"--hugepages=2MiB",
		"--hugepages=:4",
		"--gpus=x",
		"--device=tpu",
		"--device=gpu:x",
		"--align=left",
		"--align=node,package",
		"--label=x",
		"--label==x",
		"--owner=\xff",
		"--env=A=\xff",
		"--io=",
		"--io=,read=1",
		"--io=disk-sda,read",
		"--io=disk-sda,speed=1",
		"--io=disk-sda,read=lots",
		"--io=all,latency=soon",
		"--rdma=mlx5_0,read=1",
		"--misc=sev",
		"--misc==1",
		"--misc=sev=many",
		"--device-memory=r,max=x",
		"--cache-ways=some",
		"--cache=9EiB",
		"--memory-bandwidth=50%",
		"--cpus-max=all",
		"--partition=member",
		"--network=lab",
		"--network=cni:",
		"--network=cni:\xff",
		"--network=nic:",
		"--network=nic:nic-e,",
		"--network=nic:nic-e,mtu=1",
		"--network=nic:nic-e,address=",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char word[64], name[] = "x", *argv[] = { name, word, NULL };
		struct fail f = { 0 };
		const struct option_row *table =
			strstr(wrong[i], "--env") || strstr(wrong[i], "--network")
				? task_request_options
				: slice_request_options;

		strcpy(word, wrong[i]);
		if (build(argv, table, &f))
			fail_msg("%s was taken", wrong[i]);
		assert_int_equal(strncmp(f.text, wrong[i], strcspn(wrong[i], "=")), 0);
	}
}

static void test_verbs_are_found_by_their_longest_name(void **state)
{
	char *create[] = { W("slice"), W("create"), W("x"), NULL };
	char *half[] = { W("slice"), NULL }, *none[] = { W("slic"), NULL };
	unsigned words;

	(void)state;
	assert_string_equal(verb_find(create, &words)->name, "slice create");
	assert_int_equal(words, 2);
	assert_null(verb_find(half, &words));
	assert_null(verb_find(none, &words));
}

static void test_every_verb_has_help_and_its_options_in_it(void **state)
{
	(void)state;
	for (const struct verb *v = verbs; v->name; v++) {
		struct buf b = { 0 };

		verb_help(&b, v);
		assert_non_null(strstr(b.data, v->name));
		for (const struct option_row *const *set = v->options; set && *set; set++)
			for (const struct option_row *row = *set; row->name; row++) {
				char option[64];

				(void)snprintf(option, sizeof(option), "--%s", row->name);
				assert_non_null(strstr(b.data, option));
				assert_true(row->help && *row->help);
			}
		buf_done(&b);
	}
}

static void check_manual(const char *page, const struct option_row *row)
{
	char entry[64];

	(void)snprintf(entry, sizeof(entry), "Fl -%s", row->name);
	if (!strstr(page, entry))
		fail_msg("reevectl.1 lacks --%s", row->name);
}

/* The manual page is the other place where an option must be found. */
static void test_every_option_and_verb_is_in_the_manual(void **state)
{
	_cleanup_free_ char *page = NULL;
	char path[4096];

	(void)state;
	fixture_path(path, sizeof(path), "../../../man/reevectl.1");
	assert_int_equal(fs_read(AT_FDCWD, path, 1 << 20, &page, NULL), 0);
	for (const struct verb *v = verbs; v->name; v++) {
		if (!v->hidden && !strstr(page, v->name))
			fail_msg("reevectl.1 lacks the verb %s", v->name);
		for (const struct option_row *const *set = v->options; set && *set; set++)
			for (const struct option_row *row = *set; row->name; row++)
				check_manual(page, row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_and_words_may_be_mixed),
		cmocka_unit_test(test_a_command_keeps_its_own_options),
		cmocka_unit_test(test_wrong_options_get_a_sentence),
		cmocka_unit_test(test_requests_are_what_the_api_wants),
		cmocka_unit_test(test_resizing_is_what_the_api_wants),
		cmocka_unit_test(test_values_of_the_wrong_form_are_refused_by_name),
		cmocka_unit_test(test_verbs_are_found_by_their_longest_name),
		cmocka_unit_test(test_every_verb_has_help_and_its_options_in_it),
		cmocka_unit_test(test_every_option_and_verb_is_in_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
