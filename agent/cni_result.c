/* SPDX-License-Identifier: Apache-2.0 */
/* Results and errors of plugins; see cni_result.h. What is shown or acted on is checked; the rest
 * is passed on as it came, to the next plugin and to DEL. */
#include "cni_result.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { ITEMS_MAX = 256, CODE_TRY_AGAIN = 11 };

static bool is_address(const char *text, uint32_t *ret_bits)
{
	unsigned char room[16];

	*ret_bits = text && strchr(text, ':') ? 128 : 32;
	return text && inet_pton(*ret_bits == 128 ? AF_INET6 : AF_INET, text, room) == 1;
}

/* "10.1.0.5/16" */
static bool is_prefix(const char *text)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	char address[INET6_ADDRSTRLEN];
	uint32_t bits, length;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	(void)snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text); /* fits */
	return is_address(address, &bits) && parse_u32(slash + 1, &length) == 0 && length <= bits;
}

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int check_ip(const json_t *ip, struct fail *f)
{
	const char *gateway = text_at(ip, "gateway");
	uint32_t bits;

	if (!is_prefix(text_at(ip, "address")))
		return fail_set(f, -EBADMSG, "an address of it is none");
	if (gateway && *gateway && !is_address(gateway, &bits))
		return fail_set(f, -EBADMSG, "a gateway of it is no address");
	return 0;
}

static int check_interface(const json_t *interface, struct fail *f)
{
	const char *name = text_at(interface, "name");

	return name && *name ? 0 : fail_set(f, -EBADMSG, "an interface of it has no name");
}

static int check_list(const json_t *result, const char *key,
		      int (*check)(const json_t *item, struct fail *f), struct fail *f)
{
	const json_t *list = json_object_get(result, key);
	int r = 0;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > ITEMS_MAX)
		return fail_set(f, -EBADMSG, "its \"%s\" is no list of up to %d", key, ITEMS_MAX);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = check(json_array_get(list, i), f);
	return r;
}

int cni_result_parse(const char *text, size_t size, json_t **ret, struct fail *f)
{
	_cleanup_json_ json_t *result = NULL;
	struct fail why = { 0 };
	int r = json_parse_object(text, size, &result, &why);

	if (r < 0)
		return fail_set(f, -EBADMSG, "its result cannot be read: %s", why.text);
	if (!text_at(result, "cniVersion"))
		return fail_set(f, -EBADMSG, "its result has no cniVersion");
	r = check_list(result, "ips", check_ip, f);
	if (r == 0)
		r = check_list(result, "interfaces", check_interface, f);
	if (r < 0)
		return fail_prefix(f, "its result cannot be used");
	*ret = TAKE_PTR(result);
	return 0;
}

/* A list of one member of each IP; NULL: there is none. */
static json_t *each_ip(const json_t *result, const char *key)
{
	_cleanup_json_ json_t *list = json_array();
	const json_t *ips = json_object_get(result, "ips");

	for (size_t i = 0; i < json_array_size(ips); i++) {
		json_t *value = json_object_get(json_array_get(ips, i), key);

		if (json_is_string(value) && json_string_length(value) > 0)
			(void)json_array_append(list, value); /* shown only */
	}
	return json_array_size(list) > 0 ? TAKE_PTR(list) : NULL;
}

/* Of the interface inside: the one that has a sandbox. */
static const char *mac_of(const json_t *result, const char *interface)
{
	const json_t *list = json_object_get(result, "interfaces");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (text_at(item, "sandbox") && strcmp(text_at(item, "name"), interface) == 0)
			return text_at(item, "mac");
	}
	return NULL;
}

json_t *cni_result_summary(const char *network, const char *interface, const json_t *result)
{
	_cleanup_json_ json_t *object = json_pack("{s:s}", "cni", network);
	_cleanup_json_ json_t *addresses = NULL, *gateways = NULL;
	json_t *dns = json_object_get(result, "dns");

	if (!object || !result)
		return TAKE_PTR(object);
	addresses = each_ip(result, "address");
	gateways = each_ip(result, "gateway");
	if (json_put_string(object, "interface", interface) < 0 ||
	    json_put(object, "addresses", addresses ? TAKE_PTR(addresses) : json_array()) < 0 ||
	    (gateways && json_put(object, "gateways", TAKE_PTR(gateways)) < 0) ||
	    json_put_string(object, "mac", mac_of(result, interface)) < 0 ||
	    (json_object_size(dns) > 0 && json_put(object, "dns", json_incref(dns)) < 0))
		return NULL;
	return TAKE_PTR(object);
}

static int describe_end(const char *plugin, int wait_status, struct fail *f)
{
	if (WIFSIGNALED(wait_status))
		return fail_code(f, -EIO, "cni-plugin", "%s was killed by signal %d (%s)", plugin,
				 WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
	return fail_code(f, -EIO, "cni-plugin", "%s ended with status %d and did not say why",
			 plugin, WEXITSTATUS(wait_status));
}

int cni_error(const char *plugin, const char *text, size_t size, int wait_status, struct fail *f)
{
	_cleanup_json_ json_t *error = NULL;
	const char *message, *details;
	json_int_t code;

	if (size == 0 || json_parse_object(text, size, &error, NULL) < 0)
		return describe_end(plugin, wait_status, f);
	message = text_at(error, "msg");
	details = text_at(error, "details");
	code = json_integer_value(json_object_get(error, "code"));
	if (!message && code == 0)
		return describe_end(plugin, wait_status, f);
	return fail_code(f, code == CODE_TRY_AGAIN ? -EAGAIN : -EIO, "cni-plugin",
			 "%s: %.200s (CNI error %d%s%.200s)", plugin, message ? message : "",
			 (int)code, details && *details ? ": " : "", details ? details : "");
}
