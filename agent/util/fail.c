/* SPDX-License-Identifier: Apache-2.0 */
/* Failure sentences: a fixed buffer that the caller owns; see fail.h. It does not log. */
#include "util/fail.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	int error;
	const char *code;
} errno_codes[] = {
	{ EPERM, "not-permitted" },
	{ ENOENT, "not-found" },
	{ EACCES, "not-permitted" },
	{ EEXIST, "exists" },
	{ EBUSY, "busy" },
	{ EINVAL, "invalid" },
	{ ENOMEM, "out-of-memory" },
	{ ENOSPC, "no-space" },
	{ EAGAIN, "try-again" },
	{ ETIMEDOUT, "timed-out" },
	{ EOPNOTSUPP, "unsupported" },
	{ ENOSYS, "unsupported" },
	{ ERANGE, "out-of-range" },
	{ E2BIG, "too-large" },
	{ EMSGSIZE, "too-large" },
	{ ESTALE, "stale" },
	{ ENODEV, "no-device" },
	{ EPROTO, "protocol" },
	{ EBADMSG, "malformed" },
	{ ECANCELED, "cancelled" },
	{ EIO, "io" },
	{ ENODATA, "no-data" },
};

const char *fail_code_of_errno(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errno_codes); i++)
		if (errno_codes[i].error == abs(error))
			return errno_codes[i].code;
	return "internal";
}

__attribute__((format(printf, 4, 0))) static int fill(struct fail *f, int error, const char *code,
						      const char *format, va_list args)
{
	if (!f)
		return error;
	f->error = error;
	f->code = code;
	(void)vsnprintf(f->text, sizeof(f->text), format, args); /* a cut sentence is still one */
	parse_clean(f->text);
	return error;
}

int fail_set(struct fail *f, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(f, error, fail_code_of_errno(error), format, args);
	va_end(args);
	return error;
}

int fail_code(struct fail *f, int error, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(f, error, code, format, args);
	va_end(args);
	return error;
}

int fail_prefix(struct fail *f, const char *format, ...)
{
	char old[sizeof(f->text)];
	va_list args;
	size_t n;

	if (!f)
		return 0;
	memcpy(old, f->text, sizeof(old));
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	n = strlen(f->text);
	(void)snprintf(f->text + n, sizeof(f->text) - n, ": %s", old);
	parse_clean(f->text);
	return f->error;
}
