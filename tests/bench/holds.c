/* SPDX-License-Identifier: Apache-2.0 */
/* What the making of a slice spends on each thing that it holds (hold.h), and so on each
 * controller: an agent in this process, whose table of what slices hold is walked here, with a
 * clock. CPU time counts, the kernel's as well: other work of the machine is not in it. What a
 * slice asks for varies, and beside it stands what holds it on this host. */
#include "bench.h"

#include "api.h"
#include "backend.h"
#include "config.h"
#include "decode.h"
#include "hold.h"
#include "manager.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 100000, HOLDS_MAX = 32 };

static struct {
	double take[HOLDS_MAX], give[HOLDS_MAX]; /* CPU microseconds, of the ask at hand */
} spent;

static double cpu_usec(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int hold_take_all(struct slice *s, struct enforcements *rows, struct fail *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && holds[i]; i++) {
		double start = cpu_usec();

		r = holds[i]->take(s, rows, f);
		spent.take[i] += cpu_usec() - start;
		if (r < 0 && f && !f->error)
			fail_set(f, r, "the %s cannot be set: %s", holds[i]->name, strerror(-r));
	}
	return r;
}

static size_t rows_of_table(void)
{
	size_t count = 0;

	while (holds[count])
		count++;
	return count;
}

void hold_give_all(struct slice *s)
{
	for (size_t i = rows_of_table(); i-- > 0;) {
		double start = cpu_usec();

		if (holds[i]->give)
			holds[i]->give(s);
		spent.give[i] += cpu_usec() - start;
	}
}

int hold_left_all(struct slice *s, struct leaks *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && holds[i]; i++) {
		double start = cpu_usec();

		if (holds[i]->left)
			r = holds[i]->left(s, ret);
		spent.give[i] += cpu_usec() - start;
	}
	return r;
}

/* The first is what the others are compared with. Nothing here makes the host grow its pools. */
static struct ask {
	const char *name, *request;
	double take[HOLDS_MAX], give[HOLDS_MAX], create, create_cpu,
		end_cpu; /* sums, microseconds */
	char *held;	 /* what holds it here, or why there is no such slice */
	long count;
} asks[] = {
	{ .name = "memory", .request = "\"memory\":\"4MiB\"" },
	{ .name = "+ processes", .request = "\"memory\":\"4MiB\",\"processes_max\":50" },
	{ .name = "+ high, swap",
	  .request = ("\"memory\":\"4MiB\",\"limits\":{\"memory_high\":\"3MiB\","
		      "\"swap_max\":0}") },
	{ .name = "+ CPU quota", .request = "\"memory\":\"4MiB\",\"limits\":{\"cpus_max\":0.5}" },
	{ .name = "+ disks",
	  .request = ("\"memory\":\"4MiB\",\"limits\":{\"io\":[{\"class\":\"all\","
		      "\"read_bytes_per_second\":\"1GiB\"}]}") },
	{ .name = "+ 2 MiB page",
	  .request = ("\"memory\":\"4MiB\","
		      "\"hugepages\":[{\"size\":\"2MiB\",\"count\":1}]") },
	{ .name = "shared CPUs", .request = "\"shared_cpus\":0.01" },
	{ .name = "a core", .request = "\"cores\":1" },
	{ .name = "+ shared CPUs", .request = "\"cores\":1,\"shared_cpus\":0.01" },
	{ .name = "+ a cache way", .request = "\"cores\":1,\"cache\":{\"l3_ways\":1}" },
};
enum { ASKS = sizeof(asks) / sizeof(*asks) };

struct reply {
	bool come;
	int error;
	char text[512];
};

static void on_reply(json_t *document, const struct fail *why, void *userdata)
{
	struct reply *r = userdata;

	(void)document;
	r->come = true;
	r->error = why ? why->error : 0;
	(void)snprintf(r->text, sizeof(r->text), "%s", why ? why->text : "");
}

static void await(struct manager *m, const struct reply *r)
{
	while (!r->come && sd_event_run(m->loop, UINT64_MAX) >= 0)
		;
}

static void create(struct manager *m, const char *what, struct reply *reply)
{
	_cleanup_json_ json_t *object = NULL;
	static const struct api_caller root = { 0 };
	struct fail f = { 0 };
	struct request request;
	char text[512];

	(void)snprintf(text, sizeof(text), "{\"name\":\"bench\",%s}", what);
	*reply = (struct reply){ 0 };
	request_init(&request);
	if (json_parse_object(text, strlen(text), &object, &f) < 0 ||
	    decode_request(object, &request, &f) < 0) {
		on_reply(NULL, &f, reply);
		return;
	}
	api_slice_create(m->api, &root, &request,
			 (struct api_reply){ .done = on_reply, .userdata = reply });
	await(m, reply);
}

static void end(struct manager *m, struct reply *reply)
{
	static const struct api_caller root = { 0 };

	*reply = (struct reply){ 0 };
	api_slice_delete(m->api, &root, "bench", 0,
			 (struct api_reply){ .done = on_reply, .userdata = reply });
	await(m, reply);
}

/* "cpus by cpuset, partition by nothing (why)" */
static char *held_by(const struct slice *s)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	for (size_t i = 0; i < s->enforced.count; i++) {
		const struct enforcement *row = &s->enforced.items[i];

		buf_format(&b, "%s%s by %s", i ? ", " : "", row->limit,
			   mechanism_to_string(row->mechanism));
		if (row->mechanism == MECHANISM_NONE && row->reason)
			buf_format(&b, " (%s)", row->reason);
	}
	return buf_steal(&b);
}

