/* SPDX-License-Identifier: Apache-2.0 */
/* The child's part of talking to irqbalance; see irqbalance_errand.h. It answers four lines: the
 * error, the time between two rounds, CPUs, interrupts. */
#include "irqbalance_errand.h"

#include "errand.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

void irqbalance_work_done(struct irqbalance_work *w)
{
	cpuset_free(w->cpus);
	cpuset_free(w->irqs);
	*w = (struct irqbalance_work){ 0 };
}

static int tell(const struct host *host, const struct irqbalance_work *w)
{
	int r = w->cpus ? irqbalance_tell_cpus(host, w->pid, w->cpus) : 0;

	return r == 0 && w->irqs ? irqbalance_tell_irqs(host, w->pid, w->irqs) : r;
}

void irqbalance_errand(void *work, int answer)
{
	const struct irqbalance_work *w = work;
	struct irqbalance_setup setup = { 0 };
	struct host host = *w->host;
	_cleanup_(buf_done) struct buf text = { .limit = IRQBALANCE_ANSWER_LIMIT_BYTES };
	_cleanup_free_ char *cpus = NULL, *irqs = NULL;
	int r;

	host.root_fd = ERRAND_KEPT_FD;
	r = w->asks ? irqbalance_ask(&host, w->pid, &setup) : tell(&host, w);
	if (setup.cpus)
		cpus = cpuset_format(setup.cpus);
	if (setup.irqs)
		irqs = cpuset_format(setup.irqs);
	buf_format(&text, "%d\n%" PRIu64 "\n%s\n%s\n", -r, setup.round_usec, cpus ? cpus : "",
		   irqs ? irqs : "");
	irqbalance_setup_done(&setup);
	if (buf_error(&text) == 0)
		(void)!write(answer, text.data, text.size); /* nobody may listen any more */
}

int irqbalance_answer(const char *answer, size_t size, struct irqbalance_setup *ret)
{
	_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
	_cleanup_free_ char *text = strndup(answer, size);
	char *rest = text, *error = strsep(&rest, "\n"), *round = strsep(&rest, "\n"),
	     *cpus = strsep(&rest, "\n"), *irqs = strsep(&rest, "\n");
	uint32_t number;
	int r;

	if (!text)
		return -ENOMEM;
	if (!rest || *rest || parse_u32(error, &number) < 0 || number > 4095 ||
	    parse_u64(round, &setup.round_usec) < 0)
		return -EBADMSG;
	if (number > 0)
		return -(int)number;
	r = cpuset_parse(cpus, &setup.cpus);
	if (r == 0)
		r = cpuset_parse(irqs, &setup.irqs);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	*ret = TAKE(setup, (struct irqbalance_setup){ 0 });
	return 0;
}
