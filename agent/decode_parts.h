/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Parts that a request and a change of size have in common: lists of counts. */

#include "model/request.h"
#include "util/fail.h"
#include "wire/json.h"

#define DECODE_ABSENT UINT64_MAX /* a class that is not in the list */

/* [{"size","count"}]; NULL: empty. The list has at most REQUEST_HUGEPAGES_MAX items. Each count is
 * at least `least`. -EINVAL, -ERANGE with a sentence. */
int decode_hugepages(const json_t *list, uint64_t least,
		     struct request_hugepages ret[REQUEST_HUGEPAGES_MAX], size_t *ret_count,
		     struct fail *f);
/* {"function", "speed_mbps"} of the NICs; NULL: any. */
int decode_nic(const json_t *object, struct request_nic *ret, struct fail *f);
/* [{"class","count"}], each class once; sets those that are there. */
int decode_devices(const json_t *list, uint64_t least, uint64_t ret[DEVICE_KINDS], struct fail *f);
