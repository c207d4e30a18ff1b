/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on an sd_event loop; see http_client.h. curl says which descriptors and
 * which one timer it waits for, we tell it when they are due. curl must not be entered from within
 * its own callbacks: what a caller starts or cancels there is remembered and done right after. It
 * follows no redirects, uses no proxy, and retries nothing. */
#include "wire/http_client.h"

#include "util/cleanup.h"
#include "util/list.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	DEFAULT_BODY_LIMIT_BYTES = 16 << 20,
	CONNECT_TIMEOUT_SECONDS = 10,
	STATUS_MAX = 599, /* RFC 9110, section 15 */
};

struct http_client {
	sd_event *loop;
	CURLM *multi;
	sd_event_source *timer;
	char *unix_socket; /* NULL: by the URL */
	struct list exchanges;
	bool global;	/* curl_global_init is to be undone */
	bool inside;	/* within curl */
	bool unsettled; /* something was started or cancelled meanwhile */
};

struct http_exchange {
	struct list link;
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	struct http_order order; /* only its callbacks are used: the texts are the caller's */
	struct buf body;
	struct fail why;
	bool added, cancelled;
};

/* --- one exchange's life --- */

static struct http_exchange *exchange_free(struct http_exchange *e)
{
	if (!e)
		return NULL;
	list_remove(&e->link);
	if (e->added)
		(void)curl_multi_remove_handle(e->client->multi, e->easy); /* it is in there */
	curl_easy_cleanup(e->easy);
	curl_slist_free_all(e->headers);
	buf_done(&e->body);
	free(e);
	return NULL;
}

static void exchange_freep(struct http_exchange **e)
{
	exchange_free(*e);
}

static int errno_of(const struct http_exchange *e, CURLcode result)
{
	long number = 0;

	if (result == CURLE_OPERATION_TIMEDOUT)
		return -ETIMEDOUT;
	if (result == CURLE_OUT_OF_MEMORY)
		return -ENOMEM;
	if (result == CURLE_COULDNT_RESOLVE_HOST)
		return -EHOSTUNREACH;
	if (result != CURLE_COULDNT_CONNECT)
		return -EPROTO;
	if (curl_easy_getinfo(e->easy, CURLINFO_OS_ERRNO, &number) != CURLE_OK || number <= 0)
		return -ECONNREFUSED;
	return -(int)number;
}

static void explain(struct http_exchange *e, CURLcode result)
{
	const char *url = "", *where = e->client->unix_socket;
	int error = errno_of(e, result);
	long status = 0;

	if (e->why.error < 0)
		return; /* we ended it ourselves, and have said why */
	(void)curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status); /* or 0 */
	(void)curl_easy_getinfo(e->easy, CURLINFO_EFFECTIVE_URL, &url);	   /* "" where it fails */
	if (!where)
		where = url;
	if (result == CURLE_COULDNT_CONNECT)
		fail_set(&e->why, error, "cannot connect to %s: %s", where, strerror(-error));
	else if (result == CURLE_OPERATION_TIMEDOUT)
		fail_set(&e->why, error, "no answer from %s in time", where);
	else
		fail_set(&e->why, error, "no answer from %s: %s", where,
			 curl_easy_strerror(result));
}

static void finish(struct http_exchange *done, CURLcode result)
{
	_cleanup_(exchange_freep) struct http_exchange *e = done;
	long status = 0;

	if (e->cancelled)
		return;
	if (result == CURLE_OK)
		(void)curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status); /* or 0 */
	if (result == CURLE_OK && status == 0)
		result = CURLE_GOT_NOTHING;
	if (result == CURLE_OK && status > STATUS_MAX) /* curl 7.88 refuses it, 8.14 does not */
		result = CURLE_WEIRD_SERVER_REPLY;
	if (result != CURLE_OK) {
		explain(e, result);
		status = 0;
	}
	if (e->order.done)
		e->order.done((unsigned)status, &e->body, status ? NULL : &e->why,
			      e->order.userdata);
}

/* --- curl and the loop --- */

static void add_exchange(struct http_exchange *e)
{
	struct http_client *c = e->client;
	CURLMcode m = curl_multi_add_handle(c->multi, e->easy);

	e->added = m == CURLM_OK;
	if (!e->added) {
		fail_set(&e->why, -ENOMEM, "the request cannot be sent: %s",
			 curl_multi_strerror(m));
		finish(e, CURLE_OUT_OF_MEMORY);
		c->unsettled = true; /* done() may have changed the list */
	}
}

static void settle(struct http_client *c)
{
	while (c->unsettled) {
		c->unsettled = false;
		list_each (item, next, &c->exchanges) {
			struct http_exchange *e = container_of(item, struct http_exchange, link);

			if (e->cancelled)
				exchange_free(e);
			else if (!e->added)
				add_exchange(e);
			if (c->unsettled) /* begin anew */
				break;
		}
	}
}

