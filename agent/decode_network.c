/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of a task's network; see decode_network.h. */
#include "decode_network.h"

#include "cni_config.h"
#include "util/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BYTES = 16 };

struct raw_network {
	const char *cni, *nic, *interface;
	const json_t *addresses, *gateways;
};

static const struct json_field fields[] = {
	{ "cni", JSON_KIND_STRING, offsetof(struct raw_network, cni), .required = false },
	{ "nic", JSON_KIND_STRING, offsetof(struct raw_network, nic), .required = false },
	{ "interface", JSON_KIND_STRING, offsetof(struct raw_network, interface),
	  .required = false },
	{ "addresses", JSON_KIND_ARRAY, offsetof(struct raw_network, addresses),
	  .maximum = TASK_ADDRESSES_MAX },
	{ "gateways", JSON_KIND_ARRAY, offsetof(struct raw_network, gateways),
	  .maximum = TASK_GATEWAYS_MAX },
	{ 0 },
};

/* A name that the kernel takes (dev_valid_name() in net/core/dev.c), of ASCII, and that is neither
 * the loopback's nor a pattern. */
static bool is_interface_name(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
	    strcmp(text, "lo") == 0)
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("/:%", *p))
			return false;
	return true;
}

/* Its family; 0: it is no address that an interface could have. */
static int family_of(const char *text)
{
	static const unsigned char none[ADDRESS_BYTES];
	unsigned char bytes[ADDRESS_BYTES] = { 0 };
	bool six = strchr(text, ':') != NULL;

	if (inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1 ||
	    memcmp(bytes, none, sizeof(none)) == 0)
		return 0;
	if (six ? bytes[0] == 0xff : bytes[0] >= 224) /* multicast; RFC 1112 section 4 */
		return 0;
	return six ? AF_INET6 : AF_INET;
}

/* "192.0.2.2/24": the family. */
static int family_of_cidr(const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	uint32_t length;
	int family;

	if (!slash || (size_t)(slash - text) >= sizeof(address) ||
	    parse_u32(slash + 1, &length) < 0)
		return 0;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = 0;
	family = family_of(address);
	return length >= 1 && length <= (family == AF_INET6 ? 128 : 32) ? family : 0;
}

static int take_texts(const json_t *list, int (*family)(const char *), char ***ret, struct fail *f)
{
	char **texts = calloc(json_array_size(list) + 1, sizeof(*texts));

	*ret = texts; /* the spec's, half filled too */
	if (!texts)
		return fail_set(f, -ENOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || family(text) == 0)
			return fail_set(f, -EINVAL,
					"network: \"addresses\" are like \"192.0.2.2/24\" and "
					"\"2001:db8::2/64\", \"gateways\" the same without a "
					"prefix length");
		texts[i] = strdup(text);
		if (!texts[i])
			return fail_set(f, -ENOMEM, "out of memory");
	}
	return 0;
}

/* Each way out needs an address of its own kind, and there is one a kind. */
static int check_gateways(const struct task_nic *nic, struct fail *f)
{
	bool seen[] = { false, false };

	for (char **g = nic->gateways; *g; g++) {
		int family = family_of(*g);
		bool reachable = false;

		for (char **a = nic->addresses; *a; a++)
			reachable |= family_of_cidr(*a) == family;
		if (!reachable)
			return fail_set(f, -EINVAL,
					"network: the gateway %s needs an address of its kind", *g);
		if (seen[family == AF_INET6])
			return fail_set(f, -EINVAL, "network: %s is a second gateway of its kind",
					*g);
		seen[family == AF_INET6] = true;
	}
	return 0;
}

static int decode_nic(const struct raw_network *raw, struct task_nic *ret, struct fail *f)
{
	int r;

	if (raw->interface && !is_interface_name(raw->interface))
		return fail_set(f, -EINVAL,
				"network: \"interface\" must be a name of at most 15 characters "
				"without '/', ':', '%%' and blanks, and not \"lo\"");
	ret->device = strdup(raw->nic);
	ret->interface = raw->interface ? strdup(raw->interface) : NULL;
	if (!ret->device || (raw->interface && !ret->interface))
		return fail_set(f, -ENOMEM, "out of memory");
	r = take_texts(raw->addresses, family_of_cidr, &ret->addresses, f);
	if (r == 0)
		r = take_texts(raw->gateways, family_of, &ret->gateways, f);
	return r < 0 ? r : check_gateways(ret, f);
}

int decode_network(const json_t *object, struct task_spec *ret, struct fail *f)
{
	struct raw_network raw = { 0 };
	int r = object ? json_read(object, fields, "network", &raw, f) : 0;

	if (r < 0 || !object)
		return r;
	if (!raw.cni == !raw.nic)
		return fail_set(f, -EINVAL,
				"network: one of \"cni\" and \"nic\" must be there, and not both");
	if (raw.nic)
		return decode_nic(&raw, &ret->nic, f);
	if (raw.interface || raw.addresses || raw.gateways)
		return fail_set(f, -EINVAL,
				"network: \"interface\", \"addresses\" and \"gateways\" are of a "
				"\"nic\": a CNI configuration has its own");
	if (!cni_name_valid(raw.cni))
		return fail_set(f, -EINVAL,
				"network: \"cni\" must be the name of a network: letters, digits, "
				"'_', '.' and '-', at most 128");
	ret->cni = strdup(raw.cni);
	return ret->cni ? 0 : fail_set(f, -ENOMEM, "out of memory");
}
