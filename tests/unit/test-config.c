/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: every key's default, bounds and refusals, the file's faults, and the command line over
 * the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"
#include "options.h"
#include "tests/unit/scratch.h"
#include "util/log.h"

#define SECOND 1000000ULL
#define MIB (1ULL << 20)

static void *place_of(struct config *c, const char *section, const char *key)
{
	for (const struct config_key *k = config_keys; k->section; k++)
		if (strcmp(k->section, section) == 0 && strcmp(k->key, key) == 0)
			return (char *)c + k->offset;
	fail_msg("there is no key %s", key);
	return NULL;
}

static void test_defaults_are_the_documented_ones(void **state)
{
	_cleanup_(config_done) struct config c;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(config_init(&c, &f), 0);
	assert_string_equal(c.socket, "/run/reeve/reeve.sock");
	assert_string_equal(c.runtime_dir, "/run/reeve");
	assert_non_null(c.state_dir);
	assert_null(c.socket_group);
	assert_int_equal(c.socket_mode, 0660);
	assert_int_equal(c.log_level, LOG_LEVEL_INFO);
	assert_int_equal(c.backend, BACKEND_AUTO);
	assert_int_equal(c.heartbeat_usec, 5 * SECOND);
	assert_int_equal(c.offer_lifetime_usec, 60 * SECOND);
	assert_int_equal(c.events_kept, 4096);
	assert_true(c.reserve_cores == CONFIG_RESERVE_AUTO);
	assert_null(c.reserve_cpus);
	assert_int_equal(c.reserve_memory_bytes, 512 * MIB);
	assert_true(c.device_filter);
	assert_int_equal(c.device_allow.count, 0);
	assert_int_equal(c.connections, 1024);
	assert_int_equal(c.connections_per_uid, 256);
	assert_int_equal(c.slices, 1024);
	assert_int_equal(c.tasks_per_slice, 256);
	assert_int_equal(c.stream_bytes, MIB);
	assert_true(share_policy_empty(&c.shares));
	assert_int_equal(c.rate.every_usec, 0);
	assert_int_equal(c.rate.burst, 10);
	assert_int_equal(c.queue, 256);
	assert_int_equal(c.queue_per_user, 64);
}

