/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Machines of a few lines for the tests of the model, and a stage on which requests are placed on
 * them. Everything asserts that it works. */

#include "model/offer.h"
#include "model/placement.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

struct shape {
	unsigned packages, nodes, cores, threads; /* nodes of a package, cores of a node; 0: 1 */
	unsigned cores_of_l3;			  /* 0: the node has one last-level cache */
	unsigned efficiency;			  /* the last so many cores of each node are */
	unsigned node_step;			  /* between the numbers of nodes; 0: 1 */
	uint64_t memory_bytes;			  /* of each node; 0: 8 GiB */
	bool siblings_apart; /* second threads are numbered after all first ones */
};

struct inventory *shape_make(struct shape shape); /* not sealed */
struct device *shape_node(struct inventory *inv, unsigned number);
struct device *shape_core(struct inventory *inv, unsigned number);
void shape_add_hugepages(struct inventory *inv, unsigned node, uint64_t size_bytes, uint64_t total);
void shape_set_distance(struct inventory *inv, unsigned from, unsigned to, uint32_t value);
/* A node without CPUs, of this kind of memory. */
struct device *shape_add_memory(struct inventory *inv, unsigned node, const char *kind,
				bool host_memory, uint64_t memory_bytes);
/* A GPU, NIC or disk; node < 0: unknown. shape_add_pci also puts it on PCI, behind those bridges.
 */
struct device *shape_add_device(struct inventory *inv, enum device_kind kind, const char *name,
				int node);
void shape_add_pci(struct inventory *inv, struct device *d, const char *pci, const char *path);
struct cpuset *set_of(const char *text);
void expect_set(const struct cpuset *s, const char *expected);

struct stage {
	struct inventory *inventory;
	struct ledger *ledger;
	struct health *health;
	struct reserve reserve;
	struct view view;
};

void stage_open(struct stage *s, struct inventory *inv); /* seals it, if needed; takes it over */
void stage_close(struct stage *s);
/* Decides, and says whether it fits; *ret is NULL when it does not. */
int stage_decide(const struct stage *s, const struct request *r, struct allocation **ret,
		 struct fail *why);
struct allocation *stage_place(const struct stage *s, const struct request *r); /* it fits */
void stage_refuse(const struct stage *s, const struct request *r, const char *code);
const struct allocation *stage_take(struct stage *s, const char *slice, const struct request *r);
/* Readings that make the subject's verdict so. */
void stage_feel(struct stage *s, const char *subject, enum verdict verdict);
/* Holds these CPUs without a decision. */
void stage_hold(struct stage *s, const char *slice, const char *cpus);
bool resources_equal(const struct resources *a, const struct resources *b);
void expect_devices(const struct allocation *a, const char *expected); /* "gpu-a gpu-b" */
