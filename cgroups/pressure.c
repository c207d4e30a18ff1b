/* SPDX-License-Identifier: Apache-2.0 */
/* Pressure stall information (Documentation/accounting/psi.rst): averages, and triggers that the
 * kernel fires. It sets no thresholds of its own. */
#include "cgroups/usage.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	FILE_LIMIT_BYTES = 1024,
	WINDOW_MIN_USEC = 500000, /* WINDOW_MIN_US, WINDOW_MAX_US in kernel/sched/psi.c */
	WINDOW_MAX_USEC = 10000000,
};

STRTAB_DEFINE(cg_pressure_kind, enum cg_pressure_kind, [CG_PRESSURE_CPU] = "cpu",
	      [CG_PRESSURE_MEMORY] = "memory", [CG_PRESSURE_IO] = "io");

/* "12.34" as the kernel prints it: always two decimals, and a '.' in every locale. */
static int parse_percent(char *text, double *ret)
{
	char *dot = strchr(text, '.');
	uint32_t whole, hundredths;

	if (!dot || strlen(dot) != 3)
		return -EBADMSG;
	*dot = 0;
	if (parse_u32(text, &whole) < 0 || parse_u32(dot + 1, &hundredths) < 0 || whole > 100)
		return -EBADMSG;
	*ret = whole + hundredths / 100.0;
	return 0;
}

static int take_word(char **rest, const char *key, char **ret)
{
	char *word = strtok_r(NULL, " ", rest);
	size_t n = strlen(key);

	if (!word || strncmp(word, key, n) != 0)
		return -EBADMSG;
	*ret = word + n;
	return 0;
}

/* "some avg10=0.54 avg60=0.87 avg300=0.54 total=8663094", all of it, in this order. */
static int parse_line(char *line, struct cg_pressure *p)
{
	static const char *const keys[] = { "avg10=", "avg60=", "avg300=", "total=" };
	char *rest, *values[ARRAY_SIZE(keys)], *word = strtok_r(line, " ", &rest);
	bool full = word && strcmp(word, "full") == 0;
	double ten, sixty, unused;
	uint64_t total;

	if (!word || (!full && strcmp(word, "some") != 0))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (take_word(&rest, keys[i], &values[i]) < 0)
			return -EBADMSG;
	if (parse_percent(values[0], &ten) < 0 || parse_percent(values[1], &sixty) < 0 ||
	    parse_percent(values[2], &unused) < 0 || parse_u64(values[3], &total) < 0 ||
	    strtok_r(NULL, " ", &rest))
		return -EBADMSG;
	*(full ? &p->full10 : &p->some10) = ten;
	*(full ? &p->full60 : &p->some60) = sixty;
	*(full ? &p->full_usec : &p->some_usec) = total;
	return 0;
}

static int read_file(int dirfd, const char *file, struct cg_pressure *ret)
{
	struct cg_pressure p = { -1, -1, -1, -1, 0, 0 };
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	int r = fs_read(dirfd, file, FILE_LIMIT_BYTES, &text, NULL);

	if (r < 0)
		return r;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		r = parse_line(line, &p);
		if (r < 0)
			return r;
	}
	if (p.some10 < 0) /* "full" alone may be missing: cpu has it only since 5.13 */
		return -EBADMSG;
	*ret = p;
	return 0;
}

static int file_name(bool host, enum cg_pressure_kind kind, char *room, size_t size)
{
	const char *name = cg_pressure_kind_to_string(kind);

	if (!name)
		return -EINVAL;
	(void)snprintf(room, size, host ? "pressure/%s" : "%s.pressure", name);
	return 0;
}

int cg_pressure_read(int cgroup, enum cg_pressure_kind kind, struct cg_pressure *ret)
{
	char file[32];
	int r = file_name(false, kind, file, sizeof(file));

	return r < 0 ? r : read_file(cgroup, file, ret);
}

int cg_pressure_read_host(const struct host *host, enum cg_pressure_kind kind,
			  struct cg_pressure *ret)
{
	char file[32];
	int r = file_name(true, kind, file, sizeof(file));

	if (r < 0)
		return r;
	return host->proc_fd < 0 ? -ENOENT : read_file(host->proc_fd, file, ret);
}

static bool trigger_valid(const struct cg_trigger *t)
{
	return t->window_usec >= WINDOW_MIN_USEC && t->window_usec <= WINDOW_MAX_USEC &&
	       t->stall_usec > 0 && t->stall_usec <= t->window_usec;
}

int cg_pressure_trigger(int dirfd, const struct cg_trigger *trigger, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	char file[32], text[64];
	int n, r = file_name(trigger->host, trigger->kind, file, sizeof(file));

	if (r < 0)
		return r;
	if (!trigger_valid(trigger))
		return -EINVAL;
	n = snprintf(text, sizeof(text), "%s %u %u", trigger->full ? "full" : "some",
		     (unsigned)trigger->stall_usec, (unsigned)trigger->window_usec);
	fd = openat(dirfd, file, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	/* psi_write() overwrites the last byte it is given by a NUL: that NUL has to be sent, or
	 * the last digit of the window is lost. */
	if (write(fd, text, (size_t)n + 1) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
