/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from and to agents; see channel.h. What they mean is request.c's. */
#include "init/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "init/request.h"
#include "util/cleanup.h"
#include "wire/frame.h"

enum {
	/* Every task's status fits in while the agent is busy with something else. */
	SEND_BUFFER_BYTES = 1 << 20,
	/* A larger packet is rare, and its pages are given back. */
	PACKET_KEPT_BYTES = 16 << 10,
	ACCEPT_REST_USEC = 500000,
};

static bool is_welcome(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

void channel_accept(struct init *i)
{
	_cleanup_close_ int fd = accept4(i->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	const int bytes = SEND_BUFFER_BYTES;

	/* What failed for want of descriptors or memory stays in the queue and would wake us at
	 * once again. */
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		i->accept_after_usec = now_usec() + ACCEPT_REST_USEC;
	if (fd < 0 || !is_welcome(fd))
		return;
	/* Without CAP_NET_ADMIN: as much as net.core.wmem_max allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	for (int c = 0; c < INIT_CHANNELS_MAX; c++) {
		if (i->channels[c] < 0) {
			i->channels[c] = TAKE_FD(fd);
			return;
		}
	}
}

void channel_send(int *fd, const void *frame, size_t size)
{
	if (*fd >= 0 && send(*fd, frame, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		*fd = close_fd(*fd);
}

void channel_broadcast(struct init *i, const void *frame, size_t size)
{
	for (int c = 0; c < INIT_CHANNELS_MAX; c++)
		channel_send(&i->channels[c], frame, size);
}

/* Padding makes room for more descriptors than were asked for, so they are counted. */
static void take_descriptors(struct msghdr *message, int taken[REQUEST_FDS])
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, (char *)c + at, sizeof(fd));
			if (count < REQUEST_FDS)
				taken[count++] = fd;
			else
				close_fd(fd);
		}
	}
}

static ssize_t receive(int fd, struct request *q)
{
	char control[CMSG_SPACE(sizeof(int) * REQUEST_FDS)] __attribute__((aligned(8)));
	struct iovec room = { .iov_base = (void *)q->packet, .iov_len = FRAME_LIMIT_BYTES };
	struct msghdr message = {
		.msg_iov = &room,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	take_descriptors(&message, q->fds);
	q->fds_lost = message.msg_flags & MSG_CTRUNC;
	return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

void channel_read(struct init *i, int *fd)
{
	struct request q = { .packet = i->packet, .fds = { -1, -1, -1, -1 } };
	ssize_t n = receive(*fd, &q);

	if (n == -EAGAIN || n == -EINTR)
		return;
	q.size = n < 0 ? 0 : (size_t)n; /* 0, the end of the connection, is no frame either */
	if (request_handle(i, fd, &q) < 0)
		*fd = close_fd(*fd);
	for (int k = 0; k < REQUEST_FDS; k++)
		close_fd(q.fds[k]);
	if (q.size > PACKET_KEPT_BYTES || n == -EMSGSIZE)
		(void)madvise(i->packet, FRAME_LIMIT_BYTES, MADV_DONTNEED); /* else they stay */
}
