/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to everything in a cgroup and below, and the freezer. cgroup.kill does it at once where
 * the kernel has it; otherwise rounds of "read cgroup.procs, signal who is new" until a round finds
 * no one new. It waits for nobody to die. */
#include "cgroups/tree.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

enum {
	DEPTH_LIMIT = 32,
	/* A process with SIGKILL pending cannot fork any more (copy_process() gives up), so each
	 * round shrinks what is left: a fork bomb loses in a handful. */
	KILL_ROUNDS = 256,
	/* Other signals do not stop anyone from forking: what is born meanwhile may go without. */
	SIGNAL_ROUNDS = 4,
	/* pidfds held at a time. */
	BATCH = 64,
};

struct round {
	int signal;
	pid_t *done; /* signalled already, sorted up to done_sorted */
	size_t done_count, done_sorted;
	size_t fresh; /* of this round */
	int error;    /* the first that is not about a process being gone */
};

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static bool has_pid(const pid_t *pids, size_t count, pid_t pid)
{
	return count > 0 && bsearch(&pid, pids, count, sizeof(*pids), compare_pids);
}

static int read_sorted(int cgroup, pid_t **ret, size_t *ret_count)
{
	int r = cg_pids(cgroup, ret, ret_count);

	if (r == 0 && *ret_count > 1)
		qsort(*ret, *ret_count, sizeof(**ret), compare_pids);
	return r;
}

static void note_error(struct round *round, int error)
{
	if (error < 0 && error != -ESRCH && round->error == 0)
		round->error = error;
}

static int note_done(struct round *round, pid_t pid)
{
	pid_t *grown = reallocarray(round->done, round->done_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	round->done = grown;
	grown[round->done_count++] = pid;
	round->fresh++;
	return 0;
}

/* Between reading a number and using it the process may end and the number go to a stranger. A
 * pidfd pins it: who still stands in the file after it was opened is who was meant. */
static int signal_batch(int cgroup, const pid_t *pids, size_t count, struct round *round)
{
	_cleanup_free_ pid_t *still = NULL;
	size_t still_count = 0;
	int fds[BATCH], r;

	for (size_t i = 0; i < count; i++) {
		fds[i] = pidfd_open(pids[i], 0);
		if (fds[i] < 0)
			note_error(round, -errno);
	}
	r = read_sorted(cgroup, &still, &still_count);
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0 && r == 0 && has_pid(still, still_count, pids[i])) {
			if (pidfd_send_signal(fds[i], round->signal, NULL, 0) < 0)
				note_error(round, -errno);
			r = note_done(round, pids[i]);
		}
		close_fd(fds[i]);
	}
	return r;
}

/* Removed meanwhile: a path below it is not found, an open file has no device. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

static int signal_one(int cgroup, struct round *round)
{
	_cleanup_free_ pid_t *pids = NULL;
	pid_t batch[BATCH];
	size_t count, used = 0;
	int r = cg_pids(cgroup, &pids, &count);

	/* A threaded cgroup has no cgroup.procs of its own: its processes are listed at the root
	 * of the threaded subtree. */
	if (r == -EOPNOTSUPP || is_gone(r))
		return 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (has_pid(round->done, round->done_sorted, pids[i]))
			continue;
		batch[used++] = pids[i];
		if (used < BATCH)
			continue;
		r = signal_batch(cgroup, batch, used, round);
		used = 0;
	}
	if (r == 0 && used > 0)
		r = signal_batch(cgroup, batch, used, round);
	return is_gone(r) ? 0 : r;
}

static int signal_below(int cgroup, unsigned depth, struct round *round)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r;

	if (depth > DEPTH_LIMIT)
		return -E2BIG;
	r = signal_one(cgroup, round);
	if (r == 0)
		r = cg_children(cgroup, &names, NULL);
	if (is_gone(r))
		return 0;
	for (size_t i = 0; r == 0 && names[i]; i++) {
		_cleanup_close_ int child = -1;

		r = cg_open(cgroup, names[i], &child);
		if (r == 0)
			r = signal_below(child, depth + 1, round);
		else if (is_gone(r))
			r = 0; /* removed since it was listed */
	}
	return r;
}

/* -EAGAIN: every round found someone new. */
static int signal_rounds(int cgroup, struct round *round, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		int r;

		round->fresh = 0;
		r = signal_below(cgroup, 0, round);
		if (r < 0)
			return r;
		if (round->fresh == 0)
			return round->error;
		qsort(round->done, round->done_count, sizeof(*round->done), compare_pids);
		round->done_sorted = round->done_count;
	}
	return round->error < 0 ? round->error : -EAGAIN;
}

static int signal_all(int cgroup, int signal)
{
	bool kill = signal == SIGKILL;
	struct round round = { .signal = signal };
	int r = signal_rounds(cgroup, &round, kill ? KILL_ROUNDS : SIGNAL_ROUNDS);

	free(round.done);
	return r == -EAGAIN && !kill ? 0 : r;
}

int cg_kill(int cgroup)
{
	int r = fs_write(cgroup, "cgroup.kill", "1");

	return r == -ENOENT ? signal_all(cgroup, SIGKILL) : r;
}

/* A process that forks and leaves can be missed by a round that reads just then; the kernel's own
 * kill cannot be outrun. */
int cg_signal(int cgroup, int signal)
{
	if (signal <= 0 || signal >= NSIG)
		return -EINVAL;
	return signal == SIGKILL ? cg_kill(cgroup) : signal_all(cgroup, signal);
}

int cg_freeze(int cgroup, bool frozen)
{
	return fs_write(cgroup, "cgroup.freeze", frozen ? "1" : "0");
}
