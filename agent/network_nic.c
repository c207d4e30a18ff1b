/* SPDX-License-Identifier: Apache-2.0 */
/* NICs of tasks as documents; see network_nic.h. */
#include "network_nic.h"

#include "document.h"
#include "manager.h"
#include "network.h"
#include "slice.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- at the door --- */

static int check(const struct slice *s, const char *id, const struct device **ret, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	const struct device *d = inventory_find(s->manager->inventory, id);

	if (!a || !allocation_has_device(a, id))
		return fail_code(f, -EINVAL, "nic-not-held", "slice %s does not hold %.64s", s->id,
				 id);
	if (!d)
		return fail_code(f, -EINVAL, "no-interface",
				 "%s is gone: it was unplugged, or has lost its driver", id);
	if (d->kind != DEVICE_NIC)
		return fail_code(f, -EINVAL, "no-interface", "%s is a %s, not a NIC", id,
				 device_kind_to_string(d->kind));
	if (d->nic.rdma && strcmp(d->nic.rdma, d->nic.name) == 0)
		return fail_code(f, -EINVAL, "no-interface",
				 "%s is an RDMA device without a network interface", id);
	if (!d->offerable)
		return fail_code(f, -EBUSY, "nic-in-use", "%s is the host's: %s", id, d->reason);
	*ret = d;
	return 0;
}

/* Whether tasks in every namespace can use all RDMA devices (drivers/infiniband/core/device.c);
 * otherwise they are of one namespace each, and those of the host stay there. */
static bool shares_rdma(const struct host *host)
{
	char line[8];

	return fs_read_line(host->sys_fd, "module/ib_core/parameters/netns_mode", line,
			    sizeof(line)) == 0 &&
	       line[0] == 'Y';
}

static json_t *list_of(char *const *texts)
{
	json_t *list = json_array();

	for (char *const *t = texts; list && t && *t; t++)
		(void)json_array_append_new(list, json_string(*t)); /* its length is looked at */
	return list;
}

static json_t *describe(const struct slice *s, const struct task_nic *wish,
			const struct nic_home *home, const struct device *d)
{
	const char *rdma = shares_rdma(s->manager->host) ? d->nic.rdma : NULL;

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:o,s:o,s:s*,s:o}", "device", d->id,
			 "boot", s->manager->boot_id, "name", home->name, "parent", home->parent,
			 "mac", home->mac, "number", (json_int_t)home->number, "flags",
			 (json_int_t)home->flags, "mtu_bytes", (json_int_t)home->mtu_bytes,
			 "interface", wish->interface ? wish->interface : NETWORK_INTERFACE,
			 "addresses", list_of(wish->addresses), "gateways", list_of(wish->gateways),
			 "rdma", rdma, "facts", document_device(d));
}

int network_nic_find(const struct slice *s, const struct task_nic *wish, json_t **ret,
		     struct fail *f)
{
	const struct device *d = NULL;
	struct nic_home home;
	json_t *nic;
	int r = check(s, wish->device, &d, f);

	if (r < 0)
		return r;
	if (nic_home_read(s->manager->host, d->nic.name, &home, NULL) < 0)
		return fail_code(f, -EINVAL, "no-interface", "%s has just been unplugged", d->id);
	nic = describe(s, wish, &home, d);
	if (!nic)
		return fail_set(f, -ENOMEM, "out of memory");
	*ret = nic;
	return 0;
}

/* --- as it is written down --- */

struct raw {
	const char *device, *boot, *name, *parent, *mac, *interface, *rdma;
	const json_t *addresses, *gateways, *facts;
	uint64_t number, flags, mtu_bytes;
};

static const struct json_field fields[] = {
	{ "device", JSON_KIND_STRING, offsetof(struct raw, device), .required = true },
	{ "boot", JSON_KIND_STRING, offsetof(struct raw, boot), .required = true },
	{ "name", JSON_KIND_STRING, offsetof(struct raw, name), .required = true,
	  .maximum = NIC_LINK_NAME_SIZE - 1 },
	{ "parent", JSON_KIND_STRING, offsetof(struct raw, parent), .required = true,
	  .maximum = NIC_PARENT_SIZE - 1 },
	{ "mac", JSON_KIND_STRING, offsetof(struct raw, mac), .required = true,
	  .maximum = NIC_MAC_SIZE - 1 },
	{ "number", JSON_KIND_U64, offsetof(struct raw, number), .required = true, .minimum = 1,
	  .maximum = INT32_MAX },
	{ "flags", JSON_KIND_U64, offsetof(struct raw, flags), .required = true,
	  .maximum = UINT32_MAX },
	{ "mtu_bytes", JSON_KIND_U64, offsetof(struct raw, mtu_bytes), .required = true,
	  .maximum = UINT32_MAX },
	{ "interface", JSON_KIND_STRING, offsetof(struct raw, interface), .required = true,
	  .maximum = NIC_LINK_NAME_SIZE - 1 },
	{ "addresses", JSON_KIND_ARRAY, offsetof(struct raw, addresses), .required = true,
	  .maximum = TASK_ADDRESSES_MAX },
	{ "gateways", JSON_KIND_ARRAY, offsetof(struct raw, gateways), .required = true,
	  .maximum = TASK_GATEWAYS_MAX },
	{ "rdma", JSON_KIND_STRING, offsetof(struct raw, rdma), .required = false },
	{ "facts", JSON_KIND_OBJECT, offsetof(struct raw, facts), .required = true },
	{ 0 },
};