/* Good ones and what they become; bad ones and how they are refused. One row or more a key. */
static const struct {
	const char *section, *key, *value;
	uint64_t number; /* or: */
	const char *text;
	int error;
} vectors[] = {
	{ "agent", "socket", "/x/y", 0, "/x/y", 0 },
	{ "agent", "socket", "x/y", 0, NULL, -EINVAL },
	{ "agent", "socket", "", 0, NULL, -EINVAL },
	{ "agent", "socket-group", "adm", 0, "adm", 0 },
	{ "agent", "socket-mode", "0600", 0600, NULL, 0 },
	{ "agent", "socket-mode", "777", 0777, NULL, 0 },
	{ "agent", "socket-mode", "01777", 0, NULL, -ERANGE },
	{ "agent", "socket-mode", "0o600", 0, NULL, -EINVAL },
	{ "agent", "socket-mode", "689", 0, NULL, -EINVAL },
	{ "agent", "socket-mode", "-1", 0, NULL, -EINVAL },
	{ "agent", "socket-mode", "", 0, NULL, -EINVAL },
	{ "agent", "socket-mode", "77777777777777777777777777", 0, NULL, -EINVAL },
	{ "agent", "runtime-dir", "/r", 0, "/r", 0 },
	{ "agent", "runtime-dir", "r", 0, NULL, -EINVAL },
	{ "agent", "state-dir", "/s", 0, "/s", 0 },
	{ "agent", "state-dir", "~/s", 0, NULL, -EINVAL },
	{ "agent", "log-level", "debug", LOG_LEVEL_DEBUG, NULL, 0 },
	{ "agent", "log-level", "loud", 0, NULL, -EINVAL },
	{ "agent", "backend", "cgroupfs", BACKEND_CGROUPFS, NULL, 0 },
	{ "agent", "backend", "Auto", 0, NULL, -EINVAL },
	{ "agent", "heartbeat", "100ms", SECOND / 10, NULL, 0 },
	{ "agent", "heartbeat", "1h", 3600 * SECOND, NULL, 0 },
	{ "agent", "heartbeat", "99ms", 0, NULL, -ERANGE },
	{ "agent", "heartbeat", "61min", 0, NULL, -ERANGE },
	{ "agent", "heartbeat", "often", 0, NULL, -EINVAL },
	{ "agent", "heartbeat", "-5s", 0, NULL, -EINVAL },
	{ "agent", "offer-lifetime", "1s", SECOND, NULL, 0 },
	{ "agent", "offer-lifetime", "0", 0, NULL, -ERANGE },
	{ "agent", "offer-lifetime", "2d", 0, NULL, -ERANGE },
	{ "agent", "events-kept", "16", 16, NULL, 0 },
	{ "agent", "events-kept", "15", 0, NULL, -ERANGE },
	{ "agent", "events-kept", "1048577", 0, NULL, -ERANGE },
	{ "agent", "events-kept", "16.0", 0, NULL, -EINVAL },
	{ "agent", "events-kept", "99999999999999999999999", 0, NULL, -ERANGE },
	{ "reserve", "cores", "0", 0, NULL, 0 },
	{ "reserve", "cores", "65537", 0, NULL, -ERANGE },
	{ "reserve", "cores", "auto", 0, NULL, -EINVAL },
	{ "reserve", "cpus", "0-1,8", 3, NULL, 0 },
	{ "reserve", "cpus", "", 0, NULL, 0 },
	{ "reserve", "cpus", "1-0", 0, NULL, -EINVAL },
	{ "reserve", "cpus", "0-70000", 0, NULL, -ERANGE },
	{ "reserve", "memory", "1GiB", 1024 * MIB, NULL, 0 },
	{ "reserve", "memory", "2PiB", 0, NULL, -ERANGE },
	{ "reserve", "memory", "some", 0, NULL, -EINVAL },
	{ "isolation", "device-filter", "no", 0, NULL, 0 },
	{ "isolation", "device-filter", "on", 1, NULL, 0 },
	{ "isolation", "device-filter", "perhaps", 0, NULL, -EINVAL },
	{ "isolation", "hugepages", "no", 0, NULL, 0 },
	{ "isolation", "hugepages", "some", 0, NULL, -EINVAL },
	{ "isolation", "leftovers", "no", 0, NULL, 0 },
	{ "isolation", "leftovers", "tell", 0, NULL, -EINVAL },
	{ "isolation", "resctrl", "no", 0, NULL, 0 },
	{ "isolation", "resctrl", "mount", 0, NULL, -EINVAL },
	{ "isolation", "device-allow", "", 0, NULL, 0 },
	{ "isolation", "device-allow", "/dev/kvm, c 10:238 rw", 2, NULL, 0 },
	{ "isolation", "device-allow", "kvm", 0, NULL, -EINVAL },
	{ "isolation", "device-allow", "c 5000:0 rw", 0, NULL, -ERANGE },
	{ "pressure", "host-cpu", "some 1s/2s: report", 1 * SECOND, NULL, 0 },
	{ "pressure", "host-cpu", "full 1s/2s: report", 0, NULL, -EINVAL },
	{ "pressure", "host-memory", "full 100ms/1s: kill-revocable", SECOND / 10, NULL, 0 },
	{ "pressure", "host-memory", "full 100ms/1s: kill", 0, NULL, -EINVAL },
	{ "pressure", "host-io", "off", 0, NULL, 0 },
	{ "pressure", "host-io", "", 0, NULL, -EINVAL },
	{ "pressure", "slice-cpu", "full 2s/10s: throttle", 2 * SECOND, NULL, 0 },
	{ "pressure", "slice-cpu", "full 2s/11s: throttle", 0, NULL, -EINVAL },
	{ "pressure", "slice-memory", "some 1ms/500ms: report, kill", SECOND / 1000, NULL, 0 },
	{ "pressure", "slice-memory", "some 1ms/500ms: kill, report", 0, NULL, -EINVAL },
	{ "pressure", "slice-io", "some 3s/3s: freeze", 3 * SECOND, NULL, 0 },
	{ "pressure", "slice-io", "some 3s/3s", 0, NULL, -EINVAL },
	{ "pressure", "memory-available", "100", 100, NULL, 0 },
	{ "pressure", "memory-available", "101", 0, NULL, -ERANGE },
	{ "pressure", "memory-available", "10%", 0, NULL, -EINVAL },
	{ "pressure", "escalate-after", "100ms", SECOND / 10, NULL, 0 },
	{ "pressure", "escalate-after", "99ms", 0, NULL, -ERANGE },
	{ "pressure", "relief-after", "1h", 3600 * SECOND, NULL, 0 },
	{ "pressure", "relief-after", "0", 0, NULL, -ERANGE },
	{ "isolation", "partitions", "no", 0, NULL, 0 },
	{ "isolation", "partitions", "isolated", 0, NULL, -EINVAL },
	{ "isolation", "interrupts", "no", 0, NULL, 0 },
	{ "isolation", "interrupts", "away", 0, NULL, -EINVAL },
	{ "isolation", "workqueues", "yes", 1, NULL, 0 },
	{ "isolation", "workqueues", "", 0, NULL, -EINVAL },
	{ "isolation", "irqbalance", "off", 0, NULL, 0 },
	{ "isolation", "irqbalance", "stop", 0, NULL, -EINVAL },
	{ "isolation", "housekeeping", "true", 1, NULL, 0 },
	{ "isolation", "housekeeping", "0-1", 0, NULL, -EINVAL },
	{ "isolation", "cdi-dir", "/x/cdi", 0, "/x/cdi", 0 },
	{ "isolation", "cdi-dir", "none", 0, NULL, 0 }, /* NULL */
	{ "isolation", "cdi-dir", "cdi", 0, NULL, -EINVAL },
	{ "isolation", "cdi-dir", "", 0, NULL, -EINVAL },
	{ "network", "cni-config-dir", "/x/net.d", 0, "/x/net.d", 0 },
	{ "network", "cni-config-dir", "net.d", 0, NULL, -EINVAL },
	{ "network", "cni-plugin-path", "/a:/b", 0, "/a:/b", 0 },
	{ "network", "cni-plugin-path", "", 0, NULL, -EINVAL },
	{ "network", "cni-deadline", "2min", 120 * SECOND, NULL, 0 },
	{ "network", "cni-deadline", "999ms", 0, NULL, -ERANGE },
	{ "network", "cni-deadline", "11min", 0, NULL, -ERANGE },
	{ "admission", "user-limit", "cores=4, memory=1GiB", 4, NULL, 0 },
	{ "admission", "user-limit", "off", SHARE_NO_LIMIT, NULL, 0 },
	{ "admission", "user-limit", "", 0, NULL, -EINVAL },
	{ "admission", "user-limit", "cores=70000", 0, NULL, -ERANGE },
	{ "admission", "request-every", "0", 0, NULL, 0 },
	{ "admission", "request-every", "100ms", SECOND / 10, NULL, 0 },
	{ "admission", "request-every", "2h", 0, NULL, -ERANGE },
	{ "admission", "request-burst", "1", 1, NULL, 0 },
	{ "admission", "request-burst", "0", 0, NULL, -ERANGE },
	{ "admission", "queue", "0", 0, NULL, 0 },
	{ "admission", "queue", "4097", 0, NULL, -ERANGE },
	{ "admission", "queue-per-user", "7", 7, NULL, 0 },
	{ "admission", "queue-per-user", "all", 0, NULL, -EINVAL },
	{ "limits", "connections", "4", 4, NULL, 0 },
	{ "limits", "connections", "3", 0, NULL, -ERANGE },
	{ "limits", "connections-per-uid", "1", 1, NULL, 0 },
	{ "limits", "connections-per-uid", "0", 0, NULL, -ERANGE },
	{ "limits", "slices", "65536", 65536, NULL, 0 },
	{ "limits", "slices", "65537", 0, NULL, -ERANGE },
	{ "limits", "tasks-per-slice", "256", 256, NULL, 0 },
	{ "limits", "tasks-per-slice", "257", 0, NULL, -ERANGE },
	{ "limits", "stream-bytes", "64KiB", 64 << 10, NULL, 0 },
	{ "limits", "stream-bytes", "1", 0, NULL, -ERANGE },
	{ "limits", "stream-bytes", "2GiB", 0, NULL, -ERANGE },
	{ "limits", "colour", "1", 0, NULL, -ENOENT },
	{ "agent", "cores", "1", 0, NULL, -ENOENT },
	{ "", "", "", 0, NULL, -ENOENT },
};

