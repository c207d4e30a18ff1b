/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the API: one table, one short function each. Streams are in routes_stream.c. */
#include "api.h"
#include "decode.h"
#include "decode_resize.h"
#include "routes_stream.h"
#include "server.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct api_caller caller_of(const struct exchange *x)
{
	return (struct api_caller){ .uid = x->call->peer.uid, .gid = x->call->peer.gid };
}

static struct api_task_order task_of(const struct exchange *x)
{
	return (struct api_task_order){ .slice = x->params[0], .task = x->params[1] };
}

static void answer(struct exchange *x, int r, unsigned status, json_t *document,
		   const struct fail *why)
{
	if (r < 0)
		exchange_fail(x, why);
	else if (document)
		exchange_document(x, status, document);
	else
		exchange_nothing(x, status);
	json_decref(document);
}

static void get_view(struct exchange *x, enum api_view view)
{
	struct fail why = { 0 };
	json_t *document = NULL;
	int r = api_look(x->api, view, &document, &why);

	answer(x, r, 200, document, &why);
}

static void get_node(struct exchange *x)
{
	get_view(x, API_NODE);
}

static void get_inventory(struct exchange *x)
{
	get_view(x, API_INVENTORY);
}

static void get_offers(struct exchange *x)
{
	get_view(x, API_OFFERS);
}

static void get_health(struct exchange *x)
{
	get_view(x, API_HEALTH);
}

static void get_metrics(struct exchange *x)
{
	_cleanup_free_ char *text = NULL;
	struct fail why = { 0 };

	if (api_metrics(x->api, &text) < 0) {
		fail_set(&why, -ENOMEM, "out of memory");
		exchange_fail(x, &why);
		return;
	}
	exchange_text(x, "application/openmetrics-text; version=1.0.0; charset=utf-8", text,
		      strlen(text));
}

static void get_slices(struct exchange *x)
{
	struct fail why = { 0 };
	json_t *document = NULL;
	int r = api_slices(x->api, x->params[0], &document, &why);

	answer(x, r, 200, document, &why);
}

static void get_tasks(struct exchange *x)
{
	struct fail why = { 0 };
	json_t *document = NULL;
	int r = api_tasks(x->api, x->params[0], x->params[1], &document, &why);

	answer(x, r, 200, document, &why);
}

/* The body as a slice request; false when it was refused and answered. */
static bool read_request(struct exchange *x, struct request *ret)
{
	_cleanup_json_ json_t *body = exchange_body(x);
	struct fail why = { 0 };

	if (!body)
		return false;
	request_init(ret);
	if (decode_request(body, ret, &why) == 0)
		return true;
	request_done(ret);
	exchange_fail(x, &why);
	return false;
}

static void post_explain(struct exchange *x)
{
	struct request request;
	struct fail why = { 0 };
	json_t *document = NULL;
	int r;

	if (!read_request(x, &request))
		return;
	r = api_explain(x->api, &request, &document, &why);
	answer(x, r, 200, document, &why);
}

/* What was made can be found where Location says (RFC 9110, section 15.3.2). */
static void on_slice_made(json_t *document, const struct fail *why, void *userdata)
{
	const char *id = json_string_value(json_object_get(document, "id"));
	struct exchange *x = userdata;

	if (!why && id)
		exchange_location(x, id, NULL);
	if (why)
		exchange_fail(x, why);
	else
		exchange_document(x, 201, document);
}

static void on_task_made(json_t *document, const struct fail *why, void *userdata)
{
	const char *name = json_string_value(json_object_get(document, "name"));
	struct exchange *x = userdata;

	if (!why && name)
		exchange_location(x, x->params[0], name);
	if (why)
		exchange_fail(x, why);
	else
		exchange_document(x, 201, document);
}

static void on_deleted(json_t *document, const struct fail *why, void *userdata)
{
	struct exchange *x = userdata;

	(void)document;
	if (why)
		exchange_fail(x, why);
	else
		exchange_nothing(x, 204);
}

