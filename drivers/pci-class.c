/* SPDX-License-Identifier: Apache-2.0 */
/* Names of PCI classes; see pci-class.h. */
#include "drivers/pci-class.h"

#include "util/cleanup.h"

enum { ANY = 0xff }; /* a base class as a whole; no subclass is 0xff */

static const struct {
	uint8_t base, sub;
	const char *name;
} classes[] = {
	{ 0x00, 0x01, "VGA-compatible unclassified device" },
	{ 0x01, 0x00, "SCSI storage controller" },
	{ 0x01, 0x01, "IDE interface" },
	{ 0x01, 0x04, "RAID bus controller" },
	{ 0x01, 0x05, "ATA controller" },
	{ 0x01, 0x06, "SATA controller" },
	{ 0x01, 0x07, "Serial Attached SCSI controller" },
	{ 0x01, 0x08, "Non-Volatile memory controller" },
	{ 0x01, 0x09, "Universal Flash Storage controller" },
	{ 0x01, ANY, "Mass storage controller" },
	{ 0x02, 0x00, "Ethernet controller" },
	{ 0x02, 0x07, "InfiniBand controller" },
	{ 0x02, 0x08, "Fabric controller" },
	{ 0x02, ANY, "Network controller" },
	{ 0x03, 0x00, "VGA compatible controller" },
	{ 0x03, 0x02, "3D controller" },
	{ 0x03, ANY, "Display controller" },
	{ 0x04, 0x00, "Multimedia video controller" },
	{ 0x04, 0x01, "Multimedia audio controller" },
	{ 0x04, 0x03, "Audio device" },
	{ 0x04, ANY, "Multimedia controller" },
	{ 0x05, 0x00, "RAM memory" },
	{ 0x05, 0x01, "Flash memory" },
	{ 0x05, 0x02, "CXL memory" },
	{ 0x05, ANY, "Memory controller" },
	{ 0x06, 0x00, "Host bridge" },
	{ 0x06, 0x01, "ISA bridge" },
	{ 0x06, 0x04, "PCI bridge" },
	{ 0x06, 0x09, "Semi-transparent PCI-to-PCI bridge" },
	{ 0x06, 0x0a, "InfiniBand to PCI host bridge" },
	{ 0x06, ANY, "Bridge" },
	{ 0x07, 0x00, "Serial controller" },
	{ 0x07, ANY, "Communication controller" },
	{ 0x08, 0x00, "Interrupt controller" },
	{ 0x08, 0x05, "SD host controller" },
	{ 0x08, 0x06, "IOMMU" },
	{ 0x08, ANY, "System peripheral" },
	{ 0x09, ANY, "Input device controller" },
	{ 0x0a, ANY, "Docking station" },
	{ 0x0b, 0x40, "Co-processor" },
	{ 0x0b, ANY, "Processor" },
	{ 0x0c, 0x03, "USB controller" },
	{ 0x0c, 0x04, "Fibre Channel" },
	{ 0x0c, 0x05, "SMBus" },
	{ 0x0c, 0x06, "InfiniBand" },
	{ 0x0c, 0x07, "IPMI interface" },
	{ 0x0c, ANY, "Serial bus controller" },
	{ 0x0d, ANY, "Wireless controller" },
	{ 0x0e, ANY, "Intelligent controller" },
	{ 0x0f, ANY, "Satellite communications controller" },
	{ 0x10, ANY, "Encryption controller" },
	{ 0x11, ANY, "Signal processing controller" },
	{ 0x12, ANY, "Processing accelerator" },
	{ 0x13, ANY, "Non-Essential Instrumentation" },
};

const char *pci_class_name(uint32_t class_code)
{
	uint32_t base = class_code >> 16 & 0xff, sub = class_code >> 8 & 0xff;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].base == base && (classes[i].sub == sub || classes[i].sub == ANY))
			return classes[i].name;
	return NULL;
}
