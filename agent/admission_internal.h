/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the files behind admission.h; nobody else includes it. */

#include "admission.h"
#include "model/share.h"

struct waiting { /* a request at the door */
	struct list link;
	uint64_t number;
	uint64_t until_usec; /* monotonic: it waits no longer */
	uint64_t since_usec; /* CLOCK_REALTIME */
	struct request request;
	uid_t uid;
	struct slice_waiter *waiter;
	char name[64];	/* that was asked for; "": the agent chooses one */
	bool paid;	/* with a token */
	bool asking;	/* admission_ask is on the stack, and answers */
	bool told;	/* that it waits */
	bool over;	/* why.error: refused; else admitted */
	uint64_t tried; /* when nothing was free for it, see epoch */
	double share;	/* of its user, as it was sorted last */
	struct fail why;
};

struct bucket { /* of a user's tokens */
	uid_t uid;
	uint64_t full_usec;
};

struct admission {
	struct manager *manager;
	struct list queue, answered; /* struct waiting, in order of arrival */
	size_t count;
	uint64_t numbers;
	uint64_t epoch; /* rises whenever something may have become free, or somebody's turn */
	bool looking, again, closed;
	struct bucket *buckets;
	size_t buckets_count;
	sd_event_source *wake, *due;
};

/* What all slices hold, what there is, and who waits in which order; made for one look. */
struct picture {
	struct share_row *rows;		/* room for all who wait behind those of the slices */
	struct share_table slices, all; /* all: with those who were found to wait */
	struct share_machine free_now, machine;
	struct waiting **order;
	size_t count;
};
int picture_take(struct admission *a, struct picture *ret);
void picture_done(struct picture *p);
struct share_row picture_row(const struct waiting *w);
/* From here on nobody behind takes what this one waits for. */
void picture_wait(struct picture *p, const struct waiting *w);

void admission_tell(struct admission *a, struct waiting *w, enum event_kind kind);
