/* SPDX-License-Identifier: Apache-2.0 */
/* System V leftovers; see leftover_sysv.h. Columns are found by the names that the first line
 * gives them, since kernels have added some at the end. */
#include "leftover_sysv.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { COLUMNS_MAX = 32, SECOND_USEC = 1000000 };

enum column {
	COLUMN_KEY,
	COLUMN_ID,
	COLUMN_UID,
	COLUMN_CREATOR,
	COLUMN_CHANGED,
	COLUMN_SIZE,	 /* what was asked for, or is in the queue */
	COLUMN_RESIDENT, /* of shared memory, what of it is there */
	COLUMN_SWAPPED,
	COLUMN_ATTACHED,
	COLUMN_MADE_BY,
	COLUMN_SENT_BY,
	COLUMN_READ_BY,
	COLUMNS,
};

enum { REQUIRED = 5 }; /* the first so many, of every kind */

static const struct {
	const char *file;
	const char *columns[COLUMNS];
} tables[] = {
	[LEFTOVER_SHM] = { "sysvipc/shm",
			   { "key", "shmid", "uid", "cuid", "ctime", "size", "rss", "swap",
			     "nattch", "cpid" } },
	[LEFTOVER_SEM] = { "sysvipc/sem", { "key", "semid", "uid", "cuid", "ctime" } },
	[LEFTOVER_MSG] = { "sysvipc/msg",
			   { "key", "msqid", "uid", "cuid", "ctime", "cbytes", NULL, NULL, NULL,
			     NULL, "lspid", "lrpid" } },
};

struct layout {
	size_t count;	    /* columns that a line has */
	int place[COLUMNS]; /* of each, -1: it has none */
};

static size_t split(char *line, char *words[COLUMNS_MAX])
{
	char *rest = NULL;
	size_t count = 0;

	for (char *word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
		if (count < COLUMNS_MAX)
			words[count++] = word;
	return count;
}

static int read_layout(enum leftover_kind kind, char *line, struct layout *ret)
{
	char *words[COLUMNS_MAX];

	ret->count = split(line, words);
	for (int c = 0; c < COLUMNS; c++) {
		const char *wanted = tables[kind].columns[c];

		ret->place[c] = -1;
		for (size_t i = 0; wanted && i < ret->count; i++)
			if (strcmp(words[i], wanted) == 0)
				ret->place[c] = (int)i;
		if (c < REQUIRED && ret->place[c] < 0)
			return -EBADMSG;
	}
	return 0;
}

/* The kernel prints some as int: the key of "%10d" is a number without a sign. */
static int read_values(const struct layout *layout, char *line, int64_t ret[COLUMNS])
{
	char *words[COLUMNS_MAX];

	if (split(line, words) != layout->count)
		return -EBADMSG;
	for (int c = 0; c < COLUMNS; c++) {
		const char *word = layout->place[c] < 0 ? "0" : words[layout->place[c]];
		uint64_t value = 0;
		int32_t below = 0;

		if (parse_i32(word, &below) == 0)
			ret[c] = below;
		else if (parse_u64(word, &value) == 0)
			ret[c] = value > INT64_MAX ? INT64_MAX : (int64_t)value;
		else
			return -EBADMSG;
	}
	return 0;
}

static uint64_t sum_bytes(const struct layout *layout, const int64_t v[COLUMNS])
{
	uint64_t whole = (uint64_t)(v[COLUMN_SIZE] > 0 ? v[COLUMN_SIZE] : 0);
	uint64_t there = (uint64_t)(v[COLUMN_RESIDENT] > 0 ? v[COLUMN_RESIDENT] : 0) +
			 (uint64_t)(v[COLUMN_SWAPPED] > 0 ? v[COLUMN_SWAPPED] : 0);

	return layout->place[COLUMN_RESIDENT] < 0 ? whole : there;
}

static int visit_line(enum leftover_kind kind, const struct layout *layout, char *line,
		      const struct leftover_walk *walk)
{
	int64_t v[COLUMNS];
	struct leftover l = { .kind = kind };
	int r = read_values(layout, line, v);

	if (r < 0 || v[COLUMN_ID] < 0 || v[COLUMN_ID] > INT32_MAX || v[COLUMN_CHANGED] < 0 ||
	    v[COLUMN_CHANGED] > INT64_MAX / SECOND_USEC)
		return -EBADMSG;
	l.id = (int32_t)v[COLUMN_ID];
	l.key = (uint32_t)v[COLUMN_KEY];
	l.creator = (uint32_t)v[COLUMN_CREATOR];
	l.owner = (uint32_t)v[COLUMN_UID];
	l.bytes = sum_bytes(layout, v);
	l.born_usec = (uint64_t)v[COLUMN_CHANGED] * SECOND_USEC;
	l.attached = (uint64_t)v[COLUMN_ATTACHED];
	l.made_by = (int32_t)v[COLUMN_MADE_BY];
	l.used_by[0] = (int32_t)v[COLUMN_SENT_BY];
	l.used_by[1] = (int32_t)v[COLUMN_READ_BY];
	return walk->visit(&l, walk->userdata);
}

int leftover_sysv_parse(enum leftover_kind kind, char *text, const struct leftover_walk *walk)
{
	struct layout layout;
	char *rest = NULL, *line = strtok_r(text, "\n", &rest);
	int r = line ? read_layout(kind, line, &layout) : -EBADMSG;

	while (r == 0 && (line = strtok_r(NULL, "\n", &rest)))
		r = visit_line(kind, &layout, line, walk);
	return r;
}

int leftover_sysv_each(int proc_fd, size_t limit_bytes, const struct leftover_walk *walk)
{
	int r = 0;

	for (enum leftover_kind kind = LEFTOVER_SHM; r == 0 && kind <= LEFTOVER_MSG; kind++) {
		_cleanup_free_ char *text = NULL;

		r = fs_read(proc_fd, tables[kind].file, limit_bytes, &text, NULL);
		if (r == 0)
			r = leftover_sysv_parse(kind, text, walk);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

int leftover_sysv_remove(const struct leftover *l)
{
	int r = 0;

	switch (l->kind) {
	case LEFTOVER_SHM:
		r = shmctl(l->id, IPC_RMID, NULL);
		break;
	case LEFTOVER_SEM:
		r = semctl(l->id, 0, IPC_RMID);
		break;
	case LEFTOVER_MSG:
		r = msgctl(l->id, IPC_RMID, NULL);
		break;
	case LEFTOVER_FILE:
	case LEFTOVER_QUEUE:
	case LEFTOVER_KINDS:
		return -EINVAL;
	}
	return r < 0 ? -errno : 0;
}
