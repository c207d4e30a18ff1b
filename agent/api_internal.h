/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the files behind api.h; nobody else includes it. */

#include "api.h"
#include "slice.h"

struct api {
	struct manager *manager;
};

int api_find_slice(const struct api *a, const char *id, struct slice **ret, struct fail *f);
struct api_found {
	struct slice *slice;
	struct slice_task *task;
};
int api_find_task(const struct api *a, const struct api_task_order *order, struct api_found *ret,
		  struct fail *f);