static uint64_t number_at(const struct config_key *k, struct config *c)
{
	const void *place = place_of(c, k->section, k->key);

	if (k->kind == CONFIG_LOG_LEVEL || k->kind == CONFIG_BACKEND)
		return (uint64_t) * (const int *)place;
	if (k->kind == CONFIG_BOOL)
		return *(const bool *)place;
	if (k->kind == CONFIG_DEVICES)
		return ((const struct device_allow *)place)->count;
	if (k->kind == CONFIG_PRESSURE)
		return ((const struct pressure_rule *)place)->stall_usec;
	if (k->kind == CONFIG_AMOUNTS)
		return ((const struct share_amounts *)place)->of[SHARE_CORES];
	if (k->kind == CONFIG_CPUS)
		return cpuset_count(*(struct cpuset *const *)place);
	return *(const uint64_t *)place;
}

static const struct config_key *key_of(size_t i)
{
	for (const struct config_key *k = config_keys; k->section; k++)
		if (strcmp(k->section, vectors[i].section) == 0 &&
		    strcmp(k->key, vectors[i].key) == 0)
			return k;
	return NULL;
}

static void test_every_key_takes_what_is_good_and_refuses_the_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(config_done) struct config c;
		struct fail f = { 0 };
		int r;

		assert_int_equal(config_init(&c, &f), 0);
		r = config_set(&c, vectors[i].section, vectors[i].key, vectors[i].value, &f);
		if (r != vectors[i].error)
			fail_msg("%s = \"%s\" was answered with %d: %s", vectors[i].key,
				 vectors[i].value, r, f.text);
		if (r < 0) {
			assert_non_null(strstr(f.text, vectors[i].key));
			continue;
		}
		if (vectors[i].text)
			assert_string_equal(
				*(char **)place_of(&c, vectors[i].section, vectors[i].key),
				vectors[i].text);
		else
			assert_int_equal(number_at(key_of(i), &c), vectors[i].number);
	}
}

