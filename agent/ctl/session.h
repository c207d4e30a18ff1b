/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One run of reevectl: where the agent is, what the terminal can show, and calls to the API that
 * end in a document or in one sentence on stderr and an exit status. */

#include "ctl/writer.h"
#include "util/buf.h"
#include "util/fail.h"
#include "wire/http_client.h"
#include "wire/json.h"

#include <systemd/sd-event.h>

enum ctl_exit {
	CTL_OK = 0,
	CTL_REFUSED = 1,      /* the agent understood and said no */
	CTL_USAGE = 2,	      /* the command line is wrong */
	CTL_UNREACHABLE = 3,  /* no agent answered on the socket */
	CTL_STRANGE = 4,      /* it answered what this version does not understand */
	CTL_RUN_FAILED = 125, /* run: the task was never started */
	CTL_NOT_EXECUTABLE = 126,
	CTL_NOT_FOUND = 127,
	CTL_SIGNALLED = 128, /* run: 128 + the signal that ended the task */
};

struct session {
	struct screen screen;
	const char *socket;	    /* borrowed */
	sd_event *loop;		    /* owned; made with the client */
	struct http_client *client; /* owned; made by the first call */
	bool ran;		    /* run: the exit status is the task's own */
};

void session_done(struct session *s);

/* The client on the session's loop, made when it is first needed. Says why not on stderr. */
enum ctl_exit session_open(struct session *s);

/* Sends and waits. body NULL: none; not taken. CTL_OK with the answer's document in *ret (NULL for
 * an empty one; ret may be NULL); otherwise the sentence has been written to stderr. */
enum ctl_exit session_call(struct session *s, const char *method, const char *path,
			   const json_t *body, json_t **ret);
enum ctl_exit session_get(struct session *s, const char *path, json_t **ret);

/* The raw body of a GET that is not JSON; the caller frees with buf_done. */
enum ctl_exit session_get_text(struct session *s, const char *path, struct buf *ret);

/* As session_get, but silent: an answer that is merely nice to have. NULL without one. */
json_t *session_try(struct session *s, const char *path);

/* What an answer's status and body mean; body may be NULL. Writes the sentence if it is no success.
 */
enum ctl_exit session_judge(const struct session *s, unsigned status, const struct buf *body);

/* The sentence for an agent that could not be reached. */
enum ctl_exit session_unreachable(const struct session *s, const struct fail *why);

/* "reevectl: <sentence> [code]" on stderr; code may be NULL. Safe for text of the agent. */
void session_complain(const struct session *s, const char *sentence, const char *code);
enum ctl_exit session_usage(const struct session *s, const struct fail *f); /* and CTL_USAGE */

/* Writes the buffer to stdout and empties it. CTL_REFUSED when that failed. */
enum ctl_exit session_print(struct session *s, struct buf *text);

/* The document as JSON, or what `columns` make of its member `key` (NULL: the document itself): a
 * table for an array, a record for an object. */
enum ctl_exit session_show(struct session *s, const struct column *columns, const json_t *document,
			   const char *key);

/* "/v1/slices/" + the id, percent-encoded (RFC 3986, section 2.1) so that it stays one segment. */
void session_path(struct buf *into, const char *before, const char *segment);
