/* SPDX-License-Identifier: Apache-2.0 */
/* What making a slice costs while others live: with so many live ones, a slice is made (timed) and
 * taken away (timed too), and beside it a cgroup with a process in it by the kernel alone, again
 * and again. The numbers of live ones take turns, there and back, so that the machine's noise hits
 * all of them; medians are set beside those of the first number. What is asked for is as little as
 * can be, so that any machine has room for a thousand. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ROUNDS_MAX = 100000, SWEEPS = 4, COUNTS_MAX = 16 };

/* What was measured with so many live ones. */
struct population {
	unsigned live;
	double *create, *destroy, *floor_create, *floor_destroy; /* microseconds */
	long count;
	double cpu_usec; /* of the agent, over all */
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

	(void)snprintf(body, sizeof(body), "{\"name\":\"%s-%u\",\"memory\":\"2MiB\"}", kind,
		       number);
	return client_call(c, "POST", "/v1/slices", body, 201);
}

static int take_away(const struct client *c, const char *kind, unsigned number)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/v1/slices/%s-%u?grace=0s", kind, number);
	return client_call(c, "DELETE", path, "", 204);
}

static int measure_agent(struct client *c, struct population *p)
{
	double start = bench_now_usec(), middle;
	int r = make(c, "passing", ++c->made);

	middle = bench_now_usec();
	if (r == 0)
		r = take_away(c, "passing", c->made);
	p->create[p->count] = middle - start;
	p->destroy[p->count] = bench_now_usec() - middle;
	return r;
}

static int measure_floor(struct floor *f, struct population *p)
{
	double start = bench_now_usec(), middle;
	struct floor_slice s;
	int r = floor_slice_make(f, &s);

	middle = bench_now_usec();
	if (r == 0)
		r = floor_slice_end(&s);
	p->floor_create[p->count] = middle - start;
	p->floor_destroy[p->count] = bench_now_usec() - middle;
	return r;
}

static int measure(struct client *c, struct floor *f, struct population *p, long rounds)
{
	int r = 0;

	for (long i = 0; r == 0 && i < rounds; i++) {
		double began = agent_ran_usec(c);

		r = measure_agent(c, p);
		p->cpu_usec += agent_ran_usec(c) - began;
		if (r == 0)
			r = measure_floor(f, p);
		p->count++;
	}
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

/* The folder in which the agent makes the cgroups of its slices: the floor has the same siblings.
 */
static int find_folder(const struct client *c, struct floor *f)
{
	static const char key[] = "\"cgroup\":\"";
	char text[1 << 16], path[128], *cgroup, *end;
	int r;

	r = make(c, "live", 0);
	(void)snprintf(path, sizeof(path), "/v1/slices/live-0");
	if (r == 0)
		r = client_read(c, path, text, sizeof(text));
	if (r == 0)
		r = take_away(c, "live", 0);
	cgroup = r == 0 ? strstr(text, key) : NULL;
	if (!cgroup) /* the back end without cgroups */
		return r;
	r = floor_find_cgroup(f);
	if (r < 0)
		return r;
	cgroup += strlen(key);
	*strchr(cgroup, '"') = 0;
	end = strstr(cgroup, ".scope") ? strstr(cgroup, "/reeve-") : strrchr(cgroup, '/');
	if (!end || strlen(f->cgroup) + (size_t)(end - cgroup) >= sizeof(f->cgroup))
		return -EBADMSG;
	(void)strncat(f->cgroup, cgroup, (size_t)(end - cgroup));
	f->into_cgroup = true;
	return 0;
}

static int sweep(struct client *c, struct floor *f, struct population *all, size_t count,
		 long rounds)
{
	unsigned live = 0;
	int r = 0;

	for (size_t turn = 0; turn < SWEEPS; turn++)
		for (size_t i = 0; r == 0 && i < count; i++) {
			struct population *p = &all[turn % 2 ? count - 1 - i : i];

			r = fill(c, &live, p->live);
			if (r == 0)
				r = measure(c, f, p, rounds / SWEEPS);
		}
	return r < 0 ? r : fill(c, &live, 0);
}

static double median(double *samples, long count)
{
	qsort(samples, (size_t)count, sizeof(double), compare);
	return samples[count / 2] / 1e3;
}

enum column { CREATE, FLOOR, OVER, DESTROY, FLOOR_DESTROY, CPU, COLUMNS };

static void sum_up(struct population *p, double ret[COLUMNS])
{
	ret[CREATE] = median(p->create, p->count);
	ret[FLOOR] = median(p->floor_create, p->count);
	ret[OVER] = ret[CREATE] - ret[FLOOR];
	ret[DESTROY] = median(p->destroy, p->count);
	ret[FLOOR_DESTROY] = median(p->floor_destroy, p->count);
	ret[CPU] = p->cpu_usec / (double)p->count / 1e3;
}

/* Milliseconds, and how they stand to those of the first number. */
static void print(struct population *all, size_t count)
{
	static const char *const names[COLUMNS] = { "made",	  "its floor",	"over it",
						    "taken away", "that floor", "agent's CPU" };
	double first[COLUMNS] = { 0 }, now[COLUMNS];

	printf("%5s", "live");
	for (size_t k = 0; k < COLUMNS; k++)
		printf("  %-17s", names[k]);
	for (size_t i = 0; i < count; i++) {
		sum_up(&all[i], now);
		if (i == 0)
			memcpy(first, now, sizeof(first));
		printf("\n%5u", all[i].live);
		for (size_t k = 0; k < COLUMNS; k++)
			printf("  %8.3f %6.2f x", now[k], now[k] / first[k]);
	}
	printf("\n");
}

static void population_done(struct population *p)
{
	free(p->create);
	free(p->destroy);
	free(p->floor_create);
	free(p->floor_destroy);
}

static int population_init(struct population *p, const char *live, long rounds)
{
	double **samples[] = { &p->create, &p->destroy, &p->floor_create, &p->floor_destroy };

	*p = (struct population){ .live = (unsigned)strtoul(live, NULL, 10) };
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		*samples[i] = calloc((size_t)rounds, sizeof(double));
		if (!*samples[i])
			return -ENOMEM;
	}
	return 0;
}

static int run(struct client *c, long rounds, char **counts)
{
	struct population all[COUNTS_MAX] = { 0 };
	struct floor f = { 0 };
	size_t count = 0;
	int r = find_folder(c, &f);

	while (r == 0 && counts[count] && count < COUNTS_MAX) {
		r = population_init(&all[count], counts[count], rounds);
		count++;
	}
	if (r == 0)
		r = sweep(c, &f, all, count, rounds);
	if (r == 0)
		print(all, count);
	while (count > 0)
		population_done(&all[--count]);
	return r;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ .name = "rounds", .has_arg = required_argument, .val = 'n' },
		{ .name = "socket", .has_arg = required_argument, .val = 's' },
		{ .name = NULL },
	};
	struct client c = { .fd = -1 };
	long rounds = 200;
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o == 'n')
			rounds = strtol(optarg, NULL, 10);
		else if (o == 's')
			c.socket = optarg;
	}
	if (!c.socket || rounds < SWEEPS || rounds > ROUNDS_MAX || optind == argc) {
		(void)fprintf(stderr, "usage: slices --socket PATH [--rounds N] LIVE...\n");
		return 2;
	}
	r = client_open(&c);
	if (r == 0)
		r = run(&c, rounds, argv + optind);
	if (r < 0)
		(void)fprintf(stderr, "slices: %s\n", strerror(-r));
	client_close(&c);
	return r < 0;
}
