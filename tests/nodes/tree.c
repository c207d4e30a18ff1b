/* SPDX-License-Identifier: Apache-2.0 */
/* Text to folder; see tree.h. It refuses paths that leave the folder. */
#include "tests/nodes/tree.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/cpuset.h"
#include "util/fs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { TREE_LIMIT_BYTES = 4 << 20, KINDS = 3 };

static const char *const separators[KINDS] = { " = ", " : ", " -> " };

struct line {
	char *path, *text; /* text NULL: a folder */
	int kind;
};

static int expand_number(const char *text, int number, char **ret)
{
	_cleanup_(buf_done) struct buf out = { 0 };

	for (; *text; text++)
		if (*text == '%' && number >= 0)
			buf_format(&out, "%d", number);
		else
			buf_append(&out, text, 1);
	buf_text(&out, "");
	*ret = buf_steal(&out);
	return *ret ? 0 : -ENOMEM;
}

static int unescape(const char *text, struct buf *out)
{
	for (; *text; text++) {
		unsigned byte = (unsigned char)*text;

		if (*text == '\\' && *++text) {
			if (*text == 'x' && sscanf(text + 1, "%2x", &byte) == 1)
				text += 2;
			else
				byte = *text == 'n'   ? '\n'
				       : *text == 't' ? '\t'
						      : (unsigned char)*text;
		}
		buf_append(out, &(char){ (char)byte }, 1);
		if (!*text)
			break;
	}
	return buf_error(out);
}

static int make_parents(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (!slash)
		return -ENOMEM;
	*slash = 0;
	return fs_make_dirs(copy, 0755);
}

static int write_file(const char *path, const struct line *line, const char *text)
{
	_cleanup_(buf_done) struct buf content = { 0 };
	_cleanup_close_ int fd = -1;
	int r = unescape(text, &content);

	if (r == 0 && line->kind == 0)
		r = buf_text(&content, "\n");
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	return write(fd, content.data ? content.data : "", content.size) == (ssize_t)content.size
		       ? 0
		       : -EIO;
}

static int make_one(const char *folder, const struct line *line, const char *path, int number)
{
	_cleanup_free_ char *name = NULL, *text = NULL, *whole = NULL;
	int r = expand_number(path, number, &name);

	if (r == 0 && line->text)
		r = expand_number(line->text, number, &text);
	if (r < 0 || asprintf(&whole, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	if (!line->text)
		return fs_make_dirs(whole, 0755);
	r = make_parents(whole);
	if (r < 0)
		return r;
	if (line->kind == 2)
		return symlink(text, whole) < 0 ? -errno : 0;
	return write_file(whole, line, text);
}

/* Splits "a{0-3}b" and makes one of each number; a path without braces is made once. */
static int make_all(const char *folder, const struct line *line)
{
	_cleanup_(cpuset_freep) struct cpuset *numbers = NULL;
	_cleanup_free_ char *path = NULL;
	char *open = strchr(line->path, '{'), *close = open ? strchr(open, '}') : NULL;
	int r;

	if (!open)
		return make_one(folder, line, line->path, -1);
	if (!close)
		return -EINVAL;
	*close = 0;
	r = cpuset_parse(open + 1, &numbers);
	if (r < 0)
		return r;
	if (asprintf(&path, "%.*s%%%s", (int)(open - line->path), line->path, close + 1) < 0)
		return -ENOMEM;
	cpuset_each (number, numbers) {
		r = make_one(folder, line, path, number);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_line(const char *folder, char *text)
{
	struct line line = { .path = text };
	size_t length = strlen(text);

	for (int kind = 0; kind < KINDS && !line.text; kind++) {
		char *separator = strstr(text, separators[kind]);

		if (!separator)
			continue;
		*separator = 0;
		line.text = separator + strlen(separators[kind]);
		line.kind = kind;
	}
	if (!line.text && (length == 0 || text[length - 1] != '/'))
		return -EINVAL;
	if (*text == '/' || strstr(text, ".."))
		return -EINVAL;
	return make_all(folder, &line);
}

int tree_unpack(const char *tree_file, const char *folder, struct fail *f)
{
	_cleanup_free_ char *text = NULL;
	unsigned number = 0;
	int r = fs_read(AT_FDCWD, tree_file, TREE_LIMIT_BYTES, &text, NULL);
	char *next, *line = text;

	if (r < 0)
		return fail_set(f, r, "cannot read %s: %s", tree_file, strerror(-r));
	for (; line && *line; line = next) {
		size_t length = strcspn(line, "\n");

		next = line + length + (line[length] == '\n');
		line[length] = 0;
		number++;
		if (length == 0 || *line == '#')
			continue;
		r = make_line(folder, line);
		if (r < 0)
			return fail_set(f, r, "%s, line %u: %s", tree_file, number, strerror(-r));
	}
	return 0;
}
