/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A machine of a few lines for one test: a base that every machine has, and lines of tests/nodes'
 * tree format after it, which win. */

#include "model/inventory.h"
#include "util/host.h"

/* Four cores of one thread in two packages and nodes: what hwloc needs to see them. */
extern const char small_machine_base[];

/* The texts one after the other as a root, opened; base or lines may be NULL. Asserts that it
 * works; small_machine_close removes the folder. */
struct host *small_machine_open(const char *base, const char *lines);
void small_machine_close(struct host *host);

/* All in one: the sealed inventory of the base and these lines. */
struct inventory *small_machine_discover(const char *base, const char *lines);
/* The same of an XML text; NULL, with the sentence in *f, when it is refused. */
struct inventory *small_machine_discover_xml(const char *text, struct fail *f);

/* How many notes have that text in them. */
unsigned small_machine_notes(const struct inventory *inv, const char *text);
