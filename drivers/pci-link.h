/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text of PCI: addresses, and link speeds as the kernel prints them. */

#include <stdbool.h>
#include <stdint.h>

/* "16.0 GT/s PCIe", "8 GT/s", "2.5 GT/s" (drivers/pci/pci-sysfs.c, before and after Linux 5.8) in
 * megatransfers a second; DEVICE_UNKNOWN_U32 for "Unknown" and whatever else. */
uint32_t pci_link_speed_mts(const char *text);

/* "0000:17:00.0", "10000:00:04.0": domain of 4 to 8 hex digits, bus, device, function. */
bool pci_address_valid(const char *text);