static void act(struct http_client *c, curl_socket_t fd, int what)
{
	int running = 0, left = 0;
	CURLMsg *message;

	c->inside = true;
	(void)curl_multi_socket_action(c->multi, fd, what, &running); /* told per exchange below */
	c->inside = false;
	settle(c);
	while ((message = curl_multi_info_read(c->multi, &left))) {
		CURLcode result = message->data.result;
		char *e = NULL;

		if (message->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &e) == CURLE_OK)
			finish((struct http_exchange *)(void *)e, result);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	int what = 0;

	(void)source;
	if (events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	act(userdata, fd, what);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	act(userdata, CURL_SOCKET_TIMEOUT, 0);
	return 0;
}

/* CURLMOPT_SOCKETFUNCTION; `source` is what curl_multi_assign remembered for this descriptor. */
static int on_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *source)
{
	struct http_client *c = userdata;
	sd_event_source *watch = source;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(watch);
		return curl_multi_assign(c->multi, fd, NULL) == CURLM_OK ? 0 : -1;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (watch)
		return sd_event_source_set_io_events(watch, events) < 0 ? -1 : 0;
	if (sd_event_add_io(c->loop, &watch, fd, events, on_io, c) < 0)
		return -1;
	return curl_multi_assign(c->multi, fd, watch) == CURLM_OK ? 0 : -1;
}

static int on_delay(CURLM *multi, long delay_msec, void *userdata)
{
	struct http_client *c = userdata;
	int enabled = delay_msec < 0 ? SD_EVENT_OFF : SD_EVENT_ONESHOT;

	(void)multi;
	if (delay_msec >= 0 &&
	    sd_event_source_set_time_relative(c->timer, (uint64_t)delay_msec * 1000) < 0)
		return -1;
	return sd_event_source_set_enabled(c->timer, enabled) < 0 ? -1 : 0;
}

/* --- the answer --- */

static size_t on_bytes(char *bytes, size_t one, size_t size, void *userdata)
{
	struct http_exchange *e = userdata;
	long status = 0;
	int r;

	(void)one; /* always 1 */
	if (e->cancelled)
		return CURL_WRITEFUNC_ERROR;
	(void)curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status); /* or 0 */
	if (e->order.data && status == 200) {
		r = e->order.data(bytes, size, e->order.userdata);
		if (r < 0)
			fail_set(&e->why, r, "the answer was not read to its end: %s",
				 strerror(-r));
	} else {
		r = buf_append(&e->body, bytes, size);
		if (r < 0)
			fail_set(&e->why, r, "the answer is larger than %zu bytes", e->body.limit);
	}
	return r < 0 ? CURL_WRITEFUNC_ERROR : size;
}

/* --- sending --- */

static bool add_header(struct http_exchange *e, const char *line)
{
	struct curl_slist *longer = curl_slist_append(e->headers, line);

	if (longer)
		e->headers = longer;
	return longer != NULL;
}

static bool set_headers(struct http_exchange *e, const struct http_order *o)
{
	_cleanup_(buf_done) struct buf line = { 0 };

	/* An empty one keeps curl from sending its own: no wait for a "100 Continue" */
	if (!add_header(e, "Expect:"))
		return false;
	if (o->header && !add_header(e, o->header))
		return false;
	if (o->body && (buf_format(&line, "Content-Type: %s",
				   o->content_type ? o->content_type : "application/json") < 0 ||
			!add_header(e, line.data)))
		return false;
	return curl_easy_setopt(e->easy, CURLOPT_HTTPHEADER, e->headers) == CURLE_OK;
}

static bool set_method(CURL *easy, const struct http_order *o)
{
	if (!o->body && strcmp(o->method, "GET") == 0)
		return true;
	if (!o->body && strcmp(o->method, "HEAD") == 0)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (o->body || strcmp(o->method, "POST") == 0 || strcmp(o->method, "PUT") == 0)
		if (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				     (curl_off_t)(o->body ? o->body_size : 0)) != CURLE_OK ||
		    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, o->body ? o->body : "") !=
			    CURLE_OK)
			return false;
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, o->method) == CURLE_OK;
}

static bool set_options(struct http_exchange *e, const struct http_order *o)
{
	CURL *easy = e->easy;
	/* in milliseconds, rounded up: 0 would mean none */
	long timeout_msec = (long)(o->timeout_usec / 1000 + (o->timeout_usec % 1000 != 0));

	return curl_easy_setopt(easy, CURLOPT_URL, o->url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, e->client->unix_socket) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_SECONDS) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_msec) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "reeve/" REEVE_VERSION) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, e) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, e) == CURLE_OK && set_method(easy, o) &&
	       set_headers(e, o);
}

int http_client_send(struct http_client *c, const struct http_order *order,
		     struct http_exchange **ret, struct fail *f)
{
	_cleanup_(exchange_freep) struct http_exchange *e = calloc(1, sizeof(*e));
	CURLMcode m = CURLM_OK;

