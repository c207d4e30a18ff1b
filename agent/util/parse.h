/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Strict parsing of text from outside: the whole string or nothing. No sign, blank, or leftover
 * character is forgiven unless said. All return 0 or a negative errno: -EINVAL for what is not of
 * the form, -ERANGE for what is but does not fit. *ret is untouched on failure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int parse_u32(const char *text, uint32_t *ret);
int parse_u64(const char *text, uint64_t *ret);
int parse_i32(const char *text, int32_t *ret);	/* an optional leading '-' */
int parse_hex(const char *text, uint64_t *ret); /* with or without 0x */
int parse_bool(const char *text, bool *ret);	/* yes no true false on off 1 0 */

/* "4096", "64KiB", "2M", "1.5GiB": K M G T P are powers of 1024, with or without "iB" or "B". At
 * most nine digits of fraction, and none for bytes themselves. */
int parse_bytes(const char *text, uint64_t *ret);

/* "500ms", "5s", "2min", "1h", "1d"; a bare number is seconds. */
int parse_duration(const char *text, uint64_t *ret_usec);

/* 1 to 63 characters of a-z 0-9 '-', beginning and ending with a letter or digit: the form of
 * slice, task and role names, which become file and unit names. */
bool parse_name_valid(const char *text);

/* Makes one line of well-formed UTF-8 out of a text, in place: every control character and every
 * byte that belongs to no whole sequence becomes '?'. For sentences that quote what came from
 * outside, and that end up in a log line or a JSON string. */
void parse_clean(char *text);

/* Whether the bytes are well-formed UTF-8 (RFC 3629): no overlong form, surrogate, or NUL. */
bool parse_utf8_valid(const char *text, size_t length);
