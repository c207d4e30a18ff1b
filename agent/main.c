/* SPDX-License-Identifier: Apache-2.0 */
/* reeved: arguments -> configuration -> manager -> run; nothing else. */
#include "config.h"
#include "document.h"
#include "manager.h"
#include "options.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const struct fail *why)
{
	log_error(&(struct log_about){ .code = why->code }, "%s", why->text);
	return EXIT_FAILURE;
}

static int print_inventory(const struct config *c, struct fail *f)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_json_ json_t *document = NULL;
	_cleanup_free_ char *text = NULL;
	int r = host_open(&host, c->root, f);

	if (r == 0)
		r = discover_run(host, c->topology, &inv, f);
	if (r < 0)
		return r;
	inventory_seal(inv);
	inv->generation = 1;
	document = document_inventory(inv);
	text = document ? json_text_pretty(document) : NULL;
	if (!text)
		return fail_set(f, -ENOMEM, "out of memory");
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		return fail_set(f, -errno, "the inventory cannot be written: %s", strerror(errno));
	return 0;
}

static int serve(const struct config *c, struct fail *f)
{
	_cleanup_(manager_freep) struct manager *m = NULL;
	int r = manager_new(&m, c, f);

	return r < 0 ? r : manager_run(m, f);
}

int main(int argc, char **argv)
{
	_cleanup_(config_done) struct config config = { 0 };
	struct fail why = { 0 };
	int r = options_parse(argc, argv, &config, &why);

	if (r > 0)
		return EXIT_SUCCESS; /* help or version was printed */
	if (r < 0)
		return complain(&why);
	log_set_level((enum log_level)config.log_level);
	if (config.check)
		return EXIT_SUCCESS; /* the configuration was read without complaint */
	r = config.print_inventory ? print_inventory(&config, &why) : serve(&config, &why);
	return r < 0 ? complain(&why) : EXIT_SUCCESS;
}