static void test_agents_of_other_directories_have_other_names(void **state)
{
	struct config c = { .runtime_dir = (char *)"/run/reeve" };
	char room[CONFIG_INSTANCE_BYTES];

	(void)state;
	config_instance(&c, room);
	assert_string_equal(room, "");
	c.runtime_dir = (char *)"/tmp/x";
	config_instance(&c, room);
	assert_int_equal(strlen(room), CONFIG_INSTANCE_BYTES - 1);
	assert_int_equal(room[0], '-');
	assert_int_equal(strspn(room + 1, "0123456789abcdef"), 8);
}

static void test_every_key_has_a_vector(void **state)
{
	(void)state;
	for (const struct config_key *k = config_keys; k->section; k++) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
			found |= key_of(i) == k;
		if (!found)
			fail_msg("%s is not tested", k->key);
	}
}

struct warnings {
	unsigned count;
	uint64_t line[8];
	char text[8][256];
};

static void on_warning(const char *file, uint64_t line, const char *text, void *userdata)
{
	struct warnings *w = userdata;

	assert_non_null(strstr(file, "reeved.conf"));
	assert_true(w->count < 8);
	w->line[w->count] = line;
	(void)snprintf(w->text[w->count++], 256, "%s", text);
}

static int read_text(struct scratch *dir, struct config *c, const char *text, struct warnings *w,
		     struct fail *f)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/reeved.conf", dir->path);
	if (text)
		put_file(dir->fd, "reeved.conf", text);
	assert_int_equal(config_init(c, f), 0);
	return config_read(c, path, true, on_warning, w, f);
}

