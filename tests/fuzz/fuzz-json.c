/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a request: never a crash, and every refusal is a sentence that can be sent back. */
#include "util/parse.h"
#include "wire/json.h"

#include <assert.h>
#include <string.h>

struct target {
	const char *text, *name;
	uint64_t u64, bytes, duration;
	int64_t i64;
	bool yes;
	double number;
	int choice;
	const json_t *list, *object;
};

static int choice_from_string(const char *name)
{
	return strcmp(name, "never") == 0 ? 0 : -1;
}

#define FIELD(name, KIND, member)                                                                \
	{                                                                                        \
		.key = name, .kind = JSON_KIND_##KIND, .offset = offsetof(struct target, member) \
	}
#define BOUNDED(name, KIND, member, low, high)                                                    \
	{                                                                                         \
		.key = name, .kind = JSON_KIND_##KIND, .offset = offsetof(struct target, member), \
		.minimum = low, .maximum = high                                                   \
	}
static const struct json_field fields[] = {
	BOUNDED("text", STRING, text, 1, 16),
	FIELD("name", NAME, name),
	BOUNDED("cores", U64, u64, 1, 65536),
	BOUNDED("nice", I64, i64, (uint64_t)-20, 19),
	FIELD("required", BOOL, yes),
	BOUNDED("shared", NUMBER, number, 0, 1024),
	FIELD("memory", BYTES, bytes),
	FIELD("grace", DURATION, duration),
	{ .key = "restart",
	  .kind = JSON_KIND_ENUM,
	  .offset = offsetof(struct target, choice),
	  .from_string = choice_from_string,
	  .choices = "never" },
	BOUNDED("argv", ARRAY, list, 1, 4),
	FIELD("labels", OBJECT, object),
	{ 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *document = NULL;
	_cleanup_free_ char *text = NULL;
	struct target target = { 0 };
	struct fail f = { 0 };
	int r = json_parse_object((const char *)data, size, &document, &f);

	if (r == 0) {
		text = json_text(document);
		assert(text);
		r = json_read(document, fields, "request", &target, &f);
	}
	assert(r == f.error && (r == 0) == (f.text[0] == 0));
	assert(parse_utf8_valid(f.text, strlen(f.text)) && !strpbrk(f.text, "\n\r\t\033"));
	if (r == 0)
		assert(target.u64 <= 65536 && target.i64 >= -20 && target.i64 <= 19);
	return 0;
}
