/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for irqbalance; see balancer.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balancer.h"
#include "discover.h"
#include "util/cleanup.h"
#include "util/cpuset.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_BYTES = 500, HEARD_BYTES = 16 << 10, SLEEP = 10 };

struct balancer_state {
	uint64_t own, banned;	   /* by its configuration; in the last round */
	char cpus[READ_BYTES + 1]; /* told; "": nothing */
	char irqs[READ_BYTES * 4]; /* as "setup" gives them back */
	char heard[HEARD_BYTES];
};

void balancer_open(struct balancer *b, const char *root, pid_t pid, uint64_t own)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int yes = 1;
	char path[64];

	*b = (struct balancer){ 0 };
	b->state = mmap(NULL, sizeof(*b->state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	assert_true(b->state != MAP_FAILED);
	b->state->own = b->state->banned = own;
	(void)snprintf(path, sizeof(path), "proc/%d/stat", (int)pid);
	tree_file(root, path, "");
	tree_directory(root, "run/irqbalance");
	b->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "%.70s/run/irqbalance/irqbalance%d.sock", root, (int)pid);
	assert_int_equal(bind(b->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setsockopt(b->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)), 0);
	assert_int_equal(listen(b->fd, 1), 0);
}

void balancer_close(struct balancer *b)
{
	if (b->child > 0) {
		assert_int_equal(kill(b->child, SIGKILL), 0);
		assert_int_equal(waitpid(b->child, NULL, 0), b->child);
	}
	close_fd(b->fd);
	(void)munmap(b->state, sizeof(*b->state));
}

/* What a connection said, as irqbalance takes it; -1 where the sender did not say that it is root.
 */
static ssize_t take_order(int fd, char room[READ_BYTES])
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { .iov_base = room, .iov_len = READ_BYTES };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(fd, &message, 0);
	const struct cmsghdr *header = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
	struct ucred who;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
		return -1;
	memcpy(&who, CMSG_DATA(header), sizeof(who));
	return who.uid == geteuid() ? n : -1;
}

static void answer_setup(int fd, const struct balancer_state *s)
{
	char text[READ_BYTES * 4 + 64];

	(void)snprintf(text, sizeof(text), "SLEEP %d %sBANNED ", SLEEP, s->irqs); /* fits */
	if (s->banned >> 32)
		(void)sprintf(text + strlen(text), "%08x,", (unsigned)(s->banned >> 32));
	(void)sprintf(text + strlen(text), "%08x", (unsigned)s->banned);
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Numbers up to the first that is none, or 0; "NONE" is one that is none. */
static void ban_irqs(struct balancer_state *s, const char *numbers)
{
	char *end = (char *)numbers;

	s->irqs[0] = 0;
	for (unsigned long irq; (irq = strtoul(end, &end, 10)) > 0;)
		(void)sprintf(s->irqs + strlen(s->irqs), "IRQ %lu LOAD 0 DIFF 0 CLASS 0 ", irq);
}

static void obey(struct balancer_state *s, const char *order)
{
	static const char irqs[] = "settings ban irqs ", cpus[] = "settings cpus ";

	(void)snprintf(s->heard + strlen(s->heard), sizeof(s->heard) - strlen(s->heard), "%s\n",
		       order);
	if (strncmp(order, irqs, strlen(irqs)) == 0)
		ban_irqs(s, order + strlen(irqs));
	else if (strncmp(order, cpus, strlen(cpus)) == 0)
		(void)snprintf(s->cpus, sizeof(s->cpus), "%s",
			       strcmp(order + strlen(cpus), "NULL") == 0 ? ""
									 : order + strlen(cpus));
}

void balancer_serve(struct balancer *b, const char *answer)
{
	b->child = fork();
	assert_true(b->child >= 0);
	if (b->child > 0)
		return;
	for (;;) {
		int one = accept(b->fd, NULL, NULL);
		char room[READ_BYTES + 1];
		ssize_t n = take_order(one, room);

		room[n > 0 ? n : 0] = 0;
		if (strcmp(room, "setup") == 0 && answer)
			(void)!send(one, answer, strlen(answer), MSG_NOSIGNAL);
		else if (strcmp(room, "setup") == 0)
			answer_setup(one, b->state);
		else if (n > 0)
			obey(b->state, room);
		(void)close(one);
	}
}

void balancer_round(struct balancer *b)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;

	b->state->banned = b->state->cpus[0] ? 0 : b->state->own;
	if (!b->state->cpus[0])
		return;
	assert_int_equal(cpuset_parse(b->state->cpus, &cpus), 0);
	cpuset_each (cpu, cpus)
		b->state->banned |= (uint64_t)1 << cpu;
}

const char *balancer_heard(const struct balancer *b)
{
	return b->state->heard;
}