static void post_slice(struct exchange *x)
{
	struct api_caller caller = caller_of(x);
	struct request request;
	uint64_t number;

	if (!read_request(x, &request))
		return;
	exchange_defer(x);
	number = api_slice_create(x->api, &caller, &request,
				  (struct api_reply){ .done = on_slice_made, .userdata = x });
	if (number) /* else x may have been answered, and be gone */
		x->queued = number;
}

static void get_queue(struct exchange *x)
{
	struct fail why = { 0 };
	json_t *document = NULL;
	int r = api_queue(x->api, x->params[0], &document, &why);

	answer(x, r, 200, document, &why);
}

static void delete_queued(struct exchange *x)
{
	struct api_caller caller = caller_of(x);
	struct fail why = { 0 };
	int r = api_queue_leave(x->api, &caller, x->params[0], &why);

	answer(x, r, 204, NULL, &why);
}

static void delete_slice(struct exchange *x)
{
	struct api_caller caller = caller_of(x);
	uint64_t grace;

	if (!exchange_duration(x, "grace", 0, &grace))
		return;
	exchange_defer(x);
	api_slice_delete(x->api, &caller, x->params[0], grace,
			 (struct api_reply){ .done = on_deleted, .userdata = x });
}

/* 202: announced, and done when the grace is over. */
static void on_changed(json_t *document, const struct fail *why, void *userdata)
{
	struct exchange *x = userdata;

	if (why)
		exchange_fail(x, why);
	else
		exchange_document(x, json_object_get(document, "resizing") ? 202 : 200, document);
}

static void patch_slice(struct exchange *x)
{
	struct api_caller caller = caller_of(x);
	_cleanup_json_ json_t *body = exchange_body(x); /* without one, x is gone */
	struct resize_change change;
	struct fail why = { 0 };

	if (!body)
		return;
	resize_change_init(&change);
	if (decode_resize(body, &change, &why) < 0) {
		resize_change_done(&change);
		exchange_fail(x, &why);
		return;
	}
	exchange_defer(x);
	api_slice_resize(x->api, &caller, x->params[0], &change,
			 (struct api_reply){ .done = on_changed, .userdata = x });
}

static void freeze_or_thaw(struct exchange *x, bool frozen)
{
	static const struct json_field none[] = { { 0 } };
	struct api_caller caller = caller_of(x);
	_cleanup_json_ json_t *body = exchange_body(x); /* without one, x is gone */
	struct fail why = { 0 };

	if (!body)
		return;
	if (json_read(body, none, frozen ? "freeze request" : "thaw request", NULL, &why) < 0) {
		exchange_fail(x, &why);
		return;
	}
	exchange_defer(x);
	api_slice_freeze(x->api, &caller, x->params[0], frozen,
			 (struct api_reply){ .done = on_changed, .userdata = x });
}

static void post_freeze(struct exchange *x)
{
	freeze_or_thaw(x, true);
}

static void post_thaw(struct exchange *x)
{
	freeze_or_thaw(x, false);
}

static void post_task(struct exchange *x)
{
	struct api_caller caller = caller_of(x);
	_cleanup_json_ json_t *body = exchange_body(x); /* without one, x is gone */
	struct api_task task = { .request = body };
	struct fail why = { 0 };

	if (!body)
		return;
	task_spec_init(&task.spec);
	if (decode_task(body, &task.spec, &why) < 0) {
		task_spec_done(&task.spec);
		exchange_fail(x, &why);
		return;
	}
	exchange_defer(x);
	api_task_start(x->api, &caller, x->params[0], &task,
		       (struct api_reply){ .done = on_task_made, .userdata = x });
}

static void on_waited(json_t *document, const struct fail *why, void *userdata)
{
	struct exchange *x = userdata;

	if (why)
		exchange_fail(x, why);
	else
		exchange_document(x, 200, document);
}

static void get_task(struct exchange *x)
{
	struct api_wait_order order = { .task = task_of(x),
					.reply = { .done = on_waited, .userdata = x } };
	struct fail why = { 0 };

	if (!http_query(x->request, "wait")) {
		get_tasks(x);
		return;
	}
	if (!exchange_duration(x, "wait", 0, &order.timeout_usec))
		return;
	exchange_defer(x);
	if (api_task_wait(x->api, &order, &x->wait, &why) < 0)
		exchange_fail(x, &why);
}

