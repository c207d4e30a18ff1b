/* SPDX-License-Identifier: Apache-2.0 */
/* Settings by table; see config.h. libeconf reads the file; values are parsed by util/parse. */
#include "config.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strtab.h"

#include <errno.h>
#include <fcntl.h>
#include <libeconf.h>
#include <libeconf_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { FILE_MAX = 1 << 20 }; /* bytes; a file of settings is small */

static const char *const backend_names[] = {
	[BACKEND_AUTO] = "auto",
	[BACKEND_SYSTEMD] = "systemd",
	[BACKEND_CGROUPFS] = "cgroupfs",
	[BACKEND_PROCESS] = "process",
};

int backend_choice_from_string(const char *name)
{
	return strtab_value(backend_names, ARRAY_SIZE(backend_names), name);
}

#define KEY(group, name, form, member, low, high, value)                                        \
	{                                                                                       \
		.section = (group), .key = (name), .kind = (form),                              \
		.offset = offsetof(struct config, member), .minimum = (low), .maximum = (high), \
		.initial = (value)                                                              \
	}
#define RULE(name, scope, resource, value) \
	KEY("pressure", name, CONFIG_PRESSURE, pressure.rules[scope][resource], 0, 0, value)
#define SECOND 1000000ULL

const struct config_key config_keys[] = {
	KEY("agent", "socket", CONFIG_PATH, socket, 0, 0, "/run/reeve/reeve.sock"),
	KEY("agent", "socket-group", CONFIG_TEXT, socket_group, 0, 0, NULL),
	KEY("agent", "socket-mode", CONFIG_OCTAL, socket_mode, 0, 0777, "0660"),
	KEY("agent", "runtime-dir", CONFIG_PATH, runtime_dir, 0, 0, "/run/reeve"),
	KEY("agent", "state-dir", CONFIG_PATH, state_dir, 0, 0, REEVE_STATE_DIR),
	KEY("agent", "log-level", CONFIG_LOG_LEVEL, log_level, 0, 0, "info"),
	KEY("agent", "backend", CONFIG_BACKEND, backend, 0, 0, "auto"),
	KEY("agent", "heartbeat", CONFIG_DURATION, heartbeat_usec, SECOND / 10, 3600 * SECOND,
	    "5s"),
	KEY("agent", "offer-lifetime", CONFIG_DURATION, offer_lifetime_usec, SECOND, 86400 * SECOND,
	    "60s"),
	KEY("agent", "events-kept", CONFIG_NUMBER, events_kept, 16, 1 << 20, "4096"),
	KEY("reserve", "cores", CONFIG_NUMBER, reserve_cores, 0, 65536, NULL),
	KEY("reserve", "cpus", CONFIG_CPUS, reserve_cpus, 0, 0, NULL),
	KEY("reserve", "memory", CONFIG_BYTES, reserve_memory_bytes, 0, 1ULL << 50, "512MiB"),
	KEY("isolation", "device-filter", CONFIG_BOOL, device_filter, 0, 0, "yes"),
	KEY("isolation", "device-allow", CONFIG_DEVICES, device_allow, 0, 0, NULL),
	KEY("isolation", "cdi-dir", CONFIG_PATH_OR_NONE, cdi_dir, 0, 0, "/run/cdi"),
	KEY("isolation", "partitions", CONFIG_BOOL, partitions, 0, 0, "yes"),
	KEY("isolation", "interrupts", CONFIG_BOOL, interrupts, 0, 0, "yes"),
	KEY("isolation", "workqueues", CONFIG_BOOL, workqueues, 0, 0, "yes"),
	KEY("isolation", "irqbalance", CONFIG_BOOL, irqbalance, 0, 0, "yes"),
	KEY("isolation", "housekeeping", CONFIG_BOOL, housekeeping, 0, 0, "yes"),
	KEY("isolation", "leftovers", CONFIG_BOOL, leftovers, 0, 0, "yes"),
	KEY("isolation", "resctrl", CONFIG_BOOL, resctrl, 0, 0, "yes"),
	KEY("isolation", "hugepages", CONFIG_BOOL, hugepages, 0, 0, "yes"),
	KEY("network", "cni-config-dir", CONFIG_PATH, cni_config_dir, 0, 0, "/etc/cni/net.d"),
	KEY("network", "cni-plugin-path", CONFIG_PATH, cni_plugin_path, 0, 0,
	    "/opt/cni/bin:/usr/lib/cni"),
	KEY("network", "cni-deadline", CONFIG_DURATION, cni_limit_usec, SECOND, 600 * SECOND,
	    "30s"),
	RULE("host-cpu", PRESSURE_HOST, PRESSURE_CPU, "some 9s/10s: report"),
	RULE("host-memory", PRESSURE_HOST, PRESSURE_MEMORY,
	     "full 150ms/1s: throttle-revocable, freeze-revocable, kill-revocable"),
	RULE("host-io", PRESSURE_HOST, PRESSURE_IO, "full 500ms/1s: report"),
	RULE("slice-cpu", PRESSURE_SLICE, PRESSURE_CPU, "off"),
	RULE("slice-memory", PRESSURE_SLICE, PRESSURE_MEMORY, "full 200ms/1s: report"),
	RULE("slice-io", PRESSURE_SLICE, PRESSURE_IO, "full 500ms/1s: report"),
	KEY("pressure", "memory-available", CONFIG_NUMBER, pressure.available_percent, 0, 100,
	    "10"),
	KEY("pressure", "escalate-after", CONFIG_DURATION, pressure.escalate_usec, SECOND / 10,
	    3600 * SECOND, "2s"),
	KEY("pressure", "relief-after", CONFIG_DURATION, pressure.relief_usec, SECOND,
	    3600 * SECOND, "10s"),
	KEY("admission", "user-limit", CONFIG_AMOUNTS, shares.user_limit, 0, 0, "off"),
	KEY("admission", "request-every", CONFIG_DURATION, rate.every_usec, 0, 3600 * SECOND, "0"),
	KEY("admission", "request-burst", CONFIG_NUMBER, rate.burst, 1, 65536, "10"),
	KEY("admission", "queue", CONFIG_NUMBER, queue, 0, 4096, "256"),
	KEY("admission", "queue-per-user", CONFIG_NUMBER, queue_per_user, 0, 4096, "64"),
	KEY("limits", "connections", CONFIG_NUMBER, connections, 4, 65536, "1024"),
	KEY("limits", "connections-per-uid", CONFIG_NUMBER, connections_per_uid, 1, 65536, "256"),
	KEY("limits", "slices", CONFIG_NUMBER, slices, 1, 65536, "1024"),
	KEY("limits", "tasks-per-slice", CONFIG_NUMBER, tasks_per_slice, 1, 256, "256"),
	KEY("limits", "stream-bytes", CONFIG_BYTES, stream_bytes, 64 << 10, 1 << 30, "1MiB"),
	{ 0 },
};

