/* SPDX-License-Identifier: Apache-2.0 */
/* Model values as JSON; see document.h. Devices are written by their field tables. */
#include "document.h"

#include "clocktext.h"
#include "document_cache.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

json_t *document_cpuset(const struct cpuset *s)
{
	_cleanup_free_ char *text = cpuset_format(s);

	return text ? json_string(text) : NULL;
}

json_t *document_time(uint64_t realtime_usec)
{
	char text[CLOCK_TEXT_SIZE];

	if (realtime_usec == 0)
		return json_null();
	clock_text(realtime_usec, text);
	return json_string(text);
}

/* Text that came from outside: what is no UTF-8 is shown as '?'. */
static json_t *outside_text(const char *text)
{
	_cleanup_free_ char *copy = NULL;
	json_t *good = json_string(text);

	if (good)
		return good;
	copy = strdup(text);
	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return copy ? json_string(copy) : NULL;
}

static json_t *hex(uint32_t value)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "0x%04x", value); /* at most ten characters */
	return json_string(text);
}

static json_t *distances(const struct device_numbers *n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n->count; i++)
		json_array_append_new(list, json_pack("{s:i,s:i}", "node", (int)n->number[i],
						      "distance", (int)n->value[i]));
	return list;
}

static json_t *hugepages(const struct device_hugepages *pages, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++)
		json_array_append_new(list, json_pack("{s:I,s:I,s:I}", "size_bytes",
						      (json_int_t)pages[i].size_bytes, "total",
						      (json_int_t)pages[i].total, "free",
						      (json_int_t)pages[i].free));
	return list;
}

json_t *document_field(const struct device_field *field, const struct device *d)
{
	const void *at = (const char *)d + field->offset;

	if (!device_field_known(field, d))
		return json_null();
	switch (field->type) {
	case FIELD_STRING:
		return outside_text(*(char *const *)at);
	case FIELD_U32:
		return json_integer(*(const uint32_t *)at);
	case FIELD_HEX:
		return hex(*(const uint32_t *)at);
	case FIELD_U64:
		return json_integer((json_int_t) * (const uint64_t *)at);
	case FIELD_I32:
		return json_integer(*(const int32_t *)at);
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_CPUSET:
		return document_cpuset(*(struct cpuset *const *)at);
	case FIELD_NUMBERS:
		return distances(at);
	case FIELD_HUGEPAGES:
		return hugepages(*(struct device_hugepages *const *)at, d->memory.hugepages_count);
	}
	return NULL;
}

static int put_fields(json_t *into, const struct device_field *fields, const struct device *d)
{
	int r = 0;

	for (const struct device_field *f = fields; r == 0 && f->name; f++)
		if (device_field_known(f, d))
			r = json_put(into, f->name, document_field(f, d));
	return r;
}

json_t *document_device(const struct device *d)
{
	_cleanup_json_ json_t *object = json_object();

	if (!object || put_fields(object, device_common_fields(), d) < 0 ||
	    put_fields(object, device_own_fields(d->kind), d) < 0)
		return NULL;
	return TAKE_PTR(object);
}

json_t *document_summary(const struct inventory *inv)
{
	struct inventory_summary s;

	inventory_summarise(inv, &s);
	return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "packages", (int)s.packages, "numa_nodes",
			 (int)s.numa_nodes, "cores", (int)s.cores, "threads", (int)s.threads,
			 "gpus", (int)s.gpus, "nics", (int)s.nics, "disks", (int)s.disks);
}

