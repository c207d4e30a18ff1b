/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of the benchmarks. */
#include "bench.h"

#include <time.h>

double bench_now_usec(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
