/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding; see decode.h. Flat members are read by tables into a struct of borrowed values; lists
 * and maps by one small function each. */
#include "decode.h"

#include "decode_cache.h"
#include "decode_network.h"
#include "decode_parts.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	NAME_MAX_BYTES = 40, /* with its prefix and suffix a unit name has at most 255 */
	TEXT_MAX_BYTES = 256,
	WORDS_MAX = 4096,
	SHARED_CPUS_MAX = 65536,
};

#define ROUNDING 1e-6 /* of a thousandth of a CPU */

static int copy(char **ret, const char *text, struct fail *f)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

struct raw_request {
	const char *name, *offer, *owner, *role;
	const json_t *labels, *hugepages, *devices, *limits, *cache, *nic;
	uint64_t cores, memory, processes_max;
	double shared_cpus;
	int align, strategy, apart, isolation, interrupts, partition;
	bool align_required, apart_required, revocable;
};

#define AT(type, member) offsetof(struct type, member)

static const struct json_field request_fields[] = {
	{ "name", JSON_KIND_NAME, AT(raw_request, name), .maximum = NAME_MAX_BYTES },
	{ "offer", JSON_KIND_STRING, AT(raw_request, offer), .maximum = 80 },
	{ "owner", JSON_KIND_STRING, AT(raw_request, owner), .maximum = TEXT_MAX_BYTES },
	{ "role", JSON_KIND_NAME, AT(raw_request, role), .maximum = 63 },
	{ "labels", JSON_KIND_OBJECT, AT(raw_request, labels), .required = false },
	{ "cores", JSON_KIND_U64, AT(raw_request, cores), .maximum = REQUEST_CORES_MAX },
	{ "shared_cpus", JSON_KIND_NUMBER, AT(raw_request, shared_cpus),
	  .maximum = SHARED_CPUS_MAX },
	{ "memory", JSON_KIND_BYTES, AT(raw_request, memory), .maximum = 1ULL << 60 },
	{ "hugepages", JSON_KIND_ARRAY, AT(raw_request, hugepages),
	  .maximum = REQUEST_HUGEPAGES_MAX },
	{ "devices", JSON_KIND_ARRAY, AT(raw_request, devices), .maximum = DEVICE_KINDS },
	{ "nic", JSON_KIND_OBJECT, AT(raw_request, nic), .required = false },
	{ "cache", JSON_KIND_OBJECT, AT(raw_request, cache), .required = false },
	{ "align", JSON_KIND_ENUM, AT(raw_request, align), .from_string = align_level_from_string,
	  .choices = "switch, node, package, none" },
	{ "align_required", JSON_KIND_BOOL, AT(raw_request, align_required), .required = false },
	{ "strategy", JSON_KIND_ENUM, AT(raw_request, strategy),
	  .from_string = strategy_from_string, .choices = "leave-largest-hole, pack, spread" },
	{ "apart", JSON_KIND_ENUM, AT(raw_request, apart), .from_string = apart_from_string,
	  .choices = "none, node, package" },
	{ "apart_required", JSON_KIND_BOOL, AT(raw_request, apart_required), .required = false },
	{ "isolation", JSON_KIND_ENUM, AT(raw_request, isolation),
	  .from_string = isolation_from_string, .choices = "required, best-effort" },
	{ "revocable", JSON_KIND_BOOL, AT(raw_request, revocable), .required = false },
	{ "interrupts", JSON_KIND_ENUM, AT(raw_request, interrupts),
	  .from_string = interrupts_from_string, .choices = "away, slice" },
	{ "processes_max", JSON_KIND_U64, AT(raw_request, processes_max), .minimum = 1,
	  .maximum = 4194304 /* the kernel's PID_MAX_LIMIT */ },
	{ "partition", JSON_KIND_ENUM, AT(raw_request, partition),
	  .from_string = partition_from_string, .choices = "isolated, root" },
	{ "limits", JSON_KIND_OBJECT, AT(raw_request, limits), .required = false },
	{ 0 },
};

