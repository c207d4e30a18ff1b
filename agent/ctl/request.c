/* SPDX-License-Identifier: Apache-2.0 */
/* Options -> JSON, one function a kind of option. What is possible or allowed is the agent's to
 * say; this file only knows the form. */
#include "ctl/request.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option_row slice_request_options[] = {
	{ "name", 0, OPTION_TEXT, "NAME", NULL, "name", "name of the slice (default: chosen)" },
	{ "cores", 'c', OPTION_U64, "N", NULL, "cores", "whole cores, for this slice alone" },
	{ "shared-cpus", 0, OPTION_NUMBER, "X", NULL, "shared_cpus",
	  "CPUs' worth of time in the shared pool" },
	{ "memory", 'm', OPTION_BYTES, "SIZE", NULL, "memory", "memory, such as 4GiB" },
	{ "hugepages", 0, OPTION_HUGEPAGES, "SIZE:COUNT", NULL, "hugepages",
	  "huge pages, such as 2MiB:512 (repeatable)" },
	{ "cache-ways", 0, OPTION_U64, "N", NULL, "cache.l3_ways",
	  "ways of the last-level caches of its CPUs, for this slice alone" },
	{ "cache", 0, OPTION_BYTES, "SIZE", NULL, "cache.l3_bytes",
	  "the same as a size, such as 8MiB" },
	{ "memory-bandwidth", 0, OPTION_U64, "PERCENT", NULL, "cache.memory_bandwidth_percent",
	  "at most so much of the memory bandwidth" },
	{ "gpus", 'g', OPTION_DEVICES, "N", "gpu", "devices", "GPUs and accelerators" },
	{ "nics", 0, OPTION_DEVICES, "N", "nic", "devices", "network interfaces" },
	{ "nic-function", 0, OPTION_CHOICE, "WHICH", "any,whole,virtual", "nic.function",
	  "whole ports or virtual functions of one" },
	{ "nic-speed", 0, OPTION_U64, "MBPS", NULL, "nic.speed_mbps",
	  "NICs of at least so many Mbit/s" },
	{ "disks", 0, OPTION_DEVICES, "N", "disk", "devices", "disks" },
	{ "device", 0, OPTION_DEVICE, "CLASS[:N]", "gpu,nic,disk", "devices",
	  "devices of a class (repeatable)" },
	{ "align", 0, OPTION_CHOICE, "WHERE", "switch,node,package,none", "align",
	  "keep all of it within one PCI switch, NUMA node, package, or anywhere" },
	{ "align-required", 0, OPTION_TRUE, NULL, NULL, "align_required",
	  "refuse rather than spread wider than --align" },
	{ "strategy", 0, OPTION_CHOICE, "HOW", "leave-largest-hole,pack,spread", "strategy",
	  "of equally good places: break least of what is whole, the fullest, the emptiest" },
	{ "apart", 0, OPTION_CHOICE, "FROM", "none,node,package", "apart",
	  "from the owner's other slices: on no node, or in no package, that they use" },
	{ "apart-required", 0, OPTION_TRUE, NULL, NULL, "apart_required",
	  "refuse rather than use a place of theirs" },
	{ "interrupts", 0, OPTION_CHOICE, "WHERE", "away,slice", "interrupts",
	  "interrupts of the slice's own devices: away from its CPUs, or on them" },
	{ "isolation", 0, OPTION_CHOICE, "HOW", "required,best-effort", "isolation",
	  "refuse where the kernel cannot enforce it, or take what there is" },
	{ "processes", 0, OPTION_U64, "N", NULL, "processes_max", "at most so many processes" },
	{ "revocable", 0, OPTION_TRUE, NULL, NULL, "revocable",
	  "it may be slowed, stopped and taken away when the host is under pressure" },
	{ "partition", 0, OPTION_CHOICE, "HOW", "isolated,root", "partition",
	  "of its cores: without load balancing, or balanced among themselves" },
	{ "owner", 0, OPTION_TEXT, "TEXT", NULL, "owner", "whom it is for" },
	{ "role", 0, OPTION_TEXT, "ROLE", NULL, "role", "quota it counts against" },
	{ "label", 'l', OPTION_PAIR, "K=V", NULL, "labels", "label (repeatable)" },
	{ "offer", 0, OPTION_TEXT, "ID", NULL, "offer",
	  "take it from this offer (alone: all of it)" },
	{ 0 },
};

