/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of tasks; see network.h. Each is an object of its own, found by the names of its slice
 * and task: DEL may go on when both are gone. ADD is always followed by DEL, whatever became of it.
 * Neither CHECK nor GC is called: CHECK has nobody here who would act on it, and GC takes away what
 * is not in the caller's list, while other runtimes of this host may use the same network. */
#include "network.h"

#include "carve.h"
#include "cni_config.h"
#include "cni_result.h"
#include "errand.h"
#include "hold.h"
#include "manager.h"
#include "netns.h"
#include "network_errand.h"
#include "network_nic.h"
#include "network_record.h"
#include "util/backoff.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	MARGIN_USEC = 5 * 1000000, /* of the child's deadline before ours */
	RETRY_FIRST_USEC = 2 * 1000000,
	RETRY_MAX_USEC = 300 * 1000000,
	/* After a start, until every reeve-init has told of its tasks. */
	CONFIRM_USEC = 15 * 1000000,
};

struct networks {
	struct manager *manager;
	char *dir;	   /* of the records */
	struct list items; /* struct joined */
	sd_event_source *confirm;
};

struct joined { /* a task's part of a network */
	struct list link;
	struct networks *networks;
	struct network_record record;
	char *netns;
	struct network_wish wish; /* while it is joining and somebody waits */
	struct network_task work;
	struct errand *errand;
	sd_event_source *retry;
	struct backoff backoff;
	struct fail failed; /* the last attempt to leave */
};

static struct log_about about(const struct joined *j)
{
	return (struct log_about){ .slice = j->record.slice,
				   .task = j->record.task,
				   .code = "network" };
}

static void drop_wish(struct joined *j)
{
	struct network_wish wish = j->wish;

	j->wish = (struct network_wish){ 0 };
	if (wish.drop)
		wish.drop(wish.userdata);
}

static struct joined *joined_free(struct joined *j)
{
	if (!j)
		return NULL;
	drop_wish(j);
	list_remove(&j->link);
	errand_free(j->errand);
	sd_event_source_disable_unref(j->retry);
	network_record_done(&j->record);
	free(j->netns);
	free(j);
	return NULL;
}

static int joined_new(struct joined **ret, struct networks *n, struct network_record *record)
{
	struct joined *j = calloc(1, sizeof(*j));

	if (!j || asprintf(&j->netns, "%s/netns/%s", n->manager->config->runtime_dir,
			   record->container) < 0) {
		free(j);
		return -ENOMEM;
	}
	j->networks = n;
	j->record = *record;
	*record = (struct network_record){ 0 };
	j->backoff = (struct backoff){ .first_usec = RETRY_FIRST_USEC, .max_usec = RETRY_MAX_USEC };
	list_append(&n->items, &j->link);
	*ret = j;
	return 0;
}

static int send_errand(struct joined *j, bool join,
		       void (*done)(const char *, size_t, const struct fail *, void *),
		       struct fail *f)
{
	const struct config *c = j->networks->manager->config;

	j->work = (struct network_task){ .record = &j->record,
					 .interface = NETWORK_INTERFACE,
					 .boot_id = j->networks->manager->boot_id,
					 .plugin_path = c->cni_plugin_path,
					 .netns = j->netns,
					 .limit_usec = c->cni_limit_usec,
					 .join = join };
	return errand_start(&j->errand, j->networks->manager->loop,
			    &(struct errand_order){ .run = network_errand,
						    .argument = &j->work,
						    .limit_bytes = NETWORK_ANSWER_LIMIT_BYTES,
						    .limit_usec = c->cni_limit_usec + MARGIN_USEC,
						    .done = done,
						    .userdata = j },
			    f);
}

static bool is_of(const struct joined *j, const struct slice *s)
{
	return strcmp(j->record.slice, s->id) == 0;
}

static bool is_under_way(const struct joined *j)
{
	return j->errand != NULL;
}

/* A slice that waits for the last of its networks may go on. */
static void go_on(struct networks *n, const char *id)
{
	struct slice *s = manager_slice(n->manager, id);

	if (!s || !s->awaits_network)
		return;
	list_each (item, next, &n->items) {
		const struct joined *j = container_of(item, struct joined, link);

		if (is_of(j, s) && is_under_way(j))
			return;
	}
	s->awaits_network = false;
	carve_go_on(s);
}

static void leave(struct joined *j);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct joined *j = userdata;

	(void)source;
	(void)usec;
	j->retry = sd_event_source_disable_unref(j->retry);
	leave(j);
	return 0;
}

