/* SPDX-License-Identifier: Apache-2.0 */
/* resctrl; see resctrl.h. */
#include "cgroups/resctrl.h"

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
#include <sys/stat.h>
#include <unistd.h>

enum {
	SHARES_MAX = 8192, /* lines times domains; the largest machines have some hundred */
	FILE_MAX_BYTES = 1 << 20,
	PATH_ROOM = 320,
};

void rdt_shares_done(struct rdt_shares *s)
{
	free(s->items);
	*s = (struct rdt_shares){ 0 };
}

/* The directory is there on every kernel that could mount it; `schemata` is once it is. */
int rdt_open(int sys_fd, int *ret)
{
	int fd = fs_open_dir(sys_fd, "fs/resctrl");

	if (fd < 0)
		return fd;
	if (!fs_exists(fd, "schemata")) {
		close_fd(fd);
		return -ENOENT;
	}
	*ret = fd;
	return 0;
}

static int read_number(int root, const char *folder, const char *file, bool hex, uint64_t *ret)
{
	char path[PATH_ROOM];
	int r;

	(void)snprintf(path, sizeof(path), "info/%s/%s", folder, file); /* fits: names of ours */
	r = hex ? fs_read_hex(root, path, ret) : fs_read_u64(root, path, ret);
	return r == -EINVAL || r == -ERANGE ? -EBADMSG : r;
}

static int read_small(int root, const char *folder, const char *file, uint32_t *ret)
{
	uint64_t value;
	int r = read_number(root, folder, file, false, &value);

	if (r < 0)
		return r;
	if (value > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)value;
	return 0;
}

static int read_l3(int root, const char *folder, struct rdt_info *i)
{
	int r = read_number(root, folder, "cbm_mask", true, &i->l3_mask);

	if (r == 0)
		r = read_small(root, folder, "min_cbm_bits", &i->l3_minimum);
	if (r == 0 &&
	    read_number(root, folder, "shareable_bits", true, &i->l3_shareable) == -EBADMSG)
		return -EBADMSG; /* since Linux 4.14; without it none are known */
	if (r == 0 && i->l3_mask == 0)
		return -EBADMSG;
	return r;
}

/* The kernel uses the smallest number of all enabled resources. */
static int count_classes(int root, struct rdt_info *i)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = fs_list(root, "info", &names, NULL);

	i->classes = UINT32_MAX;
	for (char **name = names; r == 0 && name && *name; name++) {
		uint32_t number;

		if (strlen(*name) > 64)
			continue;
		r = read_small(root, *name, "num_closids", &number);
		if (r == 0 && number < i->classes)
			i->classes = number;
		if (r == -ENOENT || r == -ENOTDIR)
			r = 0; /* monitoring has none, and last_cmd_status is a file */
	}
	if (i->classes == UINT32_MAX)
		i->classes = 0;
	return r;
}

int rdt_read_info(int root, struct rdt_info *ret)
{
	struct rdt_info i = { .cdp = fs_exists(root, "info/L3DATA"),
			      .bandwidth = fs_exists(root, "info/MB/min_bandwidth") };
	int r = count_classes(root, &i);

	i.l3 = i.cdp || fs_exists(root, "info/L3/cbm_mask");
	if (r == 0 && i.l3)
		r = read_l3(root, i.cdp ? "L3DATA" : "L3", &i);
	if (r == 0 && i.bandwidth)
		r = read_small(root, "MB", "min_bandwidth", &i.bandwidth_minimum);
	if (r == 0 && i.bandwidth)
		r = read_small(root, "MB", "bandwidth_gran", &i.bandwidth_step);
	if (r < 0)
		return r;
	*ret = i;
	return 0;
}

int rdt_add(struct rdt_shares *s, const struct rdt_share *share)
{
	struct rdt_share *grown;

	if (s->count >= SHARES_MAX || rdt_find(s, share->resource, share->domain))
		return -EBADMSG;
	grown = reallocarray(s->items, s->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->items = grown;
	s->items[s->count++] = *share;
	return 0;
}

static bool is_mask(const char *resource)
{
	return resource[0] == 'L' && (resource[1] == '2' || resource[1] == '3');
}

/* "1=  16": numbers are padded to the width of the column. */
static int parse_share(char *text, struct rdt_share *share)
{
	char *equals = strchr(text, '='), *value;

	if (!equals)
		return -EBADMSG;
	*equals = 0;
	value = equals + 1 + strspn(equals + 1, " ");
	if (parse_u32(text, &share->domain) < 0)
		return -EBADMSG;
	if (is_mask(share->resource) && strncmp(value, "0x", 2) != 0)
		return parse_hex(value, &share->value) < 0 ? -EBADMSG : 0;
	return parse_u64(value, &share->value) < 0 ? -EBADMSG : 0;
}

/* "    L3:0=fffff;1=fffff" */
static int parse_line(char *line, struct rdt_shares *s)
{
	struct rdt_share share = { 0 };
	char *name = line + strspn(line, " "), *colon = strchr(name, ':'), *rest = NULL;
	int r = 0;

	if (!colon || colon == name || (size_t)(colon - name) >= sizeof(share.resource))
		return -EBADMSG;
	memcpy(share.resource, name, (size_t)(colon - name));
	for (char *word = strtok_r(colon + 1, ";", &rest); r == 0 && word;
	     word = strtok_r(NULL, ";", &rest)) {
		r = parse_share(word, &share);
		if (r == 0)
			r = rdt_add(s, &share);
	}
	return r;
}

int rdt_parse(const char *text, struct rdt_shares *ret)
{
	_cleanup_(rdt_shares_done) struct rdt_shares s = { 0 };
	_cleanup_free_ char *copy = strdup(text);
	char *rest = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &rest))
		r = parse_line(line, &s);
	if (r < 0)
		return r;
	*ret = TAKE(s, (struct rdt_shares){ 0 });
	return 0;
}

