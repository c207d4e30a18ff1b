/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to irqbalance; see irqbalance.h. One connection an order: it reads once, answers what is
 * to be answered, and hangs up. Whom it talks to it takes from SCM_CREDENTIALS. Where its own
 * directory is missing it listens on an abstract name of 107 zeros instead, which any process could
 * take as well: that one is left alone. */
#include "irqbalance.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define DIRECTORY "run/irqbalance"

enum { ANSWER_MAX = 64 * 1024 }; /* of "setup": less than 100 bytes an interrupt */

void irqbalance_setup_done(struct irqbalance_setup *setup)
{
	cpuset_free(setup->cpus);
	cpuset_free(setup->irqs);
	*setup = (struct irqbalance_setup){ 0 };
}

/* "irqbalance123.sock" */
static bool pid_of(const char *name, pid_t *ret)
{
	static const char prefix[] = "irqbalance", suffix[] = ".sock";
	const size_t length = strlen(name), digits = length - strlen(prefix) - strlen(suffix);
	char number[16];
	uint32_t pid;

	if (length <= strlen(prefix) + strlen(suffix) || digits >= sizeof(number) ||
	    strncmp(name, prefix, strlen(prefix)) != 0 ||
	    strcmp(name + length - strlen(suffix), suffix) != 0)
		return false;
	memcpy(number, name + strlen(prefix), digits);
	number[digits] = 0;
	if (parse_u32(number, &pid) < 0 || pid == 0 || pid > INT32_MAX)
		return false;
	*ret = (pid_t)pid;
	return true;
}

/* Sockets of dead ones may be left: the one whose process lives counts. */
int irqbalance_find(const struct host *host, pid_t *ret)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = fs_list(host->root_fd, DIRECTORY, &names, NULL);

	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	for (char **name = names; *name; name++) {
		char process[32];
		pid_t pid;

		if (!pid_of(*name, &pid))
			continue;
		(void)snprintf(process, sizeof(process), "%d", (int)pid); /* fits */
		if (!fs_exists(host->proc_fd, process))
			continue;
		*ret = pid;
		return 0;
	}
	return -ENOENT;
}

/* Its directory by descriptor, since a path may be too long for an address. */
static int call(const struct host *host, pid_t pid, int *ret)
{
	_cleanup_close_ int dir = fs_open_dir(host->root_fd, DIRECTORY), fd = -1;
	const struct timeval limit = { .tv_sec = IRQBALANCE_TIMEOUT_USEC / 1000000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (dir < 0)
		return dir;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "/proc/self/fd/%d/irqbalance%d.sock", dir, (int)pid); /* fits */
	/* SO_SNDTIMEO bounds connect(2) as well (unix_stream_connect()). */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static int say(int fd, const char *text)
{
	const struct ucred self = { .pid = getpid(), .uid = geteuid(), .gid = getegid() };
	struct iovec part = { .iov_base = (char *)text, .iov_len = strlen(text) };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t n;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_CREDENTIALS;
	header->cmsg_len = CMSG_LEN(sizeof(self));
	memcpy(CMSG_DATA(header), &self, sizeof(self));
	n = sendmsg(fd, &message, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)n == strlen(text) ? 0 : -EIO;
}

/* Until it hangs up, which it does when it has read the order: else nobody knows that it has. */
static int hear(int fd, struct buf *into)
{
	char room[4096];
	ssize_t n;

	while ((n = recv(fd, room, sizeof(room), 0)) > 0)
		buf_append(into, room, (size_t)n);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : errno == ECONNRESET ? 0 : -errno;
	return buf_error(into) == -E2BIG ? -EBADMSG : buf_error(into);
}

static int order(const struct host *host, pid_t pid, const char *text, struct buf *answer)
{
	_cleanup_close_ int fd = -1;
	int r = call(host, pid, &fd);

	if (r == 0)
		r = say(fd, text);
	return r < 0 ? r : hear(fd, answer);
}

/* "IRQ 31 LOAD 0 DIFF 0 CLASS 5": only the number is of use. */
static int take_irq(char **rest, struct cpuset *irqs)
{
	static const char *const words[] = { NULL, "LOAD", NULL, "DIFF", NULL, "CLASS", NULL };
	uint32_t irq = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *word = strsep(rest, " ");

		if (!word || (words[i] && strcmp(word, words[i]) != 0))
			return -EBADMSG;
		if (i == 0 && parse_u32(word, &irq) < 0)
			return -EBADMSG;
	}
	return cpuset_add(irqs, irq) == -ENOMEM ? -ENOMEM : 0;
}

/* "SLEEP 10 IRQ 31 LOAD 0 DIFF 0 CLASS 5 BANNED 000000ff,ffff0000". */
static int parse_setup(char *text, struct irqbalance_setup *into)
{
	const char *word = strsep(&text, " ");
	uint32_t seconds;
	int r;

	if (!word || strcmp(word, "SLEEP") != 0 || parse_u32(strsep(&text, " "), &seconds) < 0)
		return -EBADMSG;
	into->round_usec = (uint64_t)seconds * 1000000;
	while ((word = strsep(&text, " ")) && strcmp(word, "IRQ") == 0) {
		r = take_irq(&text, into->irqs);
		if (r < 0)
			return r;
	}
	if (!word || strcmp(word, "BANNED") != 0)
		return -EBADMSG;
	r = cpuset_parse_mask(strsep(&text, " "), &into->cpus);
	return r == -ENOMEM || (r == 0 && !text) ? r : -EBADMSG;
}

int irqbalance_ask(const struct host *host, pid_t pid, struct irqbalance_setup *ret)
{
	_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
	_cleanup_(buf_done) struct buf answer = { .limit = ANSWER_MAX };
	int r = cpuset_new(&setup.irqs);

	if (r == 0)
		r = order(host, pid, "setup", &answer);
	if (r == 0)
		r = answer.data && strlen(answer.data) == answer.size
			    ? parse_setup(answer.data, &setup)
			    : -EBADMSG;
	if (r < 0)
		return r;
	*ret = setup;
	setup = (struct irqbalance_setup){ 0 };
	return 0;
}

static int tell(const struct host *host, pid_t pid, struct buf *text)
{
	_cleanup_(buf_done) struct buf answer = { .limit = ANSWER_MAX };

	if (buf_error(text) < 0)
		return buf_error(text);
	return order(host, pid, text->data, &answer);
}

int irqbalance_tell_cpus(const struct host *host, pid_t pid, const struct cpuset *cpus)
{
	_cleanup_(buf_done) struct buf text = { .limit = IRQBALANCE_MESSAGE_MAX };
	_cleanup_free_ char *list = cpuset_format(cpus);

	if (!list)
		return -ENOMEM;
	buf_format(&text, "settings cpus %s", *list ? list : "NULL");
	return tell(host, pid, &text);
}

/* Numbers with blanks between; it takes 0 for the end of them. */
int irqbalance_tell_irqs(const struct host *host, pid_t pid, const struct cpuset *irqs)
{
	_cleanup_(buf_done) struct buf text = { .limit = IRQBALANCE_MESSAGE_MAX };

	buf_text(&text, "settings ban irqs");
	cpuset_each (irq, irqs)
		if (irq > 0)
			buf_format(&text, " %d", irq);
	if (cpuset_empty(irqs))
		buf_text(&text, " NONE");
	return tell(host, pid, &text);
}
