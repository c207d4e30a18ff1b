/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to json.c and json_read.c: somebody else's text within our sentences. */

enum { JSON_SHOWN_BYTES = 48 };

struct json_shown {
	char text[JSON_SHOWN_BYTES + 4];
};

/* At most JSON_SHOWN_BYTES, cut between characters and then with "..." behind; control characters,
 * and all that is not ASCII when the text is not UTF-8, become '?'. */
struct json_shown json_show(const char *text);