static void not_left(struct joined *j, const struct fail *why)
{
	const struct log_about what = about(j);
	bool first = j->failed.error == 0;

	j->failed = *why;
	if (first)
		log_error(&what, "%s %s, and it is tried again: %s",
			  network_record_name(&j->record),
			  j->record.nic ? "is not moved back" : "is a network that is not left",
			  why->text);
	if (sd_event_add_time_relative(j->networks->manager->loop, &j->retry, CLOCK_MONOTONIC,
				       backoff_next(&j->backoff), 0, on_retry, j) < 0)
		log_error(&what, "out of memory: it is tried again by the next agent");
}

static void on_left(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct joined *j = userdata;
	struct networks *n = j->networks;
	char slice[64];
	struct fail reason = { 0 };
	json_t *nothing = NULL;

	(void)snprintf(slice, sizeof(slice), "%s", j->record.slice); /* a name */
	j->errand = errand_free(j->errand);
	if (why)
		reason = *why;
	else
		(void)network_answer(answer, size, &nothing, &reason); /* reason tells */
	json_decref(nothing);
	if (reason.error == 0 && network_record_remove(n->dir, &j->record) < 0)
		fail_set(&reason, -EIO, "its record in %s cannot be removed", n->dir);
	if (reason.error < 0)
		not_left(j, &reason);
	else
		joined_free(j);
	go_on(n, slice);
}

/* From any phase; once. */
static void leave(struct joined *j)
{
	struct fail why = { 0 };

	if (j->errand || j->retry)
		return;
	if (j->record.phase != NETWORK_LEAVING) {
		j->record.phase = NETWORK_LEAVING;
		/* With the record of before, the next agent comes to the same. */
		(void)network_record_write(j->networks->dir, &j->record, NULL);
	}
	if (send_errand(j, false, on_left, &why) < 0)
		not_left(j, &why);
}

static struct slice_task *waiting_task(const struct joined *j, struct slice **ret_slice)
{
	struct slice *s = manager_slice(j->networks->manager, j->record.slice);
	struct slice_task *t = s ? slice_task_find(s, j->record.task) : NULL;

	*ret_slice = s;
	return t && t->state == TASK_STARTING ? t : NULL;
}

/* What the task is told; it may have no use for it any more. */
static void tell(struct joined *j, int netns, const struct fail *why)
{
	struct network_wish wish = j->wish;
	struct slice *s;
	struct slice_task *t = waiting_task(j, &s);

	j->wish = (struct network_wish){ 0 };
	if (t && !why) {
		json_decref(t->network);
		t->network = j->record.nic
				     ? network_nic_summary(j->record.nic)
				     : cni_result_summary(network_record_name(&j->record),
							  NETWORK_INTERFACE, j->record.result);
	}
	if (t && wish.ready)
		wish.ready(s, t, netns, why, wish.userdata);
	else
		close_fd(netns);
	if (wish.drop)
		wish.drop(wish.userdata);
}

static int take_result(struct joined *j, json_t *result, int *ret_netns, struct fail *f)
{
	_cleanup_close_ int netns = netns_open(j->netns);
	int r;

	if (netns < 0)
		return fail_set(f, netns, "the network namespace is not at %s", j->netns);
	j->record.result = json_incref(result);
	j->record.phase = NETWORK_JOINED;
	r = network_record_write(j->networks->dir, &j->record, f);
	if (r == 0)
		*ret_netns = TAKE_FD(netns);
	return r;
}

static void on_joined(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct joined *j = userdata;
	_cleanup_json_ json_t *result = NULL;
	struct fail reason = { 0 };
	int netns = -1;

	j->errand = errand_free(j->errand);
	if (why)
		reason = *why;
	else if (network_answer(answer, size, &result, &reason) == 0)
		(void)take_result(j, result, &netns, &reason); /* reason tells */
	if (reason.error == 0 && j->record.phase == NETWORK_JOINED && j->wish.ready) {
		tell(j, netns, NULL);
		return;
	}
	close_fd(netns);
	leave(j);
	if (reason.error < 0) {
		fail_prefix(&reason, j->record.nic ? "NIC %s" : "network %s",
			    network_record_name(&j->record));
		tell(j, -1, &reason);
	}
}

/* Unique on this host for as long as anybody may remember it. */
static int name_container(const struct slice *s, const struct slice_task *t, char **ret)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	return asprintf(ret, "%s.%s.%08x", s->id, t->name, number) < 0 ? -ENOMEM : 0;
}

static int describe(const struct slice *s, const struct slice_task *t, struct network_record *ret)
{
	ret->slice = strdup(s->id);
	ret->task = strdup(t->name);
	return ret->slice && ret->task ? name_container(s, t, &ret->container) : -ENOMEM;
}

static const struct joined *find_nic(const struct networks *n, const char *device)
{
	list_each (item, next, &n->items) {
		const struct joined *j = container_of(item, struct joined, link);

		if (j->record.nic && strcmp(network_record_name(&j->record), device) == 0)
			return j;
	}
	return NULL;
}

