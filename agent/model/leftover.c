/* SPDX-License-Identifier: Apache-2.0 */
/* Leftovers; see leftover.h. A user is no proof: others run under the same. So what a user made is
 * the slice's only when the user is the slice's alone, or when a process of the slice was seen to
 * have made it, or to be the only one that used it. */
#include "model/leftover.h"

#include "model/bounded.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SECOND_USEC = 1000000, /* in which the kernel counts System V, and the times of queues */
	/* A file's time is that of the last tick of the clock: 10 ms at 100 Hz. */
	TICK_USEC = 10000,
};

STRTAB_DEFINE(
	leftover_kind, enum leftover_kind, [LEFTOVER_SHM] = "sysv-shm", [LEFTOVER_SEM] = "sysv-sem",
	[LEFTOVER_MSG] = "sysv-msg", [LEFTOVER_FILE] = "posix-shm", [LEFTOVER_QUEUE] = "posix-mq");

static struct leftover_user *find_user(const struct leftover_claim *c, uint32_t uid)
{
	for (size_t i = 0; i < c->users_count; i++)
		if (c->users[i].uid == uid)
			return &c->users[i];
	return NULL;
}

int leftover_claim_user(struct leftover_claim *c, uint32_t uid, uint64_t since_usec)
{
	struct leftover_user *user = find_user(c, uid), *grown;

	if (user) {
		if (since_usec < user->since_usec)
			user->since_usec = since_usec;
		return 0;
	}
	if (c->users_count >= LEFTOVER_USERS_MAX)
		return -E2BIG;
	grown = reallocarray(c->users, c->users_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->users = grown;
	grown[c->users_count++] = (struct leftover_user){ uid, since_usec };
	return 0;
}

static bool is_others(const struct leftover_claim *c, uint32_t uid)
{
	for (size_t i = 0; i < c->others_count; i++)
		if (c->others[i] == uid)
			return true;
	return false;
}

int leftover_claim_other(struct leftover_claim *c, uint32_t uid)
{
	uint32_t *grown;

	if (is_others(c, uid))
		return 0;
	grown = reallocarray(c->others, c->others_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->others = grown;
	grown[c->others_count++] = uid;
	return 0;
}

int leftover_claim_process(struct leftover_claim *c, int32_t pid, uint64_t started_usec)
{
	struct leftover_process *grown =
		reallocarray(c->processes, c->processes_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->processes = grown;
	grown[c->processes_count++] = (struct leftover_process){ pid, started_usec };
	return 0;
}

int leftover_claim_use(struct leftover_claim *c, const struct leftover_use *use)
{
	struct leftover_use *grown = reallocarray(c->uses, c->uses_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->uses = grown;
	grown[c->uses_count++] = *use;
	return 0;
}

static int compare_processes(const void *a, const void *b)
{
	int32_t x = ((const struct leftover_process *)a)->pid,
		y = ((const struct leftover_process *)b)->pid;

	return (x > y) - (x < y);
}

int leftover_node_compare(const void *a, const void *b)
{
	const struct leftover_node *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	return (x->minor > y->minor) - (x->minor < y->minor);
}

static int compare_uses(const void *a, const void *b)
{
	const struct leftover_use *x = a, *y = b;
	int r = leftover_node_compare(&x->node, &y->node);

	return r ? r : (x->uid > y->uid) - (x->uid < y->uid);
}

void leftover_claim_sort(struct leftover_claim *c)
{
	if (c->processes_count > 1)
		qsort(c->processes, c->processes_count, sizeof(*c->processes), compare_processes);
	if (c->uses_count > 1)
		qsort(c->uses, c->uses_count, sizeof(*c->uses), compare_uses);
}

void leftover_claim_done(struct leftover_claim *c)
{
	free(c->users);
	free(c->processes);
	free(c->uses);
	free(c->others);
	*c = (struct leftover_claim){ 0 };
}

static bool is_sysv(const struct leftover *l)
{
	return l->kind == LEFTOVER_SHM || l->kind == LEFTOVER_SEM || l->kind == LEFTOVER_MSG;
}

bool leftover_matches(const struct leftover_claim *c, const struct leftover *l)
{
	const struct leftover_user *user = find_user(c, l->creator);
	uint64_t grain = l->kind == LEFTOVER_FILE ? TICK_USEC : SECOND_USEC;

	return user && add_bounded(l->born_usec, grain) > user->since_usec;
}

/* A number that was given again to a process of later tells nothing. */
static bool made_inside(const struct leftover_claim *c, const struct leftover *l)
{
	const struct leftover_process key = { .pid = l->made_by }, *found = NULL;

	if (l->made_by > 0 && c->processes_count > 0)
		found = bsearch(&key, c->processes, c->processes_count, sizeof(key),
				compare_processes);
	return found && found->started_usec < add_bounded(l->born_usec, SECOND_USEC);
}

static bool used_inside(const struct leftover_claim *c, const struct leftover *l)
{
	const struct leftover_use key = { l->node, l->creator };

	return !is_sysv(l) && c->uses_count > 0 &&
	       bsearch(&key, c->uses, c->uses_count, sizeof(key), compare_uses);
}

const char *leftover_judge(const struct leftover_claim *c, const struct leftover *l,
			   const struct leftover_signs *signs)
{
	if (signs->in_use)
		return "a process outside of the slice uses it";
	if (signs->unsure)
		return "who uses it could not be found out";
	if (l->owner != l->creator)
		return "it was given to another user";
	if (made_inside(c, l) || used_inside(c, l))
		return NULL;
	if (signs->user_outside)
		return "processes outside of the slice run as its user, and may have made it";
	if (is_others(c, l->creator))
		return "tasks of another slice run as its user, and may have made it";
	return NULL;
}
