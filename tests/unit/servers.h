/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Servers that people buy, as far as placement sees them. Not sealed. */

#include "tests/unit/model-fixture.h"

/* As an NVIDIA DGX-2 is wired: 2 packages of 24 cores, 16 GPUs in pairs behind a switch, with each
 * pair a NIC behind the same switch, two pairs below a root port, two root ports a package. */
struct inventory *server_dgx2(void);
/* 2 packages of 16 cores; in each 2 GPUs and a NIC behind one switch. */
struct inventory *server_two_sockets(void);
/* 2 packages cut into 4 nodes each (SNC, NPS4) of 8 cores with two last-level caches; 8 GPUs, one a
 * node, and 4 NICs, of which every second node has one. */
struct inventory *server_quarters(void);
