/* SPDX-License-Identifier: Apache-2.0 */
/* Which adapters compute; see gpu-rule.h. The first rule that matches decides, so the order is the
 * policy: chips that only ever drove a screen come first (some have a render node by a generic
 * driver), then what the machine shows to compute, then what the PCI class promises. A virtual GPU
 * with a render node computes: users do hand it out, and its driver shows by the node that it can.
 * Numbers: the PCI ID repository; PCI Code and ID Assignment Specification, base classes 03,
 * 0b, 12. */
#include "drivers/gpu-rule.h"

#include "util/cleanup.h"

#include <stddef.h>

enum {
	CLASS_DISPLAY = 0x03,
	CLASS_ACCELERATOR = 0x12,
	SUBCLASS_3D = 0x0302,
	SUBCLASS_COPROCESSOR = 0x0b40,
	VENDOR_NVIDIA = 0x10de,
	ANY_DEVICE = 0xffff,
};

struct chip {
	uint16_t vendor_id, device_id;
};

static const struct chip display_only[] = {
	{ 0x1a03, ANY_DEVICE }, /* ASPEED: the screen of a BMC */
	{ 0x102b, ANY_DEVICE }, /* Matrox G200: the same, older */
	{ 0x1013, ANY_DEVICE }, /* Cirrus Logic, and QEMU's copy */
	{ 0x1234, ANY_DEVICE }, /* QEMU's plain VGA */
	{ 0x1b36, 0x0100 },	/* QXL */
	{ 0x80ee, ANY_DEVICE }, /* VirtualBox */
	{ 0x126f, ANY_DEVICE }, /* Silicon Motion */
	{ 0x18ca, ANY_DEVICE }, /* XGI */
	{ 0x19e5, 0x1711 },	/* Huawei iBMC */
	{ 0x1002, 0x4752 },	/* ATI Rage XL, on server boards */
	{ 0x1002, 0x515e },	/* ATI ES1000, on server boards */
	{ 0x1002, 0x5969 },	/* ATI ES1000 */
};

static const struct {
	uint16_t vendor_id;
	const char *name;
} makers[] = {
	{ 0x1002, "Advanced Micro Devices, Inc." },
	{ 0x1022, "Advanced Micro Devices, Inc." },
	{ 0x1013, "Cirrus Logic" },
	{ 0x102b, "Matrox Graphics, Inc." },
	{ VENDOR_NVIDIA, "NVIDIA Corporation" },
	{ 0x1234, "QEMU" },
	{ 0x1a03, "ASPEED Technology, Inc." },
	{ 0x1af4, "Red Hat, Inc." },
	{ 0x1b36, "Red Hat, Inc." },
	{ 0x1da3, "Habana Labs Ltd." },
	{ 0x8086, "Intel Corporation" },
};

static bool is_display_only(const struct gpu_evidence *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(display_only); i++)
		if (display_only[i].vendor_id == e->vendor_id &&
		    (display_only[i].device_id == ANY_DEVICE ||
		     display_only[i].device_id == e->device_id))
			return true;
	return false;
}

static bool is_runtime(const struct gpu_evidence *e)
{
	return e->runtime;
}

static bool is_coprocessor(const struct gpu_evidence *e)
{
	return e->class_code >> 8 == SUBCLASS_COPROCESSOR;
}

static bool is_accelerator(const struct gpu_evidence *e)
{
	return e->class_code >> 8 == SUBCLASS_3D || e->class_code >> 16 == CLASS_ACCELERATOR;
}

static bool is_render(const struct gpu_evidence *e)
{
	return e->render;
}

/* All that NVIDIA made since 2006 computes; the kernel may merely not tell us of the driver. */
static bool is_nvidia(const struct gpu_evidence *e)
{
	return e->vendor_id == VENDOR_NVIDIA;
}

static bool is_anything(const struct gpu_evidence *e)
{
	(void)e;
	return true;
}

static const struct {
	bool (*matches)(const struct gpu_evidence *e);
	struct gpu_verdict verdict;
} rules[] = {
	{ is_display_only,
	  { false, "a display-only adapter: the chip has no unit that computes" } },
	{ is_runtime, { true, NULL } },
	{ is_coprocessor,
	  { false, "a coprocessor that boots an operating system of its own is not handed out" } },
	{ is_accelerator, { true, NULL } },
	{ is_render, { true, NULL } },
	{ is_nvidia, { true, NULL } },
	{ is_anything,
	  { false, "a display adapter without a render node: nothing can compute on it" } },
};

bool gpu_rule_class(uint32_t class_code)
{
	return class_code >> 16 == CLASS_DISPLAY || class_code >> 16 == CLASS_ACCELERATOR ||
	       class_code >> 8 == SUBCLASS_COPROCESSOR;
}

struct gpu_verdict gpu_rule(const struct gpu_evidence *e)
{
	size_t i = 0;

	while (!rules[i].matches(e)) /* ends: the last one matches anything */
		i++;
	return rules[i].verdict;
}

const char *gpu_rule_vendor(uint32_t vendor_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		if (makers[i].vendor_id == vendor_id)
			return makers[i].name;
	return NULL;
}