/* Of both: each may be "none", which takes it away. */
const struct option_row slice_limits_options[] = {
	{ "cpus-max", 0, OPTION_NUMBER, "X", NULL, "limits.cpus_max",
	  "at most so many CPUs' worth of time" },
	{ "burst", 0, OPTION_DURATION, "TIME", NULL, "limits.burst",
	  "beyond --cpus-max in 100 ms, out of what was left unused before" },
	{ "memory-min", 0, OPTION_BYTES, "SIZE", NULL, "limits.memory_min",
	  "memory that is never taken back from it" },
	{ "memory-low", 0, OPTION_BYTES, "SIZE", NULL, "limits.memory_low",
	  "memory that is taken back from it last" },
	{ "memory-high", 0, OPTION_BYTES, "SIZE", NULL, "limits.memory_high",
	  "slow it down and take memory back above this" },
	{ "swap-max", 0, OPTION_BYTES, "SIZE", NULL, "limits.swap_max",
	  "at most so much swap; 0: none" },
	{ "io", 0, OPTION_ITEM, "DISK,KEY=N,...", NULL, "limits.io",
	  "limits on a disk, or all: read, write, reads, writes, weight, latency (repeatable)" },
	{ "rdma", 0, OPTION_ITEM, "DEVICE,KEY=N,...", NULL, "limits.rdma",
	  "limits on an RDMA device: handles, objects (repeatable)" },
	{ "misc", 0, OPTION_COUNT, "NAME=N", NULL, "limits.misc",
	  "at most so many of what the kernel counts, such as sev=2 (repeatable)" },
	{ "device-memory", 0, OPTION_ITEM, "REGION,KEY=SIZE,...", NULL, "limits.device_memory",
	  "limits on memory of a device: min, low, max (repeatable)" },
	{ 0 },
};

const struct option_row slice_resize_options[] = {
	{ "cores", 'c', OPTION_U64, "N", NULL, "cores", "whole cores, for this slice alone" },
	{ "shared-cpus", 0, OPTION_NUMBER, "X", NULL, "shared_cpus",
	  "CPUs' worth of time in the shared pool" },
	{ "memory", 'm', OPTION_BYTES, "SIZE", NULL, "memory", "memory, such as 4GiB" },
	{ "hugepages", 0, OPTION_HUGEPAGES, "SIZE:COUNT", NULL, "hugepages",
	  "huge pages of one size, such as 2MiB:512 (repeatable)" },
	{ "gpus", 'g', OPTION_DEVICES, "N", "gpu", "devices", "GPUs and accelerators" },
	{ "nics", 0, OPTION_DEVICES, "N", "nic", "devices", "network interfaces" },
	{ "disks", 0, OPTION_DEVICES, "N", "disk", "devices", "disks" },
	{ "processes", 0, OPTION_U64, "N", NULL, "processes_max", "at most so many processes" },
	{ "keep-cpus", 0, OPTION_TEXT, "LIST", NULL, "keep.cpus",
	  "CPUs that are not to be given up, such as 0-3" },
	{ "keep-device", 0, OPTION_LIST, "ID", NULL, "keep.devices",
	  "device that is not to be given up (repeatable)" },
	{ "grace", 0, OPTION_DURATION, "TIME", NULL, "grace",
	  "between the announcement and the taking away" },
	{ 0 },
};

const struct option_row *const slice_create_tables[] = { slice_request_options,
							 slice_limits_options, NULL };
const struct option_row *const slice_resize_tables[] = { slice_resize_options, slice_limits_options,
							 NULL };