static void test_file_is_taken_and_unknown_keys_are_told_with_their_line(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct warnings w = { 0 };
	struct scratch dir;
	struct fail f = { 0 };

	(void)state;
	scratch_open(&dir);
	assert_int_equal(read_text(&dir, &c,
				   "# a comment\n[agent]\nheartbeat = 2s\ncolour = red\n\n"
				   "[reserve]\ncpus = 0-1\n[garden]\ntrees = 3\n",
				   &w, &f),
			 0);
	assert_int_equal(c.heartbeat_usec, 2 * SECOND);
	assert_int_equal(cpuset_count(c.reserve_cpus), 2);
	assert_int_equal(w.count, 2);
	assert_int_equal(w.line[0], 4);
	assert_non_null(strstr(w.text[0], "colour"));
	assert_int_equal(w.line[1], 9);
	assert_non_null(strstr(w.text[1], "trees"));
	assert_non_null(strstr(w.text[1], "garden"));
	scratch_done(&dir);
}

static void test_sections_of_roles_and_users_are_read(void **state)
{
	static const char text[] =
		"[role batch]\nusers = root, 1001,@0\nguarantee = cores=2\nlimit = cores=8,gpus=2\n"
		"user-limit = cores=4\n[user root]\nlimit = slices=5\n"
		"[role open]\nguarantee = off\ncolour = red\n[role none]\n";
	_cleanup_(config_done) struct config c = { 0 };
	const struct share_party *batch, *open;
	struct warnings w = { 0 };
	struct scratch dir;
	struct fail f = { 0 };

	(void)state;
	scratch_open(&dir);
	if (read_text(&dir, &c, text, &w, &f) < 0)
		fail_msg("%s", f.text);
	assert_int_equal(w.count, 1);
	assert_non_null(strstr(w.text[0], "colour"));
	assert_int_equal(c.shares.count, 3);
	batch = share_policy_role(&c.shares, "batch");
	open = share_policy_role(&c.shares, "open");
	assert_non_null(batch);
	assert_true(batch->members_only);
	assert_int_equal(batch->uids_count, 2);
	assert_int_equal(batch->uids[1], 1001);
	assert_int_equal(batch->gids_count, 1);
	assert_int_equal(batch->guarantee.of[SHARE_CORES], 2);
	assert_int_equal(batch->guarantee.of[SHARE_GPUS], 0);
	assert_int_equal(batch->limit.of[SHARE_GPUS], 2);
	assert_true(batch->limit.of[SHARE_MEMORY] == SHARE_NO_LIMIT);
	assert_int_equal(batch->user_limit.of[SHARE_CORES], 4);
	assert_non_null(open);
	assert_false(open->members_only);
	assert_null(share_policy_role(&c.shares, "none"));
	scratch_done(&dir);
}

static void test_sections_of_roles_and_users_are_refused_with_the_reason(void **state)
{
	static const struct {
		const char *section, *key, *value, *part;
		int error;
	} bad[] = {
		{ "role a", "limit", "cores", "[role a]: limit = cores: expected off", -EINVAL },
		{ "role a", "limit", "cores=99999", "limit = cores=99999", -ERANGE },
		{ "role a", "guarantee", "", "guarantee", -EINVAL },
		{ "role a", "users", "", "a name is missing", -EINVAL },
		{ "role a", "users", "root,,root", "a name is missing", -EINVAL },
		{ "role a", "users", "no-such-user-at-all", "there is no user", -EINVAL },
		{ "role a", "users", "@no-such-group", "there is no group", -EINVAL },
		{ "role a b", "limit", "off", "no name of a role", -EINVAL },
		{ "role ", "limit", "off", "no name of a role", -EINVAL },
		{ "role ../x", "limit", "off", "no name of a role", -EINVAL },
		{ "user no-such-user-at-all", "limit", "off", "there is no user", -EINVAL },
		{ "user root", "users", "root", "there is no key", -ENOENT },
		{ "user root", "user-limit", "off", "there is no key", -ENOENT },
		{ "role", "limit", "off", "there is no key", -ENOENT },
		{ "roles", "limit", "off", "there is no key", -ENOENT },
	};
	_cleanup_(config_done) struct config c;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(config_init(&c, &f), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int r = config_set(&c, bad[i].section, bad[i].key, bad[i].value, &f);

		if (r != bad[i].error || !strstr(f.text, bad[i].part))
			fail_msg("[%s] %s = %s was answered with %d: %s", bad[i].section,
				 bad[i].key, bad[i].value, r, f.text);
	}
	assert_int_equal(config_set(&c, "role b", "limit", "cores=4", &f), 0);
	assert_int_equal(config_set(&c, "role b", "guarantee", "cores=5", &f), -EINVAL);
	assert_non_null(strstr(f.text, "its guarantee is above its limit"));
}