const char *networks_task_with(const struct networks *n, const char *device)
{
	const struct joined *j = n ? find_nic(n, device) : NULL;

	return j ? j->record.task : NULL;
}

static int find_network(struct slice *s, const struct task_spec *spec, struct network_record *ret,
			struct fail *f)
{
	const struct manager *m = s->manager;
	const struct joined *other;

	if (!spec->nic.device)
		return cni_config_find(m->config->cni_config_dir, spec->cni, &ret->list, f);
	other = find_nic(m->networks, spec->nic.device);
	if (other)
		return fail_code(f, -EBUSY, "nic-in-use", "%s %s task %s of slice %s",
				 spec->nic.device,
				 other->record.phase == NETWORK_LEAVING ? "is on its way back from"
									: "is given to",
				 other->record.task, other->record.slice);
	return network_nic_find(s, &spec->nic, &ret->nic, f);
}

int network_join(struct slice *s, struct slice_task *t, const struct network_wish *wish,
		 struct fail *f)
{
	struct networks *n = s->manager->networks;
	struct network_record record = { 0 };
	struct joined *j = NULL;
	int r = find_network(s, wish->spec, &record, f);

	if (r < 0)
		return r;
	r = describe(s, t, &record);
	if (r == 0)
		r = joined_new(&j, n, &record);
	network_record_done(&record);
	if (r < 0)
		return fail_set(f, r, "the network cannot be joined: %s", strerror(-r));
	r = network_record_write(n->dir, &j->record, f);
	if (r == 0)
		r = send_errand(j, true, on_joined, f);
	if (r < 0) {
		(void)network_record_remove(n->dir, &j->record); /* DEL of nothing is harmless */
		joined_free(j);
		return r;
	}
	j->wish = *wish;
	return 0;
}

/* One that is joining goes on until it has ended, and is left then: half an ADD is the worse to
 * undo. */
static void want_no_more(struct joined *j)
{
	drop_wish(j);
	leave(j);
}

void network_leave(struct slice *s, const struct slice_task *t)
{
	struct networks *n = s->manager->networks;

	if (!n)
		return;
	list_each (item, next, &n->items) {
		struct joined *j = container_of(item, struct joined, link);

		if (is_of(j, s) && strcmp(j->record.task, t->name) == 0 &&
		    j->record.phase != NETWORK_LEAVING)
			want_no_more(j);
	}
}

void network_again(struct slice *s)
{
	struct networks *n = s->manager->networks;

	if (!n)
		return;
	list_each (item, next, &n->items) {
		struct joined *j = container_of(item, struct joined, link);

		if (!is_of(j, s) || !j->retry)
			continue;
		j->retry = sd_event_source_disable_unref(j->retry);
		leave(j);
	}
}

bool network_await(struct slice *s)
{
	struct networks *n = s->manager->networks;
	bool busy = false;

	if (!n)
		return false;
	list_each (item, next, &n->items) {
		struct joined *j = container_of(item, struct joined, link);

		if (!is_of(j, s))
			continue;
		if (j->record.phase != NETWORK_LEAVING)
			want_no_more(j);
		busy |= is_under_way(j);
	}
	s->awaits_network = busy;
	return busy;
}

/* Tasks join; the slice itself has none. */
static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	(void)s;
	(void)rows;
	(void)f;
	return 0;
}

/* An address that is not given back is the network's loss; a NIC is missing in the offers. */
static int add_leak(const struct joined *j, struct leaks *ret)
{
	const char *name = network_record_name(&j->record);
	char why[640];

	(void)snprintf(why, sizeof(why),
		       j->record.nic ? "task %s has not given back %s: %s"
				     : "task %s has not left network %s: %s",
		       j->record.task, name,
		       j->failed.error ? j->failed.text : "it is under way"); /* may be cut */
	return j->record.nic ? leaks_add_device(ret, name, why) : leaks_add_note(ret, why);
}

static int left(struct slice *s, struct leaks *ret)
{
	struct networks *n = s->manager->networks;
	int r = 0;

	if (!n)
		return 0;
	list_each (item, next, &n->items) {
		const struct joined *j = container_of(item, struct joined, link);

		if (is_of(j, s))
			r = r < 0 ? r : add_leak(j, ret);
	}
	return r;
}

const struct hold hold_network = { .name = "networks", .take = take, .left = left };

/* --- what is away --- */

