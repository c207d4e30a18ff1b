/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is to be run in a slice: plain data, its strings owned here. */

#include "util/strtab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum task_output { TASK_OUTPUT_FILE, TASK_OUTPUT_JOURNAL, TASK_OUTPUT_NULL };
STRTAB_DECLARE(task_output, enum task_output); /* "file" "journal" "null" */

enum task_restart { TASK_RESTART_NEVER, TASK_RESTART_ON_FAILURE, TASK_RESTART_ALWAYS };
STRTAB_DECLARE(task_restart, enum task_restart); /* "never" "on-failure" "always" */

enum task_oom { TASK_OOM_GROUP, TASK_OOM_SINGLE };
STRTAB_DECLARE(task_oom, enum task_oom); /* "group" "single" */

/* set_mempolicy(2) over the nodes of the slice; DEFAULT: as the slice has it. */
enum task_policy {
	TASK_POLICY_DEFAULT,
	TASK_POLICY_BIND,
	TASK_POLICY_PREFERRED,
	TASK_POLICY_INTERLEAVE,
	TASK_POLICY_WEIGHTED_INTERLEAVE,
};
STRTAB_DECLARE(task_policy, enum task_policy); /* "default" "bind" ... "weighted-interleave" */

/* Of a slice with CPUs of its own and a share of the pool: DEFAULT: its own where it has some. */
enum task_cpus { TASK_CPUS_DEFAULT, TASK_CPUS_EXCLUSIVE, TASK_CPUS_SHARED };
STRTAB_DECLARE(task_cpus, enum task_cpus); /* "default" "exclusive" "shared" */

/* The resource limits of setrlimit(2) by their names in the API ("nofile"); the number is the
 * kernel's RLIMIT_*. -1 for an unknown name. */
int task_limit_from_string(const char *name);
const char *task_limit_names(void); /* all of them, ", " between, for sentences */

struct task_limit {
	int resource;	     /* RLIMIT_* */
	uint64_t soft, hard; /* UINT64_MAX: infinity */
};

enum { TASK_LIMITS_MAX = 16, TASK_WORDS_BYTES_MAX = 128 << 10 };
enum { TASK_ADDRESSES_MAX = 16, TASK_GATEWAYS_MAX = 2 };

struct task_nic {		      /* a NIC of the slice that the task has for itself */
	char *device;		      /* its id; NULL: none */
	char *interface;	      /* its name there; NULL: as all networks of tasks have it */
	char **addresses, **gateways; /* "192.0.2.2/24", "192.0.2.1"; NULL-terminated, or NULL */
};

struct task_spec {
	char *name;	    /* NULL: the agent chooses */
	char **argv;	    /* NULL-terminated, at least one */
	char **env;	    /* "K=V", NULL-terminated; NULL: none beside the agent's own */
	char *user, *group; /* as asked; NULL: the caller's */
	uint32_t uid, gid;  /* resolved */
	uint32_t *groups;   /* supplementary, resolved */
	size_t groups_count;
	char *cwd; /* NULL: "/" */
	char *cni; /* the network that it joins in a namespace of its own; NULL: the host's */
	struct task_nic nic; /* or what is in that namespace instead */
	uint32_t umask;
	struct task_limit limits[TASK_LIMITS_MAX];
	size_t limits_count;
	enum task_oom oom; /* of whom the kernel kills for memory: all of it, or one process */
	enum task_policy memory_policy;
	enum task_cpus cpus;
	enum task_output stdout_to, stderr_to;
	uint64_t kill_grace_usec;
	enum task_restart restart;
	uint64_t backoff_first_usec, backoff_max_usec;
	uint32_t restarts_max; /* 0: no limit */
};

void task_spec_init(struct task_spec *s); /* the defaults of reeve-api(7) */
void task_spec_done(struct task_spec *s);
