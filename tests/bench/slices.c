/* SPDX-License-Identifier: Apache-2.0 */
/* What making a slice costs while others live: with so many live ones, a slice is made (timed) and
 * taken away (timed too), again and again, and the medians are set beside those of the first
 * number. What it asks for is as little as can be, so that any machine has room for a thousand. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ROUNDS_MAX = 100000 };

struct series {
	double *create, *destroy;
	double cpu_usec; /* of the agent, a slice made and taken away */
};

/* Nanoseconds that the agent has run (proc(5), /proc/PID/schedstat): unlike the clock it does not
 * count what else this machine does. 0: the kernel does not tell. */
static double agent_ran_usec(const struct client *c)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	char path[64];
	double nsec = 0;
	FILE *file;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)peer.pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%lf", &nsec) != 1)
		nsec = 0;
	if (file)
		(void)fclose(file);
	return nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int make(const struct client *c, const char *kind, unsigned number)
{
	char body[128];

	(void)snprintf(body, sizeof(body), "{\"name\":\"%s-%u\",\"memory\":\"64KiB\"}", kind,
		       number);
	return client_call(c, "POST", "/v1/slices", body, 201);
}

static int take_away(const struct client *c, const char *kind, unsigned number)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/v1/slices/%s-%u?grace=0s", kind, number);
	return client_call(c, "DELETE", path, "", 204);
}

static int measure(struct client *c, struct series *s, long rounds)
{
	double began = agent_ran_usec(c);
	int r = 0;

	for (long i = 0; r == 0 && i < rounds; i++) {
		double start = bench_now_usec(), middle;

		r = make(c, "passing", ++c->made);
		middle = bench_now_usec();
		if (r == 0)
			r = take_away(c, "passing", c->made);
		s->create[i] = middle - start;
		s->destroy[i] = bench_now_usec() - middle;
	}
	s->cpu_usec = (agent_ran_usec(c) - began) / (double)rounds;
	if (r == 0) {
		qsort(s->create, (size_t)rounds, sizeof(double), compare);
		qsort(s->destroy, (size_t)rounds, sizeof(double), compare);
	}
	return r;
}

/* What is asked for, and so which limits are set and read back. */
static const struct ask {
	const char *name, *request;
} asks[] = {
	{ "memory", "\"memory\":\"64KiB\"" },
	{ "memory, processes", "\"memory\":\"64KiB\",\"processes_max\":50" },
	{ "shared CPUs", "\"shared_cpus\":0.01" },
	{ "a core", "\"cores\":1" },
	{ "a core, memory, processes", "\"cores\":1,\"memory\":\"64KiB\",\"processes_max\":50" },
};
enum { ASKS = sizeof(asks) / sizeof(*asks) };

static int ask_once(struct client *c, const struct ask *ask, double *ret_usec)
{
	char body[256];
	double start;
	int r;

	(void)snprintf(body, sizeof(body), "{\"name\":\"passing-%u\",%s}", ++c->made, ask->request);
	start = bench_now_usec();
	r = client_call(c, "POST", "/v1/slices", body, 201);
	*ret_usec = bench_now_usec() - start;
	return r < 0 ? r : take_away(c, "passing", c->made);
}

static int run_asks(struct client *c, long rounds)
{
	double *samples[ASKS], cpu_usec[ASKS] = { 0 };
	int r = 0;

	for (size_t i = 0; i < ASKS; i++)
		samples[i] = calloc((size_t)rounds, sizeof(double));
	for (long round = 0; r == 0 && round < rounds; round++)
		for (size_t i = 0; r == 0 && i < ASKS; i++) {
			double began = agent_ran_usec(c);

			r = samples[i] ? ask_once(c, &asks[i], &samples[i][round]) : -ENOMEM;
			cpu_usec[i] += agent_ran_usec(c) - began;
		}
	printf("%-26s %10s %9s %15s %9s\n", "asked for", "create ms", "ratio", "agent's CPU ms",
	       "ratio");
	for (size_t i = 0; r == 0 && i < ASKS; i++) {
		qsort(samples[i], (size_t)rounds, sizeof(double), compare);
		printf("%-26s %10.3f %7.2f x %15.3f %7.2f x\n", asks[i].name,
		       samples[i][rounds / 2] / 1e3,
		       samples[i][rounds / 2] / samples[0][rounds / 2],
		       cpu_usec[i] / (double)rounds / 1e3, cpu_usec[i] / cpu_usec[0]);
	}
	for (size_t i = 0; i < ASKS; i++)
		free(samples[i]);
	return r;
}

/* Makes or takes away live ones until there are so many. */
static int fill(const struct client *c, unsigned *live, unsigned wanted)
{
	int r = 0;

	while (r == 0 && *live < wanted)
		r = make(c, "live", ++*live);
	while (r == 0 && *live > wanted)
		r = take_away(c, "live", (*live)--);
	return r;
}

/* The counts in turn, and the first once more at the end: what the machine does meanwhile shows. */
static int run(struct client *c, struct series *s, long rounds, char **counts)
{
	double first[3] = { 0, 0, 0 };
	unsigned live = 0;
	int r = 0;

	printf("%6s %11s %9s %11s %9s %15s %9s\n", "live", "create ms", "ratio", "delete ms",
	       "ratio", "agent's CPU ms", "ratio");
	for (char **count = counts; r == 0 && *count; count++) {
		double create, destroy;

		r = fill(c, &live, (unsigned)strtoul(*count, NULL, 10));
		if (r == 0)
			r = measure(c, s, rounds);
		if (r < 0)
			break;
		create = s->create[rounds / 2] / 1e3;
		destroy = s->destroy[rounds / 2] / 1e3;
		if (count == counts) {
			first[0] = create;
			first[1] = destroy;
			first[2] = s->cpu_usec;
		}
		printf("%6u %11.3f %7.2f x %11.3f %7.2f x %15.3f %7.2f x\n", live, create,
		       create / first[0], destroy, destroy / first[1], s->cpu_usec / 1e3,
		       s->cpu_usec / first[2]);
		(void)fflush(stdout);
	}
	return r < 0 ? r : fill(c, &live, 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ .name = "rounds", .has_arg = required_argument, .val = 'n' },
		{ .name = "socket", .has_arg = required_argument, .val = 's' },
		{ .name = NULL },
	};
	struct client c = { .fd = -1 };
	struct series s;
	long rounds = 200;
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o == 'n')
			rounds = strtol(optarg, NULL, 10);
		else if (o == 's')
			c.socket = optarg;
	}
	if (!c.socket || rounds < 1 || rounds > ROUNDS_MAX) {
		(void)fprintf(stderr, "usage: slices --socket PATH [--rounds N] [LIVE...]\n");
		return 2;
	}
	s = (struct series){ .create = calloc((size_t)rounds, sizeof(double)),
			     .destroy = calloc((size_t)rounds, sizeof(double)) };
	r = s.create && s.destroy ? client_open(&c) : -ENOMEM;
	if (r == 0)
		r = optind == argc ? run_asks(&c, rounds) : run(&c, &s, rounds, argv + optind);
	if (r < 0)
		(void)fprintf(stderr, "slices: %s\n", strerror(-r));
	client_close(&c);
	free(s.create);
	free(s.destroy);
	return r < 0;
}
