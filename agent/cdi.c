/* SPDX-License-Identifier: Apache-2.0 */
/* CDI files of slices; see cdi.h. A file is replaced only when it says something else: runtimes
 * watch the directory. Of variables it sets REEVE_SLICE, and for NVIDIA's GPUs
 * NVIDIA_VISIBLE_DEVICES=void: images that ask for "all" would otherwise be given every GPU by that
 * vendor's own hook, beside those named here. It does not set CUDA_VISIBLE_DEVICES: a container
 * has the nodes of what it was given and no others, and of two devices' lists a runtime would keep
 * the last one only. */
#include "cdi.h"

#include "cdi_document.h"
#include "device_path.h"
#include "drivers/driver.h"
#include "hold.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_LIMIT_BYTES = 1 << 20 };

struct work {
	struct slice *slice;
	const struct allocation *allocation;
	struct cdi_device *devices; /* the slice's own, then one a device that has nodes */
	size_t count;
	char kind[64], slice_variable[96];
	const char *own_env[3]; /* what the slice's own device sets */
};

static const char *const nvidia_env[] = { "NVIDIA_VISIBLE_DEVICES=void", NULL };

static void device_done(struct cdi_device *d)
{
	for (size_t i = 0; i < d->nodes_count; i++)
		free(d->nodes[i].path);
	free(d->nodes);
	free(d->name);
}

static void work_done(struct work *w)
{
	for (size_t i = 0; w->devices && i < w->count; i++)
		device_done(&w->devices[i]);
	free(w->devices);
}

static void class_of(const struct manager *m, char room[32])
{
	char suffix[CONFIG_INSTANCE_BYTES];

	config_instance(m->config, suffix);
	(void)snprintf(room, 32, CDI_CLASS "%s", suffix); /* fits */
}

static void file_of(const struct slice *s, char room[128])
{
	char class[32];

	class_of(s->manager, class);
	(void)snprintf(room, 128, CDI_VENDOR "-%s_%s.json", class, s->id); /* an id has 63 bytes */
}

/* A node without a name cannot be written down: whoever makes it later rings, and is asked. */
static int add_nodes(const struct manager *m, const struct device_rules *rules,
		     struct cdi_device *d)
{
	d->nodes = calloc(rules->count + 1, sizeof(*d->nodes));
	if (!d->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < rules->count; i++) {
		struct cdi_node *n = &d->nodes[d->nodes_count];
		int r = device_path(manager_machine(m), &rules->items[i], &n->path);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			continue;
		n->rule = rules->items[i];
		d->nodes_count++;
	}
	return 0;
}

static bool is_nvidia(const struct cdi_device *d)
{
	for (size_t i = 0; i < d->nodes_count; i++)
		if (strncmp(d->nodes[i].path, "/dev/nvidia", strlen("/dev/nvidia")) == 0)
			return true;
	return false;
}

static int add_device(struct work *w, const char *id, const struct device_rules *rules)
{
	struct cdi_device d = { .name = cdi_name(w->slice->id, id) };
	int r = d.name ? add_nodes(w->slice->manager, rules, &d) : -ENOMEM;

	if (r < 0 || d.nodes_count == 0) {
		device_done(&d);
		return r;
	}
	if (is_nvidia(&d))
		d.env = nvidia_env;
	if (!id) {
		w->own_env[0] = w->slice_variable;
		w->own_env[1] = d.env ? d.env[0] : NULL;
		d.env = w->own_env;
	}
	w->devices[w->count++] = d;
	return 0;
}

static int collect(struct work *w)
{
	_cleanup_(device_rules_done) struct device_rules all = { 0 };
	const struct allocation *a = w->allocation;
	const struct manager *m = w->slice->manager;
	int r = 0;

	w->devices = calloc(a->devices_count + 1, sizeof(*w->devices));
	if (!w->devices)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < a->devices_count; i++) {
		_cleanup_(device_rules_done) struct device_rules own = { 0 };
		const struct device *d = inventory_find(m->inventory, a->devices[i]);

		r = d ? driver_nodes(manager_machine(m), d, &own) : 0;
		if (r == 0)
			r = add_device(w, a->devices[i], &own);
		if (r == 0)
			r = device_rules_add_all(&all, &own);
	}
	return r < 0 ? r : add_device(w, NULL, &all);
}

static int names_of(const struct work *w, json_t **ret)
{
	_cleanup_json_ json_t *names = w->count > 0 ? json_array() : NULL;

	/* The slice's own comes first for the reader, though it was made last. */
	for (size_t i = 0; names && i < w->count; i++) {
		const struct cdi_device *d = &w->devices[(i + w->count - 1) % w->count];

		if (json_array_append_new(names, json_sprintf("%s=%s", w->kind, d->name)) < 0)
			return -ENOMEM;
	}
	if (w->count > 0 && !names)
		return -ENOMEM;
	*ret = TAKE_PTR(names);
	return 0;
}

