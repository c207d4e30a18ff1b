/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware bill of materials: what code and parts this machine is made of, as sorted JSON with
 * a digest, so that drift between two boots or two machines is one comparison. */
#include "document.h"
#include "util/cleanup.h"
#include "wire/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The fields that make one item; what varies with use (link, free pages) or from one good part to
 * the next (serial numbers, addresses) is not among them. */
static const struct {
	enum device_kind kind;
	const char *fields[10];
} items_of[] = {
	{ DEVICE_FIRMWARE,
	  { "id", "component", "vendor", "product", "version", "date", "slot", "state",
	    "size_bytes", "speed_mts" } },
	{ DEVICE_PACKAGE, { "id", "vendor", "model", "microcode" } },
	{ DEVICE_GPU, { "id", "vendor", "model", "firmware" } },
	{ DEVICE_NIC, { "id", "driver", "firmware" } },
	{ DEVICE_DISK, { "id", "model", "firmware" } },
};

static const struct device_field *field_named(enum device_kind kind, const char *name)
{
	const struct device_field *tables[] = { device_common_fields(), device_own_fields(kind) };

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct device_field *f = tables[t]; f->name; f++)
			if (strcmp(f->name, name) == 0)
				return f;
	return NULL;
}

static json_t *item(const struct device *d, const char *const *names, size_t count)
{
	_cleanup_json_ json_t *object = json_object();

	for (size_t i = 0; object && i < count && names[i]; i++) {
		const struct device_field *f = field_named(d->kind, names[i]);

		if (f && device_field_known(f, d) &&
		    json_put(object, f->name, document_field(f, d)) < 0)
			return NULL;
	}
	return TAKE_PTR(object);
}

/* A virtual interface is made by configuration, not bought: it is no part of the machine. */
static bool is_part(const struct device *d)
{
	return d->kind != DEVICE_NIC || d->nic.physical;
}

static json_t *list_items(const struct inventory *inv)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; list && i < ARRAY_SIZE(items_of); i++)
		inventory_each (d, inv, items_of[i].kind)
			if (is_part(d) &&
			    json_array_append_new(list, item(d, items_of[i].fields,
							     ARRAY_SIZE(items_of[i].fields))) < 0)
				return NULL;
	return TAKE_PTR(list);
}

json_t *document_bill_of_materials(const struct inventory *inv)
{
	_cleanup_json_ json_t *items = list_items(inv);
	_cleanup_free_ char *text = NULL;
	char digest[65];

	if (!items)
		return NULL;
	text = json_dumps(items, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text || digest_sha256_hex(text, strlen(text), digest) < 0)
		return NULL;
	return json_pack("{s:s,s:o}", "sha256", digest, "items", TAKE_PTR(items));
}
