/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A machine as one text file, expanded to a folder with sys/ and proc/ in it. A line is
 *   PATH = TEXT     a file with that text and a newline, as the kernel writes attributes
 *   PATH : TEXT     the same without the newline: what a truncated file looks like
 *   PATH -> TARGET  a symbolic link
 *   PATH/           an empty folder
 * A `{2-5}` or `{0,4}` in PATH makes one line for each number, which % stands for in PATH and TEXT;
 * \n \t \\ and \xHH are escapes in TEXT. Blank lines and lines that begin with # are skipped. */

#include "util/fail.h"

/* Writes below folder, which exists. -EINVAL with the line's number in the sentence. */
int tree_unpack(const char *tree_file, const char *folder, struct fail *f);
