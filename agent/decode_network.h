/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The "network" of a task: {"cni": NAME}, or {"nic": DEVICE, "interface", "addresses",
 * "gateways"}. */

#include "model/task_spec.h"
#include "util/fail.h"
#include "wire/json.h"

int decode_network(const json_t *object, struct task_spec *ret, struct fail *f); /* NULL: none */