static void add_spent(struct ask *a)
{
	for (size_t i = 0; holds[i]; i++) {
		a->take[i] += spent.take[i];
		a->give[i] += spent.give[i];
	}
}

/* One that this host refuses is not asked for again. */
static int try_once(struct manager *m, struct ask *a)
{
	double start = bench_now_usec(), cpu = cpu_usec(), middle;
	struct reply reply;

	if (a->count < 0)
		return 0;
	memset(&spent, 0, sizeof(spent));
	create(m, a->request, &reply);
	if (reply.error < 0) {
		a->held = strdup(reply.text);
		a->count = -1;
		return 0;
	}
	middle = cpu_usec();
	a->create += bench_now_usec() - start;
	a->create_cpu += middle - cpu;
	if (!a->held)
		a->held = held_by(manager_slice(m, "bench"));
	end(m, &reply);
	a->end_cpu += cpu_usec() - middle;
	add_spent(a);
	a->count++;
	if (reply.error < 0)
		(void)fprintf(stderr, "holds: %s\n", reply.text);
	return reply.error;
}

static void print_row(const struct ask *a, const double values[HOLDS_MAX], double whole)
{
	double rest = whole;

	printf("%-14s", a->name);
	for (size_t i = 0; holds[i]; i++) {
		printf(" %9.1f", values[i] / (double)a->count);
		rest -= values[i];
	}
	printf(" %9.1f %9.1f\n", rest / (double)a->count, whole / (double)a->count);
}

static void print_head(const char *what)
{
	printf("\n%-14s", what);
	for (size_t i = 0; holds[i]; i++)
		printf(" %9.9s", holds[i]->name);
	printf(" %9s %9s\n", "the rest", "all");
}

static void print(void)
{
	print_head("made, CPU us");
	for (size_t i = 0; i < ASKS; i++)
		if (asks[i].count > 0)
			print_row(&asks[i], asks[i].take, asks[i].create_cpu);
	print_head("ended, CPU us");
	for (size_t i = 0; i < ASKS; i++)
		if (asks[i].count > 0)
			print_row(&asks[i], asks[i].give, asks[i].end_cpu);
	printf("\nwhat holds them on this host\n");
	for (size_t i = 0; i < ASKS; i++)
		printf("%-14s %s%s\n", asks[i].name, asks[i].count > 0 ? "" : "not to be had: ",
		       asks[i].held ? asks[i].held : "");
}

static int set(struct config *c, const char *section, const char *key, const char *value)
{
	struct fail f = { 0 };
	int r = config_set(c, section, key, value, &f);

	if (r < 0)
		(void)fprintf(stderr, "holds: %s\n", f.text);
	return r;
}

/* An agent of its own, which leaves this machine's huge pages as they are. */
static int configure(struct config *c, const char *dir)
{
	static const char *const places[][2] = { { "runtime-dir", "run" },
						 { "state-dir", "state" },
						 { "socket", "run/socket" } };
	int r = config_init(c, NULL);

	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(*places); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, places[i][1]);
		r = set(c, "agent", places[i][0], path);
	}
	if (r == 0)
		r = set(c, "reserve", "cores", "0");
	return r < 0 ? r : set(c, "isolation", "hugepages", "no");
}

static int run(struct manager *m, long rounds)
{
	int r = 0;

	for (long round = -1; r == 0 && round < rounds; round++) {
		for (size_t i = 0; r == 0 && i < ASKS; i++)
			r = try_once(m, &asks[i]);
		for (size_t i = 0; round < 0 && i < ASKS;
		     i++) /* what is made once does not count */
			asks[i] = (struct ask){ .name = asks[i].name,
						.request = asks[i].request,
						.held = asks[i].held,
						.count = asks[i].count < 0 ? -1 : 0 };
	}
	return r;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ .name = "rounds", .has_arg = required_argument, .val = 'n' },
		{ .name = NULL },
	};
	char dir[] = "/tmp/reeve-holds-XXXXXX";
	struct manager *m = NULL;
	struct config config;
	struct fail f = { 0 };
	long rounds = 200;
	int o, r;

	if (rows_of_table() > HOLDS_MAX) {
		(void)fprintf(stderr, "holds: the table has grown beyond %d rows\n", HOLDS_MAX);
		return 2;
	}
	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0)
		rounds = o == 'n' ? strtol(optarg, NULL, 10) : 0;
	if (rounds < 1 || rounds > ROUNDS_MAX || !mkdtemp(dir)) {
		(void)fprintf(stderr, "usage: holds [--rounds N]\n");
		return 2;
	}
	r = configure(&config, dir);
	if (r == 0)
		r = manager_new(&m, &config, &f);
	if (r < 0)
		(void)fprintf(stderr, "holds: %s\n", f.text);
	else
		printf("back end %s, cgroups %s\n", m->backend->name,
		       cg_layout_to_string(m->layout));
	if (r == 0)
		r = run(m, rounds);
	if (r == 0)
		print();
	manager_free(m);
	config_done(&config);
	for (size_t i = 0; i < ASKS; i++)
		free(asks[i].held);
	(void)fs_remove_tree(AT_FDCWD, dir);
	return r < 0;
}
