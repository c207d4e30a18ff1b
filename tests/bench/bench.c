/* SPDX-License-Identifier: Apache-2.0 */
/* Measures kinds of doing the same in turn, round by round, and prints one table with ratios. What
 * is measured is said on the command line by the runner beside it (tests/bench/run), which prepares
 * the agent, the bundle and the mounts. It decides nothing: reading the ratios is for people. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KINDS_MAX = 12, WORDS_MAX = 32, ROUNDS_MAX = 100000 };

struct bench {
	struct kind kinds[KINDS_MAX];
	size_t count;
	long rounds;
	struct floor floor, plain;
	struct client slices, tasks;
	struct spawn spawns[KINDS_MAX];
	char *words[KINDS_MAX][WORDS_MAX];
	const char *socket;
};

static struct kind *add(struct bench *b, const struct kind *kind)
{
	if (b->count == KINDS_MAX) {
		(void)fprintf(stderr, "bench: at most %d kinds\n", KINDS_MAX);
		exit(2);
	}
	b->kinds[b->count] = *kind;
	b->kinds[b->count].samples = calloc((size_t)b->rounds, sizeof(double));
	if (!b->kinds[b->count].samples) {
		(void)fprintf(stderr, "bench: out of memory\n");
		exit(2);
	}
	return &b->kinds[b->count++];
}

/* "NAME:AGAINST:program word word": split at blanks, which is enough for a benchmark. */
static void add_spawn(struct bench *b, char *text)
{
	struct spawn *s = &b->spawns[b->count];
	char **words = b->words[b->count];
	char *name = strsep(&text, ":"), *against = strsep(&text, ":"), *rest = NULL;
	size_t n = 0;

	for (char *word = strtok_r(text, " ", &rest); word && n < WORDS_MAX - 1;
	     word = strtok_r(NULL, " ", &rest))
		words[n++] = word;
	if (n == 0) {
		(void)fprintf(stderr, "bench: --spawn wants NAME:AGAINST:COMMAND\n");
		exit(2);
	}
	s->argv = words;
	add(b, &(struct kind){ .name = name,
			       .legend = words[0],
			       .once = spawn_once,
			       .userdata = s,
			       .against = against && *against ? against : NULL });
}

static void add_floor(struct bench *b, const char *program)
{
	b->plain = (struct floor){ .program = program };
	b->floor = (struct floor){ .program = program, .into_cgroup = true };
	add(b, &(struct kind){ .name = "fork+exec",
			       .legend = "clone3, exec, waitid",
			       .once = floor_once,
			       .userdata = &b->plain,
			       .against = "floor" });
	add(b, &(struct kind){ .name = "floor",
			       .legend = "mkdir, clone3 into the cgroup, exec, waitid, rmdir",
			       .once = floor_once,
			       .userdata = &b->floor,
			       .error = floor_find_cgroup(&b->floor) });
}

static void add_agent(struct bench *b, const char *program)
{
	int r;

	b->slices = (struct client){ .socket = b->socket, .program = program, .fd = -1 };
	b->tasks = b->slices;
	r = client_open(&b->slices);
	if (r == 0)
		r = client_open(&b->tasks);
	add(b, &(struct kind){ .name = "exchange",
			       .legend = "one GET of the agent",
			       .once = client_ping_once,
			       .userdata = &b->slices,
			       .against = "floor",
			       .error = r });
	add(b, &(struct kind){ .name = "slice+task",
			       .legend = "carve, start, its end, give back",
			       .once = client_slice_once,
			       .userdata = &b->slices,
			       .against = "floor",
			       .error = r });
	if (r == 0)
		r = client_hold(&b->tasks);
	add(b, &(struct kind){ .name = "second task",
			       .legend = "start, its end, in a slice that is there",
			       .once = client_task_once,
			       .userdata = &b->tasks,
			       .against = "floor",
			       .error = r });
}

static void measure(struct bench *b)
{
	for (long round = 0; round < b->rounds; round++)
		for (size_t i = 0; i < b->count; i++) {
			struct kind *k = &b->kinds[i];
			double usec = 0;

			if (k->error == 0)
				k->error = k->once(k->userdata, &usec);
			if (k->error == 0)
				k->samples[k->count++] = usec;
		}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double part(const struct kind *k, double fraction) /* of the sorted samples */
{
	return k->samples[(size_t)((double)(k->count - 1) * fraction)];
}

static const struct kind *find(const struct bench *b, const char *name)
{
	for (size_t i = 0; name && i < b->count; i++)
		if (strcmp(b->kinds[i].name, name) == 0 && b->kinds[i].count > 0)
			return &b->kinds[i];
	return NULL;
}

static int print(struct bench *b)
{
	int failed = 0;

	for (size_t i = 0; i < b->count; i++)
		qsort(b->kinds[i].samples, b->kinds[i].count, sizeof(double), compare);
	for (size_t i = 0; i < b->count; i++) {
		const struct kind *k = &b->kinds[i], *other = find(b, k->against);

		if (k->error < 0 || k->count == 0) {
			printf("%-14s %6zu  not measured: %s\n", k->name, k->count,
			       k->error ? strerror(-k->error) : "no rounds");
			failed = 1;
			continue;
		}
		printf("%-14s %6zu %10.3f %10.3f", k->name, k->count, part(k, 0.5) / 1e3,
		       part(k, 0.9) / 1e3);
		if (other)
			printf("  %6.2f x %-10s", part(k, 0.5) / part(other, 0.5), other->name);
		else
			printf("  %-19s", "");
		printf("  %s\n", k->legend);
	}
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ .name = "rounds", .has_arg = required_argument, .val = 'n' },
		{ .name = "program", .has_arg = required_argument, .val = 'p' },
		{ .name = "socket", .has_arg = required_argument, .val = 's' },
		{ .name = "floor", .has_arg = no_argument, .val = 'f' },
		{ .name = "spawn", .has_arg = required_argument, .val = 'c' },
		{ .name = NULL },
	};
	struct bench b = { .rounds = 200 };
	const char *program = "/bin/true";
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o == 'n')
			b.rounds = strtol(optarg, NULL, 10);
		else if (o == 'p')
			program = optarg;
		else if (o == 'f')
			add_floor(&b, program);
		else if (o == 'c')
			add_spawn(&b, optarg);
		else if (o == 's')
			b.socket = optarg;
		if (o == '?' || b.rounds < 1 || b.rounds > ROUNDS_MAX)
			return 2;
	}
	if (b.socket)
		add_agent(&b, program);
	measure(&b);
	if (b.socket)
		client_release(&b.tasks);
	client_close(&b.slices);
	client_close(&b.tasks);
	return print(&b);
}
