/* SPDX-License-Identifier: Apache-2.0 */
/* Driver and firmware version of a live interface: ETHTOOL_GDRVINFO (linux/ethtool.h), one ioctl
 * that every driver answers from memory. */
#include "drivers/nic.h"
#include "util/cleanup.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void take(char **field, char *text, size_t size)
{
	text[size - 1] = 0;
	/* Drivers without a version say so in a word. Without memory it stays unknown. */
	if (!*field && strcmp(text, "N/A") != 0)
		(void)device_set_string(field, text);
}

void nic_firmware_read(struct device *nic)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (char *)&info };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(nic->nic.name) >= sizeof(request.ifr_name))
		return;
	memcpy(request.ifr_name, nic->nic.name, strlen(nic->nic.name) + 1);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return;
	take(&nic->nic.driver, info.driver, sizeof(info.driver));
	take(&nic->nic.firmware, info.fw_version, sizeof(info.fw_version));
}
