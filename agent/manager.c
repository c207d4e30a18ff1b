/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping the rooms of the agent in order; see manager.h. */
#include "manager.h"

#include "admission.h"
#include "adopt.h"
#include "api.h"
#include "backend.h"
#include "carve.h"
#include "cdi.h"
#include "devices.h"
#include "document.h"
#include "hold_resctrl.h"
#include "leftovers.h"
#include "network.h"
#include "pressure.h"
#include "privs.h"
#include "protect.h"
#include "quiet.h"
#include "server.h"
#include "systemd/notify.h"
#include "trim.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	SETTLE_USEC = 3 * 1000000,
	LOCK_TRIES = 40,
	LOCK_PAUSE_NSEC = 25 * 1000000,
	ANSWERED_USEC = 100 * 1000
};

struct view manager_view(const struct manager *m)
{
	return (struct view){ .inventory = m->inventory,
			      .ledger = m->ledger,
			      .reserve = &m->reserve,
			      .health = m->health,
			      .hugepages_grow = m->config->hugepages && manager_is_at_home(m) };
}

const struct host *manager_machine(const struct manager *m)
{
	return m->machine ? m->machine : m->host;
}

bool manager_is_at_home(const struct manager *m)
{
	return !m->machine && !m->config->topology;
}

struct slice *manager_slice(const struct manager *m, const char *id)
{
	return map_get(m->slices, id);
}

static int set_reserve(struct manager *m)
{
	struct inventory_summary s;
	struct cpuset *cpus = NULL;
	uint64_t cores = m->config->reserve_cores;
	int r;

	inventory_summarise(m->inventory, &s);
	if (cores == CONFIG_RESERVE_AUTO) /* a small machine can spare none */
		cores = s.cores >= 4 ? 1 : 0;
	r = reserve_of(m->inventory, (uint32_t)cores, m->config->reserve_cpus, &cpus);
	if (r < 0)
		return r;
	cpuset_free(m->reserve.cpus);
	m->reserve =
		(struct reserve){ .cpus = cpus, .memory_bytes = m->config->reserve_memory_bytes };
	return 0;
}

static int on_change(enum change_kind change, const struct device *before,
		     const struct device *after, const struct device_field *field, void *userdata)
{
	const struct device *d = after ? after : before;
	json_t *list = userdata, *row;

	row = json_pack("{s:s,s:s,s:s}", "change", change_kind_to_string(change), "id", d->id,
			"class", device_kind_to_string(d->kind));
	if (row && field)
		json_object_update_new(row, json_pack("{s:s,s:o,s:o}", "field", field->name,
						      "before", document_field(field, before),
						      "after", document_field(field, after)));
	return json_array_append_new(list, row) < 0 ? -ENOMEM : 0;
}

static int publish(struct manager *m, json_t *changes, uint64_t generation)
{
	_cleanup_json_ json_t *data =
		json_pack("{s:I,s:O}", "generation", (json_int_t)generation, "changes", changes);
	_cleanup_free_ char *text = data ? json_text(data) : NULL;

	return journal_report(m->journal, EVENT_INVENTORY_CHANGED, NULL, text);
}