static int decode_labels(const json_t *object, struct request *ret, struct fail *f)
{
	const char *key;
	json_t *value;

	if (!object)
		return 0;
	if (json_object_size(object) > REQUEST_LABELS_MAX)
		return fail_set(f, -ERANGE, "labels: at most %d are allowed", REQUEST_LABELS_MAX);
	ret->labels = calloc(json_object_size(object) + 1, sizeof(*ret->labels));
	if (!ret->labels)
		return fail_set(f, -ENOMEM, "out of memory");
	json_object_foreach ((json_t *)object, key, value) {
		struct request_label *label = &ret->labels[ret->labels_count];
		const char *text = json_string_value(value);

		if (!text || !*key || strlen(key) > TEXT_MAX_BYTES || strlen(text) > TEXT_MAX_BYTES)
			return fail_set(f, -EINVAL,
					"labels: each must be a text of at most %d bytes",
					TEXT_MAX_BYTES);
		ret->labels_count++;
		if (copy(&label->key, key, f) < 0 || copy(&label->value, text, f) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int take_devices(const json_t *list, struct request *ret, struct fail *f)
{
	uint64_t counts[DEVICE_KINDS];
	int r;

	for (size_t kind = 0; kind < DEVICE_KINDS; kind++)
		counts[kind] = DECODE_ABSENT;
	r = decode_devices(list, 1, counts, f);
	for (size_t kind = 0; r == 0 && kind < DEVICE_KINDS; kind++)
		if (counts[kind] != DECODE_ABSENT)
			ret->devices[kind] = (uint32_t)counts[kind];
	return r;
}

int decode_request(const json_t *object, struct request *ret, struct fail *f)
{
	struct raw_request raw = { .align = ALIGN_NODE, .isolation = ISOLATION_BEST_EFFORT };
	int r = json_read(object, request_fields, "slice request", &raw, f);

	if (r < 0)
		return r;
	ret->cores = (uint32_t)raw.cores;
	/* Rounded up, but not for what 0.029 * 1000 has too much in binary. */
	ret->shared_millicpus = (uint32_t)ceil(raw.shared_cpus * 1000 - ROUNDING);
	ret->memory_bytes = raw.memory;
	ret->align = (enum align_level)raw.align;
	ret->align_required = raw.align_required;
	ret->strategy = (enum strategy)raw.strategy;
	ret->apart = (enum apart)raw.apart;
	ret->apart_required = raw.apart_required;
	ret->isolation = (enum isolation)raw.isolation;
	ret->interrupts = (enum interrupts)raw.interrupts;
	ret->partition = (enum partition)raw.partition;
	ret->processes_max = raw.processes_max;
	ret->revocable = raw.revocable;
	r = copy(&ret->name, raw.name, f);
	if (r == 0)
		r = copy(&ret->offer, raw.offer, f);
	if (r == 0)
		r = copy(&ret->owner, raw.owner, f);
	if (r == 0)
		r = copy(&ret->role, raw.role, f);
	if (r == 0)
		r = decode_labels(raw.labels, ret, f);
	if (r == 0)
		r = decode_hugepages(raw.hugepages, 1, ret->hugepages, &ret->hugepages_count, f);
	if (r == 0)
		r = take_devices(raw.devices, ret, f);
	if (r == 0)
		r = decode_nic(raw.nic, &ret->nic, f);
	if (r == 0)
		r = decode_cache(raw.cache, &ret->cache, f);
	if (r == 0 && raw.limits)
		r = decode_request_limits(raw.limits, &ret->limits, f);
	return r < 0 ? r : limits_consistent(&ret->limits, ret->memory_bytes, f);
}

struct raw_task {
	const char *name, *user, *group, *cwd;
	const json_t *argv, *env, *limits, *network;
	uint64_t umask, kill_grace, backoff, backoff_max, restarts_max;
	int stdout_to, stderr_to, restart, oom, memory_policy, cpus;
};

static const struct json_field task_fields[] = {
	{ "name", JSON_KIND_NAME, AT(raw_task, name), .maximum = NAME_MAX_BYTES },
	{ "argv", JSON_KIND_ARRAY, AT(raw_task, argv), .required = true, .maximum = WORDS_MAX },
	{ "env", JSON_KIND_OBJECT, AT(raw_task, env), .required = false },
	{ "user", JSON_KIND_STRING, AT(raw_task, user), .maximum = TEXT_MAX_BYTES },
	{ "group", JSON_KIND_STRING, AT(raw_task, group), .maximum = TEXT_MAX_BYTES },
	{ "cwd", JSON_KIND_STRING, AT(raw_task, cwd), .maximum = 4095 },
	{ "umask", JSON_KIND_U64, AT(raw_task, umask), .maximum = 0777 },
	{ "limits", JSON_KIND_OBJECT, AT(raw_task, limits), .required = false },
	{ "network", JSON_KIND_OBJECT, AT(raw_task, network), .required = false },
	{ "stdout", JSON_KIND_ENUM, AT(raw_task, stdout_to), .from_string = task_output_from_string,
	  .choices = "file, journal, null" },
	{ "stderr", JSON_KIND_ENUM, AT(raw_task, stderr_to), .from_string = task_output_from_string,
	  .choices = "file, journal, null" },
	{ "oom", JSON_KIND_ENUM, AT(raw_task, oom), .from_string = task_oom_from_string,
	  .choices = "group, single" },
	{ "memory_policy", JSON_KIND_ENUM, AT(raw_task, memory_policy),
	  .from_string = task_policy_from_string,
	  .choices = "default, bind, preferred, interleave, weighted-interleave" },
	{ "cpus", JSON_KIND_ENUM, AT(raw_task, cpus), .from_string = task_cpus_from_string,
	  .choices = "default, exclusive, shared" },
	{ "kill_grace", JSON_KIND_DURATION, AT(raw_task, kill_grace),
	  .maximum = 3600ULL * 1000000 },
	{ "restart", JSON_KIND_ENUM, AT(raw_task, restart), .from_string = task_restart_from_string,
	  .choices = "never, on-failure, always" },
	{ "restart_backoff", JSON_KIND_DURATION, AT(raw_task, backoff), .minimum = 1000,
	  .maximum = 3600ULL * 1000000 },
	{ "restart_backoff_max", JSON_KIND_DURATION, AT(raw_task, backoff_max), .minimum = 1000,
	  .maximum = 86400ULL * 1000000 },
	{ "restarts_max", JSON_KIND_U64, AT(raw_task, restarts_max), .minimum = 1,
	  .maximum = UINT32_MAX },
	{ 0 },
};

static int decode_argv(const json_t *list, struct task_spec *ret, size_t *bytes, struct fail *f)
{
	size_t count = json_array_size(list);

	if (count == 0)
		return fail_set(f, -EINVAL, "task: \"argv\" must name a program");
	ret->argv = calloc(count + 1, sizeof(char *));
	if (!ret->argv)
		return fail_set(f, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (!word || (i == 0 && !*word))
			return fail_set(
				f, -EINVAL,
				"task: \"argv\" must be a list of texts, the first not empty");
		*bytes += strlen(word) + 1;
		if (copy(&ret->argv[i], word, f) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int decode_env(const json_t *object, struct task_spec *ret, size_t *bytes, struct fail *f)
{
	size_t n = 0;
	const char *key;
	json_t *value;

	if (!object)
		return 0;
	if (json_object_size(object) > WORDS_MAX)
		return fail_set(f, -ERANGE, "task: \"env\" has more than %d variables", WORDS_MAX);
	ret->env = calloc(json_object_size(object) + 1, sizeof(char *));
	if (!ret->env)
		return fail_set(f, -ENOMEM, "out of memory");
	json_object_foreach ((json_t *)object, key, value) {
		const char *text = json_string_value(value);

		if (!text || !*key || strchr(key, '='))
			return fail_set(f, -EINVAL,
					"task: \"env\" must map names without '=' to texts");
		*bytes += strlen(key) + strlen(text) + 2;
		if (asprintf(&ret->env[n], "%s=%s", key, text) < 0) {
			ret->env[n] = NULL;
			return fail_set(f, -ENOMEM, "out of memory");
		}
		n++;
	}
	return 0;
}

struct raw_limit {
	uint64_t soft, hard;
};

/* A number for both, or {"soft": .., "hard": ..}; "infinity" as a text. */
static int decode_limit_value(const json_t *value, struct raw_limit *ret, struct fail *f)
{
	static const struct json_field fields[] = {
		{ "soft", JSON_KIND_U64, AT(raw_limit, soft), .required = true },
		{ "hard", JSON_KIND_U64, AT(raw_limit, hard), .required = true },
		{ 0 },
	};
	const char *text = json_string_value(value);

	if (json_is_object(value))
		return json_read(value, fields, "limits", ret, f);
	if (text && strcmp(text, "infinity") == 0) {
		ret->soft = ret->hard = UINT64_MAX;
		return 0;
	}
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return fail_set(
			f, -EINVAL,
			"limits: a value must be a whole number, \"infinity\", or an object "
			"with soft and hard");
	ret->soft = ret->hard = (uint64_t)json_integer_value(value);
	return 0;
}

static int decode_limits(const json_t *object, struct task_spec *ret, struct fail *f)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		struct raw_limit raw = { 0 };
		int resource = task_limit_from_string(key), r;

		if (resource < 0)
			return fail_set(f, -EINVAL, "limits: \"%.40s\" is none of %s", key,
					task_limit_names());
		r = decode_limit_value(value, &raw, f);
		if (r < 0)
			return r;
		if (raw.soft > raw.hard)
			return fail_set(f, -EINVAL, "limits: soft is above hard for %s", key);
		ret->limits[ret->limits_count++] =
			(struct task_limit){ resource, raw.soft, raw.hard };
	}
	return 0;
}

static int decode_words(const struct raw_task *raw, struct task_spec *ret, struct fail *f)
{
	size_t bytes = 0;
	int r = decode_argv(raw->argv, ret, &bytes, f);

	if (r == 0)
		r = decode_env(raw->env, ret, &bytes, f);
	if (r == 0 && bytes > TASK_WORDS_BYTES_MAX)
		r = fail_set(f, -E2BIG, "task: argv and env have %zu bytes, at most %d are allowed",
			     bytes, TASK_WORDS_BYTES_MAX);
	return r;
}

int decode_task(const json_t *object, struct task_spec *ret, struct fail *f)
{
	struct raw_task raw = {
		.umask = ret->umask,
		.kill_grace = ret->kill_grace_usec,
		.backoff = ret->backoff_first_usec,
		.backoff_max = ret->backoff_max_usec,
	};
	int r = json_read(object, task_fields, "task", &raw, f);

	if (r < 0)
		return r;
	if (raw.cwd && raw.cwd[0] != '/')
		return fail_set(f, -EINVAL, "task: \"cwd\" must be an absolute path");
	ret->umask = (uint32_t)raw.umask;
	ret->kill_grace_usec = raw.kill_grace;
	ret->restart = (enum task_restart)raw.restart;
	ret->backoff_first_usec = raw.backoff;
	ret->backoff_max_usec = raw.backoff_max > raw.backoff ? raw.backoff_max : raw.backoff;
	ret->restarts_max = (uint32_t)raw.restarts_max;
	ret->oom = (enum task_oom)raw.oom;
	ret->memory_policy = (enum task_policy)raw.memory_policy;
	ret->cpus = (enum task_cpus)raw.cpus;
	ret->stdout_to = (enum task_output)raw.stdout_to;
	ret->stderr_to = (enum task_output)raw.stderr_to;
	r = copy(&ret->name, raw.name, f);
	if (r == 0)
		r = copy(&ret->user, raw.user, f);
	if (r == 0)
		r = copy(&ret->group, raw.group, f);
	if (r == 0)
		r = copy(&ret->cwd, raw.cwd, f);
	if (r == 0)
		r = decode_words(&raw, ret, f);
	if (r == 0)
		r = decode_network(raw.network, ret, f);
	return r < 0 ? r : decode_limits(raw.limits, ret, f);
}

int decode_signal(const char *name, int *ret, struct fail *f)
{
	uint32_t number;

	if (parse_u32(name, &number) == 0 && number > 0 && number < NSIG) {
		*ret = (int)number;
		return 0;
	}
	if (name && strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; name && i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && strcasecmp(known, name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return fail_set(f, -EINVAL, "\"%.40s\" is no signal", name ? name : "");
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static int read_set(const json_t *object, const char *key, struct cpuset *into)
{
	_cleanup_(cpuset_freep) struct cpuset *s = NULL;
	int r = cpuset_parse(text_of(object, key), &s);

	return r < 0 ? r : cpuset_union(into, s);
}

static int read_cores(const json_t *list, struct allocation *a)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = json_string_value(json_array_get(list, i));
		uint32_t number;

		if (!id || strncmp(id, "core-", 5) != 0 || parse_u32(id + 5, &number) < 0 ||
		    cpuset_add(a->cores, number) < 0)
			return -EINVAL;
	}
	return 0;
}

static int read_shares(const json_t *object, struct allocation *a)
{
	const json_t *memory = json_object_get(object, "memory_by_node");
	const json_t *pages = json_object_get(object, "hugepages");
	const json_t *devices = json_object_get(object, "devices");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(memory); i++) {
		const json_t *m = json_array_get(memory, i);

		r = allocation_add_memory(a, (uint32_t)number_of(m, "node"), number_of(m, "bytes"));
	}
	for (size_t i = 0; r == 0 && i < json_array_size(pages); i++) {
		const json_t *p = json_array_get(pages, i);

		r = allocation_add_hugepages(a, (uint32_t)number_of(p, "node"),
					     number_of(p, "size_bytes"), number_of(p, "count"));
	}
	for (size_t i = 0; r == 0 && i < json_array_size(devices); i++) {
		const char *id = json_string_value(json_array_get(devices, i));

		r = id ? allocation_add_device(a, id) : -EINVAL;
	}
	return r;
}

int decode_allocation(const json_t *object, struct allocation **ret, struct fail *f)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	double shared = json_number_value(json_object_get(object, "shared_cpus"));
	int r = allocation_new(&a);

	if (r == 0)
		r = read_set(object, "cpus", a->cpus);
	if (r == 0)
		r = read_set(object, "nodes", a->nodes);
	if (r == 0)
		r = read_cores(json_object_get(object, "cores"), a);
	if (r == 0)
		r = read_shares(object, a);
	if (r == 0)
		r = decode_cache_shares(json_object_get(object, "cache"), &a->cache);
	if (r < 0)
		return fail_set(f, r, "the record of what it holds cannot be read");
	if (shared > 0 && shared < SHARED_CPUS_MAX)
		a->shared_millicpus = (uint32_t)(shared * 1000 + 0.5);
	*ret = TAKE_PTR(a);
	return 0;
}