const struct option_row task_request_options[] = {
	{ "task-name", 0, OPTION_TEXT, "NAME", NULL, "name", "name of the task (default: task-N)" },
	{ "env", 'e', OPTION_PAIR, "K=V", NULL, "env", "environment variable (repeatable)" },
	{ "user", 'u', OPTION_TEXT, "USER", NULL, "user", "user name or id to run as" },
	{ "group", 0, OPTION_TEXT, "GROUP", NULL, "group", "group name or id" },
	{ "cwd", 'C', OPTION_TEXT, "DIR", NULL, "cwd", "working directory" },
	{ "limit", 0, OPTION_LIMIT, "NAME=SOFT[:HARD]", NULL, "limits",
	  "resource limit, such as nofile=4096 (repeatable)" },
	{ "network", 0, OPTION_NETWORK, "cni:NAME|nic:DEVICE[,KEY=VALUE]...", NULL, "network",
	  "a network namespace of its own, joined to this network of the host's CNI "
	  "configuration, or with this NIC of the slice in it (keys: interface, address, "
	  "gateway)" },
	{ "oom", 0, OPTION_CHOICE, "WHOM", "group,single", "oom",
	  "when its memory runs out, kill all of it or one process" },
	{ "memory-policy", 0, OPTION_CHOICE, "HOW",
	  "default,bind,preferred,interleave,weighted-interleave", "memory_policy",
	  "of which of the slice's nodes memory is taken" },
	{ "cpus", 0, OPTION_CHOICE, "WHICH", "exclusive,shared", "cpus",
	  "which of the slice's CPUs it runs on, where it has both kinds" },
	{ "stdout", 0, OPTION_CHOICE, "WHERE", "file,journal,null", "stdout",
	  "where standard output goes" },
	{ "stderr", 0, OPTION_CHOICE, "WHERE", "file,journal,null", "stderr",
	  "where standard error goes" },
	{ "grace", 0, OPTION_DURATION, "TIME", NULL, "kill_grace",
	  "between SIGTERM and SIGKILL when it is stopped" },
	{ "restart", 0, OPTION_CHOICE, "WHEN", "never,on-failure,always", "restart",
	  "start it again when it has ended" },
	{ "restarts-max", 0, OPTION_U64, "N", NULL, "restarts_max",
	  "give up after so many restarts" },
	{ 0 },
};

/* "io" of "limits.io". */
static const char *member(const struct given *g)
{
	const char *dot = strchr(g->row->key, '.');

	return dot ? dot + 1 : g->row->key;
}

static int refuse(const struct given *g, const char *wanted, struct fail *f)
{
	return fail_code(f, -EINVAL, "usage", "--%s wants %s, not '%s'", g->row->name, wanted,
			 g->value);
}

static int put(json_t *body, const char *key, json_t *value, struct fail *f)
{
	return json_put(body, key, value) < 0 ? fail_set(f, -ENOMEM, "out of memory") : 0;
}

/* The array or object that repeated options add to; borrowed; NULL without memory. */
static json_t *collection(json_t *body, const char *key, json_t *(*make)(void))
{
	json_t *there = json_object_get(body, key);

	if (there && !json_is_null(there))
		return there;
	if (json_object_set_new(body, key, make()) < 0)
		return NULL;
	return json_object_get(body, key);
}