/* The agent's umask is stricter than what others are to read. */
static int open_dir(const char *path, bool make)
{
	mode_t before = umask(022);
	int r = make ? fs_make_dirs(path, 0755) : 0, fd = -1;

	(void)umask(before);
	if (r == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return r < 0 ? r : fd < 0 ? -errno : fd;
}

static bool says(int dir, const char *file, const char *text)
{
	_cleanup_free_ char *there = NULL;

	return fs_read(dir, file, FILE_LIMIT_BYTES, &there, NULL) == 0 && strcmp(there, text) == 0;
}

static int replace_file(const struct work *w, const char *dir_path)
{
	const struct cdi_spec spec = { .kind = w->kind, .devices = w->devices, .count = w->count };
	_cleanup_json_ json_t *document = cdi_document(&spec);
	_cleanup_free_ char *text = document ? json_text_pretty(document) : NULL;
	_cleanup_close_ int dir = open_dir(dir_path, true);
	char file[128];
	mode_t before;
	int r;

	if (!text)
		return -ENOMEM;
	if (dir < 0)
		return dir;
	file_of(w->slice, file);
	if (says(dir, file, text))
		return 0;
	before = umask(022);
	r = fs_replace(dir, file, text, strlen(text), 0644);
	(void)umask(before);
	return r;
}

static void complain(struct slice *s, const char *dir, int error)
{
	if (!s->cdi_failed)
		log_warning(&(struct log_about){ .slice = s->id },
			    "container runtimes are not told of its devices: cannot write in %s: "
			    "%s",
			    dir, strerror(-error));
	s->cdi_failed = true;
}

static int work_on(struct slice *s, struct work *w)
{
	char class[32];

	*w = (struct work){ .slice = s, .allocation = ledger_find(s->manager->ledger, s->id) };
	class_of(s->manager, class);
	(void)snprintf(w->kind, sizeof(w->kind), CDI_VENDOR "/%s", class); /* fits */
	(void)snprintf(w->slice_variable, sizeof(w->slice_variable), "REEVE_SLICE=%s",
		       s->id); /* fits */
	return w->allocation ? collect(w) : 0;
}

static void give(struct slice *s)
{
	const char *path = s->manager->config->cdi_dir;
	_cleanup_close_ int dir = path ? open_dir(path, false) : -1;
	char file[128];

	json_decref(s->cdi);
	s->cdi = NULL;
	file_of(s, file);
	if (dir >= 0)
		(void)unlinkat(dir, file, 0); /* left() tells */
}

/* Writes the file, or finds that it is there and right; removes it where nothing is to be said. */
static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const char *dir = s->manager->config->cdi_dir;
	_cleanup_(work_done) struct work w = { 0 };
	json_t *names = NULL;
	int r = dir ? work_on(s, &w) : 0;

	(void)rows; /* nothing of it is a limit */
	if (r == -ENOMEM || (r == 0 && names_of(&w, &names) < 0))
		return fail_set(f, -ENOMEM, "out of memory");
	if (r < 0 || w.count == 0) { /* more nodes than there can be, or none */
		give(s);
		json_decref(names);
		return 0;
	}
	r = replace_file(&w, dir);
	json_decref(s->cdi);
	s->cdi = names;
	if (r == 0) {
		s->cdi_failed = false;
		return 0;
	}
	json_decref(s->cdi);
	s->cdi = NULL;
	complain(s, dir, r);
	return 0;
}

static bool is_there(const struct slice *s)
{
	const char *path = s->manager->config->cdi_dir;
	_cleanup_close_ int dir = path ? open_dir(path, false) : -1;
	char file[128];

	file_of(s, file);
	return dir >= 0 && fs_exists(dir, file);
}

static int left(struct slice *s, struct leaks *ret)
{
	char why[256];

	give(s); /* again: it is looked at until it is gone */
	if (!is_there(s))
		return 0;
	(void)snprintf(why, sizeof(why), "its CDI file in %.128s cannot be removed",
		       s->manager->config->cdi_dir); /* not NULL: it is there */
	return leaks_add_note(ret, why);
}

const struct hold hold_cdi = { .name = "CDI file", .take = take, .give = give, .left = left };

void cdi_inventory_changed(struct manager *m)
{
	size_t cursor = 0;

	for (struct slice *s; (s = map_next(m->slices, &cursor, NULL));)
		if (s->state == SLICE_ACTIVE && take(s, NULL, NULL) < 0)
			log_warning(&(struct log_about){ .slice = s->id },
				    "out of memory: its CDI file stays as it was");
}

/* The slice that a file of ours is about; false: it is not ours. */
static bool slice_of(const char *file, const char *prefix, char room[64])
{
	static const char *const ends[] = { ".json", ".json.new" };
	size_t n = strlen(prefix), length = strlen(file);

	if (strncmp(file, prefix, n) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t end = strlen(ends[i]);

		if (length > n + end && length - n - end < 64 &&
		    strcmp(file + length - end, ends[i]) == 0) {
			(void)snprintf(room, 64, "%.*s", (int)(length - n - end),
				       file + n); /* fits */
			return true;
		}
	}
	return false;
}

void cdi_clear_orphans(struct manager *m)
{
	const char *path = m->config->cdi_dir;
	_cleanup_close_ int dir = path ? open_dir(path, false) : -1;
	_cleanup_(fs_names_freep) char **names = NULL;
	char prefix[64], class[32], slice[64];

	if (dir < 0 || fs_list(dir, ".", &names, NULL) < 0)
		return;
	class_of(m, class);
	(void)snprintf(prefix, sizeof(prefix), CDI_VENDOR "-%s_", class); /* fits */
	for (char **name = names; *name; name++)
		if (slice_of(*name, prefix, slice) && !map_get(m->slices, slice))
			(void)unlinkat(dir, *name, 0); /* read-only by now: nothing to be done */
}
