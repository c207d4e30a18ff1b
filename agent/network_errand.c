/* SPDX-License-Identifier: Apache-2.0 */
/* The child's part of joining and leaving; see network_errand.h. Its answer is {"result": ..} or
 * {"error": errno, "code", "text"}. */
#include "network_errand.h"

#include "cni_run.h"
#include "netns.h"
#include "network_nic.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_BYTES = 256 };

static int join(const struct network_task *t, struct cni_job *job, json_t **result, struct fail *f)
{
	int r = netns_make(t->netns, f);

	job->add = true;
	job->netns = t->netns;
	return r < 0 ? r : cni_run(job, result, f);
}

/* A namespace that is gone (a reboot, say) is told by its absence; addresses are still given back.
 */
static int leave(const struct network_task *t, struct cni_job *job, struct fail *f)
{
	_cleanup_close_ int netns = netns_open(t->netns);
	int r;

	job->netns = netns >= 0 ? t->netns : NULL;
	job->result = t->record->result;
	r = cni_run(job, NULL, f);
	if (r < 0)
		return r;
	r = netns_unpin(t->netns);
	return r < 0 ? fail_set(f, r, "%s cannot be removed: %s", t->netns, strerror(-r)) : 0;
}

/* The host's own use of it is looked for at the last moment. */
static int take_nic(const struct network_task *t, struct fail *f)
{
	_cleanup_close_ int netns = -1;
	struct network_nic nic;
	int r = network_nic_read(t->record->nic, &nic, f);

	if (r == 0)
		r = nic_move_check(&nic.home, f);
	if (r == 0)
		r = netns_make(t->netns, f);
	if (r < 0)
		return r;
	netns = netns_open(t->netns);
	if (netns < 0)
		return fail_set(f, netns, "the network namespace is not at %s", t->netns);
	return nic_move_there(&nic.home, netns,
			      &(struct nic_dress){ nic.interface, nic.addresses, nic.gateways }, f);
}

/* It is in neither namespace. Unplugged, or without its driver, if the task's was looked into;
 * otherwise the kernel is about to bring it home, unless its place on the bus is empty. */
static int check_gone(const struct network_task *t, int netns, struct fail *f)
{
	const json_t *facts = json_object_get(t->record->nic, "facts");
	const char *pci = json_string_value(json_object_get(facts, "pci"));
	_cleanup_free_ char *path = NULL;

	if (netns >= 0 || !pci)
		return 0;
	if (asprintf(&path, "/sys/bus/pci/devices/%s", pci) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	return fs_exists(-1, path) ? fail_set(f, -EAGAIN,
					      "its network namespace is gone, and it is not at "
					      "home yet, though its device %.32s is there",
					      pci)
				   : 0;
}

/* After a reboot all NICs are at home, and have other numbers. */
static int give_nic(const struct network_task *t, struct fail *f)
{
	_cleanup_close_ int netns = netns_open(t->netns);
	struct network_nic nic;
	int r = network_nic_read(t->record->nic, &nic, f);

	if (r == 0 && netns < 0 && netns != -ENOENT)
		r = fail_set(f, netns, "%s cannot be opened: %s", t->netns, strerror(-netns));
	if (r == 0 && strcmp(nic.boot, t->boot_id) == 0)
		r = nic_move_back(&nic.home, netns, f);
	if (r == NIC_MOVE_GONE)
		r = check_gone(t, netns, f);
	if (r < 0)
		return r;
	r = netns_unpin(t->netns);
	return r < 0 ? fail_set(f, r, "%s cannot be removed: %s", t->netns, strerror(-r)) : 0;
}

static void tell(int answer, const json_t *object)
{
	_cleanup_free_ char *text = object ? json_text(object) : NULL;
	size_t size = text ? strlen(text) : 0;

	for (size_t n = 0; n < size;) {
		ssize_t k = write(answer, text + n, size - n);

		if (k <= 0 && errno != EINTR)
			return; /* nobody listens, or will find it cut short */
		n += k > 0 ? (size_t)k : 0;
	}
}

void network_errand(void *argument, int answer)
{
	const struct network_task *t = argument;
	_cleanup_json_ json_t *result = NULL, *object = NULL;
	char arguments[ARGUMENTS_BYTES];
	struct cni_job job = {
		.container = t->record->container,
		.interface = t->interface,
		.arguments = arguments,
		.plugin_path = t->plugin_path,
		.list = t->record->list,
		.limit_usec = t->limit_usec,
	};
	struct fail why = { 0 };
	int r;

	(void)snprintf(arguments, sizeof(arguments), "IgnoreUnknown=1;REEVE_SLICE=%s;REEVE_TASK=%s",
		       t->record->slice, t->record->task); /* names have at most 63 bytes */
	if (t->record->nic)
		r = t->join ? take_nic(t, &why) : give_nic(t, &why);
	else
		r = t->join ? join(t, &job, &result, &why) : leave(t, &job, &why);
	object = r < 0 ? json_pack("{s:i,s:s,s:s}", "error", -r, "code",
				   why.code ? why.code : "network", "text", why.text)
		       : json_pack("{s:O*}", "result", result);
	tell(answer, object);
}

int network_answer(const char *answer, size_t size, json_t **ret_result, struct fail *f)
{
	_cleanup_json_ json_t *object = NULL;
	const char *text;
	json_int_t error;

	if (size == 0 || json_parse_object(answer, size, &object, NULL) < 0)
		return fail_set(f, -EIO, "the child that was to do it ended without a word");
	error = json_integer_value(json_object_get(object, "error"));
	text = json_string_value(json_object_get(object, "text"));
	if (error != 0 || text)
		return fail_code(f, error > 0 && error < 4096 ? -(int)error : -EIO, "network", "%s",
				 text ? text : "");
	*ret_result = json_incref(json_object_get(object, "result"));
	return 0;
}
