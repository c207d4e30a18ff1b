/* SPDX-License-Identifier: Apache-2.0 */
/* Placement beside that of others on the same streams of requests: how many get in, how near to
 * each other is what they get, how many GPUs are free and of no use. A stream is jobs that come one
 * after the other and stay for a while, as many as make the load if all got in; who is refused is
 * gone. All is drawn from a seed, so the table is the same everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/path.h"
#include "model/region.h"
#include "peers.h"
#include "random-machine.h"
#include "servers.h"
#include "util/cleanup.h"

enum { JOBS = 2000, PEERS_ROOM = 8 };

struct job {
	struct request request;
	unsigned ends; /* before the job of this number */
};

static struct request gpu_job(struct random *r)
{
	static const uint32_t gpus[] = { 1, 1, 1, 2, 2, 4, 8 };
	struct request q = { .devices[DEVICE_GPU] = gpus[random_draw(r, ARRAY_SIZE(gpus))] };

	q.cores = q.devices[DEVICE_GPU] * (1 + (uint32_t)random_draw(r, 3));
	if (random_draw(r, 2))
		q.devices[DEVICE_NIC] = (q.devices[DEVICE_GPU] + 1) / 2;
	return q;
}

static struct request cpu_job(struct random *r)
{
	static const uint32_t cores[] = { 1, 1, 2, 2, 4, 4, 8, 12 };

	return (struct request){ .cores = cores[random_draw(r, ARRAY_SIZE(cores))] };
}

static struct request mixed_job(struct random *r)
{
	return random_draw(r, 2) ? gpu_job(r) : cpu_job(r);
}

static const struct mix {
	const char *name;
	struct request (*draw)(struct random *r);
} mixes[] = { { "GPU jobs", gpu_job }, { "CPU jobs", cpu_job }, { "mixed", mixed_job } };

static const struct server {
	const char *name;
	struct inventory *(*make)(void);
} servers[] = {
	{ "2 packages, 16 GPUs, 8 NICs", server_dgx2 },
	{ "2 packages, 4 GPUs, 2 NICs", server_two_sockets },
	{ "8 nodes, 8 GPUs, 4 NICs", server_quarters },
};

static const unsigned loads[] = { 50, 80, 95 }; /* percent */

struct outcome {
	unsigned asked, admitted, with_devices;
	double distance, path, stranded; /* sums */
};

/* The largest part of one resource of the whole machine. */
static double share_of(const struct request *q, const struct resources *all)
{
	double most = (double)q->cores / all->cores;
	double gpus = all->gpus ? (double)q->devices[DEVICE_GPU] / all->gpus : 0;
	double nics = all->nics ? (double)q->devices[DEVICE_NIC] / all->nics : 0;

	most = gpus > most ? gpus : most;
	return nics > most ? nics : most;
}

static bool could_fit(const struct request *q, const struct resources *all)
{
	return q->cores <= all->cores && q->devices[DEVICE_GPU] <= all->gpus &&
	       q->devices[DEVICE_NIC] <= all->nics;
}

/* How long a job stays follows from the load: so many others come while it is there. */
static void make_stream(uint64_t seed, const struct mix *mix, const struct resources *all,
			unsigned load, struct job jobs[JOBS])
{
	struct random r = random_of(seed);
	double sum = 0;

	for (unsigned i = 0; i < JOBS; i++) {
		do
			jobs[i].request = mix->draw(&r);
		while (!could_fit(&jobs[i].request, all));
		sum += share_of(&jobs[i].request, all);
	}
	for (unsigned i = 0; i < JOBS; i++) {
		double stay = load / 100.0 * JOBS / sum; /* in jobs, on average */

		jobs[i].ends =
			i + 1 + (unsigned)(stay * (double)random_draw(&r, 2001) / 1000.0 + 0.5);
	}
}

/* GPUs that are free on a node without a free core. */
static unsigned count_stranded(const struct view *v)
{
	unsigned n = 0;

	inventory_each (gpu, v->inventory, DEVICE_GPU) {
		bool core_near = false;

		inventory_each (core, v->inventory, DEVICE_CORE)
			core_near =
				core_near || (core->node == gpu->node && view_core_free(v, core));
		n += view_device_free(v, gpu) && !core_near;
	}
	return n;
}

/* Over all pairs of its devices, and of each with the nodes of the cores. */
static double mean_path(const struct inventory *inv, const struct allocation *a)
{
	_cleanup_(cpuset_freep) struct cpuset *home = NULL;
	size_t n = a->devices_count;
	double sum = 0;

	assert_int_equal(cpuset_new(&home), 0);
	inventory_each (node, inv, DEVICE_NODE)
		if (cpuset_intersects(node->memory.cpus, a->cpus))
			assert_int_equal(cpuset_add(home, node->memory.number), 0);
	for (size_t i = 0; i < n; i++) {
		const struct device *d = inventory_find(inv, a->devices[i]);

		sum += path_weight(path_to_nodes(inv, d, home));
		for (size_t k = 0; k < i; k++)
			sum += path_weight(
				path_between(inv, d, inventory_find(inv, a->devices[k])));
	}
	return sum / (double)(n * (n + 1) / 2);
}

