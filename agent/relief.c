/* SPDX-License-Identifier: Apache-2.0 */
/* Taking from the tasks of a slice and giving back; see relief.h. One list of changes (leaf, file,
 * value before, value set) is all there is: it is the file, it is what is undone, backwards. */
#include "relief.h"

#include "cgroups/control.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	VALUE_BYTES = 64, /* two 20-digit numbers and a blank */
	CHANGES_MAX = 3 * 512,
	PERIOD_USEC = 100000,  /* the kernel's default (default_cfs_period()) */
	QUOTA_MIN_USEC = 1000, /* min_cfs_quota_period */
	SHARE_LEFT = 4,	       /* a quarter */
	RECORD_LIMIT_BYTES = 1 << 20,
};

#define RECORD "pressure"
#define INIT_LEAF "init"

struct change {
	unsigned bit;
	char *leaf;
	const char *file;
	char before[VALUE_BYTES], set[VALUE_BYTES];
};

struct relief {
	char *dir;
	struct change *changes;
	size_t count;
};

static const struct {
	unsigned bit;
	const char *file;
} files[] = {
	{ RELIEF_MEMORY, "memory.high" },
	{ RELIEF_CPU, "cpu.max" },
	{ RELIEF_FREEZE, "cgroup.freeze" },
};

int relief_new(struct relief **ret, const char *dir)
{
	struct relief *r = calloc(1, sizeof(*r));

	if (r)
		r->dir = strdup(dir);
	if (!r || !r->dir) {
		free(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

struct relief *relief_free(struct relief *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->count; i++)
		free(r->changes[i].leaf);
	free(r->changes);
	free(r->dir);
	free(r);
	return NULL;
}

unsigned relief_bits(const struct relief *r)
{
	unsigned bits = 0;

	for (size_t i = 0; i < r->count; i++)
		bits |= r->changes[i].bit;
	return bits;
}

/* "LEAF<tab>FILE<tab>BEFORE<tab>SET" a line. */
static int keep_record(const struct relief *r)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	_cleanup_close_ int dir = -1;

	dir = fs_open_dir(AT_FDCWD, r->dir);
	if (dir < 0)
		return dir;
	if (r->count == 0)
		return unlinkat(dir, RECORD, 0) < 0 && errno != ENOENT ? -errno : 0;
	for (size_t i = 0; i < r->count; i++)
		buf_format(&b, "%s\t%s\t%s\t%s\n", r->changes[i].leaf, r->changes[i].file,
			   r->changes[i].before, r->changes[i].set);
	return b.data ? fs_replace(dir, RECORD, b.data, b.size, 0600) : -ENOMEM;
}

static int add(struct relief *r, const struct change *c)
{
	struct change *grown;
	char *leaf;

	if (r->count == CHANGES_MAX)
		return -E2BIG;
	grown = reallocarray(r->changes, r->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->changes = grown;
	leaf = strdup(c->leaf);
	if (!leaf)
		return -ENOMEM;
	grown[r->count] = *c;
	grown[r->count++].leaf = leaf;
	return 0;
}

static void drop(struct relief *r, size_t i)
{
	free(r->changes[i].leaf);
	memmove(&r->changes[i], &r->changes[i + 1], (--r->count - i) * sizeof(*r->changes));
}

static bool has(const struct relief *r, const char *leaf, unsigned bit)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->changes[i].bit == bit && strcmp(r->changes[i].leaf, leaf) == 0)
			return true;
	return false;
}

/* "max" is more than any number. */
static uint64_t amount(const char *text)
{
	uint64_t number;

	return parse_u64(text, &number) == 0 ? number : UINT64_MAX;
}

/* Quota in microseconds of a period of ours; "50000 100000", "max 100000". */
static uint64_t quota_of(const char *text)
{
	char room[VALUE_BYTES], *blank;
	uint64_t quota, period;

	(void)snprintf(room, sizeof(room), "%s", text); /* as long */
	blank = strchr(room, ' ');
	if (!blank)
		return UINT64_MAX;
	*blank = 0;
	if (parse_u64(room, &quota) < 0 || parse_u64(blank + 1, &period) < 0 || period == 0 ||
	    quota > UINT64_MAX / PERIOD_USEC)
		return UINT64_MAX;
	return quota * PERIOD_USEC / period;
}

