/* SPDX-License-Identifier: Apache-2.0 */
/* Running plugins: stand-ins that speak the protocol, and such that do not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cni_config.h"
#include "cni_run.h"
#include "scratch.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static const char answer[] =
	"#!/bin/sh\necho \"$CNI_COMMAND $1$(basename $0) $CNI_CONTAINERID "
	"$CNI_IFNAME ${CNI_NETNS:-none} $CNI_ARGS $(cat)\" >>$(dirname $0)/calls\n"
	"echo '{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.0.0.2/8\"}]}'\n";

static const struct {
	const char *name, *script;
	int error;
	const char *sentence; /* part of it; NULL: it works */
} plugins[] = {
	{ "good", answer, 0, NULL },
	{ "deaf", "#!/bin/sh\nexec <&-\necho '{\"cniVersion\":\"1.0.0\"}'\n", 0, NULL },
	{ "daemon", "#!/bin/sh\nsleep 1000 &\necho '{\"cniVersion\":\"1.0.0\"}'\n", 0, NULL },
	{ "error", "#!/bin/sh\necho '{\"code\":11,\"msg\":\"later\"}'; exit 1\n", -EAGAIN,
	  "error: later (CNI error 11)" },
	{ "mute", "#!/bin/sh\nexit 7\n", -EIO, "mute ended with status 7" },
	{ "garbage", "#!/bin/sh\necho '{'\n", -EBADMSG, "garbage: its result cannot be read" },
	{ "silent", "#!/bin/sh\nexit 0\n", -EBADMSG, "silent: its result cannot be read" },
	{ "huge", "#!/bin/sh\nexec head -c 2000000 /dev/zero\n", -EMSGSIZE,
	  "huge wrote more than 1048576 bytes" },
	{ "hang", "#!/bin/sh\nsleep 1000\n", -ETIMEDOUT, "hang did not end within" },
	{ "child", "#!/bin/sh\nsleep 1000 & wait\n", -ETIMEDOUT, "child did not end within" },
	{ "absent", NULL, -ENOENT, "there is no plugin absent in" },
};

struct bench {
	struct scratch s;
	char path[160];
};

static int bench_open(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	scratch_open(&b->s);
	(void)snprintf(b->path, sizeof(b->path), "/nonexistent:%s", b->s.path);
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++)
		if (plugins[i].script) {
			put_file(b->s.fd, plugins[i].name, plugins[i].script);
			assert_int_equal(fchmodat(b->s.fd, plugins[i].name, 0755, 0), 0);
		}
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	scratch_done(&b->s);
	free(b);
	return 0;
}

static json_t *list_of(const char *first, const char *second)
{
	_cleanup_json_ json_t *document =
		json_pack("{s:s,s:s,s:[{s:s},{s:s}]}", "name", "n", "cniVersion", "1.0.0",
			  "plugins", "type", first, "type", second);
	json_t *list = NULL;

	assert_int_equal(cni_config_of(document, &list, NULL), 0);
	return list;
}

static struct cni_job job_of(const struct bench *b, bool add, const json_t *list)
{
	return (struct cni_job){ .add = add,
				 .container = "c",
				 .interface = "eth0",
				 .arguments = "A=B",
				 .netns = "/x",
				 .plugin_path = b->path,
				 .list = list,
				 .limit_usec = 20 * 1000000 };
}

static void test_cni_run_tells_what_a_plugin_did_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++) {
		_cleanup_json_ json_t *list = list_of("good", plugins[i].name), *result = NULL;
		struct cni_job job = job_of(*state, true, list);
		struct fail f = { 0 };
		int r;

		if (plugins[i].error == -ETIMEDOUT)
			job.limit_usec = 1500000;
		r = cni_run(&job, &result, &f);
		if (r != plugins[i].error)
			fail_msg("%s: %d %s", plugins[i].name, r, f.text);
		if (plugins[i].sentence && !strstr(f.text, plugins[i].sentence))
			fail_msg("%s: '%s'", plugins[i].name, f.text);
		assert_true(r < 0 ? !result : result != NULL);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left to us */
	}
}

static void test_cni_run_passes_results_on_and_back(void **state)
{
	_cleanup_json_ json_t *list = list_of("good", "good"), *result = NULL, *nothing = NULL;
	struct bench *b = *state;
	struct cni_job job = job_of(b, true, list);
	struct fail f = { 0 };

	assert_int_equal(cni_run(&job, &result, &f), 0);
	job.add = false;
	job.netns = NULL;
	job.result = result;
	assert_int_equal(cni_run(&job, &nothing, &f), 0);
	assert_null(nothing);
	job.result = NULL;
	assert_int_equal(cni_run(&job, NULL, &f), 0);
#define IN "{\"type\":\"good\",\"cniVersion\":\"1.0.0\",\"name\":\"n\""
#define PREVIOUS ",\"prevResult\":{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.0.0.2/8\"}]}"
	assert_file(b->s.fd, "calls",
		    "ADD good c eth0 /x A=B " IN "}\n"
		    "ADD good c eth0 /x A=B " IN PREVIOUS "}\n"
		    "DEL good c eth0 none A=B " IN PREVIOUS "}\n"
		    "DEL good c eth0 none A=B " IN PREVIOUS "}\n"
		    "DEL good c eth0 none A=B " IN "}\n"
		    "DEL good c eth0 none A=B " IN "}\n");
}

static void test_cni_del_stops_at_the_first_that_fails_and_goes_in_reverse(void **state)
{
	_cleanup_json_ json_t *list = list_of("good", "error");
	struct bench *b = *state;
	struct cni_job job = job_of(b, false, list);
	struct fail f = { 0 };

	assert_int_equal(cni_run(&job, NULL, &f), -EAGAIN);
	assert_int_equal(faccessat(b->s.fd, "calls", F_OK, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cni_run_tells_what_a_plugin_did_wrong,
						bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_cni_run_passes_results_on_and_back, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(
			test_cni_del_stops_at_the_first_that_fails_and_goes_in_reverse, bench_open,
			bench_close),
	};
	(void)signal(SIGPIPE, SIG_IGN); /* as in the agent */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
