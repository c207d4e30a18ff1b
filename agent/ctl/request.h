/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a person asked for, as the API's REQUEST and TASKREQUEST: the option tables and their
 * translation. A value of the wrong form is refused here, with the option's name. */

#include "ctl/args.h"
#include "wire/json.h"

extern const struct option_row slice_request_options[];
extern const struct option_row slice_resize_options[];
extern const struct option_row slice_limits_options[]; /* beside either of the two: */
extern const struct option_row *const slice_create_tables[], *const slice_resize_tables[];
extern const struct option_row task_request_options[];

/* An option of the form NAME,KEY=VALUE,... as an object. -EINVAL with a sentence, -ENOMEM. */
int request_item(const struct given *g, json_t **ret, struct fail *f);
/* The object of all options of the tables (NULL-terminated) that were given. -EINVAL with a
 * sentence, -ENOMEM. */
int request_build(const struct args *args, const struct option_row *const *tables, json_t **ret,
		  struct fail *f);
