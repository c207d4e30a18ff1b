/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a slice should have given back and has not: the proof of its end failed there. Resources
 * among it stay out of the offers, each with its reason; a note is reported only. */

#include "model/allocation.h"

struct leaks {
	struct allocation *held; /* CPUs, devices and huge pages; NULL: none */
	char **reasons;		 /* one sentence each, what is left and why */
	size_t count;
};

/* -ENOMEM (and -ERANGE for a node above CPUSET_MAX). */
int leaks_add_cpus(struct leaks *l, const struct cpuset *cpus, const char *why);
int leaks_add_device(struct leaks *l, const char *id, const char *why);
int leaks_add_hugepages(struct leaks *l, const struct allocation_hugepages *pages, const char *why);
int leaks_add_note(struct leaks *l, const char *why);
/* Whether anything that the offers must do without is left. */
bool leaks_hold(const struct leaks *l);
/* All sentences as one; NULL when there is none or no memory. The caller frees. */
char *leaks_text(const struct leaks *l);
void leaks_done(struct leaks *l);
