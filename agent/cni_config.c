/* SPDX-License-Identifier: Apache-2.0 */
/* Network configurations; see cni_config.h. Plugins that are files of their own beside a list
 * ("loadOnlyInlinedPlugins") are not looked for. */
#include "cni_config.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { FILE_LIMIT_BYTES = 1 << 20, PLUGINS_MAX = 32, NAME_MAX_BYTES = 128 };

/* Of those before, results have another form (0.2.0: ip4, ip6), and nobody writes them any more. */
static const char *const versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };
enum { VERSION_KEEPS_RESULT = 2 };

bool cni_name_valid(const char *text)
{
	if (!text || !isalnum((unsigned char)*text) || strlen(text) > NAME_MAX_BYTES)
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			return false;
	return true;
}

static int version_number(const json_t *version)
{
	const char *text = json_string_value(version);

	for (size_t i = 0; text && i < ARRAY_SIZE(versions); i++)
		if (strcmp(versions[i], text) == 0)
			return (int)i;
	return -1;
}

static int choose_version(json_t *list, struct fail *f)
{
	const json_t *only = json_object_get(list, "cniVersion"),
		     *many = json_object_get(list, "cniVersions");
	const char *text = json_string_value(only);
	int best = version_number(only);

	for (size_t i = 0; i < json_array_size(many); i++) {
		int number = version_number(json_array_get(many, i));

		best = number > best ? number : best;
	}
	if (best < 0)
		return fail_code(f, -ENOTSUP, "cni-version",
				 "its CNI version is %.32s, and this agent knows 0.3.0 to 1.1.0",
				 text ? text : "not said");
	return json_put(list, "cniVersion", json_string(versions[best])) < 0
		       ? fail_set(f, -ENOMEM, "out of memory")
		       : 0;
}

/* The type is a file's name in the directories of plugins, and no way out of them. */
static int check_plugin(const json_t *plugin, struct fail *f)
{
	const char *type = json_string_value(json_object_get(plugin, "type"));

	if (!type || !*type || *type == '.' || strchr(type, '/') || strlen(type) > NAME_MAX_BYTES)
		return fail_set(f, -EINVAL, "a plugin of it has no type that names a program");
	return 0;
}

static int check_list(json_t *list, struct fail *f)
{
	const json_t *plugins = json_object_get(list, "plugins");
	const char *name = json_string_value(json_object_get(list, "name"));
	int r = 0;

	if (!cni_name_valid(name))
		return fail_set(f, -EINVAL, "it has no name of letters, digits, '_', '.' and '-'");
	if (!json_is_array(plugins) || json_array_size(plugins) == 0 ||
	    json_array_size(plugins) > PLUGINS_MAX)
		return fail_set(f, -EINVAL, "it has no list of 1 to %d plugins", PLUGINS_MAX);
	for (size_t i = 0; r == 0 && i < json_array_size(plugins); i++)
		r = check_plugin(json_array_get(plugins, i), f);
	return r < 0 ? r : choose_version(list, f);
}

/* A single plugin's document is the plugin and the list in one. */
static json_t *list_of_one(json_t *document)
{
	_cleanup_json_ json_t *list = json_object();
	static const char *const keys[] = { "name", "cniVersion", "cniVersions" };

	for (size_t i = 0; list && i < ARRAY_SIZE(keys); i++) {
		json_t *value = json_object_get(document, keys[i]);

		if (value && json_object_set(list, keys[i], value) < 0)
			return NULL;
	}
	if (!list || json_put(list, "plugins", json_pack("[O]", document)) < 0)
		return NULL;
	return TAKE_PTR(list);
}

int cni_config_of(json_t *document, json_t **ret, struct fail *f)
{
	_cleanup_json_ json_t *list = json_object_get(document, "plugins") ? json_incref(document)
									   : list_of_one(document);
	int r = list ? check_list(list, f) : fail_set(f, -ENOMEM, "out of memory");

	if (r == 0)
		*ret = TAKE_PTR(list);
	return r;
}

static bool has_end(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n > k && strcmp(name + n - k, end) == 0;
}

/* 1: it is another network's. */
static int try_file(int dir, const char *file, const char *network, json_t **ret, struct fail *f)
{
	_cleanup_json_ json_t *document = NULL;
	_cleanup_free_ char *text = NULL;
	struct fail why = { 0 };
	const char *name;
	size_t size;
	int r = fs_read(dir, file, FILE_LIMIT_BYTES, &text, &size);

	if (r < 0)
		fail_set(&why, r, "%s", strerror(-r));
	else
		r = json_parse_object(text, size, &document, &why);
	name = json_string_value(json_object_get(document, "name"));
	if (r == 0 && (!name || strcmp(name, network) != 0))
		return 1;
	if (r == 0)
		r = cni_config_of(document, ret, &why);
	return r < 0 ? fail_code(f, r, why.code, "%s cannot be used: %s", file, why.text) : 0;
}

int cni_config_find(const char *dir_path, const char *network, json_t **ret, struct fail *f)
{
	_cleanup_close_ int dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fs_names_freep) char **names = NULL;
	struct fail first = { 0 };

	if (dir < 0 || fs_list(dir, ".", &names, NULL) < 0)
		return fail_code(f, -EINVAL, "no-such-network",
				 "this host has no CNI configuration: %s cannot be read", dir_path);
	for (char **name = names; *name; name++) {
		struct fail why = { 0 };

		if (!has_end(*name, ".conflist") && !has_end(*name, ".conf") &&
		    !has_end(*name, ".json"))
			continue;
		if (try_file(dir, *name, network, ret, &why) == 0)
			return 0;
		if (why.error && !first.error)
			first = why;
	}
	return fail_code(f, first.error ? first.error : -EINVAL, "no-such-network",
			 "there is no network %.64s in %s%s%s", network, dir_path,
			 first.error ? "; and " : "", first.error ? first.text : "");
}

size_t cni_config_count(const json_t *list)
{
	return json_array_size(json_object_get(list, "plugins"));
}

static json_t *plugin_at(const json_t *list, size_t plugin)
{
	return json_array_get(json_object_get(list, "plugins"), plugin);
}

const char *cni_config_type(const json_t *list, size_t plugin)
{
	return json_string_value(json_object_get(plugin_at(list, plugin), "type"));
}

bool cni_config_keeps_result(const json_t *list)
{
	return version_number(json_object_get(list, "cniVersion")) >= VERSION_KEEPS_RESULT;
}

/* Section 3, "Deriving execution configuration from plugin configuration". Capabilities are the
 * runtime's to read, and there are none that this one has something to say for. */
char *cni_config_input(const json_t *list, size_t plugin, const json_t *result)
{
	_cleanup_json_ json_t *input = json_copy(plugin_at(list, plugin));

	if (!input ||
	    json_object_set(input, "cniVersion", json_object_get(list, "cniVersion")) < 0 ||
	    json_object_set(input, "name", json_object_get(list, "name")) < 0 ||
	    (result && json_object_set(input, "prevResult", (json_t *)result) < 0))
		return NULL;
	(void)json_object_del(input, "capabilities"); /* there may be none */
	(void)json_object_del(input, "cniVersions");
	return json_text(input);
}
