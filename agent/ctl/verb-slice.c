/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl slice create | list | show | resize | freeze | thaw | delete. */
#include "ctl/look.h"
#include "ctl/request.h"
#include "ctl/show.h"
#include "ctl/verb.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>

const struct option_row slice_delete_options[] = {
	{ "grace", 0, OPTION_DURATION, "TIME", NULL, NULL,
	  "between SIGTERM and SIGKILL of its tasks" },
	{ 0 },
};

enum ctl_exit verb_slice_create(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *body = NULL, *slice = NULL;
	struct fail f = { 0 };
	enum ctl_exit e;

	if (request_build(args, slice_create_tables, &body, &f) < 0)
		return session_usage(s, &f);
	e = session_call(s, "POST", "/v1/slices", body, &slice);
	return e ? e : show_slice(s, slice);
}

enum ctl_exit verb_slice_list(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *answer = NULL;
	enum ctl_exit e = session_get(s, "/v1/slices", &answer);

	(void)args; /* it has none */
	return e ? e : session_show(s, show_slices_columns, answer, "slices");
}

enum ctl_exit verb_slice_show(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *slice = NULL;
	enum ctl_exit e;

	session_path(&path, "/v1/slices/", args->words[0]);
	e = session_get(s, path.data, &slice);
	return e ? e : show_slice(s, slice);
}

enum ctl_exit verb_slice_resize(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *body = NULL, *slice = NULL;
	_cleanup_(buf_done) struct buf path = { 0 };
	struct fail f = { 0 };
	enum ctl_exit e;

	if (request_build(args, slice_resize_tables, &body, &f) < 0)
		return session_usage(s, &f);
	session_path(&path, "/v1/slices/", args->words[0]);
	e = session_call(s, "PATCH", path.data, body, &slice);
	return e ? e : show_slice(s, slice);
}

static enum ctl_exit post_each(struct session *s, const struct args *args, const char *act)
{
	enum ctl_exit first = CTL_OK;

	for (size_t i = 0; i < args->words_count; i++) {
		_cleanup_(buf_done) struct buf path = { 0 };
		_cleanup_json_ json_t *nothing = json_object();
		enum ctl_exit e;

		session_path(&path, "/v1/slices/", args->words[i]);
		buf_text(&path, act);
		e = session_call(s, "POST", path.data, nothing, NULL);
		first = first ? first : e;
	}
	return first;
}

enum ctl_exit verb_slice_freeze(struct session *s, const struct args *args)
{
	return post_each(s, args, "/freeze");
}

enum ctl_exit verb_slice_thaw(struct session *s, const struct args *args)
{
	return post_each(s, args, "/thaw");
}

enum ctl_exit verb_slice_delete(struct session *s, const struct args *args)
{
	const char *grace = args_value(args, "grace");
	enum ctl_exit first = CTL_OK;
	struct fail f = { 0 };
	uint64_t usec;

	if (grace && parse_duration(grace, &usec) < 0) {
		fail_code(&f, -EINVAL, "usage", "--grace wants a time such as 10s, not '%s'",
			  grace);
		return session_usage(s, &f);
	}
	for (size_t i = 0; i < args->words_count; i++) {
		_cleanup_(buf_done) struct buf path = { 0 };
		enum ctl_exit e;

		session_path(&path, "/v1/slices/", args->words[i]);
		if (grace)
			session_path(&path, "?grace=", grace);
		e = session_call(s, "DELETE", path.data, NULL, NULL);
		first = first ? first : e;
	}
	return first;
}