static void test_comments_are_passed_over_wherever_they_stand(void **state)
{
	static const char text[] = "# one # two\n"
				   "  # indented # again\n"
				   "[agent] # the agent\n"
				   "#heartbeat = 3s # was\n"
				   "log-level = debug # why # not\n"
				   "#\n"
				   "##\n"
				   "events-kept = 17#\n"
				   "trees = 3 # line 9\n"
				   "heartbeat = 2s# no line end";
	_cleanup_(config_done) struct config c = { 0 };
	struct warnings w = { 0 };
	struct scratch dir;
	struct fail f = { 0 };

	(void)state;
	scratch_open(&dir);
	assert_int_equal(read_text(&dir, &c, text, &w, &f), 0);
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c.events_kept, 17);
	assert_int_equal(c.heartbeat_usec, 2 * SECOND);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.line[0], 9);
	scratch_done(&dir);
}

static void test_file_without_bounds_is_refused(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct warnings w = { 0 };
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(config_init(&c, &f), 0);
	assert_true(config_read(&c, "/dev/zero", true, on_warning, &w, &f) < 0);
	assert_non_null(strstr(f.text, "/dev/zero"));
	assert_true(config_read(&c, "/proc", true, on_warning, &w, &f) < 0);
}

static void test_bad_value_in_a_file_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
		{ "[agent]\n\nheartbeat = often\n", "reeved.conf:3: [agent] heartbeat" },
		{ "[limits]\nslices = 0\n", "reeved.conf:2: [limits] slices" },
		{ "[agent]\nsocket =\n", "reeved.conf:2: [agent] socket" },
		{ "[agent\nheartbeat = 1s\n", "reeved.conf:1:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(config_done) struct config c = { 0 };
		struct warnings w = { 0 };
		struct scratch dir;
		struct fail f = { 0 };

		scratch_open(&dir);
		if (read_text(&dir, &c, bad[i].text, &w, &f) >= 0)
			fail_msg("%s was taken, with %u warnings", bad[i].text, w.count);
		if (!strstr(f.text, bad[i].part))
			fail_msg("\"%s\" is not in \"%s\"", bad[i].part, f.text);
		scratch_done(&dir);
	}
}

static void test_file_of_garbage_is_no_crash(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"\xff\xfe\x01",
		"[]\n",
		"[agent]\n[agent]\n",
		"heartbeat = 1s\n",
		"[agent]\nheartbeat\n",
		"]]]][[[[====",
		"[agent]\n= 5\n",
		"[agent]\nheartbeat = 1s\nheartbeat = 2s\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(config_done) struct config c = { 0 };
		struct warnings w = { 0 };
		struct scratch dir;
		struct fail f = { 0 };
		int r;

		scratch_open(&dir);
		r = read_text(&dir, &c, texts[i], &w, &f);
		assert_true(r == 0 || *f.text);
		assert_string_equal(c.runtime_dir, "/run/reeve");
		scratch_done(&dir);
	}
}

static void test_missing_file_is_fine_unless_it_is_required(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(config_init(&c, &f), 0);
	assert_int_equal(config_read(&c, "/nonexistent/reeved.conf", false, on_warning, NULL, &f),
			 0);
	assert_true(config_read(&c, "/nonexistent/reeved.conf", true, on_warning, NULL, &f) < 0);
	assert_non_null(strstr(f.text, "/nonexistent/reeved.conf"));
}