static int append(json_t *body, const char *key, json_t *item, struct fail *f)
{
	json_t *array = collection(body, key, json_array);

	if (json_array_append_new(array, item) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	return 0;
}

static int parse_decimal(const char *text, double *ret)
{
	size_t whole = strspn(text, "0123456789"), fraction;

	if (whole == 0 || whole > 15)
		return -EINVAL;
	fraction = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	if (text[whole] && (text[whole] != '.' || fraction == 0 || text[whole + 1 + fraction]))
		return -EINVAL;
	*ret = strtod(text, NULL);
	return 0;
}

static int put_number(json_t *body, const struct given *g, struct fail *f)
{
	double number;

	if (parse_decimal(g->value, &number) < 0)
		return refuse(g, "a number such as 0.5", f);
	return put(body, member(g), json_real(number), f);
}

/* JSON_KIND_U64 of the agent reads what jansson holds: a signed 64-bit integer. */
static int parse_count(const char *text, uint64_t *ret)
{
	uint64_t value;

	if (parse_u64(text, &value) < 0 || value > INT64_MAX)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int put_count(json_t *body, const struct given *g, struct fail *f)
{
	uint64_t count;

	if (parse_count(g->value, &count) < 0)
		return refuse(g, "a whole number", f);
	return put(body, member(g), json_integer((json_int_t)count), f);
}

static int put_bytes(json_t *body, const struct given *g, struct fail *f)
{
	uint64_t bytes;

	if (parse_bytes(g->value, &bytes) < 0 || bytes > INT64_MAX)
		return refuse(g, "a size such as 512MiB or 4GiB", f);
	return put(body, member(g), json_integer((json_int_t)bytes), f);
}

static int put_pair(json_t *body, const struct given *g, struct fail *f)
{
	const char *equals = strchr(g->value, '=');
	_cleanup_free_ char *name = NULL;

	if (!equals || equals == g->value)
		return refuse(g, "NAME=VALUE", f);
	name = strndup(g->value, (size_t)(equals - g->value));
	if (!name)
		return fail_set(f, -ENOMEM, "out of memory");
	if (!parse_utf8_valid(g->value, strlen(g->value)))
		return fail_code(f, -EINVAL, "usage", "--%s %s is not valid UTF-8", g->row->name,
				 name);
	return put(collection(body, member(g), json_object), name, json_string(equals + 1), f);
}

static int put_limit(json_t *body, const struct given *g, struct fail *f)
{
	_cleanup_free_ char *name = strdup(g->value);
	char *soft, *hard;
	uint64_t low, high;
	json_t *limit;

	if (!name)
		return fail_set(f, -ENOMEM, "out of memory");
	soft = strchr(name, '=');
	if (!soft || soft == name)
		return refuse(g, "NAME=SOFT or NAME=SOFT:HARD", f);
	*soft++ = 0;
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = 0;
	if (parse_count(soft, &low) < 0 || (hard && parse_count(hard, &high) < 0))
		return refuse(g, "NAME=SOFT or NAME=SOFT:HARD with whole numbers", f);
	limit = hard ? json_pack("{s:I,s:I}", "soft", (json_int_t)low, "hard", (json_int_t)high)
		     : json_integer((json_int_t)low);
	return put(collection(body, member(g), json_object), name, limit, f);
}

/* "address=192.0.2.2/24" of nic:DEVICE,address=192.0.2.2/24 */
static int put_nic_word(json_t *nic, const char *word, const struct given *g, struct fail *f)
{
	static const struct {
		const char *word, *key;
		bool list;
	} keys[] = {
		{ "interface=", "interface", false },
		{ "address=", "addresses", true },
		{ "gateway=", "gateways", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = word + strlen(keys[i].word);

		if (strncmp(word, keys[i].word, strlen(keys[i].word)) != 0 || !*value)
			continue;
		return keys[i].list ? append(nic, keys[i].key, json_string(value), f)
				    : put(nic, keys[i].key, json_string(value), f);
	}
	return refuse(
		g, "nic:DEVICE[,interface=NAME][,address=ADDRESS/LENGTH]...[,gateway=ADDRESS]", f);
}

static int put_nic(json_t *body, const struct given *g, struct fail *f)
{
	_cleanup_free_ char *words = strdup(g->value + strlen("nic:"));
	_cleanup_json_ json_t *nic = json_object();
	char *rest = words;
	int r = words && nic ? 0 : fail_set(f, -ENOMEM, "out of memory");

	if (r == 0)
		r = put(nic, "nic", json_string(strsep(&rest, ",")), f);
	while (r == 0 && rest)
		r = put_nic_word(nic, strsep(&rest, ","), g, f);
	return r < 0 ? r : put(body, g->row->key, TAKE_PTR(nic), f);
}

static int put_network(json_t *body, const struct given *g, struct fail *f)
{
	bool nic = strncmp(g->value, "nic:", 4) == 0;

	if ((!nic && strncmp(g->value, "cni:", 4) != 0) || !g->value[4] ||
	    !parse_utf8_valid(g->value, strlen(g->value)))
		return refuse(g, "cni: and the name of a network, or nic: and a device", f);
	if (nic)
		return put_nic(body, g, f);
	return put(body, g->row->key, json_pack("{s:s}", "cni", g->value + 4), f);
}

static int put_hugepages(json_t *body, const struct given *g, struct fail *f)
{
	const char *colon = strchr(g->value, ':');
	_cleanup_free_ char *size = colon ? strndup(g->value, (size_t)(colon - g->value)) : NULL;
	uint64_t bytes, count;

	if (!size || parse_bytes(size, &bytes) < 0 || parse_count(colon + 1, &count) < 0)
		return refuse(g, "SIZE:COUNT such as 2MiB:512", f);
	return append(body, member(g),
		      json_pack("{s:s,s:I}", "size", size, "count", (json_int_t)count), f);
}

static int put_devices(json_t *body, const struct given *g, struct fail *f)
{
	uint64_t count;

	if (parse_count(g->value, &count) < 0)
		return refuse(g, "a whole number", f);
	return append(body, member(g),
		      json_pack("{s:s,s:I}", "class", g->row->choices, "count", (json_int_t)count),
		      f);
}

static int put_device(json_t *body, const struct given *g, struct fail *f)
{
	_cleanup_free_ char *name = strdup(g->value);
	uint64_t count = 1;
	char *colon;

	if (!name)
		return fail_set(f, -ENOMEM, "out of memory");
	colon = strchr(name, ':');
	if (colon)
		*colon++ = 0;
	if (!args_choice_valid(g->row->choices, name) || (colon && parse_count(colon, &count) < 0))
		return refuse(g, "gpu, nic or disk, and maybe a count: gpu:2", f);
	return append(body, member(g),
		      json_pack("{s:s,s:I}", "class", name, "count", (json_int_t)count), f);
}

static int put_item(json_t *body, const struct given *g, struct fail *f)
{
	json_t *item = NULL;
	int r = request_item(g, &item, f);

	return r < 0 ? r : append(body, member(g), item, f);
}

static int put_named_count(json_t *body, const struct given *g, struct fail *f)
{
	const char *equals = strchr(g->value, '=');
	_cleanup_free_ char *name = NULL;
	uint64_t count = 0;
	bool none = equals && strcmp(equals + 1, "none") == 0;

	if (!equals || equals == g->value || (!none && parse_count(equals + 1, &count) < 0) ||
	    !parse_utf8_valid(g->value, strlen(g->value)))
		return refuse(g, "NAME=N with a whole number", f);
	name = strndup(g->value, (size_t)(equals - g->value));
	if (!name)
		return fail_set(f, -ENOMEM, "out of memory");
	return put(collection(body, member(g), json_object), name,
		   none ? json_null() : json_integer((json_int_t)count), f);
}

static int put_text(json_t *body, const struct given *g, struct fail *f)
{
	uint64_t ignored;

	if (g->row->kind == OPTION_CHOICE && !args_choice_valid(g->row->choices, g->value))
		return refuse(g, g->row->choices, f);
	if (g->row->kind == OPTION_DURATION && parse_duration(g->value, &ignored) < 0)
		return refuse(g, "a time such as 10s or 500ms", f);
	if (!parse_utf8_valid(g->value, strlen(g->value)))
		return fail_code(f, -EINVAL, "usage", "--%s is not valid UTF-8", g->row->name);
	return put(body, member(g), json_string(g->value), f);
}

/* Where the member goes: the request, or the object in it that the key names before its dot. */
static json_t *place_of(json_t *body, const struct given *g)
{
	size_t n = strcspn(g->row->key, ".");
	_cleanup_free_ char *name = strndup(g->row->key, n);

	if (!g->row->key[n])
		return body;
	return name ? collection(body, name, json_object) : NULL;
}

static int put_word(json_t *body, const struct given *g, struct fail *f)
{
	if (!parse_utf8_valid(g->value, strlen(g->value)))
		return fail_code(f, -EINVAL, "usage", "--%s is not valid UTF-8", g->row->name);
	return append(body, member(g), json_string(g->value), f);
}

static bool of_table(const struct option_row *row, const struct option_row *table)
{
	for (; table->name; table++)
		if (table == row)
			return true;
	return false;
}

static bool of_tables(const struct option_row *row, const struct option_row *const *tables)
{
	bool found = false;

	for (; *tables && !found; tables++)
		found = of_table(row, *tables);
	return found;
}

static int put_option(json_t *body, const struct given *g, struct fail *f)
{
	if (of_table(g->row, slice_limits_options) && strcmp(g->value, "none") == 0)
		return put(body, member(g), json_null(), f);
	switch (g->row->kind) {
	case OPTION_FLAG:
	case OPTION_TRUE:
		return put(body, member(g), json_true(), f);
	case OPTION_U64:
		return put_count(body, g, f);
	case OPTION_NUMBER:
		return put_number(body, g, f);
	case OPTION_BYTES:
		return put_bytes(body, g, f);
	case OPTION_PAIR:
		return put_pair(body, g, f);
	case OPTION_NETWORK:
		return put_network(body, g, f);
	case OPTION_LIMIT:
		return put_limit(body, g, f);
	case OPTION_HUGEPAGES:
		return put_hugepages(body, g, f);
	case OPTION_DEVICES:
		return put_devices(body, g, f);
	case OPTION_DEVICE:
		return put_device(body, g, f);
	case OPTION_LIST:
		return put_word(body, g, f);
	case OPTION_ITEM:
		return put_item(body, g, f);
	case OPTION_COUNT:
		return put_named_count(body, g, f);
	case OPTION_TEXT:
	case OPTION_DURATION:
	case OPTION_CHOICE:
		return put_text(body, g, f);
	}
	return -EINVAL;
}

int request_build(const struct args *args, const struct option_row *const *tables, json_t **ret,
		  struct fail *f)
{
	_cleanup_json_ json_t *body = json_object();
	int r;

	if (!body)
		return fail_set(f, -ENOMEM, "out of memory");
	for (size_t i = 0; i < args->options_count; i++) {
		const struct given *g = &args->options[i];

		if (!g->row->key || !of_tables(g->row, tables))
			continue;
		r = put_option(place_of(body, g), g, f);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(body);
	return 0;
}