	if (!e)
		return fail_set(f, -ENOMEM, "no memory for a request");
	list_init(&e->link);
	e->client = c;
	e->order = *order;
	buf_init(&e->body, order->body_limit ? order->body_limit : DEFAULT_BODY_LIMIT_BYTES);
	e->easy = curl_easy_init();
	if (!e->easy || !set_options(e, order))
		return fail_set(f, -ENOMEM, "the request for %s cannot be made", order->url);
	if (c->inside)
		c->unsettled = true;
	else
		m = curl_multi_add_handle(c->multi, e->easy);
	if (m != CURLM_OK)
		return fail_set(f, -ENOMEM, "the request for %s cannot be sent: %s", order->url,
				curl_multi_strerror(m));
	e->added = !c->inside;
	list_append(&c->exchanges, &e->link);
	if (ret)
		*ret = e;
	e = NULL; /* the client's list owns it */
	return 0;
}

void http_exchange_cancel(struct http_exchange *e)
{
	e->cancelled = true;
	if (e->client->inside)
		e->client->unsettled = true;
	else
		exchange_free(e);
}

/* --- waiting for one --- */

struct wait {
	const struct http_order *order; /* the caller's */
	bool over;
	unsigned status;
	struct buf *body;
	struct fail why;
};

static int on_waited_bytes(const char *bytes, size_t size, void *userdata)
{
	struct wait *w = userdata;

	return w->order->data(bytes, size, w->order->userdata);
}

static void on_waited(unsigned status, const struct buf *body, const struct fail *why,
		      void *userdata)
{
	struct wait *w = userdata;

	w->over = true;
	w->status = status;
	if (why)
		w->why = *why;
	else if (buf_append(w->body, body->size ? body->data : "", body->size) < 0)
		fail_set(&w->why, -ENOMEM, "no memory for an answer of %zu bytes", body->size);
}

int http_client_call(struct http_client *c, const struct http_order *order, unsigned *ret_status,
		     struct buf *ret_body, struct fail *f)
{
	_cleanup_(buf_done) struct buf body = { 0 };
	struct wait w = { .order = order, .body = &body };
	struct http_order waiting = *order;
	struct http_exchange *e = NULL;
	int r;

	waiting.done = on_waited;
	waiting.data = order->data ? on_waited_bytes : NULL;
	waiting.userdata = &w;
	r = http_client_send(c, &waiting, &e, f);
	while (r >= 0 && !w.over)
		r = sd_event_run(c->loop, UINT64_MAX);
	if (!w.over && e) {
		http_exchange_cancel(e);
		return fail_set(f, r, "the wait for %s was ended: %s", order->url, strerror(-r));
	}
	if (r < 0 && !e)
		return r;
	if (w.why.error < 0)
		return fail_code(f, w.why.error, w.why.code, "%s", w.why.text);
	*ret_status = w.status;
	*ret_body = body;
	body = (struct buf){ 0 };
	return 0;
}

/* --- life --- */

static int start(struct http_client *c, sd_event *loop, const char *unix_socket)
{
	int r = 0;

	if (loop)
		c->loop = sd_event_ref(loop);
	else
		r = sd_event_new(&c->loop);
	if (r < 0)
		return r;
	c->unix_socket = unix_socket ? strdup(unix_socket) : NULL;
	if (unix_socket && !c->unix_socket)
		return -ENOMEM;
	r = sd_event_add_time(c->loop, &c->timer, CLOCK_MONOTONIC, 0, 1, on_timer, c);
	if (r >= 0)
		r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	c->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	c->multi = c->global ? curl_multi_init() : NULL;
	if (!c->multi ||
	    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_wanted) != CURLM_OK ||
	    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
	    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_delay) != CURLM_OK ||
	    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK)
		return -ENOMEM;
	return 0;
}

int http_client_new(struct http_client **ret, sd_event *loop, const char *unix_socket,
		    struct fail *f)
{
	_cleanup_(http_client_freep) struct http_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return fail_set(f, -ENOMEM, "no memory for an HTTP client");
	list_init(&c->exchanges);
	r = start(c, loop, unix_socket);
	if (r < 0)
		return fail_set(f, r, "the HTTP client cannot be started: %s", strerror(-r));
	*ret = TAKE_PTR(c);
	return 0;
}

struct http_client *http_client_free(struct http_client *c)
{
	if (!c)
		return NULL;
	assert(!c->inside);
	list_each (item, next, &c->exchanges)
		exchange_free(container_of(item, struct http_exchange, link));
	if (c->multi)
		(void)curl_multi_cleanup(c->multi); /* nothing is in it any more */
	if (c->global)
		curl_global_cleanup();
	sd_event_source_disable_unref(c->timer);
	sd_event_unref(c->loop);
	free(c->unix_socket);
	free(c);
	return NULL;
}
