/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd on the caller's loop; see http_server.h. We accept ourselves, so that the limits
 * are kept by the peer's uid before a byte is parsed, and a shortage of descriptors cannot spin.
 * libmicrohttpd's epoll descriptor sits in our loop; its timeouts become one lazy timer, which is
 * off while there is no connection. Requests are http_request.c's, endless bodies http_stream.c's.
 */
#include "wire/http_internal.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	DEFAULT_BODY_BYTES = 1 << 20,
	DEFAULT_CONNECTIONS = 1024,
	DEFAULT_CONNECTIONS_PER_UID = 256,
	DEFAULT_IDLE_SECONDS = 30,
	MEMORY_BYTES = 32 << 10, /* per connection: request line and headers must fit (else 431) */
	ACCEPTS_AT_ONCE = 64,	 /* then the loop's other sources get their turn */
	RUNS_AT_ONCE = 4,
	ROOT_SHARE = 8,	     /* one in so many connections is kept for uid 0 */
	PAUSE_USEC = 100000, /* without accepting, when there is no descriptor or memory left */
	TIMER_ACCURACY_USEC = 100000, /* of idle time-outs: they may coalesce with other timers */
};

/* Written without libmicrohttpd, for the connection never becomes one of its. */
static const char full_answer[] =
	"HTTP/1.1 503 Service Unavailable\r\n"
	"Content-Type: application/problem+json\r\n"
	"Content-Length: 122\r\n"
	"Retry-After: 1\r\n"
	"Connection: close\r\n\r\n"
	"{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
	"\"code\":\"busy\",\"detail\":\"there are too many connections\"}\n";

/* --- running libmicrohttpd --- */

static void arm_timer(struct http_server *s, uint64_t delay_usec)
{
	uint64_t now = 0;

	(void)sd_event_now(s->loop, CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	/* An earlier one may stay: it fires once, and is set anew then. So a busy keep-alive
	 * connection costs no system call per request for its idle time-out. */
	if (s->timer_usec && s->timer_usec <= now + delay_usec)
		return;
	s->timer_usec = now + delay_usec;
	(void)sd_event_source_set_time(s->timer, s->timer_usec);
	(void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

void http_server_kick(struct http_server *s)
{
	(void)sd_event_source_set_enabled(s->again, SD_EVENT_ONESHOT);
}

static void run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG delay_msec = 0;
	enum MHD_Result waits = MHD_YES;

	s->running = true;
	for (int i = 0; i < RUNS_AT_ONCE && waits == MHD_YES && delay_msec == 0; i++) {
		(void)MHD_run(s->daemon); /* fails only for daemons with threads of their own */
		waits = MHD_get_timeout(s->daemon, &delay_msec);
	}
	s->running = false;
	if (waits != MHD_YES) {
		s->timer_usec = 0;
		(void)sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	} else if (delay_msec == 0) {
		http_server_kick(s);
	} else {
		arm_timer(s, delay_msec * 1000);
	}
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	run(userdata);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct http_server *s = userdata;

	(void)source;
	(void)usec;
	s->timer_usec = 0;
	run(s);
	return 0;
}

static int on_again(sd_event_source *source, void *userdata)
{
	(void)source;
	run(userdata);
	return 0;
}

/* --- connections --- */

static bool admits(const struct http_server *s, uid_t uid)
{
	unsigned same = 0, limit = s->limits.connections;

	if (uid == 0)
		return s->count < limit;
	if (s->count >= limit - limit / ROOT_SHARE)
		return false;
	list_each (item, next, &s->connections)
		same += container_of(item, struct http_connection, link)->peer.uid == uid;
	return same < s->limits.connections_per_uid;
}

static void refuse(int fd)
{
	/* A client that cannot take 300 bytes at once gets none. */
	(void)send(fd, full_answer, sizeof(full_answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close_fd(fd);
}

static int peer_of(int fd, struct http_peer *ret)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	*ret = (struct http_peer){ .uid = cred.uid, .gid = cred.gid, .pid = cred.pid };
	return 0;
}

/* Without memory it goes without a context, and its first request is not answered. */
static struct http_connection *new_connection(struct http_server *s, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_connection *c = info ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	*c = (struct http_connection){ .server = s, .fd = info->connect_fd };
	if (peer_of(c->fd, &c->peer) < 0) {
		free(c);
		return NULL;
	}
	list_append(&s->connections, &c->link);
	s->count++;
	return c;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = cls;
	struct http_connection *c = *context;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		*context = new_connection(s, mhd);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		*context = NULL;
		if (c) {
			list_remove(&c->link);
			s->count--;
			free(c);
		}
		break;
	}
}

static void welcome(struct http_server *s, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned before = s->count;
	struct http_peer peer = { .uid = (uid_t)-1 };

	if (peer_of(fd, &peer) < 0 || !admits(s, peer.uid)) {
		refuse(fd);
		return;
	}
	/* Closes fd itself when it fails. libmicrohttpd 1.0 starts it only when it runs next: at
	 * once, then, since the limits count what has started. */
	if (MHD_add_connection(s->daemon, fd, (struct sockaddr *)&address,
			       sizeof(address.sun_family)) == MHD_YES &&
	    s->count == before)
		run(s);
}

/* accept(2): these leave the connection in the backlog, so that trying on at once would spin. */
static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void pause_listening(struct http_server *s)
{
	(void)sd_event_source_set_enabled(s->listening, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(s->pause, PAUSE_USEC);
	(void)sd_event_source_set_enabled(s->pause, SD_EVENT_ONESHOT);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct http_server *s = userdata;

	(void)source;
	(void)usec;
	(void)sd_event_source_set_enabled(s->listening, SD_EVENT_ON);
	return 0;
}

static int on_listening(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	struct http_server *s = userdata;
	int accepted;

	(void)source;
	(void)events;
	for (accepted = 0; accepted < ACCEPTS_AT_ONCE; accepted++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && is_shortage(errno))
			pause_listening(s);
		if (fd < 0)
			break;
		welcome(s, fd);
	}
	if (accepted > 0)
		run(s);
	return 0;
}

unsigned http_server_connections(const struct http_server *s)
{
	return s->count;
}

/* --- life --- */

/* Half of the descriptors we may have stay with the rest of the program. */
static unsigned bounded_connections(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 >= wanted)
		return wanted;
	return limit.rlim_cur < 4 ? 1 : (unsigned)(limit.rlim_cur / 2);
}

static struct http_limits effective(const struct http_limits *given)
{
	struct http_limits l = given ? *given : (struct http_limits){ 0 };

	if (l.body_bytes == 0)
		l.body_bytes = DEFAULT_BODY_BYTES;
	l.connections = bounded_connections(l.connections ? l.connections : DEFAULT_CONNECTIONS);
	if (l.connections_per_uid == 0)
		l.connections_per_uid = DEFAULT_CONNECTIONS_PER_UID;
	if (l.idle_seconds == 0)
		l.idle_seconds = DEFAULT_IDLE_SECONDS;
	return l;
}

static struct MHD_Daemon *start_daemon(struct http_server *s)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
		http_request_access, s, MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, s,
		MHD_OPTION_NOTIFY_COMPLETED, http_request_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_LIMIT,
		s->limits.connections, MHD_OPTION_CONNECTION_TIMEOUT, s->limits.idle_seconds,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_END);
}