static bool want_memory(int leaf, struct change *c)
{
	uint64_t current;

	if (fs_read_u64(leaf, "memory.current", &current) < 0 || amount(c->before) <= current)
		return false;
	(void)snprintf(c->set, sizeof(c->set), "%" PRIu64, current); /* 20 digits fit */
	return true;
}

static bool want_cpu(uint64_t millicpus, size_t leaves, struct change *c)
{
	uint64_t quota = millicpus * (PERIOD_USEC / 1000) / SHARE_LEFT / leaves;

	if (quota < QUOTA_MIN_USEC)
		quota = QUOTA_MIN_USEC;
	if (quota_of(c->before) <= quota)
		return false;
	(void)snprintf(c->set, sizeof(c->set), "%" PRIu64 " %d", quota, PERIOD_USEC); /* fits */
	return true;
}

static bool want_freeze(struct change *c)
{
	(void)snprintf(c->set, sizeof(c->set), "1"); /* fits */
	return strcmp(c->before, "0") == 0;
}

/* Whether there is something to change: a file that is not there belongs to a controller that is
 * not, and what is narrower already stays. */
static bool wants(const struct relief_target *t, size_t leaves, int leaf, struct change *c)
{
	if (fs_read_line(leaf, c->file, c->before, sizeof(c->before)) < 0)
		return false;
	switch (c->bit) {
	case RELIEF_MEMORY:
		return want_memory(leaf, c);
	case RELIEF_CPU:
		return want_cpu(t->millicpus, leaves, c);
	default:
		return want_freeze(c);
	}
}

/* Files what is to be changed; nothing is written to the kernel yet. */
static int plan(struct relief *r, const struct relief_target *t, unsigned bits, char **leaves,
		size_t count)
{
	int k = 0;

	for (size_t i = 0; i < count * ARRAY_SIZE(files) && k == 0; i++) {
		struct change c = { .leaf = leaves[i / ARRAY_SIZE(files)],
				    .bit = files[i % ARRAY_SIZE(files)].bit,
				    .file = files[i % ARRAY_SIZE(files)].file };
		_cleanup_close_ int leaf = -1;

		if (!(bits & c.bit) || has(r, c.leaf, c.bit) ||
		    (c.bit == RELIEF_FREEZE && t->spares && t->spares(c.leaf, t->userdata)) ||
		    cg_open(t->cgroup, c.leaf, &leaf) < 0)
			continue;
		if (wants(t, count, leaf, &c))
			k = add(r, &c);
	}
	return k;
}

struct evidence {
	char *text;
	size_t size;
};

static void say(const struct evidence *e, const struct change *c, const char *from, const char *to)
{
	const size_t used = strlen(e->text);

	(void)snprintf(e->text + used, e->size - used, "%s%s/%s: %s -> %s", used ? ", " : "",
		       c->leaf, c->file, from, *to ? to : "refused"); /* may be cut */
}