static json_t *machine(const struct machine *m)
{
	_cleanup_json_ json_t *object = json_object();

	if (!object || json_put_string(object, "architecture", m->architecture) < 0 ||
	    json_put_string(object, "kernel", m->kernel) < 0 ||
	    json_put(object, "smt", json_boolean(m->smt)) < 0 ||
	    json_put(object, "online", document_cpuset(m->online)) < 0 ||
	    json_put(object, "offline", document_cpuset(m->offline)) < 0 ||
	    json_put(object, "allowed", document_cpuset(m->allowed)) < 0 ||
	    json_put(object, "isolated", document_cpuset(m->isolated)) < 0 ||
	    json_put(object, "allowed_nodes", document_cpuset(m->allowed_nodes)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static json_t *devices_of(const struct inventory *inv, enum device_kind kind)
{
	_cleanup_json_ json_t *list = json_array();

	inventory_each (d, inv, kind)
		if (!list || json_array_append_new(list, document_device(d)) < 0)
			return NULL;
	return TAKE_PTR(list);
}

static json_t *notes(const struct inventory *inv)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; list && i < inv->notes_count; i++)
		if (json_array_append_new(list,
					  json_pack("{s:s,s:o}", "driver", inv->notes[i].driver,
						    "text", outside_text(inv->notes[i].text))) < 0)
			return NULL;
	return TAKE_PTR(list);
}

json_t *document_inventory(const struct inventory *inv)
{
	_cleanup_json_ json_t *object = json_object();
	int r = 0;

	if (!object ||
	    json_put(object, "generation", json_integer((json_int_t)inv->generation)) < 0 ||
	    json_put(object, "summary", document_summary(inv)) < 0 ||
	    json_put(object, "machine", machine(&inv->machine)) < 0 ||
	    (cache_control_present(&inv->cache) &&
	     json_put(object, "cache", document_cache_control(&inv->cache)) < 0))
		return NULL;
	for (enum device_kind kind = 0; r == 0 && kind < DEVICE_KINDS; kind++)
		r = json_put(object, device_kind_plural(kind), devices_of(inv, kind));
	if (r < 0 || json_put(object, "bill_of_materials", document_bill_of_materials(inv)) < 0 ||
	    json_put(object, "notes", notes(inv)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

json_t *document_resources(const struct resources *r)
{
	json_t *pages = json_array();

	for (size_t i = 0; pages && i < r->hugepages_count; i++)
		json_array_append_new(pages, json_pack("{s:I,s:I}", "size_bytes",
						       (json_int_t)r->hugepages[i].size_bytes,
						       "count", (json_int_t)r->hugepages[i].count));
	return json_pack("{s:i,s:i,s:I,s:o,s:i,s:i,s:i}", "cores", (int)r->cores, "threads",
			 (int)r->threads, "memory_bytes", (json_int_t)r->memory_bytes, "hugepages",
			 pages, "gpus", (int)r->gpus, "nics", (int)r->nics, "disks", (int)r->disks);
}

static json_t *core_names(const struct allocation *a)
{
	json_t *list = json_array();

	cpuset_each (core, a->cores)
		if (list)
			json_array_append_new(list, json_sprintf("core-%d", core));
	return list;
}

static json_t *memory_by_node(const struct allocation *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->memory_count; i++)
		json_array_append_new(list, json_pack("{s:i,s:I}", "node", (int)a->memory[i].node,
						      "bytes", (json_int_t)a->memory[i].bytes));
	return list;
}

static json_t *held_hugepages(const struct allocation *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->hugepages_count; i++)
		json_array_append_new(list, json_pack("{s:i,s:I,s:I}", "node",
						      (int)a->hugepages[i].node, "size_bytes",
						      (json_int_t)a->hugepages[i].size_bytes,
						      "count", (json_int_t)a->hugepages[i].count));
	return list;
}

static json_t *texts(char *const *items, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++)
		json_array_append_new(list, json_string(items[i]));
	return list;
}

json_t *document_allocation(const struct allocation *a)
{
	_cleanup_json_ json_t *object = json_object();

	if (!object || json_put(object, "cpus", document_cpuset(a->cpus)) < 0 ||
	    json_put(object, "cores", core_names(a)) < 0 ||
	    json_put(object, "shared_cpus", json_real(a->shared_millicpus / 1000.0)) < 0 ||
	    json_put(object, "nodes", document_cpuset(a->nodes)) < 0 ||
	    json_put(object, "memory_bytes", json_integer((json_int_t)allocation_memory_total(a))) <
		    0 ||
	    json_put(object, "memory_by_node", memory_by_node(a)) < 0 ||
	    json_put(object, "hugepages", held_hugepages(a)) < 0 ||
	    json_put(object, "devices", texts(a->devices, a->devices_count)) < 0 ||
	    (a->cache.count > 0 && json_put(object, "cache", document_cache_shares(&a->cache)) < 0))
		return NULL;
	return TAKE_PTR(object);
}

static json_t *asked_hugepages(const struct request *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->hugepages_count; i++)
		json_array_append_new(list, json_pack("{s:I,s:I}", "size",
						      (json_int_t)r->hugepages[i].size_bytes,
						      "count", (json_int_t)r->hugepages[i].count));
	return list;
}

static json_t *asked_devices(const struct request *r)
{
	json_t *list = json_array();

	for (int kind = 0; list && kind < DEVICE_KINDS; kind++)
		if (r->devices[kind])
			json_array_append_new(list, json_pack("{s:s,s:i}", "class",
							      device_kind_to_string(kind), "count",
							      (int)r->devices[kind]));
	return list;
}

static json_t *labels(const struct request *r)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < r->labels_count; i++)
		json_object_set_new(object, r->labels[i].key, json_string(r->labels[i].value));
	return object;
}