static int parse(struct config *c, struct fail *f, char **words)
{
	int count = 0;

	while (words[count])
		count++;
	return options_parse(count, words, c, f);
}

static void test_command_line_wins_over_the_file(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct scratch dir;
	struct fail f = { 0 };
	char path[96];

	(void)state;
	scratch_open(&dir);
	(void)snprintf(path, sizeof(path), "%s/reeved.conf", dir.path);
	put_file(dir.fd, "reeved.conf",
		 "[agent]\nsocket = /of/file\nruntime-dir = /file\nheartbeat = 9s\n");
	char *words[] = { (char *)"reeved",
			  (char *)"--socket=/of/line",
			  (char *)"--config",
			  path,
			  (char *)"--log-level",
			  (char *)"debug",
			  NULL };

	assert_int_equal(parse(&c, &f, words), OPTIONS_RUN);
	assert_string_equal(c.socket, "/of/line");
	assert_string_equal(c.runtime_dir, "/file");
	assert_int_equal(c.heartbeat_usec, 9 * SECOND);
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_false(c.print_inventory);
	scratch_done(&dir);
}

static void test_bad_command_line_is_told(void **state)
{
	static const char *const bad[][4] = {
		{ "reeved", "--colour" },
		{ "reeved", "-x" },
		{ "reeved", "--socket" },
		{ "reeved", "--socket", "relative" },
		{ "reeved", "--log-level=loud" },
		{ "reeved", "--config", "/nonexistent" },
		{ "reeved", "serve" },
		{ "reeved", "--root=/a", "--topology=/b" },
		{ "reeved", "--print-inventory=yes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(config_done) struct config c = { 0 };
		char *words[5] = { 0 };
		struct fail f = { 0 };

		for (size_t k = 0; k < 4; k++)
			words[k] = (char *)bad[i][k];
		if (parse(&c, &f, words) >= 0)
			fail_msg("%s was taken", bad[i][1]);
		assert_true(strlen(f.text) > 10);
	}
}

static void test_help_lists_every_option(void **state)
{
	static const char *const options[] = {
		"--config",	  "--socket",  "--runtime-dir", "--state-dir",
		"--log-level",	  "--root",    "--topology",	"--print-inventory",
		"--check-config", "--version", "--help",
	};
	char room[8192] = "";
	int saved = dup(STDOUT_FILENO), ends[2];
	_cleanup_(config_done) struct config c = { 0 };
	char *words[] = { (char *)"reeved", (char *)"--help", NULL };
	struct fail f = { 0 };
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	(void)fflush(stdout);
	assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
	assert_int_equal(parse(&c, &f, words), OPTIONS_PRINTED);
	(void)fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close_fd(saved);
	close_fd(ends[1]);
	n = read(ends[0], room, sizeof(room) - 1);
	close_fd(ends[0]);
	assert_true(n > 0);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (!strstr(room, options[i]))
			fail_msg("%s is not in the help", options[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_the_documented_ones),
		cmocka_unit_test(test_every_key_takes_what_is_good_and_refuses_the_rest),
		cmocka_unit_test(test_agents_of_other_directories_have_other_names),
		cmocka_unit_test(test_every_key_has_a_vector),
		cmocka_unit_test(test_file_is_taken_and_unknown_keys_are_told_with_their_line),
		cmocka_unit_test(test_sections_of_roles_and_users_are_read),
		cmocka_unit_test(test_sections_of_roles_and_users_are_refused_with_the_reason),
		cmocka_unit_test(test_comments_are_passed_over_wherever_they_stand),
		cmocka_unit_test(test_file_without_bounds_is_refused),
		cmocka_unit_test(test_bad_value_in_a_file_is_told_with_its_line),
		cmocka_unit_test(test_file_of_garbage_is_no_crash),
		cmocka_unit_test(test_missing_file_is_fine_unless_it_is_required),
		cmocka_unit_test(test_command_line_wins_over_the_file),
		cmocka_unit_test(test_bad_command_line_is_told),
		cmocka_unit_test(test_help_lists_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
