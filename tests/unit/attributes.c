/* SPDX-License-Identifier: Apache-2.0 */
/* Plain files that are written as attributes of the kernel are; see attributes.h. The function
 * bears libc's name in the object file only, so that the headers' own declaration of it is in
 * nobody's way. */
#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TEXT_BYTES = 4096 };

/* What the file says, and "" unless it is a schemata. */
static void read_schemata(int fd, char room[TEXT_BYTES])
{
	char link[64], path[PATH_MAX];
	const char *name;
	ssize_t n;

	room[0] = 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd); /* fits */
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = 0;
	name = strrchr(path, '/');
	if (!name || strcmp(name, "/schemata") != 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, room, TEXT_BYTES - 1);
	room[n > 0 ? n : 0] = 0;
	(void)close(fd);
}

/* Behind "L3:" of its line and "0=" of its domain; NULL: it has none. */
static char *find_value(char *text, const char *resource, const char *domain)
{
	const size_t n = strlen(resource), d = strlen(domain);

	for (char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, resource, n) != 0 || line[n] != ':')
			continue;
		for (char *p = line + n; *p && *p != '\n'; p += strcspn(p, ";\n")) {
			p++;
			if (strncmp(p, domain, d) == 0 && p[d] == '=')
				return p + d + 1;
		}
	}
	return NULL;
}

static bool put_value(char text[TEXT_BYTES], const char *resource, char *word)
{
	char *value = strchr(word, '='), *place;
	size_t old;

	if (!value)
		return false;
	*value++ = 0;
	place = find_value(text, resource, word);
	if (!place)
		return false;
	old = strcspn(place, ";\n");
	if (strlen(text) - old + strlen(value) >= TEXT_BYTES)
		return false;
	memmove(place + strlen(value), place + old, strlen(place + old) + 1);
	memcpy(place, value, strlen(value));
	return true;
}

/* rdtgroup_schemata_write(): what is not named stays, and what is not there is refused. */
static bool merge(char text[TEXT_BYTES], const void *data, size_t size)
{
	char copy[TEXT_BYTES], *rest, *rest_of_line;

	if (size >= sizeof(copy))
		return false;
	(void)snprintf(copy, sizeof(copy), "%.*s", (int)size, (const char *)data);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *resource = strtok_r(line, ":", &rest_of_line);
		char *word;

		while ((word = strtok_r(NULL, ";", &rest_of_line)))
			if (!put_value(text, resource, word))
				return false;
	}
	return true;
}

ssize_t attribute_write(int fd, const void *data, size_t size) __asm__("write");
ssize_t attribute_write(int fd, const void *data, size_t size)
{
	char text[TEXT_BYTES];
	struct stat st;
	long n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0)
		return syscall(SYS_write, fd, data, size);
	read_schemata(fd, text);
	if (*text && !merge(text, data, size)) {
		errno = EINVAL;
		return -1;
	}
	if (ftruncate(fd, 0) < 0)
		return -1;
	if (!*text)
		return syscall(SYS_write, fd, data, size);
	n = syscall(SYS_write, fd, text, strlen(text));
	return n == (long)strlen(text) ? (ssize_t)size : -1;
}