const struct rdt_share *rdt_find(const struct rdt_shares *s, const char *resource, uint32_t domain)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].domain == domain && strcmp(s->items[i].resource, resource) == 0)
			return &s->items[i];
	return NULL;
}

static void path_of(const char *group, const char *file, char ret[PATH_ROOM])
{
	(void)snprintf(ret, PATH_ROOM, "%s/%s", group ? group : ".", file); /* a name has 255 */
}

int rdt_read(int root, const char *group, struct rdt_shares *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_ROOM];
	int r;

	path_of(group, "schemata", path);
	r = fs_read(root, path, FILE_MAX_BYTES, &text, NULL);
	return r < 0 ? r : rdt_parse(text, ret);
}

static unsigned digits_of(uint64_t mask)
{
	unsigned digits = 1;

	while (mask >>= 4)
		digits++;
	return digits;
}

static void put_share(struct buf *b, const struct rdt_info *info, const struct rdt_share *s)
{
	if (is_mask(s->resource))
		buf_format(b, "%u=%0*" PRIx64, s->domain, (int)digits_of(info->l3_mask), s->value);
	else
		buf_format(b, "%u=%" PRIu64, s->domain, s->value);
}

static bool named_before(const struct rdt_shares *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(s->items[k].resource, s->items[i].resource) == 0)
			return true;
	return false;
}

/* "L3:0=0f0;1=00f\n" of one resource. */
static void put_line(struct buf *b, const struct rdt_info *info, const struct rdt_shares *s,
		     const char *resource)
{
	const char *between = "";

	buf_format(b, "%s:", resource);
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].resource, resource) == 0) {
			buf_text(b, between);
			put_share(b, info, &s->items[i]);
			between = ";";
		}
	buf_text(b, "\n");
}

int rdt_write(int root, const char *group, const struct rdt_info *info,
	      const struct rdt_shares *shares)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	char path[PATH_ROOM];

	for (size_t i = 0; i < shares->count; i++)
		if (!named_before(shares, i))
			put_line(&b, info, shares, shares->items[i].resource);
	if (buf_error(&b))
		return -ENOMEM;
	path_of(group, "schemata", path);
	return b.size > 0 ? fs_write(root, path, b.data) : 0;
}

int rdt_make(int root, const char *group)
{
	return mkdirat(root, group, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int rdt_remove(int root, const char *group)
{
	return unlinkat(root, group, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int rdt_list(int root, char ***ret, size_t *ret_count)
{
	static const char *const own[] = { "info", "mon_data", "mon_groups" };
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t kept = 0;
	int r = fs_list(root, ".", &names, NULL);

	for (char **name = names; r == 0 && *name; name++) {
		struct stat st;
		bool ours =
			fstatat(root, *name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);

		for (size_t i = 0; i < ARRAY_SIZE(own); i++)
			ours = ours && strcmp(*name, own[i]) != 0;
		if (ours)
			names[kept++] = *name;
		else
			free(*name);
	}
	if (r < 0)
		return r;
	names[kept] = NULL;
	*ret_count = kept;
	*ret = TAKE_PTR(names);
	return 0;
}

int rdt_add_task(int root, const char *group, pid_t pid)
{
	char path[PATH_ROOM];

	path_of(group, "tasks", path);
	return fs_write_format(root, path, "%d\n", (int)pid);
}

int rdt_has_task(int root, const char *group, pid_t pid, bool *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_ROOM], *rest = NULL;
	int32_t number;
	bool found = false;
	int r;

	path_of(group, "tasks", path);
	r = fs_read(root, path, FILE_MAX_BYTES, &text, NULL);
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		found = found || (parse_i32(line, &number) == 0 && number == pid);
	*ret = found;
	return 0;
}

void rdt_status(int root, char *room, size_t size)
{
	if (fs_read_line(root, "info/last_cmd_status", room, size) < 0 || strcmp(room, "ok") == 0)
		*room = 0;
	parse_clean(room);
}
