/* SPDX-License-Identifier: Apache-2.0 */
/* CDI specifications; see cdi_document.h. What is left out on purpose: uid, gid and fileMode, which
 * runtimes take from the node itself; netDevices, since the version that has them (1.1.0) would
 * make the file unreadable for the runtimes of stable distributions; mounts and hooks for a
 * vendor's libraries, which its own tools know better. */
#include "cdi_document.h"

#include "util/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef bool (*matters_fn)(const json_t *value);

static bool begins_otherwise(const json_t *name)
{
	const char *text = json_string_value(name);

	return text && !isalpha((unsigned char)*text);
}

static bool has_dotted_class(const json_t *kind)
{
	const char *text = json_string_value(kind), *slash = text ? strchr(text, '/') : NULL;

	return slash && strchr(slash, '.');
}

/* SPEC.md, "Released versions": what came after the first tagged one, and when. "[]" is each item
 * of an array. 1.0.0 and 0.8.0 added nothing to the files. */
static const struct {
	const char *path;
	matters_fn matters; /* NULL: whatever it is */
	const char *version;
} fields[] = {
	{ "devices[].containerEdits.netDevices", NULL, "1.1.0" },
	{ "containerEdits.netDevices", NULL, "1.1.0" },
	{ "devices[].containerEdits.intelRdt.schemata", NULL, "1.1.0" },
	{ "containerEdits.intelRdt.schemata", NULL, "1.1.0" },
	{ "devices[].containerEdits.intelRdt.enableMonitoring", NULL, "1.1.0" },
	{ "containerEdits.intelRdt.enableMonitoring", NULL, "1.1.0" },
	{ "devices[].containerEdits.intelRdt", NULL, "0.7.0" },
	{ "containerEdits.intelRdt", NULL, "0.7.0" },
	{ "devices[].containerEdits.additionalGids", NULL, "0.7.0" },
	{ "containerEdits.additionalGids", NULL, "0.7.0" },
	{ "devices[].annotations", NULL, "0.6.0" },
	{ "annotations", NULL, "0.6.0" },
	{ "kind", has_dotted_class, "0.6.0" },
	{ "devices[].name", begins_otherwise, "0.5.0" },
	{ "devices[].containerEdits.deviceNodes[].hostPath", NULL, "0.5.0" },
	{ "containerEdits.deviceNodes[].hostPath", NULL, "0.5.0" },
	{ "devices[].containerEdits.mounts[].type", NULL, "0.4.0" },
	{ "containerEdits.mounts[].type", NULL, "0.4.0" },
}; /* the first that is used is the highest */

static bool uses(const json_t *value, const char *path, matters_fn matters);

static bool any_uses(const json_t *list, const char *path, matters_fn matters)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (uses(json_array_get(list, i), path, matters))
			return true;
	return false;
}

/* The depth is that of the paths above. */
static bool uses(const json_t *value, const char *path, matters_fn matters)
{
	size_t n = strcspn(path, ".[");
	char key[32];

	if (*path == 0)
		return value && (!matters || matters(value));
	(void)snprintf(key, sizeof(key), "%.*s", (int)n, path); /* ours: short */
	value = json_object_get(value, key);
	path += n;
	if (*path == '[') {
		path += strlen("[]");
		return any_uses(value, path + (*path == '.'), matters);
	}
	return uses(value, path + (*path == '.'), matters);
}

const char *cdi_version(const json_t *document)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (uses(document, fields[i].path, fields[i].matters))
			return fields[i].version;
	return "0.3.0"; /* the first that was tagged, and the least that runtimes take */
}

static json_t *node_of(const struct cdi_node *n)
{
	_cleanup_json_ json_t *node =
		json_pack("{s:s,s:s,s:I,s:I}", "path", n->path, "type", n->rule.block ? "b" : "c",
			  "major", (json_int_t)n->rule.major, "minor", (json_int_t)n->rule.minor);
	char access[4] = "", *a = access;

	if (n->rule.access & DEVICE_ACCESS_READ)
		*a++ = 'r';
	if (n->rule.access & DEVICE_ACCESS_WRITE)
		*a++ = 'w';
	if (n->rule.access & DEVICE_ACCESS_MKNOD)
		*a++ = 'm';
	*a = 0;
	if (!node || json_put_string(node, "hostPath", n->host_path) < 0 ||
	    json_put_string(node, "permissions", access) < 0)
		return NULL;
	return TAKE_PTR(node);
}

static json_t *nodes_of(const struct cdi_device *d)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; i < d->nodes_count; i++)
		if (json_array_append_new(list, node_of(&d->nodes[i])) < 0)
			return NULL;
	return TAKE_PTR(list);
}

static json_t *env_of(const struct cdi_device *d)
{
	_cleanup_json_ json_t *list = json_array();

	for (const char *const *text = d->env; *text; text++)
		if (json_array_append_new(list, json_string(*text)) < 0)
			return NULL;
	return TAKE_PTR(list);
}

static json_t *device_of(const struct cdi_device *d)
{
	_cleanup_json_ json_t *edits = json_object();

	if (!edits || (d->env && d->env[0] && json_put(edits, "env", env_of(d)) < 0) ||
	    json_put(edits, "deviceNodes", nodes_of(d)) < 0)
		return NULL;
	return json_pack("{s:s,s:O}", "name", d->name, "containerEdits", edits);
}

json_t *cdi_document(const struct cdi_spec *spec)
{
	_cleanup_json_ json_t *document =
		json_pack("{s:s,s:s}", "cdiVersion", "", "kind", spec->kind);
	_cleanup_json_ json_t *devices = json_array();

	for (size_t i = 0; devices && i < spec->count; i++)
		if (json_array_append_new(devices, device_of(&spec->devices[i])) < 0)
			return NULL;
	if (!document || json_put(document, "devices", TAKE_PTR(devices)) < 0 ||
	    json_put_string(document, "cdiVersion", cdi_version(document)) < 0)
		return NULL;
	return TAKE_PTR(document);
}

char *cdi_name(const char *slice, const char *device)
{
	char *name = NULL;

	if (asprintf(&name, "%s%s%s", slice, device ? "." : "", device ? device : "") < 0)
		return NULL;
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
			*c = '_';
	for (char *c = name + strlen(name); c > name && !isalnum((unsigned char)c[-1]); c--)
		c[-1] = '0'; /* it ends with a letter or digit */
	return name;
}
