/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of control.h: one table of rows a controller. A row says what a limit is called, what
 * it limits, its file, the unit of its values and its kind; the kind knows how a value is written,
 * which part of the file answers, what number that part is, and whether it does what was wanted.
 * The file is as the kernel makes it where a limit is taken away: the row knows that, too.
 * Only the tables know controllers; only kinds know formats (cgroup-v2.rst, "Format"). */

#include "cgroups/control.h"

enum limit_unit {
	LIMIT_SET,    /* of CPUs or nodes */
	LIMIT_WORD,   /* one of the kernel's */
	LIMIT_NUMBER, /* a count, a weight, a rate */
	LIMIT_BYTES,  /* counted in pages: the kernel rounds down to whole ones */
	LIMIT_USEC,
};

struct limit_row;

struct limit_kind {
	/* Text to write; *ret stays NULL where the value is unset. 0 or -ENOMEM. `values` is what
	 * the row's offset counts from. */
	int (*encode)(const struct limit_row *row, const void *values, char **ret);
	/* The part of the file that answers to what was written; "" when it says nothing of it. */
	int (*extract)(const char *text, const char *wanted, char **ret);
	/* That part as a value, CG_MAX for "max"; -EINVAL. NULL: it is no number. */
	int (*decode)(const char *text, uint64_t *ret);
	bool (*verify)(int cgroup, const struct limit_row *row, const struct cg_readback *item);
};

struct limit_key { /* of a nested keyed line: "rbps=1000" */
	const char *key;
	size_t offset; /* of its uint64_t in the item */
};

struct limit_row {
	const char *name, *resource, *file;
	enum limit_unit unit;
	const struct limit_kind *kind;
	size_t offset;		      /* of the value; of what precedes the keys where there are */
	const struct limit_key *keys; /* nested kind only; ends with { NULL } */
	uint64_t granule_bytes;	      /* of LIMIT_BYTES; 0: a page */
	/* What a new cgroup has, of a keyed file behind the name; NULL: it is never reset. */
	const char *initial;
	bool yields; /* others cannot be changed beside an old value of it: it is reset first */
};

/* A controller's rows are for the members of struct cg_limits, or for every item of one list in
 * it, whose first member names the item. */
struct limit_table {
	enum cg_controller controller;
	const struct limit_row *rows;
	size_t count;
	size_t list, list_count, item_size; /* offsets in struct cg_limits; item_size 0: no list */
	/* What differs from item to item; NULL: nothing. Sets ret->file of what was a copy. */
	int (*adapt)(const void *item, struct limit_row *ret, char **ret_file);
};

extern const struct limit_table limit_cpuset, limit_cpu, limit_memory, limit_pids, limit_hugetlb,
	limit_io, limit_rdma, limit_misc, limit_dmem;

extern const struct limit_table *const limit_tables[]; /* all, NULL-terminated; control.c */
enum { LIMIT_FILE_BYTES = 64 << 10 };		       /* io.max has a line a disk */
/* How many items of a table there are to be limited, and the i-th of them. */
size_t limit_count(const struct limit_table *t, const struct cg_limits *limits);
const void *limit_item(const struct limit_table *t, const struct cg_limits *limits, size_t i);

extern const struct limit_kind limit_kind_number, limit_kind_word; /* limit.c */
extern const struct limit_kind limit_kind_flat, limit_kind_nested; /* limit_keyed.c */

/* Pieces of kinds. */
int limit_format(uint64_t value, char **ret); /* CG_MAX: "max" */
int limit_encode_number(const struct limit_row *row, const void *values, char **ret);
int limit_extract_line(const char *text, const char *wanted, char **ret); /* the first one */
int limit_decode_number(const char *text, uint64_t *ret);
bool limit_verify_same(int cgroup, const struct limit_row *row, const struct cg_readback *item);
/* By the kind's decode. */
bool limit_verify_number(int cgroup, const struct limit_row *row, const struct cg_readback *item);
/* Whether a number of the row's unit does what was wanted: the same, or lower by less than a
 * granule. */
bool limit_holds(const struct limit_row *row, uint64_t wanted, uint64_t actual);
