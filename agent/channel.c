/* SPDX-License-Identifier: Apache-2.0 */
/* The socket to reeve-init; see channel.h. Its packets are parsed strictly: reeve-init is ours, but
 * it may be of another version, and it lives among tasks. */
#include "channel.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { BACKLOG = 8, PACKETS_A_TURN = 64, ORDER_BYTES = 512, FDS_MAX = 4 };

struct channel {
	int fd;
	sd_event_source *source;
	struct channel_events events;
	void *userdata;
	uint32_t abilities;
	bool welcomed; /* they are known */
	bool reading;  /* on_packet is on the stack: */
	bool freed;    /* it lets the memory go when it is done */
};

/* sun_path has 108 bytes; /proc/self/fd/N/init.sock always fits (unix(7)). */
static int socket_address(int dirfd, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/init.sock", dirfd) <
			       (int)sizeof(ret->sun_path)
		       ? 0
		       : -ENAMETOOLONG;
}

static int open_socket(const char *dir, int *ret_dirfd, struct sockaddr_un *address)
{
	_cleanup_close_ int dirfd = fs_open_dir(AT_FDCWD, dir);
	int fd, r;

	if (dirfd < 0)
		return dirfd;
	r = socket_address(dirfd, address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	*ret_dirfd = TAKE_FD(dirfd);
	return fd;
}

int channel_listen(const char *dir, int *ret_fd, struct fail *f)
{
	_cleanup_close_ int dirfd = -1;
	struct sockaddr_un address;
	_cleanup_close_ int fd = open_socket(dir, &dirfd, &address);

	if (fd < 0)
		return fail_set(f, fd, "cannot make the socket in %s: %s", dir, strerror(-fd));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(dirfd, "init.sock", 0600, 0) < 0 || listen(fd, BACKLOG) < 0)
		return fail_set(f, -errno, "cannot listen in %s: %s", dir, strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* A field of a status, by its tag. */
static const struct {
	enum frame_tag tag;
	enum { U32, U64, TEXT } form;
	size_t offset, size;
} status_fields[] = {
#define AT(member) \
	offsetof(struct channel_status, member), sizeof(((struct channel_status *)0)->member)
	{ FRAME_TAG_TASK, TEXT, AT(task) },
	{ FRAME_TAG_STATE, U32, AT(state) },
	{ FRAME_TAG_PID, U32, AT(pid) },
	{ FRAME_TAG_START_TIME, U64, AT(start_time) },
	{ FRAME_TAG_STARTED_USEC, U64, AT(started_usec) },
	{ FRAME_TAG_ENDED_USEC, U64, AT(ended_usec) },
	{ FRAME_TAG_EXIT_CODE, U32, AT(exit_code) },
	{ FRAME_TAG_EXIT_SIGNAL, U32, AT(exit_signal) },
	{ FRAME_TAG_OOM_KILLED, U32, AT(oom_killed) },
	{ FRAME_TAG_RESTARTS, U32, AT(restarts) },
	{ FRAME_TAG_CPU_USER_USEC, U64, AT(cpu_user_usec) },
	{ FRAME_TAG_CPU_SYSTEM_USEC, U64, AT(cpu_system_usec) },
	{ FRAME_TAG_MEMORY_PEAK_BYTES, U64, AT(memory_peak_bytes) },
	{ FRAME_TAG_ERRNO, U32, AT(error) },
	{ FRAME_TAG_STAGE, TEXT, AT(stage) },
	{ FRAME_TAG_ABILITIES, U32, AT(abilities) },
#undef AT
};

static int read_field(const struct frame_field *field, struct channel_status *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(status_fields); i++) {
		char *place = (char *)s + status_fields[i].offset;

		if (status_fields[i].tag != field->tag)
			continue;
		if (status_fields[i].form == U32)
			return frame_u32(field, (uint32_t *)(void *)place);
		if (status_fields[i].form == U64)
			return frame_u64(field, (uint64_t *)(void *)place);
		return frame_text(field, place, status_fields[i].size);
	}
	return 0; /* a field of a later version */
}

static int read_fields(struct frame_reader *r, struct channel_status *s)
{
	struct frame_field field;
	int k;

	*s = (struct channel_status){ .exit_code = -1 };
	while ((k = frame_next(r, &field)) > 0) {
		k = read_field(&field, s);
		if (k < 0)
			return k;
	}
	return k;
}

static int dispatch(struct channel *c, const char *packet, size_t size)
{
	struct channel_status s;
	struct frame_reader r;
	uint32_t version, type;
	int k = frame_open(&r, packet, size, &version, &type);

	if (k == 0)
		k = read_fields(&r, &s);
	if (k < 0)
		return k;
	switch (type) {
	case FRAME_WELCOME:
		c->abilities = s.abilities;
		c->welcomed = true;
		c->events.welcome(s.pid, c->userdata);
		break;
	case FRAME_STATUS:
		c->events.status(&s, c->userdata);
		break;
	case FRAME_RESULT:
		c->events.result(s.task, -(int)s.error, c->userdata);
		break;
	default: /* a message of a later version */
		break;
	}
	return 0;
}

/* false: nothing more is to be had from it now, or for ever. */
static bool read_packet(struct channel *c)
{
	_Alignas(8) char packet[8192]; /* statuses are small; a longer one is cut and refused */
	ssize_t n = recv(c->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	if (n > 0 && (size_t)n <= sizeof(packet) && dispatch(c, packet, (size_t)n) == 0)
		return !c->freed;
	if (!c->freed) {
		(void)sd_event_source_set_enabled(c->source, SD_EVENT_OFF); /* it is over */
		c->events.closed(c->userdata);
	}
	return false;
}

static int on_packet(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct channel *c = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	c->reading = true;
	for (int i = 0; i < PACKETS_A_TURN && read_packet(c); i++)
		;
	c->reading = false;
	if (c->freed)
		free(c);
	return 0;
}

static int say_hello(struct channel *c, int cgroup_fd, struct fail *f)
{
	_Alignas(8) char room[64];
	struct frame_writer w;

	frame_begin(&w, room, sizeof(room), FRAME_HELLO);
	frame_put_u32(&w, FRAME_TAG_VERSION, FRAME_VERSION);
	return channel_send(c, &w, &cgroup_fd, cgroup_fd >= 0 ? 1 : 0, f);
}

int channel_open(struct channel **ret, sd_event *loop, const struct channel_target *target,
		 const struct channel_events *events, void *userdata, struct fail *f)
{
	const char *dir = target->dir;
	_cleanup_close_ int dirfd = -1;
	struct sockaddr_un address;
	_cleanup_close_ int fd = open_socket(dir, &dirfd, &address);
	const int send_bytes = FRAME_LIMIT_BYTES * 2;
	struct channel *c;
	int r;

	if (fd < 0)
		return fail_set(f, fd, "cannot reach reeve-init in %s: %s", dir, strerror(-fd));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_set(f, -errno, "cannot reach reeve-init in %s: %s", dir,
				strerror(errno));
	/* A refused larger buffer shows when a large task is sent. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	c = calloc(1, sizeof(*c));
	if (!c)
		return fail_set(f, -ENOMEM, "out of memory");
	c->fd = TAKE_FD(fd);
	c->events = *events;
	c->userdata = userdata;
	r = sd_event_add_io(loop, &c->source, c->fd, EPOLLIN, on_packet, c);
	if (r >= 0)
		r = say_hello(c, target->cgroup_fd, f);
	if (r < 0) {
		channel_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct channel *channel_free(struct channel *c)
{
	if (!c)
		return NULL;
	sd_event_source_disable_unref(c->source);
	close_fd(c->fd);
	c->freed = true;
	if (!c->reading)
		free(c);
	return NULL;
}

int channel_can(const struct channel *c, enum frame_ability ability)
{
	return c->welcomed ? !!(c->abilities & ability) : -EAGAIN;
}

int channel_send(struct channel *c, const struct frame_writer *frame, const int *fds, size_t count,
		 struct fail *f)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = frame->data, .iov_len = frame->size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int r = frame_end(frame);

	if (r < 0)
		return fail_set(f, r, "the task's words are too long to be passed on");
	if (count > 0) {
		struct cmsghdr *header;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	if (sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return fail_set(f, -errno, "reeve-init does not take messages: %s",
				strerror(errno));
	return 0;
}

int channel_order(struct channel *c, const struct channel_order *order, struct fail *f)
{
	_Alignas(8) char room[ORDER_BYTES];
	struct frame_writer w;

	frame_begin(&w, room, sizeof(room), order->type);
	frame_put_u32(&w, FRAME_TAG_VERSION, FRAME_VERSION);
	frame_put_text(&w, FRAME_TAG_TASK, order->task);
	if (order->signal)
		frame_put_u32(&w, FRAME_TAG_SIGNAL, order->signal);
	if (order->grace_usec)
		frame_put_u64(&w, FRAME_TAG_GRACE_USEC, *order->grace_usec);
	return channel_send(c, &w, NULL, 0, f);
}

int channel_end(const char *dir)
{
	_cleanup_close_ int dirfd = -1;
	struct sockaddr_un address;
	struct channel c = { .fd = open_socket(dir, &dirfd, &address) };
	_cleanup_close_ int fd = c.fd;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return channel_order(&c, &(struct channel_order){ .type = FRAME_QUIT }, NULL);
}
