/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of contents of a running agent: one pointer a room. Rooms are started in this order and
 * stopped in the reverse. Owned by main. */

#include "birth.h"
#include "cgroups/tree.h"
#include "config.h"
#include "discover.h"
#include "journal.h"
#include "model/free.h"
#include "offer.h"
#include "slice.h"
#include "store.h"
#include "systemd/bus.h"
#include "util/backoff.h"
#include "watch.h"

struct admission;
struct api;
struct devices;
struct leftover_desk;
struct networks;
struct pressure;
struct quiet;
struct server;

struct resctrl_duty {	      /* what an agent before has left there; see hold_resctrl.h */
	sd_event_source *due; /* NULL: all is given back */
	struct backoff backoff;
};

struct manager {
	const struct config *config;
	struct host *host;    /* the live one: what runs, runs here */
	struct host *machine; /* that is looked at: another one with --root; NULL: the live one */
	sd_event *loop;
	int lock_fd; /* of the runtime directory */
	char boot_id[40];
	uint64_t started_usec;
	struct store *store; /* NULL: the state directory cannot be written; said in health */
	struct journal *journal;
	struct discover_watch *hotplug; /* NULL: not ours to watch, or not to be had */
	struct inventory *inventory;
	struct reserve reserve;
	struct health *health;
	struct ledger *ledger;
	struct cpuset *pool; /* the shared one that all slices follow; NULL: not all do */
	struct issued_offers *offers;
	enum cg_layout layout;
	uint32_t controllers;	 /* that slices can have on cgroup v2 */
	sd_bus *bus;		 /* to PID 1, borrowed: a test's; NULL: the system's */
	struct systemd *systemd; /* backend systemd only */
	const struct backend *backend;
	struct devices *devices;
	struct networks *networks;
	struct leftover_desk *leftovers;
	struct quiet *quiet;
	struct resctrl_duty resctrl;
	int tree_fd; /* backend cgroupfs: our own subtree */
	char *tree_path;
	char *own_cgroup; /* of the agent itself, where it made one; see protect.h */
	struct map *slices;
	char *init_path;	  /* reeve-init */
	struct birth_seats seats; /* where it is born */
	sd_event_source *settle;
	struct watch *watch;
	struct pressure *pressure;
	struct admission *admission;
	struct api *api;
	struct server *server;
};

int manager_new(struct manager **ret, const struct config *config, struct fail *f);
/* Runs until SIGTERM or SIGINT. Slices and their tasks run on afterwards. */
int manager_run(struct manager *m, struct fail *f);
struct manager *manager_free(struct manager *m);
static inline void manager_freep(struct manager **m)
{
	manager_free(*m);
}

struct view manager_view(const struct manager *m);
/* Whose hardware is in the inventory, and whether that is the machine we run on: the CPUs of
 * another one cannot be held here. */
const struct host *manager_machine(const struct manager *m);
bool manager_is_at_home(const struct manager *m);
struct slice *manager_slice(const struct manager *m, const char *id);
/* The agent may have nothing to do for a while: what was needed for a moment only is given back,
 * once, when nothing has happened for some seconds. */
void manager_settle(struct manager *m);
/* Replaces the inventory by a new discovery and publishes the difference, if there is one. */
int manager_rediscover(struct manager *m, struct fail *f);
