/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery and its bells; see discover.h. udev and the drivers' own bells say only that something
 * changed: what is the case is read from sysfs by the drivers, so that a captured tree gives the
 * same answer. */
#include "discover.h"

#include "drivers/driver.h"
#include "drivers/topology.h"
#include "util/backoff.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>

enum { READS_MAX = 64, DRAIN_ROUNDS_MAX = 16 }; /* of one bell before others have their turn */

static int sink_add(void *sink, struct device **d)
{
	return inventory_add(sink, d);
}

static struct device *sink_find(void *sink, const char *id)
{
	return inventory_find(sink, id);
}

static struct device *sink_next(void *sink, enum device_kind kind, size_t *cursor)
{
	return inventory_next(sink, kind, cursor);
}

static int sink_note(void *sink, const char *driver, const char *text)
{
	return inventory_note(sink, driver, text);
}

static const struct discovery_sink into_inventory = {
	.add = sink_add,
	.find = sink_find,
	.next = sink_next,
	.note = sink_note,
};

/* Of a cgroup or the root; a file that is not there (Linux before 6.7) holds nothing. */
static int read_set(int cgroup, const char *file, struct cpuset **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = fs_read_line_new(cgroup, file, &text);

	return r == 0 ? cpuset_parse(text, ret) : r == -ENOMEM ? r : cpuset_new(ret);
}

static int add_granted(int root, const char *name, struct cpuset *into)
{
	_cleanup_(cpuset_freep) struct cpuset *granted = NULL;
	_cleanup_close_ int cgroup = fs_open_dir(root, name);
	int r;

	if (cgroup < 0)
		return 0;
	r = read_set(cgroup, "cpuset.cpus.exclusive", &granted);
	return r < 0 ? (r == -ENOMEM ? r : 0) : cpuset_union(into, granted);
}

/* What was granted to the trees that slices are made in (reeve.slice by PID 1, reeve or
 * reeve-<hash> by us), as far as it is isolated now: cgroup-v2.rst, cpuset.cpus.isolated. */
int discover_lent(const struct host *host, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *lent = NULL, *isolated = NULL;
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = cpuset_new(&lent);

	if (r == 0 && host->cgroup_fd >= 0 && fs_list(host->cgroup_fd, ".", &names, NULL) < 0)
		names = NULL; /* a cgroup root that cannot be read lends nothing */
	for (char **n = names; r == 0 && n && *n; n++)
		if (strncmp(*n, "reeve", 5) == 0)
			r = add_granted(host->cgroup_fd, *n, lent);
	if (r == 0 && !cpuset_empty(lent))
		r = read_set(host->cgroup_fd, "cpuset.cpus.isolated", &isolated);
	if (r == 0 && isolated)
		r = cpuset_intersect(lent, isolated);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(lent);
	return 0;
}

int discover_run(const struct host *host, const char *topology_xml, struct inventory **ret,
		 struct fail *f)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	_cleanup_(topology_freep) struct topology *topology = NULL;
	_cleanup_(cpuset_freep) struct cpuset *lent = NULL;
	_cleanup_(host_freep) struct host *nothing = NULL;
	struct discovery d = { .host = host, .to = &into_inventory };
	int r = host_none(&nothing);

	if (r < 0)
		return fail_set(f, r, "out of memory");
	if (topology_xml)
		d.host = nothing; /* this machine's files say nothing about that one */
	r = topology_load(&topology, d.host, topology_xml, f);
	if (r < 0)
		return r;
	if (inventory_new(&inv) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	if (!topology_xml && discover_lent(host, &lent) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	d.lent = lent;
	d.topology = topology;
	d.machine = &inv->machine;
	d.sink = inv;
	if (discovery_run(&d) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	*ret = TAKE_PTR(inv);
	return 0;
}

int discover_check(const struct host *host, const struct inventory *inv,
		   int (*report)(const struct reading *reading, void *userdata), void *userdata)
{
	for (size_t i = 0; drivers[i]; i++) {
		if (!drivers[i]->check)
			continue;
		for (size_t k = 0; k < inv->count; k++) {
			int r = drivers[i]->check(host, inv->devices[k], report, userdata);

			if (r == -ENOMEM)
				return r;
		}
	}
	return 0;
}

struct bell { /* one descriptor that rings */
	struct discover_watch *watch;
	const struct driver *driver; /* whose bell it is; NULL: udev's */
	sd_event_source *io;
};

struct discover_watch {
	sd_event *loop;
	struct udev *udev;
	struct udev_monitor *monitor;
	struct bell *bells;
	size_t count;
	sd_event_source *settle;
	struct backoff pause; /* from the first ring to the look */
	uint64_t looked_usec; /* CLOCK_MONOTONIC */
	void (*changed)(void *userdata);
	void *userdata;
};

/* As driver_bell's. */
static int udev_heard(struct udev_monitor *monitor)
{
	int heard = 0;

	for (int i = 0; i < READS_MAX; i++) {
		struct udev_device *device = udev_monitor_receive_device(monitor);

		if (!device)
			break;
		heard = 1;
		udev_device_unref(device);
	}
	return heard;
}

static void bell_close(struct bell *b)
{
	b->io = sd_event_source_disable_unref(b->io); /* closes a driver's descriptor */
}

/* What it has to say; one that will ring no more is said so once, and is closed. */
static bool bell_heard(struct bell *b)
{
	int r;

	if (!b->io)
		return false;
	r = b->driver ? b->driver->bell->heard(sd_event_source_get_io_fd(b->io))
		      : udev_heard(b->watch->monitor);
	if (r >= 0)
		return r > 0;
	log_warning(NULL, "changes of %s devices are not followed any more: %s", b->driver->name,
		    strerror(-r));
	bell_close(b);
	return true; /* what it would have said last is not known */
}

/* Nobody listens between a ring and the look that follows: a storm of events wakes nobody up, and
 * what does not fit into the sockets is answered by the same look. */
static void listen_to_all(struct discover_watch *w, bool on)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->bells[i].io)
			(void)sd_event_source_set_enabled(w->bells[i].io,
							  on ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* What is heard until now is answered by the look that follows. The rounds are bounded: who talks
 * faster than we listen rings again. */
static void drain(struct discover_watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		for (int round = 0; round < DRAIN_ROUNDS_MAX && bell_heard(&w->bells[i]); round++)
			;
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct discover_watch *w = userdata;

	(void)usec;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF); /* armed by the next ring */
	drain(w);
	listen_to_all(w, true);
	w->changed(w->userdata);
	(void)sd_event_now(w->loop, CLOCK_MONOTONIC, &w->looked_usec); /* it only fails forked */
	return 0;
}

static void ring(struct discover_watch *w)
{
	uint64_t now_usec = 0;

	(void)sd_event_now(w->loop, CLOCK_MONOTONIC, &now_usec); /* as above */
	if (now_usec - w->looked_usec > DISCOVER_QUIET_USEC)
		backoff_reset(&w->pause);
	if (sd_event_source_set_time_relative(w->settle, backoff_next(&w->pause)) < 0 ||
	    sd_event_source_set_enabled(w->settle, SD_EVENT_ONESHOT) < 0) {
		log_warning(NULL, "hotplug events cannot be followed any more");
		return;
	}
	listen_to_all(w, false);
}

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct bell *b = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	if (bell_heard(b))
		ring(b->watch);
	return 0;
}

