/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The sentence that says why something failed, written where it happened, kept in the caller's
 * stack frame, shown or logged once. No heap. */

#include <stdarg.h>
#include <stddef.h>

struct fail {
	int error;	  /* negative errno, 0 while nothing failed */
	const char *code; /* short machine-readable name, static; never NULL once error is set */
	char text[512]; /* one sentence for a person: one line of valid UTF-8, always terminated */
};

/* Both fill *f (which may be NULL) and return error, so that `return fail_set(...)` reads well.
 * fail_set derives the code from error (-EBUSY: "busy"); fail_code states it ("cpu-held"). */
int fail_set(struct fail *f, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int fail_code(struct fail *f, int error, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "<prefix>: " before the sentence that is there already; returns f->error. */
int fail_prefix(struct fail *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The short name that fail_set would choose for an errno, positive or negative; never NULL. */
const char *fail_code_of_errno(int error);
