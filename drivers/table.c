/* SPDX-License-Identifier: Apache-2.0 */
/* Every driver there is, in order of phase. */
#include "drivers/driver.h"

#include <stddef.h>

extern const struct driver driver_bmc;
extern const struct driver driver_boot;
extern const struct driver driver_core;
extern const struct driver driver_cpu;
extern const struct driver driver_disk;
extern const struct driver driver_gpu;
extern const struct driver driver_memory;
extern const struct driver driver_microcode;
extern const struct driver driver_nic;
extern const struct driver driver_pci;
extern const struct driver driver_smbios;
extern const struct driver driver_tpm;

const struct driver *const drivers[] = {
	&driver_cpu,  &driver_core,	 &driver_memory, &driver_pci,  &driver_gpu, &driver_nic,
	&driver_disk, &driver_microcode, &driver_smbios, &driver_boot, &driver_tpm, &driver_bmc,
	NULL,
};
