/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: a whole agent in this process, with a runtime and a state directory of its own, driven
 * through api.h on its own loop. The real reeve-init is started. */

#include "adopt.h"
#include "api.h"
#include "backend.h"
#include "config.h"
#include "manager.h"
#include "util/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct agent {
	char dir[64]; /* run/ and state/ are below it */
	struct config config;
	struct manager *manager;
};

/* Why it cannot be had here, a sentence; NULL when it can: root, reeve-init, and for cgroupfs a
 * cgroup v2 hierarchy that can be written. */
const char *agent_missing(enum backend_choice backend);
/* All assert. Opening starts the first agent. */
void agent_open(struct agent *a, enum backend_choice backend);
/* The same on the hardware below another root, by back end process. */
void agent_open_at(struct agent *a, const char *root);
void agent_done(struct agent *a); /* stops it and removes the directories */
/* One agent goes, the next takes over what it left. */
void agent_restart(struct agent *a);

/* What an answer said; `document` is a reference of its own. */
struct answer {
	unsigned calls;
	int error;
	const char *code;
	char text[512];
	json_t *document;
};
void answer_done(struct answer *a);
struct api_reply answer_here(struct answer *a); /* the struct must outlive the call */

/* Calls as root. The JSON is that of reeve-api(7). */
void agent_create(struct agent *a, const char *request, struct answer *ret);
void agent_delete(struct agent *a, const char *slice, uint64_t grace_usec, struct answer *ret);
void agent_start(struct agent *a, const char *slice, const char *task, struct answer *ret);

/* Turns the loop until the answer has come (false: not within the time), or for so long. */
bool agent_await(struct agent *a, const struct answer *answer, uint64_t limit_usec);
void agent_turn(struct agent *a, uint64_t usec);

/* Processes of this agent that are still there: reeve-inits and tasks, told by their environment or
 * command line. */
unsigned agent_processes(const struct agent *a, const char *slice_prefix);
/* Cgroups below the agent's own, 0 without. */
unsigned agent_cgroups(const struct agent *a);
