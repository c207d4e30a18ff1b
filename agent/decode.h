/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JSON of the API -> model values: the door at which outside text is parsed, once and strictly. */

#include "model/allocation.h"
#include "model/request.h"
#include "model/task_spec.h"
#include "util/fail.h"
#include "wire/json.h"

/* *ret must be request_init'ed / task_spec_init'ed; it is to be released also on failure. -EINVAL,
 * -ERANGE with a sentence. */
int decode_request(const json_t *object, struct request *ret, struct fail *f);
/* Its "limits"; decode_limits.c. *ret is empty before, to be released also on failure. */
int decode_request_limits(const json_t *object, struct request_limits *ret, struct fail *f);
int decode_task(const json_t *object, struct task_spec *ret, struct fail *f);
/* "TERM", "SIGTERM" or a number as text. */
int decode_signal(const char *name, int *ret, struct fail *f);
/* What document_allocation wrote, from the store. */
int decode_allocation(const json_t *object, struct allocation **ret, struct fail *f);
