/* SPDX-License-Identifier: Apache-2.0 */
/* Servers; see servers.h. */
#include "tests/unit/servers.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void add(struct inventory *inv, enum device_kind kind, const char *name, int node,
		const char *path)
{
	char pci[96];
	struct device *d = shape_add_device(inv, kind, name, node);

	/* a NIC is known by its name, so its address is made up; a GPU's name is its address */
	(void)snprintf(pci, sizeof(pci), "%s%s", kind == DEVICE_NIC ? "0000:ff:" : "", name);
	shape_add_pci(inv, d, pci, path);
	if (kind == DEVICE_NIC)
		d->nic.speed_mbps = 100000;
}

static void set_distances(struct inventory *inv, uint32_t within, uint32_t across, unsigned of_one)
{
	inventory_each (from, inv, DEVICE_NODE)
		inventory_each (to, inv, DEVICE_NODE) {
			unsigned a = from->memory.number, b = to->memory.number;

			shape_set_distance(inv, a, b,
					   a == b		      ? 10
					   : a / of_one == b / of_one ? within
								      : across);
		}
}

/* Numbers of busses are those of the capture nvidiaDGX2.xml; the NICs were left out of it, but the
 * busses between those of each two GPUs are kept free for them. */
struct inventory *server_dgx2(void)
{
	static const struct {
		int node;
		unsigned root, port, way; /* busses of a root port, the way in it, the switch */
		unsigned gpus[2];	  /* busses of the GPUs */
	} pairs[] = {
		{ 0, 0x2b, 0x04, 0x32, { 0x34, 0x36 } }, { 0, 0x2b, 0x0c, 0x37, { 0x39, 0x3b } },
		{ 0, 0x4e, 0x04, 0x55, { 0x57, 0x59 } }, { 0, 0x4e, 0x0c, 0x5a, { 0x5c, 0x5e } },
		{ 1, 0xae, 0x04, 0xb5, { 0xb7, 0xb9 } }, { 1, 0xae, 0x0c, 0xba, { 0xbc, 0xbe } },
		{ 1, 0xd7, 0x04, 0xde, { 0xe0, 0xe2 } }, { 1, 0xd7, 0x0c, 0xe3, { 0xe5, 0xe7 } },
	};
	static const unsigned ports[] = { 0x00, 0x10, 0x08 }; /* of the switch: GPU, GPU, NIC */
	struct inventory *inv = shape_make((struct shape){ .packages = 2,
							   .cores = 24,
							   .threads = 2,
							   .memory_bytes = 754 * GIB,
							   .siblings_apart = true });

	set_distances(inv, 21, 21, 1);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ports); k++) {
			char name[64], path[96];

			(void)snprintf(path, sizeof(path),
				       "0000:%02x:00.0/0000:%02x:00.0/0000:%02x:%02x.0/"
				       "0000:%02x:00.0/0000:%02x:%02x.0",
				       pairs[i].root, pairs[i].root + 1, pairs[i].root + 2,
				       pairs[i].port, pairs[i].way, pairs[i].way + 1, ports[k]);
			if (k == 2)
				(void)snprintf(name, sizeof(name), "mlx%zu", i);
			else
				(void)snprintf(name, sizeof(name), "0000:%02x:00.0",
					       pairs[i].gpus[k]);
			add(inv, k == 2 ? DEVICE_NIC : DEVICE_GPU, name, pairs[i].node, path);
		}
	return inv;
}

struct inventory *server_two_sockets(void)
{
	struct inventory *inv = shape_make((struct shape){ .packages = 2,
							   .cores = 16,
							   .threads = 2,
							   .memory_bytes = 256 * GIB,
							   .siblings_apart = true });

	set_distances(inv, 21, 21, 1);
	for (int node = 0; node < 2; node++)
		for (int k = 0; k < 3; k++) {
			char name[64], path[96];

			(void)snprintf(path, sizeof(path),
				       "0000:%d0:01.0/0000:%d1:00.0/0000:%d2:0%d.0", node, node,
				       node, k);
			if (k == 2)
				(void)snprintf(name, sizeof(name), "eth%d", node);
			else
				(void)snprintf(name, sizeof(name), "0000:%d%d:00.0", node, k + 3);
			add(inv, k == 2 ? DEVICE_NIC : DEVICE_GPU, name, node, path);
		}
	return inv;
}

struct inventory *server_quarters(void)
{
	struct inventory *inv = shape_make((struct shape){ .packages = 2,
							   .nodes = 4,
							   .cores = 8,
							   .cores_of_l3 = 4,
							   .threads = 2,
							   .memory_bytes = 64 * GIB,
							   .siblings_apart = true });

	set_distances(inv, 12, 32, 4);
	for (int node = 0; node < 8; node++) {
		char name[64], path[96];

		(void)snprintf(path, sizeof(path), "0000:%d0:01.0/0000:%d1:00.0/0000:%d2:00.0",
			       node, node, node);
		(void)snprintf(name, sizeof(name), "0000:%d3:00.0", node);
		add(inv, DEVICE_GPU, name, node, path);
		(void)snprintf(path, sizeof(path), "0000:%d0:01.0/0000:%d1:00.0/0000:%d2:01.0",
			       node, node, node);
		(void)snprintf(name, sizeof(name), "eth%d", node);
		if (node % 2 == 0)
			add(inv, DEVICE_NIC, name, node, path);
	}
	return inv;
}