static json_t *asked_nic(const struct request_nic *nic)
{
	return json_pack("{s:s,s:I}", "function", nic_function_to_string(nic->function),
			 "speed_mbps", (json_int_t)nic->speed_mbps);
}

json_t *document_request(const struct request *r)
{
	_cleanup_json_ json_t *object = json_object();

	if (!object || json_put_string(object, "name", r->name) < 0 ||
	    json_put_string(object, "offer", r->offer) < 0 ||
	    json_put_string(object, "owner", r->owner) < 0 ||
	    json_put_string(object, "role", r->role ? r->role : "default") < 0 ||
	    json_put(object, "labels", labels(r)) < 0 ||
	    json_put(object, "cores", json_integer(r->cores)) < 0 ||
	    json_put(object, "shared_cpus", json_real(r->shared_millicpus / 1000.0)) < 0 ||
	    json_put(object, "memory", json_integer((json_int_t)r->memory_bytes)) < 0 ||
	    json_put(object, "hugepages", asked_hugepages(r)) < 0 ||
	    json_put(object, "devices", asked_devices(r)) < 0 ||
	    json_put_string(object, "align", align_level_to_string(r->align)) < 0 ||
	    json_put(object, "align_required", json_boolean(r->align_required)) < 0 ||
	    json_put_string(object, "isolation", isolation_to_string(r->isolation)) < 0 ||
	    json_put(object, "revocable", json_boolean(r->revocable)) < 0 ||
	    json_put_string(object, "interrupts", interrupts_to_string(r->interrupts)) < 0 ||
	    json_put_string(object, "partition", partition_to_string(r->partition)) < 0)
		return NULL;
	if (r->strategy != STRATEGY_LEAVE_LARGEST_HOLE &&
	    json_put_string(object, "strategy", strategy_to_string(r->strategy)) < 0)
		return NULL;
	if (r->apart != APART_NONE &&
	    (json_put_string(object, "apart", apart_to_string(r->apart)) < 0 ||
	     json_put(object, "apart_required", json_boolean(r->apart_required)) < 0))
		return NULL;
	if ((r->nic.function != NIC_FUNCTION_ANY || r->nic.speed_mbps) &&
	    json_put(object, "nic", asked_nic(&r->nic)) < 0)
		return NULL;
	if (!limits_empty(&r->limits) &&
	    json_put(object, "limits", document_limits(&r->limits)) < 0)
		return NULL;
	if (!cache_request_empty(&r->cache) &&
	    json_put(object, "cache", document_cache_request(&r->cache)) < 0)
		return NULL;
	if (r->processes_max &&
	    json_put(object, "processes_max", json_integer((json_int_t)r->processes_max)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

json_t *document_enforcements(const struct enforcements *e)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < e->count; i++) {
		const struct enforcement *row = &e->items[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:s,s:s*,s:s*,s:s*,s:s*}", "resource",
						row->resource, "limit", row->limit, "mechanism",
						mechanism_to_string(row->mechanism), "file",
						row->file, "wanted", row->wanted, "actual",
						row->actual, "reason", row->reason));
	}
	return list;
}

static json_t *offered_devices(const struct offer *o)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < o->devices_count; i++) {
		const char *id = o->devices[i];
		size_t class_length = 0;

		while (id[class_length] && id[class_length] != '-')
			class_length++;
		json_array_append_new(list,
				      json_pack("{s:s,s:s%}", "id", id, "class", id, class_length));
	}
	return list;
}

json_t *document_offer(const struct offer *o, const char *id)
{
	_cleanup_json_ json_t *object = json_object();
	_cleanup_json_ json_t *resources = document_resources(&o->resources);

	if (!object || !resources || json_put_string(object, "id", id) < 0 ||
	    json_put_string(object, "align", align_level_to_string(o->level)) < 0 ||
	    json_put_string(object, "label", o->label) < 0 ||
	    json_put(object, "nodes", document_cpuset(o->nodes)) < 0 ||
	    json_put(object, "cpus", document_cpuset(o->cpus)) < 0 ||
	    json_put(object, "cores", json_integer(o->cores)) < 0 ||
	    json_put(object, "memory_bytes", json_integer((json_int_t)o->memory_bytes)) < 0 ||
	    json_put(object, "hugepages", json_incref(json_object_get(resources, "hugepages"))) <
		    0 ||
	    json_put(object, "devices", offered_devices(o)) < 0 ||
	    (o->cache.classes > 0 &&
	     json_put(object, "cache", document_cache_offer(&o->cache)) < 0))
		return NULL;
	return TAKE_PTR(object);
}
