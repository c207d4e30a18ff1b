/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line of reeved, over the configuration file it names: one table of options. */

#include "config.h"

enum options_answer { OPTIONS_RUN = 0, OPTIONS_PRINTED = 1 };

/* Fills *ret with defaults, then the file, then the command line. OPTIONS_PRINTED after --help or
 * --version; -EINVAL with a sentence. Warnings about the file are logged. */
int options_parse(int argc, char **argv, struct config *ret, struct fail *f);