/* The lists' lengths are looked at. */
static int texts(const json_t *list, const char **ret, struct fail *f)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		ret[i] = json_string_value(json_array_get(list, i));
		if (!ret[i])
			return fail_set(f, -EBADMSG, "an address is no text");
	}
	return 0;
}

int network_nic_read(const json_t *nic, struct network_nic *ret, struct fail *f)
{
	struct network_nic n = { 0 };
	struct raw raw = { 0 };
	int r = json_read(nic, fields, "nic", &raw, f);

	if (r < 0)
		return r;
	if (strncmp(raw.device, "nic-", 4) != 0)
		return fail_set(f, -EBADMSG, "%.64s is no NIC", raw.device);
	n.device = raw.device;
	n.boot = raw.boot;
	n.interface = raw.interface;
	n.home.number = (uint32_t)raw.number;
	n.home.flags = (uint32_t)raw.flags;
	n.home.mtu_bytes = (uint32_t)raw.mtu_bytes;
	(void)snprintf(n.home.name, sizeof(n.home.name), "%s", raw.name); /* these fit */
	(void)snprintf(n.home.parent, sizeof(n.home.parent), "%s", raw.parent);
	(void)snprintf(n.home.mac, sizeof(n.home.mac), "%s", raw.mac);
	r = texts(raw.addresses, n.addresses, f);
	if (r == 0)
		r = texts(raw.gateways, n.gateways, f);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}

/* --- what is shown --- */

json_t *network_nic_summary(const json_t *nic)
{
	_cleanup_json_ json_t *object = json_object();
	const char *mac = json_string_value(json_object_get(nic, "mac"));
	const char *rdma = json_string_value(json_object_get(nic, "rdma"));
	json_t *gateways = json_object_get(nic, "gateways");

	if (!object || json_put(object, "nic", json_incref(json_object_get(nic, "device"))) < 0 ||
	    json_put(object, "interface", json_incref(json_object_get(nic, "interface"))) < 0 ||
	    json_put(object, "addresses", json_incref(json_object_get(nic, "addresses"))) < 0 ||
	    (json_array_size(gateways) > 0 &&
	     json_put(object, "gateways", json_incref(gateways)) < 0) ||
	    json_put_string(object, "mac", mac && *mac ? mac : NULL) < 0 ||
	    json_put_string(object, "rdma", rdma) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* A fact of another form than its field's stays unknown. */
static int set_field(struct device *d, const struct device_field *field, const json_t *value)
{
	void *at = (char *)d + field->offset;

	if (field->type == FIELD_STRING && json_is_string(value))
		return device_set_string(at, json_string_value(value));
	if (field->type == FIELD_CPUSET && json_is_string(value))
		return cpuset_parse(json_string_value(value), at) == -ENOMEM ? -ENOMEM : 0;
	if (field->type == FIELD_U32 && json_is_integer(value))
		*(uint32_t *)at = (uint32_t)json_integer_value(value);
	if (field->type == FIELD_I32 && json_is_integer(value))
		*(int32_t *)at = (int32_t)json_integer_value(value);
	if (field->type == FIELD_BOOL && json_is_boolean(value))
		*(bool *)at = json_is_true(value);
	return 0;
}

static int set_fields(struct device *d, const struct device_field *table, const json_t *facts)
{
	int r = 0;

	for (const struct device_field *f = table; r == 0 && f->name; f++)
		if (strcmp(f->name, "id") != 0) /* made with it */
			r = set_field(d, f, json_object_get(facts, f->name));
	return r;
}

int network_nic_device(const struct network_record *record, struct device **ret)
{
	const json_t *facts = json_object_get(record->nic, "facts");
	_cleanup_(device_freep) struct device *d = NULL;
	char reason[256];
	int r = device_new(&d, DEVICE_NIC, network_record_name(record) + strlen("nic-"));

	if (r == 0)
		r = set_fields(d, device_common_fields(), facts);
	if (r == 0)
		r = set_fields(d, device_own_fields(DEVICE_NIC), facts);
	if (r == 0)
		r = device_set_string(&d->nic.link, NULL); /* cannot be seen from here */
	if (r < 0)
		return r;
	(void)snprintf(reason, sizeof(reason),
		       "task %s of slice %s has it in its network namespace", record->task,
		       record->slice); /* names have at most 63 bytes */
	d->offerable = false;
	r = device_set_string(&d->reason, reason);
	if (r == 0)
		*ret = TAKE_PTR(d);
	return r;
}