static int add_filters(struct udev_monitor *m)
{
	for (size_t i = 0; drivers[i]; i++)
		for (const char *const *s = drivers[i]->watch; s && *s; s++) {
			int r = udev_monitor_filter_add_match_subsystem_devtype(m, *s, NULL);

			if (r < 0)
				return r;
		}
	return 0;
}

/* udevd re-broadcasts events on "udev" once its rules ran; without it the kernel's own are all
 * there is. */
static const char *source_name(void)
{
	return fs_exists(-1, "/run/udev/control") ? "udev" : "kernel";
}

static int bell_listen(struct discover_watch *w, const struct driver *driver, int fd)
{
	struct bell *b = &w->bells[w->count];
	int r;

	*b = (struct bell){ .watch = w, .driver = driver };
	r = sd_event_add_io(w->loop, &b->io, fd, EPOLLIN, on_event, b);
	if (r < 0)
		return r;
	w->count++;
	return 0;
}

static int listen_to_udev(struct discover_watch *w)
{
	int r = -ENOMEM;

	w->udev = udev_new();
	if (w->udev)
		w->monitor = udev_monitor_new_from_netlink(w->udev, source_name());
	if (w->monitor)
		r = add_filters(w->monitor);
	if (r >= 0)
		r = udev_monitor_enable_receiving(w->monitor);
	if (r >= 0)
		r = bell_listen(w, NULL, udev_monitor_get_fd(w->monitor));
	return r;
}

/* Without it that class is looked at when something else rings. */
static void listen_to_driver(struct discover_watch *w, const struct driver *driver)
{
	struct fail why = { 0 };
	_cleanup_close_ int fd = driver->bell->open(&why);
	int r = fd < 0 ? fd : bell_listen(w, driver, fd);

	if (r >= 0) {
		(void)sd_event_source_set_io_fd_own(w->bells[w->count - 1].io, true); /* not NULL */
		(void)TAKE_FD(fd);
		return;
	}
	if (!why.error)
		(void)fail_set(&why, r, "%s", strerror(-r));
	log_warning(NULL, "changes of %s devices are not followed: %s", driver->name, why.text);
}

static int start_listening(struct discover_watch *w)
{
	size_t count = 1;
	int r;

	for (size_t i = 0; drivers[i]; i++)
		count += drivers[i]->bell != NULL;
	w->bells = calloc(count, sizeof(*w->bells));
	if (!w->bells)
		return -ENOMEM;
	r = sd_event_add_time_relative(w->loop, &w->settle, CLOCK_MONOTONIC, DISCOVER_SETTLE_USEC,
				       10000, on_settled, w);
	if (r >= 0)
		r = sd_event_source_set_enabled(w->settle, SD_EVENT_OFF);
	if (r >= 0)
		r = listen_to_udev(w);
	for (size_t i = 0; r >= 0 && drivers[i]; i++)
		if (drivers[i]->bell)
			listen_to_driver(w, drivers[i]);
	return r;
}

int discover_watch_new(struct discover_watch **ret, sd_event *loop, void (*changed)(void *userdata),
		       void *userdata, struct fail *f)
{
	struct discover_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return fail_set(f, -ENOMEM, "out of memory");
	w->loop = sd_event_ref(loop);
	w->pause.first_usec = DISCOVER_SETTLE_USEC;
	w->pause.max_usec = DISCOVER_SETTLE_MAX_USEC;
	w->changed = changed;
	w->userdata = userdata;
	r = start_listening(w);
	if (r < 0) {
		discover_watch_free(w);
		return fail_set(f, r, "cannot follow hotplug events: %s", strerror(-r));
	}
	*ret = w;
	return 0;
}

struct discover_watch *discover_watch_free(struct discover_watch *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->count; i++)
		bell_close(&w->bells[i]);
	free(w->bells);
	sd_event_source_disable_unref(w->settle);
	udev_monitor_unref(w->monitor);
	udev_unref(w->udev);
	sd_event_unref(w->loop);
	free(w);
	return NULL;
}