static int set_text(char **place, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

static int set_path_or_none(char **place, const char *value)
{
	if (value[0] == '/')
		return set_text(place, value);
	if (strcmp(value, "none") != 0)
		return -EINVAL;
	free(*place);
	*place = NULL;
	return 0;
}

static int parse_octal(const char *value, uint64_t *ret)
{
	char *end;
	unsigned long number;

	if (*value < '0' || *value > '7')
		return -EINVAL;
	errno = 0;
	number = strtoul(value, &end, 8);
	if (errno || *end)
		return -EINVAL;
	*ret = number;
	return 0;
}

static int parse_choice(int (*from_string)(const char *), const char *value, int *place)
{
	int choice = from_string(value);

	if (choice < 0)
		return -EINVAL;
	*place = choice;
	return 0;
}

static int parse_cpus(const char *value, struct cpuset **place)
{
	struct cpuset *cpus = NULL;
	int r = cpuset_parse(value, &cpus);

	if (r < 0)
		return r;
	cpuset_free(*place);
	*place = cpus;
	return 0;
}

/* Which of the rules it is, its place says. */
static int parse_pressure(struct config *c, const char *value, struct pressure_rule *place)
{
	const size_t index = (size_t)(place - &c->pressure.rules[0][0]);

	return pressure_rule_parse(value, (enum pressure_scope)(index / PRESSURE_RESOURCES),
				   (enum pressure_resource)(index % PRESSURE_RESOURCES), place);
}

static int parse_bounded(const struct config_key *k, const char *value, uint64_t *place)
{
	uint64_t number = 0;
	int r = -EINVAL;

	if (k->kind == CONFIG_NUMBER)
		r = parse_u64(value, &number);
	else if (k->kind == CONFIG_OCTAL)
		r = parse_octal(value, &number);
	else if (k->kind == CONFIG_BYTES)
		r = parse_bytes(value, &number);
	else if (k->kind == CONFIG_DURATION)
		r = parse_duration(value, &number);
	if (r < 0)
		return r;
	if (number < k->minimum || number > k->maximum)
		return -ERANGE;
	*place = number;
	return 0;
}

static int set_value(struct config *c, const struct config_key *k, const char *value)
{
	void *place = (char *)c + k->offset;

	switch (k->kind) {
	case CONFIG_TEXT:
		return set_text(place, value);
	case CONFIG_PATH:
		return value[0] == '/' ? set_text(place, value) : -EINVAL;
	case CONFIG_PATH_OR_NONE:
		return set_path_or_none(place, value);
	case CONFIG_CPUS:
		return parse_cpus(value, place);
	case CONFIG_LOG_LEVEL:
		return parse_choice(log_level_from_string, value, place);
	case CONFIG_BACKEND:
		return parse_choice(backend_choice_from_string, value, place);
	case CONFIG_BOOL:
		return parse_bool(value, place);
	case CONFIG_DEVICES:
		return device_allow_parse(value, place);
	case CONFIG_PRESSURE:
		return parse_pressure(c, value, place);
	case CONFIG_AMOUNTS:
		return share_amounts_parse(value, SHARE_NO_LIMIT, place);
	case CONFIG_MEMBERS:
		break; /* config_party_set's */
	case CONFIG_NUMBER:
	case CONFIG_OCTAL:
	case CONFIG_BYTES:
	case CONFIG_DURATION:
		return parse_bounded(k, value, place);
	}
	return -EINVAL;
}

static const char *expected(const struct config_key *k)
{
	static const char *const forms[] = {
		[CONFIG_TEXT] = "a text",
		[CONFIG_PATH] = "an absolute path",
		[CONFIG_PATH_OR_NONE] = "an absolute path, or none",
		[CONFIG_NUMBER] = "a whole number",
		[CONFIG_OCTAL] = "an octal file mode such as 0660",
		[CONFIG_BYTES] = "a size such as 512MiB",
		[CONFIG_DURATION] = "a time such as 5s",
		[CONFIG_CPUS] = "a list of CPUs such as 0-1,8",
		[CONFIG_LOG_LEVEL] = "one of error, warning, notice, info, debug",
		[CONFIG_BACKEND] = "one of auto, systemd, cgroupfs, process",
		[CONFIG_BOOL] = "yes or no",
		[CONFIG_PRESSURE] = ("off, or a rule such as full 150ms/1s: report, kill-revocable "
				     "(CPUs of the host: some; its steps: on the revocable)"),
		[CONFIG_DEVICES] = "a list such as /dev/kvm, /dev/ptp* r, c 10:232 rw",
		[CONFIG_AMOUNTS] = ("off, or a list such as cores=4, shared-cpus=2.5, "
				    "memory=16GiB, gpus=1, slices=8"),
		[CONFIG_MEMBERS] = "a list of users and @groups",
	};

	return forms[k->kind];
}

static int explain_value(const struct config_key *k, const char *value, int error, struct fail *f)
{
	if (error == -ENOMEM)
		return fail_set(f, error, "out of memory");
	if (error == -ERANGE && k->maximum)
		return fail_set(f, error, "[%s] %s = %s is out of range", k->section, k->key,
				value);
	return fail_set(f, error, "[%s] %s = %s: expected %s", k->section, k->key, value,
			expected(k));
}

static const struct config_key *find_key(const char *section, const char *key)
{
	for (const struct config_key *k = config_keys; k->section; k++)
		if (strcmp(k->section, section) == 0 && strcmp(k->key, key) == 0)
			return k;
	return config_party_key(section, key);
}

int config_set(struct config *c, const char *section, const char *key, const char *value,
	       struct fail *f)
{
	const struct config_key *k = find_key(section, key);
	int r;

	if (!k)
		return fail_set(f, -ENOENT, "there is no key %s in section [%s]", key, section);
	if (config_party_key(section, key))
		return config_party_set(&c->shares, section, k, value, f);
	r = set_value(c, k, value);
	return r < 0 ? explain_value(k, value, r, f) : 0;
}

int config_init(struct config *c, struct fail *f)
{
	*c = (struct config){ .reserve_cores = CONFIG_RESERVE_AUTO };
	share_policy_init(&c->shares);
	for (const struct config_key *k = config_keys; k->section; k++) {
		int r = k->initial ? set_value(c, k, k->initial) : 0;

		if (r < 0) {
			config_done(c);
			return explain_value(k, k->initial, r, f);
		}
	}
	return 0;
}

void config_done(struct config *c)
{
	for (const struct config_key *k = config_keys; k->section; k++)
		if (k->kind == CONFIG_TEXT || k->kind == CONFIG_PATH ||
		    k->kind == CONFIG_PATH_OR_NONE)
			free(*(char **)((char *)c + k->offset));
	cpuset_free(c->reserve_cpus);
	device_allow_done(&c->device_allow);
	share_policy_done(&c->shares);
	free(c->file);
	free(c->root);
	free(c->topology);
	*c = (struct config){ 0 };
}

void config_instance(const struct config *c, char room[CONFIG_INSTANCE_BYTES])
{
	unsigned long hash = 5381;

	room[0] = 0;
	if (strcmp(c->runtime_dir, "/run/reeve") == 0)
		return;
	for (const char *p = c->runtime_dir; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	(void)snprintf(room, CONFIG_INSTANCE_BYTES, "-%08lx", hash & 0xffffffff); /* fits */
}

struct reader {
	struct config *config;
	econf_file *file;
	const char *path;
	config_warning warning;
	void *userdata;
};

static void econf_freep(econf_file **file)
{
	if (*file)
		econf_freeFile(*file);
}

static void econf_arrayp(char ***array)
{
	if (*array)
		econf_freeArray(*array);
}

static void econf_extp(econf_ext_value **value)
{
	if (*value)
		econf_freeExtValue(*value);
}

static int read_key(const struct reader *r, const char *group, const char *key, struct fail *f)
{
	_cleanup_(econf_extp) econf_ext_value *value = NULL;
	_cleanup_free_ char *text = NULL;
	struct fail why = { 0 };
	uint64_t line = 0;

	if (econf_getExtValue(r->file, group, key, &value) == ECONF_SUCCESS)
		line = value->line_number;
	if (!group || !find_key(group, key)) {
		char sentence[256];

		(void)snprintf(sentence, sizeof(sentence), "unknown key \"%.80s\" in [%.80s]", key,
			       group ? group : ""); /* a cut name is still recognised */
		r->warning(r->path, line, sentence, r->userdata);
		return 0;
	}
	if (econf_getStringValue(r->file, group, key, &text) != ECONF_SUCCESS || !text)
		return fail_set(f, -EINVAL, "%s:%lu: [%s] %s has no value", r->path,
				(unsigned long)line, group, key);
	if (config_set(r->config, group, key, text, &why) < 0)
		return fail_code(f, why.error, "bad-config", "%s:%lu: %s", r->path,
				 (unsigned long)line, why.text);
	return 0;
}

static int read_group(const struct reader *r, const char *group, struct fail *f)
{
	_cleanup_(econf_arrayp) char **keys = NULL;
	size_t count = 0;

	if (econf_getKeys(r->file, group, &count, &keys) != ECONF_SUCCESS)
		return 0; /* a section without keys */
	for (size_t i = 0; i < count; i++) {
		int k = read_key(r, group, keys[i], f);

		if (k < 0)
			return k;
	}
	return 0;
}

/* libeconf's releases differ in what a comment is (to 0.7 a line with two "#" is a setting without
 * a value), so it is shown none; the lines stay, for its numbers. */
static void drop_comments(char *text)
{
	char *out = text;

	for (const char *line = text; *line;) {
		const size_t length = strcspn(line, "\n"), kept = strcspn(line, "#\n");
		const bool more = line[length] == '\n';

		memmove(out, line, kept);
		out += kept;
		if (more)
			*out++ = '\n';
		line += length + more;
	}
	*out = 0;
}

/* libeconf reads files only. */
static int parse_text(const char *text, econf_file **ret, econf_err *ret_error)
{
	_cleanup_close_ int fd = memfd_create("reeved.conf", MFD_CLOEXEC);
	char path[32];
	int r = fd < 0 ? -errno : 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fits */
	if (r == 0)
		r = fs_write(AT_FDCWD, path, text);
	if (r == 0)
		*ret_error = econf_readFile(ret, path, "=", "#");
	return r;
}

static int open_file(const char *path, bool required, econf_file **ret, struct fail *f)
{
	_cleanup_free_ char *text = NULL;
	econf_err error = ECONF_SUCCESS;
	char *where = NULL;
	uint64_t line = 0;
	int r = fs_read(AT_FDCWD, path, FILE_MAX, &text, NULL);

	if (r == -ENOENT && !required)
		return 0;
	if (r == 0) {
		drop_comments(text);
		r = parse_text(text, ret, &error);
	}
	if (r < 0)
		return fail_code(f, r, "bad-config", "cannot read %s: %s", path, strerror(-r));
	if (error == ECONF_SUCCESS)
		return 1;
	econf_errLocation(&where, &line);
	free(where);
	return fail_code(f, -EINVAL, "bad-config", "%s:%lu: %s", path, (unsigned long)line,
			 econf_errString(error));
}

int config_read(struct config *c, const char *path, bool required, config_warning warning,
		void *userdata, struct fail *f)
{
	_cleanup_(econf_freep) econf_file *file = NULL;
	_cleanup_(econf_arrayp) char **groups = NULL;
	struct reader reader = {
		.config = c, .path = path, .warning = warning, .userdata = userdata
	};
	size_t count = 0;
	int r = open_file(path, required, &file, f);

	if (r <= 0)
		return r;
	reader.file = file;
	r = read_group(&reader, NULL, f); /* keys before the first section: all unknown */
	if (econf_getGroups(file, &count, &groups) != ECONF_SUCCESS)
		count = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = read_group(&reader, groups[i], f);
	return r;
}
