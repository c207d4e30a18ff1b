/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Settings: defaults, then the configuration file, then the command line; one table of keys
 * (config_keys) gives name, form, bounds and meaning, for reeved.conf(5) as for the parser. */

#include "device_allow.h"
#include "model/pressure_rule.h"
#include "model/rate.h"
#include "model/share.h"
#include "util/cpuset.h"
#include "util/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum backend_choice { BACKEND_AUTO, BACKEND_SYSTEMD, BACKEND_CGROUPFS, BACKEND_PROCESS };
int backend_choice_from_string(const char *name);

#define CONFIG_RESERVE_AUTO UINT64_MAX

struct config {
	/* [agent] */
	char *socket, *socket_group; /* group NULL: the agent's own */
	uint64_t socket_mode;	     /* octal in the file */
	char *runtime_dir, *state_dir;
	int log_level; /* enum log_level */
	int backend;   /* enum backend_choice */
	uint64_t heartbeat_usec, offer_lifetime_usec;
	uint64_t events_kept;
	/* [reserve] */
	uint64_t reserve_cores; /* CONFIG_RESERVE_AUTO: one where there are four or more */
	uint64_t reserve_memory_bytes;
	struct cpuset *reserve_cpus;
	/* [isolation] */
	bool device_filter;
	struct device_allow device_allow;
	char *cdi_dir; /* NULL: none */
	bool partitions, interrupts, workqueues, irqbalance, housekeeping;
	bool leftovers; /* whether what tasks leave in shared memory is removed */
	bool resctrl;	/* whether slices may have classes of it, where it is mounted */
	bool hugepages; /* whether pools of huge pages may be made larger */
	/* [network] */
	char *cni_config_dir, *cni_plugin_path;
	uint64_t cni_limit_usec;
	/* [pressure] */
	struct pressure_policy pressure;
	/* [role NAME], [user NAME], and of each user: [admission] */
	struct share_policy shares;
	struct rate_rule rate; /* of a user's requests */
	uint64_t queue, queue_per_user;
	/* [limits] */
	uint64_t connections, connections_per_uid, slices, tasks_per_slice, stream_bytes;
	/* command line only */
	char *file, *root, *topology;
	bool print_inventory, check;
};

enum config_kind {
	CONFIG_TEXT,
	CONFIG_PATH,	     /* absolute */
	CONFIG_PATH_OR_NONE, /* "none": NULL */
	CONFIG_NUMBER,
	CONFIG_OCTAL,
	CONFIG_BYTES,
	CONFIG_DURATION,
	CONFIG_CPUS,
	CONFIG_LOG_LEVEL,
	CONFIG_BACKEND,
	CONFIG_BOOL,
	CONFIG_DEVICES,
	CONFIG_PRESSURE, /* a member of pressure.rules */
	CONFIG_AMOUNTS,	 /* struct share_amounts; what is not named has no limit */
	CONFIG_MEMBERS,	 /* of a role */
};

struct config_key {
	const char *section, *key; /* section NULL ends the table */
	enum config_kind kind;
	size_t offset;
	uint64_t minimum, maximum; /* of numbers, in their unit */
	const char *initial;	   /* the default, in the file's form; NULL: unset */
};
extern const struct config_key config_keys[];
/* Of a section "role NAME" or "user NAME", the names of which are the file's; their places are in
 * struct share_party. */
extern const struct config_key config_party_keys[];
const struct config_key *config_party_key(const char *section, const char *key);
int config_party_set(struct share_policy *p, const char *section, const struct config_key *k,
		     const char *value, struct fail *f);

/* A problem that does not stop the agent: an unknown key or section. line 0: not known. */
typedef void (*config_warning)(const char *file, uint64_t line, const char *text, void *userdata);

int config_init(struct config *c, struct fail *f); /* the defaults */
void config_done(struct config *c);
/* A file that is not there is fine unless required. A malformed value is -EINVAL with file, line
 * and key in the sentence. */
int config_read(struct config *c, const char *path, bool required, config_warning warning,
		void *userdata, struct fail *f);
/* What tells an agent from others on this host in the names it makes: "", or "-" and eight digits
 * for one with a runtime directory of its own (a test's). */
enum { CONFIG_INSTANCE_BYTES = 10 };
void config_instance(const struct config *c, char room[CONFIG_INSTANCE_BYTES]);
/* One setting by its key, as the command line gives it. */
int config_set(struct config *c, const char *section, const char *key, const char *value,
	       struct fail *f);