static bool is_plugged(const struct inventory *inv, const struct device *d)
{
	char id[64];

	if (!d->pci)
		return true;
	(void)snprintf(id, sizeof(id), "pci-%s", d->pci); /* one that is cut is not found */
	return inventory_find(inv, id) != NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* It may be at home under a foreign name, until it is named again: then that is no other NIC. */
static int withhold_stray(struct inventory *inv, const struct device *moved)
{
	int r = 0;

	inventory_each (d, inv, DEVICE_NIC) {
		if (r < 0 || d == moved || !same_text(d->pci, moved->pci) ||
		    !same_text(d->nic.mac, moved->nic.mac))
			continue;
		d->offerable = false;
		r = device_set_string(&d->reason, moved->reason);
	}
	return r;
}

static int add_moved(const struct joined *j, struct inventory *inv)
{
	_cleanup_(device_freep) struct device *d = NULL;
	const struct device *moved;
	int r = network_nic_device(&j->record, &d);

	if (r < 0 || !is_plugged(inv, d))
		return r;
	moved = d;
	r = inventory_add(inv, &d);
	if (r < 0)
		return r == -EEXIST ? 0 : r; /* it is at home */
	return withhold_stray(inv, moved);
}

int networks_add_moved(const struct networks *n, struct inventory *inv)
{
	int r = 0;

	list_each (item, next, &n->items) {
		const struct joined *j = container_of(item, struct joined, link);

		if (r == 0 && j->record.nic)
			r = add_moved(j, inv);
	}
	return r;
}

/* --- after a start --- */

static bool is_in_use(const struct joined *j)
{
	const struct slice *s = manager_slice(j->networks->manager, j->record.slice);
	const struct slice_task *t = s ? slice_task_find(s, j->record.task) : NULL;

	return t && !task_is_over(t->state);
}

static int on_confirm(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct networks *n = userdata;

	(void)source;
	(void)usec;
	n->confirm = sd_event_source_disable_unref(n->confirm);
	list_each (item, next, &n->items) {
		struct joined *j = container_of(item, struct joined, link);

		if (j->record.phase == NETWORK_JOINED && !is_in_use(j))
			leave(j);
	}
	return 0;
}

/* What a task had been given may be in use, if its slice lives: its reeve-init tells soon. Of
 * everything else it is known that nobody is in it. */
void networks_adopt(struct networks *n)
{
	bool unsure = false;

	list_each (item, next, &n->items) {
		struct joined *j = container_of(item, struct joined, link);

		if (j->record.phase == NETWORK_JOINED && manager_slice(n->manager, j->record.slice))
			unsure = true;
		else
			leave(j);
	}
	if (unsure && sd_event_add_time_relative(n->manager->loop, &n->confirm, CLOCK_MONOTONIC,
						 CONFIRM_USEC, 0, on_confirm, n) < 0)
		log_error(NULL, "out of memory: networks of tasks that have ended are not left");
}

/* Of an agent that was killed while it wrote: containers have a name each, so nobody else would
 * write there again. */
static bool drop_half(int dir, const char *file)
{
	static const char end[] = ".json.new";
	size_t length = strlen(file);

	if (length < sizeof(end) || strcmp(file + length - (sizeof(end) - 1), end) != 0)
		return false;
	(void)unlinkat(dir, file, 0); /* else the next agent does */
	return true;
}

static int add_record(struct networks *n, int dir, const char *file)
{
	struct network_record record = { 0 };
	struct fail why = { 0 };
	struct joined *j;
	int r;

	if (drop_half(dir, file) || strlen(file) < 5 ||
	    strcmp(file + strlen(file) - 5, ".json") != 0)
		return 0;
	if (network_record_read(dir, file, &record, &why) < 0) {
		log_error(&(struct log_about){ .code = "network" },
			  "%s/%s cannot be read, so that network is never left: %s", n->dir, file,
			  why.text);
		return 0;
	}
	r = joined_new(&j, n, &record);
	network_record_done(&record);
	return r;
}

static int load(struct networks *n)
{
	_cleanup_close_ int dir = fs_open_dir(AT_FDCWD, n->dir);
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = 0;

	if (dir < 0 || fs_list(dir, ".", &names, NULL) < 0)
		return 0; /* none was ever joined */
	for (char **name = names; r == 0 && *name; name++)
		r = add_record(n, dir, *name);
	return r;
}

int networks_new(struct networks **ret, struct manager *m)
{
	struct networks *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->manager = m;
	list_init(&n->items);
	if (asprintf(&n->dir, "%s/network", m->config->state_dir) < 0) {
		n->dir = NULL;
		networks_free(n);
		return -ENOMEM;
	}
	r = load(n);
	if (r < 0) {
		networks_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

struct networks *networks_free(struct networks *n)
{
	if (!n)
		return NULL;
	while (!list_empty(&n->items))
		joined_free(container_of(n->items.next, struct joined, link));
	sd_event_source_disable_unref(n->confirm);
	free(n->dir);
	free(n);
	return NULL;
}
