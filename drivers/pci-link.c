/* SPDX-License-Identifier: Apache-2.0 */
/* Text of PCI; see pci-link.h. */
#include "drivers/pci-link.h"

#include "model/device.h"

#include <ctype.h>
#include <string.h>

enum { SPEED_LIMIT_GTS = 1000 }; /* PCIe 7.0 has 128; more is garbage */

uint32_t pci_link_speed_mts(const char *text)
{
	uint32_t whole = 0, tenths = 0;

	if (!isdigit((unsigned char)*text))
		return DEVICE_UNKNOWN_U32;
	for (; isdigit((unsigned char)*text) && whole <= SPEED_LIMIT_GTS; text++)
		whole = whole * 10 + (uint32_t)(*text - '0');
	if (*text == '.' && isdigit((unsigned char)text[1])) {
		tenths = (uint32_t)(text[1] - '0');
		text += 2;
	}
	if (whole > SPEED_LIMIT_GTS || strncmp(text, " GT/s", 5) != 0 ||
	    (text[5] != 0 && text[5] != ' '))
		return DEVICE_UNKNOWN_U32;
	return whole * 1000 + tenths * 100;
}

static bool hex_digits(const char **text, size_t at_least, size_t at_most)
{
	size_t count = 0;

	for (; isxdigit((unsigned char)**text) && count <= at_most; (*text)++)
		count++;
	return count >= at_least && count <= at_most;
}

bool pci_address_valid(const char *text)
{
	if (!hex_digits(&text, 4, 8) || *text++ != ':')
		return false;
	if (!hex_digits(&text, 2, 2) || *text++ != ':')
		return false;
	if (!hex_digits(&text, 2, 2) || *text++ != '.')
		return false;
	return hex_digits(&text, 1, 1) && *text == 0;
}