static int add_sources(struct http_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -EIO;
	r = sd_event_add_io(s->loop, &s->ready, info->epoll_fd, EPOLLIN, on_ready, s);
	if (r >= 0)
		r = sd_event_add_io(s->loop, &s->listening, s->listen_fd, EPOLLIN, on_listening, s);
	if (r >= 0)
		r = sd_event_add_time(s->loop, &s->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
				      on_timer, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(s->loop, &s->pause, CLOCK_MONOTONIC, 0, 0, on_pause_over, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->pause, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(s->loop, &s->again, on_again, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->again, SD_EVENT_OFF);
	return r;
}

static int start(struct http_server *s)
{
	int flags = fcntl(s->listen_fd, F_GETFL);

	if (flags < 0 || fcntl(s->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	s->daemon = start_daemon(s);
	return s->daemon ? add_sources(s) : -ENOMEM;
}

int http_server_new(struct http_server **ret, sd_event *loop, int listen_fd,
		    const struct http_limits *limits, http_handler handler, void *userdata,
		    struct fail *f)
{
	_cleanup_close_ int owned_fd = listen_fd;
	_cleanup_(http_server_freep) struct http_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return fail_set(f, -ENOMEM, "no memory for the HTTP server");
	*s = (struct http_server){
		.loop = sd_event_ref(loop),
		.listen_fd = TAKE_FD(owned_fd),
		.limits = effective(limits),
		.handler = handler,
		.userdata = userdata,
	};
	list_init(&s->connections);
	r = start(s);
	if (r < 0)
		return fail_set(f, r, "the HTTP server cannot be started: %s", strerror(-r));
	*ret = TAKE_PTR(s);
	return 0;
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	assert(!s->running);
	/* libmicrohttpd forbids stopping while something is suspended */
	list_each (item, next, &s->connections) {
		struct http_request *r = container_of(item, struct http_connection, link)->request;

		if (r)
			http_request_drop(r);
	}
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	sd_event_source_disable_unref(s->listening);
	sd_event_source_disable_unref(s->ready);
	sd_event_source_disable_unref(s->timer);
	sd_event_source_disable_unref(s->pause);
	sd_event_source_disable_unref(s->again);
	close_fd(s->listen_fd);
	sd_event_unref(s->loop);
	free(s);
	return NULL;
}
