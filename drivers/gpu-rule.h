/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which display adapters and accelerators compute: pure, one table of rules in gpu-rule.c. */

#include <stdbool.h>
#include <stdint.h>

struct gpu_evidence {
	uint32_t class_code, vendor_id, device_id; /* DEVICE_UNKNOWN_U32: not told */
	bool runtime; /* a compute driver or library names it: NVML, KFD, the NVIDIA driver, hwloc
		       */
	bool render;  /* it has a DRM render node */
};

struct gpu_verdict {
	bool compute;
	const char *reason; /* why not, a sentence; NULL when it computes */
};

/* Whether a PCI class is that of a display adapter or accelerator at all. */
bool gpu_rule_class(uint32_t class_code);
struct gpu_verdict gpu_rule(const struct gpu_evidence *e);
/* The maker's name by PCI vendor, NULL for one that makes no GPU we know. */
const char *gpu_rule_vendor(uint32_t vendor_id);
