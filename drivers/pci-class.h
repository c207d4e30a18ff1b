/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* The English name of a class code (24 bits) after the PCI Code and ID Assignment Specification
 * 1.16; that of its base class when the subclass has none here; NULL when it is unassigned. */
const char *pci_class_name(uint32_t class_code);