static int discover(struct manager *m, struct inventory **ret, struct fail *f)
{
	int r = discover_run(manager_machine(m), m->config->topology, ret, f);

	if (r < 0)
		return r;
	if (manager_is_at_home(m) && networks_add_moved(m->networks, *ret) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	inventory_seal(*ret);
	return resctrl_discover(m, *ret) < 0 ? fail_set(f, -ENOMEM, "out of memory") : 0;
}

int manager_rediscover(struct manager *m, struct fail *f)
{
	_cleanup_(inventory_freep) struct inventory *found = NULL;
	_cleanup_json_ json_t *changes = json_array();
	struct inventory *old = m->inventory;
	int r = discover(m, &found, f);

	if (r < 0)
		return r;
	if (!changes || inventory_diff(old, found, on_change, changes) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	if (json_array_size(changes) == 0)
		return 0;
	found->generation = old->generation + 1;
	m->inventory = TAKE_PTR(found);
	inventory_free(old);
	if (set_reserve(m) < 0 || publish(m, changes, m->inventory->generation) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	devices_inventory_changed(m);
	cdi_inventory_changed(m);
	return 0;
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	(void)userdata;
	trim_memory();
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

void manager_settle(struct manager *m)
{
	if (!m->settle)
		(void)sd_event_add_time_relative(m->loop, &m->settle, CLOCK_MONOTONIC, SETTLE_USEC,
						 SETTLE_USEC / 4, on_settled, m);
	if (!m->settle)
		return; /* out of memory: it keeps what it has */
	(void)sd_event_source_set_time_relative(m->settle, SETTLE_USEC);
	(void)sd_event_source_set_enabled(m->settle, SD_EVENT_ONESHOT);
}

static void on_hotplug(void *userdata)
{
	struct manager *m = userdata;
	struct fail why = { 0 };

	if (manager_rediscover(m, &why) < 0)
		log_error(NULL, "the hardware changed, and cannot be looked at: %s", why.text);
	quiet_look(m);
	watch_look(m->watch); /* what changed may be trouble, and may be the end of one */
	admission_wake(m->admission);
	manager_settle(m);
}

static int on_answered(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info,
			  void *userdata)
{
	struct manager *m = userdata;

	(void)source;
	log_notice(NULL, "stopping on signal %u; slices and their tasks run on", info->ssi_signo);
	notify_stopping();
	if (admission_close(m->admission) > 0 && /* what they are told is to reach them */
	    sd_event_add_time_relative(m->loop, NULL, CLOCK_MONOTONIC, ANSWERED_USEC, 0,
				       on_answered, NULL) >= 0)
		return 0;
	return sd_event_exit(m->loop, 0);
}

/* The children are reeve-inits, which outlive the agent; their end is told by their sockets. */
static int set_signals(struct manager *m, struct fail *f)
{
	const struct sigaction reap = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	static const int stops[] = { SIGTERM, SIGINT };
	sigset_t set;
	int r = 0;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
		(void)sigaddset(&set, stops[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigaction(SIGCHLD, &reap, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(stops); i++)
		r = sd_event_add_signal(m->loop, NULL, stops[i], on_stop_signal, m);
	return r < 0 ? fail_set(f, r, "cannot handle signals: %s", strerror(-r)) : 0;
}

/* Every connection and slice needs descriptors; the hard limit is what the administrator allows. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* the old limit does, with fewer clients */
}

static int start_ground(struct manager *m, struct fail *f)
{
	const struct config *c = m->config;
	int r = birth_seats_open(&m->seats);

	if (r < 0)
		return fail_set(f, r, "cannot open /dev/null: %s", strerror(-r));
	r = host_open(&m->host, NULL, f);
	if (r == 0 && c->root)
		r = host_open(&m->machine, c->root, f);
	if (r < 0)
		return r;
	r = sd_event_default(&m->loop);
	if (r < 0)
		return fail_set(f, r, "cannot make an event loop: %s", strerror(-r));
	if (fs_read_line(m->host->proc_fd, "sys/kernel/random/boot_id", m->boot_id,
			 sizeof(m->boot_id)) < 0)
		m->boot_id[0] = 0; /* slices of an earlier boot cannot be told apart then */
	m->started_usec = m->host->realtime_usec(m->host);
	raise_descriptors();
	return set_signals(m, f);
}

/* A child that an agent had just begun when it was killed has the lock until it executes. */
static int lock_soon(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NSEC };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			break;
		(void)nanosleep(&pause, NULL); /* a shorter wait is one more try */
	}
	return -errno;
}

/* One agent a runtime directory: the lock goes with the process. */
static int lock_runtime(struct manager *m, struct fail *f)
{
	_cleanup_close_ int dir = -1, lock = -1;
	int r = fs_make_dirs(m->config->runtime_dir, 0755);

	if (r < 0)
		return fail_set(f, r, "cannot make %s: %s", m->config->runtime_dir, strerror(-r));
	dir = fs_open_dir(AT_FDCWD, m->config->runtime_dir);
	lock = openat(dir, "reeved.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return fail_set(f, -errno, "cannot write in %s: %s", m->config->runtime_dir,
				strerror(errno));
	if (lock_soon(lock) < 0)
		return fail_code(f, -EBUSY, "agent-running",
				 "another agent uses the runtime directory %s",
				 m->config->runtime_dir);
	m->lock_fd = TAKE_FD(lock);
	return 0;
}

/* Without a store the agent still serves; health says what that means. */
static void open_store(struct manager *m)
{
	struct fail why = { 0 };
	bool set_aside = false;
	int r = fs_make_dirs(m->config->state_dir, 0700);

	if (r == 0)
		r = store_open(&m->store, m->config->state_dir, &set_aside, &why);
	else
		fail_set(&why, r, "cannot make %s: %s", m->config->state_dir, strerror(-r));
	if (r < 0)
		log_error(&(struct log_about){ .code = why.code }, "%s", why.text);
	if (set_aside)
		log_error(NULL, "the store could not be read and was set aside as %s/reeve.db.bad",
			  m->config->state_dir);
}

/* Before the first look, so that nothing can change between the two unheard. */
static void open_hotplug(struct manager *m)
{
	struct fail why = { 0 };

	if (manager_is_at_home(m) &&
	    discover_watch_new(&m->hotplug, m->loop, on_hotplug, m, &why) < 0)
		log_warning(NULL, "%s", why.text);
}

static int start_ledger(struct manager *m, struct fail *f)
{
	int r;

	open_store(m);
	r = journal_new(&m->journal, m->host, m->store, (size_t)m->config->events_kept, f);
	if (r < 0)
		return r;
	open_hotplug(m);
	if (networks_new(&m->networks, m) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	r = discover(m, &m->inventory, f);
	if (r < 0)
		return r;
	m->inventory->generation = 1;
	if (set_reserve(m) < 0 || health_new(&m->health) < 0 || ledger_new(&m->ledger) < 0 ||
	    map_new(&m->slices) < 0 || offers_new(&m->offers, m->config->offer_lifetime_usec) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	return 0;
}

static int find_init(struct manager *m, struct fail *f)
{
	const char *path = secure_getenv("REEVE_INIT");

	m->init_path = strdup(path ? path : REEVE_LIBEXEC_DIR "/reeve-init");
	if (!m->init_path)
		return fail_set(f, -ENOMEM, "out of memory");
	if (access(m->init_path, X_OK) < 0)
		return fail_set(f, -errno, "reeve-init cannot be run at %s: %s", m->init_path,
				strerror(errno));
	return 0;
}

/* An agent that has slices to lose; a mere look at another machine is nobody's to protect. */
static int protect(struct manager *m, struct fail *f)
{
	_cleanup_free_ char *lacks = NULL;

	if (!manager_is_at_home(m))
		return 0;
	if (m->tree_path && asprintf(&m->own_cgroup, "%s-agent", m->tree_path + 1) < 0)
		m->own_cgroup = NULL; /* it is protected as far as it goes without */
	if (protect_self(m->host, m->own_cgroup, &lacks) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	if (lacks)
		log_notice(NULL, "the agent is not protected from what it runs: %s", lacks);
	return 0;
}

static int start_hands(struct manager *m, struct fail *f)
{
	int r = find_init(m, f);

	if (r < 0)
		return r;
	if (devices_new(&m->devices) < 0 || leftover_desk_new(&m->leftovers, m) < 0 ||
	    quiet_new(&m->quiet, m) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	m->layout = cg_layout_of(m->host);
	r = backend_choose(m, &m->backend, f);
	if (r == 0)
		r = protect(m, f);
	if (r < 0)
		return r;
	r = watch_new(&m->watch, m, f);
	return r < 0 ? r : pressure_new(&m->pressure, m, f);
}

static int start_doors(struct manager *m, struct fail *f)
{
	if (admission_new(&m->admission, m) < 0 || api_new(&m->api, m) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	return server_new(&m->server, m, f);
}

static int (*const starts[])(struct manager *m, struct fail *f) = {
	start_ground, lock_runtime, start_ledger, start_hands, start_doors,
};

int manager_new(struct manager **ret, const struct config *config, struct fail *f)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	struct fail why = { 0 };

	if (!m)
		return fail_set(f, -ENOMEM, "out of memory");
	m->config = config;
	m->tree_fd = m->lock_fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		int r = starts[i](m, f);

		if (r < 0)
			return r;
	}
	if (privs_drop(&why) < 0)
		log_warning(NULL, "%s", why.text);
	*ret = TAKE_PTR(m);
	return 0;
}

static void report_start(struct manager *m)
{
	_cleanup_json_ json_t *data =
		json_pack("{s:s,s:s,s:I,s:o}", "version", REEVE_VERSION, "backend",
			  m->backend->name, "generation", (json_int_t)m->inventory->generation,
			  "summary", document_summary(m->inventory));
	_cleanup_free_ char *text = data ? json_text(data) : NULL;

	if (journal_report(m->journal, EVENT_AGENT_STARTED, NULL, text) < 0)
		log_error(NULL, "an event was lost");
}

int manager_run(struct manager *m, struct fail *f)
{
	int r;

	report_start(m);
	adopt_slices(m);
	cdi_clear_orphans(m);
	networks_adopt(m->networks);
	watch_look(m->watch);
	(void)notify_watchdog(m->loop); /* it stays off where PID 1 does not ask for it */
	log_notice(NULL, "reeve %s serves %s; back end %s, cgroups %s", REEVE_VERSION,
		   m->config->socket, m->backend->name, cg_layout_to_string(m->layout));
	notify_ready("serving");
	trim_memory();
	r = sd_event_loop(m->loop);
	if (r < 0)
		return fail_set(f, r, "the event loop broke: %s", strerror(-r));
	if (journal_report(m->journal, EVENT_AGENT_STOPPING, NULL, NULL) < 0)
		log_error(NULL, "an event was lost");
	return 0;
}

static void free_slices(struct manager *m)
{
	size_t cursor = 0, again = 0;
	struct fail why = { 0 };

	fail_set(&why, -EAGAIN, "the agent is stopping");
	for (struct slice *s; m->slices && (s = map_next(m->slices, &cursor, NULL));) {
		size_t at = 0;

		if (!s->announced)
			carve_abandon(s);
		for (struct slice_task *t; (t = map_next(s->tasks, &at, NULL));)
			slice_task_dismiss(s, t);
		slice_notify(s, &why);
		pressure_detach(s); /* nobody could give back what was taken for a while */
	}
	/* Until here the one that is given up may look at all others. */
	for (struct slice *s; m->slices && (s = map_next(m->slices, &again, NULL));)
		slice_free(s);
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	m->admission = admission_free(m->admission);
	m->server = server_free(m->server);
	m->api = api_free(m->api);
	sd_event_source_disable_unref(m->settle);
	free_slices(m);
	m->pressure = pressure_free(m->pressure);
	watch_free(m->watch);
	if (m->host)
		protect_undo(m->host, m->own_cgroup);
	free(m->own_cgroup);
	if (m->backend)
		m->backend->close(m);
	map_free(m->slices);
	networks_free(m->networks);
	leftover_desk_free(m->leftovers);
	quiet_free(m->quiet);
	sd_event_source_disable_unref(m->resctrl.due);
	devices_free(m->devices);
	free(m->init_path);
	offers_free(m->offers);
	cpuset_free(m->pool);
	ledger_free(m->ledger);
	health_free(m->health);
	cpuset_free(m->reserve.cpus);
	inventory_free(m->inventory);
	discover_watch_free(m->hotplug);
	journal_free(m->journal);
	store_free(m->store);
	close_fd(m->lock_fd);
	sd_event_unref(m->loop);
	host_free(m->machine);
	host_free(m->host);
	birth_seats_close(&m->seats);
	free(m);
	return NULL;
}
