/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent's eye on the node: readings of pressure, devices and the agent's own means, fed to
 * health; and the heartbeat with its verdict. */

#include "util/fail.h"
#include "wire/json.h"

#include <stdint.h>

struct manager;
struct watch;

int watch_new(struct watch **ret, struct manager *m, struct fail *f);
struct watch *watch_free(struct watch *w);
/* Takes all readings now and reports what changed; or those about pressure only. */
void watch_look(struct watch *w);
void watch_look_pressure(struct watch *w);

/* The heartbeat runs only while somebody listens: an idle agent does not wake up. */
void watch_listen(struct watch *w, void (*beat)(const char *text, size_t size, void *userdata),
		  void *userdata);
void watch_unlisten(struct watch *w, void *userdata);

/* {"verdict","node","agent","generation","summary","free","used","pressure","slices","tasks"} */
json_t *watch_heartbeat(struct watch *w);
json_t *watch_health(const struct watch *w);   /* GET /v1/health */
json_t *watch_pressure(const struct watch *w); /* of the host */