static void delete_task(struct exchange *x)
{
	struct api_caller caller = caller_of(x);
	struct api_task_order order = task_of(x);
	struct fail why = { 0 };
	int r = api_task_forget(x->api, &caller, &order, &why);

	answer(x, r, 204, NULL, &why);
}

static void post_signal(struct exchange *x)
{
	static const struct json_field fields[] = {
		{ "signal", JSON_KIND_STRING, 0, .required = true, .maximum = 16 },
		{ 0 },
	};
	struct api_caller caller = caller_of(x);
	struct api_task_order order = task_of(x);
	_cleanup_json_ json_t *body = exchange_body(x); /* without one, x is gone */
	struct fail why = { 0 };
	const char *name = NULL;
	int signal = 0, r;

	if (!body)
		return;
	r = json_read(body, fields, "signal request", &name, &why);
	if (r == 0)
		r = decode_signal(name, &signal, &why);
	if (r == 0)
		r = api_task_signal(x->api, &caller, &order, signal, &why);
	answer(x, r, 204, NULL, &why);
}

static void post_stop(struct exchange *x)
{
	static const struct json_field fields[] = {
		{ "grace", JSON_KIND_DURATION, 0, .maximum = 3600ULL * 1000000 },
		{ 0 },
	};
	struct api_caller caller = caller_of(x);
	struct api_task_order order = task_of(x);
	_cleanup_json_ json_t *body = exchange_body(x); /* without one, x is gone */
	struct fail why = { 0 };
	uint64_t grace = UINT64_MAX;
	int r;

	if (!body)
		return;
	r = json_read(body, fields, "stop request", &grace, &why);
	if (r == 0)
		r = api_task_stop(x->api, &caller, &order, grace, &why);
	answer(x, r, 202, NULL, &why);
}

const struct route routes[] = {
	{ "GET", "/v1/node", get_node, { 0 } },
	{ "GET", "/v1/inventory", get_inventory, { 0 } },
	{ "GET", "/v1/offers", get_offers, { 0 } },
	{ "GET", "/v1/slices", get_slices, { 0 } },
	{ "POST", "/v1/slices", post_slice, { 0 } },
	{ "GET", "/v1/slices/{}", get_slices, { 0 } },
	{ "PATCH", "/v1/slices/{}", patch_slice, { 0 } },
	{ "DELETE", "/v1/slices/{}", delete_slice, { "grace" } },
	{ "POST", "/v1/slices/{}/freeze", post_freeze, { 0 } },
	{ "POST", "/v1/slices/{}/thaw", post_thaw, { 0 } },
	{ "GET", "/v1/slices/{}/tasks", get_tasks, { 0 } },
	{ "POST", "/v1/slices/{}/tasks", post_task, { 0 } },
	{ "GET", "/v1/slices/{}/tasks/{}", get_task, { "wait" } },
	{ "DELETE", "/v1/slices/{}/tasks/{}", delete_task, { 0 } },
	{ "POST", "/v1/slices/{}/tasks/{}/signal", post_signal, { 0 } },
	{ "POST", "/v1/slices/{}/tasks/{}/stop", post_stop, { 0 } },
	{ "GET", "/v1/slices/{}/tasks/{}/logs", routes_logs, { "stream", "tail", "follow" } },
	{ "GET", "/v1/queue", get_queue, { 0 } },
	{ "GET", "/v1/queue/{}", get_queue, { 0 } },
	{ "DELETE", "/v1/queue/{}", delete_queued, { 0 } },
	{ "POST", "/v1/explain", post_explain, { 0 } },
	{ "GET", "/v1/health", get_health, { 0 } },
	{ "GET", "/v1/events", routes_events, { "since", "follow", "format", "slice" } },
	{ "GET", "/metrics", get_metrics, { 0 } },
	{ 0 },
};
