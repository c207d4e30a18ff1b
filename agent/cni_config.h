/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The host's network configurations by the Container Network Interface
 * (github.com/containernetworking/cni, SPEC.md 1.1.0, sections 1 and 3), as lists of plugins. Files
 * are the administrator's; they are read again for every task, and what was read is kept for its
 * end. */

#include "util/fail.h"
#include "wire/json.h"

/* Of networks, containers: it begins with a letter or digit, and has letters, digits, '_', '.' and
 * '-' after it. */
bool cni_name_valid(const char *text);

/* The list of the network of that name, of the first file of the directory, in order of their
 * names, that has it: *.conflist, or *.conf and *.json of a single plugin, which become a list of
 * one. The highest version that both know is chosen. Code "no-such-network": -EINVAL, or what kept
 * a file from being used (-ENOTSUP: its version). -ENOMEM. */
int cni_config_find(const char *dir, const char *network, json_t **ret, struct fail *f);
/* The same of one document, which becomes the list. */
int cni_config_of(json_t *document, json_t **ret, struct fail *f);

size_t cni_config_count(const json_t *list);
const char *cni_config_type(const json_t *list, size_t plugin);
/* Whether DEL is to be given what ADD said: since 0.4.0. */
bool cni_config_keeps_result(const json_t *list);
/* What a plugin is to read: its own part with the list's name and version, and what the plugin
 * before it said (NULL: nothing). Heap, NULL without memory. */
char *cni_config_input(const json_t *list, size_t plugin, const json_t *result);
