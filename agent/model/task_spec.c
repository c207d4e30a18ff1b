/* SPDX-License-Identifier: Apache-2.0 */
/* Task specifications; see task_spec.h. */
#include "model/task_spec.h"

#include "util/cleanup.h"

#include <stdlib.h>
#include <sys/resource.h>

STRTAB_DEFINE(task_output, enum task_output, [TASK_OUTPUT_FILE] = "file",
	      [TASK_OUTPUT_JOURNAL] = "journal", [TASK_OUTPUT_NULL] = "null");
STRTAB_DEFINE(task_restart, enum task_restart, [TASK_RESTART_NEVER] = "never",
	      [TASK_RESTART_ON_FAILURE] = "on-failure", [TASK_RESTART_ALWAYS] = "always");

STRTAB_DEFINE(task_oom, enum task_oom, [TASK_OOM_GROUP] = "group", [TASK_OOM_SINGLE] = "single");
STRTAB_DEFINE(task_policy,
	      enum task_policy, [TASK_POLICY_DEFAULT] = "default", [TASK_POLICY_BIND] = "bind",
	      [TASK_POLICY_PREFERRED] = "preferred", [TASK_POLICY_INTERLEAVE] = "interleave",
	      [TASK_POLICY_WEIGHTED_INTERLEAVE] = "weighted-interleave");

STRTAB_DEFINE(task_cpus, enum task_cpus, [TASK_CPUS_DEFAULT] = "default",
	      [TASK_CPUS_EXCLUSIVE] = "exclusive", [TASK_CPUS_SHARED] = "shared");

static const char *const limit_names[] = {
	[RLIMIT_AS] = "as",
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

int task_limit_from_string(const char *name)
{
	return strtab_value(limit_names, ARRAY_SIZE(limit_names), name);
}

const char *task_limit_names(void)
{
	return "as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, "
	       "rtprio, rttime, sigpending, stack";
}

void task_spec_init(struct task_spec *s)
{
	*s = (struct task_spec){
		.umask = 022,
		.kill_grace_usec = 10 * 1000000,
		.backoff_first_usec = 1000000,
		.backoff_max_usec = 60 * 1000000,
	};
}

static void free_texts(char **texts)
{
	for (char **t = texts; t && *t; t++)
		free(*t);
	free(texts);
}

void task_spec_done(struct task_spec *s)
{
	free_texts(s->argv);
	free_texts(s->env);
	free(s->name);
	free(s->user);
	free(s->group);
	free(s->groups);
	free(s->cwd);
	free(s->cni);
	free(s->nic.device);
	free(s->nic.interface);
	free_texts(s->nic.addresses);
	free_texts(s->nic.gateways);
	*s = (struct task_spec){ 0 };
}