static int set_by_table(int leaf, const struct change *c, char actual[VALUE_BYTES])
{
	_cleanup_(cg_readbacks_done) struct cg_readbacks back = { 0 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	int k;

	if (c->bit == RELIEF_MEMORY)
		limits.memory_high_bytes = amount(c->set);
	else
		limits.cpu_quota_usec = quota_of(c->set), limits.cpu_period_usec = PERIOD_USEC;
	k = cg_apply(leaf, UINT32_MAX, &limits,
		     &back); /* its file is there, so is its controller */
	if (k < 0)
		return k;
	(void)snprintf(actual, VALUE_BYTES, "%s", back.items[0].actual ? back.items[0].actual : "");
	return back.items[0].holds ? 0 : -EIO;
}

static int make(int cgroup, const struct change *c, const struct evidence *e)
{
	_cleanup_close_ int leaf = -1;
	char actual[VALUE_BYTES] = "";
	int k = cg_open(cgroup, c->leaf, &leaf);

	if (k < 0)
		return 0; /* the task has just ended */
	if (c->bit == RELIEF_FREEZE) {
		k = cg_freeze(leaf, true);
		(void)fs_read_line(leaf, c->file, actual, sizeof(actual)); /* "" does not hold */
	} else {
		k = set_by_table(leaf, c, actual);
	}
	say(e, c, c->before, actual);
	return k == 0 && strcmp(actual, c->set) == 0 ? 0 : -EIO;
}

/* Back to what it was, unless somebody else has written another value since. */
static int unmake(int cgroup, const struct change *c, const struct evidence *e)
{
	_cleanup_close_ int leaf = -1;
	char now[VALUE_BYTES];

	if (cg_open(cgroup, c->leaf, &leaf) < 0 ||
	    fs_read_line(leaf, c->file, now, sizeof(now)) < 0)
		return 0; /* the task has ended, and its leaf with it */
	if (strcmp(now, c->set) != 0)
		return 0;
	if (fs_write(leaf, c->file, c->before) < 0 ||
	    fs_read_line(leaf, c->file, now, sizeof(now)) < 0)
		now[0] = 0;
	say(e, c, c->set, now);
	return strcmp(now, c->before) == 0 ? 0 : -EIO;
}

static int undo(struct relief *r, int cgroup, unsigned bits, const struct evidence *e)
{
	int k = 0;

	for (size_t i = r->count; i-- > 0;) {
		if (!(r->changes[i].bit & bits))
			continue;
		if (unmake(cgroup, &r->changes[i], e) < 0)
			k = -EIO;
		drop(r, i);
	}
	return k;
}

/* Without reeve-init's. */
static int list_leaves(int cgroup, char ***ret, size_t *ret_count)
{
	size_t count = 0, kept = 0;
	int k = cg_children(cgroup, ret, &count);

	for (size_t i = 0; k == 0 && i < count; i++) {
		char *name = (*ret)[i];

		(*ret)[i] = NULL;
		if (strcmp(name, INIT_LEAF) == 0)
			free(name);
		else
			(*ret)[kept++] = name;
	}
	*ret_count = kept;
	return k;
}

int relief_set(struct relief *r, const struct relief_target *t, unsigned bits, char *evidence,
	       size_t size)
{
	_cleanup_(fs_names_freep) char **leaves = NULL;
	const struct evidence e = { evidence, size };
	const size_t planned = r->count;
	size_t count = 0;
	int k, refused = 0;

	*evidence = 0;
	k = bits ? list_leaves(t->cgroup, &leaves, &count) : 0;
	if (k == 0)
		k = plan(r, t, bits, leaves, count);
	if (k == 0 && r->count > planned)
		k = keep_record(r);
	while (k < 0 && r->count > planned)
		drop(r, r->count - 1);
	for (size_t i = planned; i < r->count; i++)
		if (make(t->cgroup, &r->changes[i], &e) < 0)
			refused = -EIO;
	if (relief_bits(r) & ~bits) {
		refused = undo(r, t->cgroup, ~bits, &e) < 0 ? -EIO : refused;
		k = keep_record(r) < 0 && k == 0 ? -EIO : k;
	}
	return k < 0 ? k : refused;
}

static int read_change(char *line, struct change *ret)
{
	char *fields[4] = { line };

	for (size_t i = 1; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strchr(fields[i - 1], '\t');
		if (!fields[i])
			return -EBADMSG;
		*fields[i]++ = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].file, fields[1]) == 0)
			*ret = (struct change){ .bit = files[i].bit, .file = files[i].file };
	/* The parts of a slice have a sign before their names (frame.h). */
	if (!ret->bit || !parse_name_valid(fields[0] + (fields[0][0] == '@')) ||
	    strlen(fields[2]) >= VALUE_BYTES || strlen(fields[3]) >= VALUE_BYTES)
		return -EBADMSG;
	ret->leaf = fields[0];
	strcpy(ret->before, fields[2]);
	strcpy(ret->set, fields[3]);
	return 0;
}

int relief_recover(struct relief *r, int cgroup)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int dir = fs_open_dir(AT_FDCWD, r->dir);
	char room[256] = "", *rest, *line;
	const struct evidence e = { room, sizeof(room) };

	if (dir < 0 || fs_read(dir, RECORD, RECORD_LIMIT_BYTES, &text, NULL) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct change c = { 0 };

		if (read_change(line, &c) == 0)
			(void)add(r, &c); /* one that is lost stays as it is, and memory is short */
	}
	(void)undo(r, cgroup, ~0U, &e); /* what is refused now would be again */
	(void)keep_record(r);		/* a stale one would be tried again, and found undone */
	return 1;
}