static void note(const struct inventory *inv, const struct request *q, const struct allocation *a,
		 struct outcome *o)
{
	_cleanup_(cpuset_freep) struct cpuset *used = NULL;

	assert_int_equal(region_used_nodes(inv, a, &used), 0);
	assert_int_equal(cpuset_count(a->cores), q->cores);
	assert_int_equal(a->devices_count, q->devices[DEVICE_GPU] + q->devices[DEVICE_NIC]);
	o->admitted++;
	o->distance += region_spread(inv, used);
	if (a->devices_count == 0)
		return;
	o->with_devices++;
	o->path += mean_path(inv, a);
}

static void leave(struct stage *s, const struct job *jobs, unsigned now)
{
	for (unsigned i = 0; i < now; i++) {
		char name[16];

		if (jobs[i].ends != now)
			continue;
		(void)snprintf(name, sizeof(name), "j%u", i);
		ledger_release(s->ledger, name);
	}
}

static struct outcome play(const struct peer *peer, const struct server *server,
			   const struct job *jobs)
{
	struct outcome o = { 0 };
	struct stage s;

	stage_open(&s, server->make());
	for (unsigned i = 0; i < JOBS; i++) {
		_cleanup_(allocation_freep) struct allocation *a = NULL;
		char name[16];

		leave(&s, jobs, i);
		o.asked++;
		if (peer->place(&s.view, &jobs[i].request, &a) == PLACEMENT_FITS) {
			note(s.inventory, &jobs[i].request, a, &o);
			(void)snprintf(name, sizeof(name), "j%u", i);
			a->slice = strdup(name);
			assert_int_equal(ledger_take(s.ledger, &a), 0);
		}
		o.stranded += count_stranded(&s.view);
	}
	stage_close(&s);
	return o;
}

static double mean(double sum, unsigned count)
{
	return count ? sum / count : 0;
}

static void tell(const struct peer *peer, const struct outcome *o)
{
	print_message("  %-28s %6.1f %%  %6.2f  %6.2f  %6.3f\n", peer->name,
		      100.0 * o->admitted / o->asked, mean(o->distance, o->admitted),
		      mean(o->path, o->with_devices), mean(o->stranded, o->asked));
}

/* Who refuses what is not near is nearer on average; those are held to how many they let in. One
 * stream more or less says little: all are within two in a hundred, and the sums decide. */
static bool is_choosy(const struct peer *peer)
{
	return peer->place == peer_kubernetes_restricted ||
	       peer->place == peer_kubernetes_single_node;
}

static void judge(const struct outcome *ours, const struct peer *peer, const struct outcome *theirs)
{
	assert_true(ours->admitted * 100 >= theirs->admitted * 98);
	if (!is_choosy(peer))
		assert_true(mean(ours->path, ours->with_devices) <=
			    mean(theirs->path, theirs->with_devices) * 1.02);
}

static void add(struct outcome *to, const struct outcome *o)
{
	to->asked += o->asked;
	to->admitted += o->admitted;
	to->with_devices += o->with_devices;
	to->distance += o->distance;
	to->path += o->path;
	to->stranded += o->stranded;
}

static void judge_sums(const struct outcome sums[PEERS_ROOM])
{
	for (size_t i = 1; i < peers_count; i++) {
		assert_true(sums[0].admitted >= sums[i].admitted);
		if (is_choosy(&peers[i]))
			continue;
		assert_true(mean(sums[0].path, sums[0].with_devices) <
			    mean(sums[i].path, sums[i].with_devices));
		assert_true(mean(sums[0].distance, sums[0].admitted) <
			    mean(sums[i].distance, sums[i].admitted));
	}
}

static void compare(const struct server *server, const struct mix *mix, unsigned load,
		    struct outcome sums[PEERS_ROOM])
{
	static struct job jobs[JOBS];
	struct outcome outcomes[PEERS_ROOM];
	struct resources all;
	struct stage s;

	stage_open(&s, server->make());
	view_free(&s.view, &all);
	stage_close(&s);
	make_stream(load, mix, &all, load, jobs);
	print_message("%s, %s, load %u %%:\n  %-28s %8s  %6s  %6s  %6s\n", server->name, mix->name,
		      load, "", "admitted", "NUMA", "PCIe", "stranded");
	assert_true(peers_count <= PEERS_ROOM);
	for (size_t i = 0; i < peers_count; i++) {
		outcomes[i] = play(&peers[i], server, jobs);
		tell(&peers[i], &outcomes[i]);
		judge(&outcomes[0], &peers[i], &outcomes[i]);
		add(&sums[i], &outcomes[i]);
	}
}

static void test_placement_beside_that_of_others(void **state)
{
	struct outcome sums[PEERS_ROOM] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		for (size_t k = 0; k < ARRAY_SIZE(mixes); k++)
			for (size_t n = 0; n < ARRAY_SIZE(loads); n++)
				compare(&servers[i], &mixes[k], loads[n], sums);
	print_message("all of it:\n");
	for (size_t i = 0; i < peers_count; i++)
		tell(&peers[i], &sums[i]);
	judge_sums(sums);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placement_beside_that_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
