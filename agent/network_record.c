/* SPDX-License-Identifier: Apache-2.0 */
/* Records of networks; see network_record.h. They are read strictly: what is in one is run. */
#include "network_record.h"

#include "cni_config.h"
#include "network_nic.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"
#include "util/strtab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_LIMIT_BYTES = 4 << 20, PATH_BYTES = 256 };

static const char *const phases[] = {
	[NETWORK_JOINING] = "joining",
	[NETWORK_JOINED] = "joined",
	[NETWORK_LEAVING] = "leaving",
};

static int phase_from_string(const char *name)
{
	return strtab_value(phases, ARRAY_SIZE(phases), name);
}

void network_record_done(struct network_record *r)
{
	free(r->container);
	free(r->slice);
	free(r->task);
	json_decref(r->list);
	json_decref(r->result);
	json_decref(r->nic);
	*r = (struct network_record){ 0 };
}

const char *network_record_name(const struct network_record *r)
{
	return json_string_value(r->nic ? json_object_get(r->nic, "device")
					: json_object_get(r->list, "name"));
}

static int file_of(const struct network_record *r, char room[PATH_BYTES])
{
	return (size_t)snprintf(room, PATH_BYTES, "%s.json", r->container) < PATH_BYTES
		       ? 0
		       : -ENAMETOOLONG;
}

int network_record_write(const char *dir_path, const struct network_record *r, struct fail *f)
{
	_cleanup_json_ json_t *record =
		json_pack("{s:s,s:s,s:s,s:s,s:O*,s:O*,s:O*}", "container", r->container, "slice",
			  r->slice, "task", r->task, "phase", phases[r->phase], "list", r->list,
			  "result", r->result, "nic", r->nic);
	_cleanup_free_ char *text = record ? json_text(record) : NULL;
	_cleanup_close_ int dir = -1;
	char file[PATH_BYTES];
	int k = text ? file_of(r, file) : -ENOMEM;

	if (k == 0)
		k = fs_make_dirs(dir_path, 0700);
	if (k == 0)
		dir = k = fs_open_dir(AT_FDCWD, dir_path);
	if (k >= 0)
		k = fs_replace(dir, file, text, strlen(text), 0600);
	return k < 0 ? fail_set(f, k, "cannot write down in %s what is to be undone: %s", dir_path,
				strerror(-k))
		     : 0;
}

int network_record_remove(const char *dir_path, const struct network_record *r)
{
	_cleanup_close_ int dir = fs_open_dir(AT_FDCWD, dir_path);
	char file[PATH_BYTES];
	int k = dir < 0 ? dir : file_of(r, file);

	if (k == 0 && unlinkat(dir, file, 0) < 0 && errno != ENOENT)
		k = -errno;
	return k;
}

struct raw {
	const char *container, *slice, *task;
	const json_t *list, *result, *nic;
	int phase;
};

static const struct json_field fields[] = {
	{ "container", JSON_KIND_STRING, offsetof(struct raw, container), .required = true },
	{ "slice", JSON_KIND_NAME, offsetof(struct raw, slice), .required = true },
	{ "task", JSON_KIND_NAME, offsetof(struct raw, task), .required = true },
	{ "phase", JSON_KIND_ENUM, offsetof(struct raw, phase), .required = true,
	  .from_string = phase_from_string, .choices = "joining, joined, leaving" },
	{ "list", JSON_KIND_OBJECT, offsetof(struct raw, list), .required = false },
	{ "result", JSON_KIND_OBJECT, offsetof(struct raw, result), .required = false },
	{ "nic", JSON_KIND_OBJECT, offsetof(struct raw, nic), .required = false },
	{ 0 },
};

/* One or the other. */
static int fill_network(const struct raw *raw, struct network_record *ret, struct fail *f)
{
	struct network_nic nic;
	int r;

	if (!raw->list == !raw->nic)
		return fail_set(f, -EBADMSG, "it is of neither a network nor a NIC, or of both");
	r = raw->list ? cni_config_of((json_t *)raw->list, &ret->list, f)
		      : network_nic_read(raw->nic, &nic, f);
	ret->nic = r < 0 ? NULL : json_incref((json_t *)raw->nic);
	return r;
}

static int fill(const struct raw *raw, struct network_record *ret, struct fail *f)
{
	int r = fill_network(raw, ret, f);

	if (r < 0)
		return r;
	ret->phase = (enum network_phase)raw->phase;
	ret->container = strdup(raw->container);
	ret->slice = strdup(raw->slice);
	ret->task = strdup(raw->task);
	ret->result = json_incref((json_t *)raw->result);
	if (!ret->container || !ret->slice || !ret->task)
		return fail_set(f, -ENOMEM, "out of memory");
	return 0;
}

int network_record_read(int dir, const char *file, struct network_record *ret, struct fail *f)
{
	struct network_record record = { 0 };
	_cleanup_json_ json_t *object = NULL;
	_cleanup_free_ char *text = NULL;
	struct raw raw = { 0 };
	size_t size, length;
	int r = fs_read(dir, file, RECORD_LIMIT_BYTES, &text, &size);

	if (r < 0)
		return fail_set(f, r, "%s", strerror(-r));
	r = json_parse_object(text, size, &object, f);
	if (r == 0)
		r = json_read(object, fields, "record", &raw, f);
	if (r < 0)
		return r;
	length = strlen(raw.container);
	if (!cni_name_valid(raw.container) || strncmp(file, raw.container, length) != 0 ||
	    strcmp(file + length, ".json") != 0)
		return fail_set(f, -EBADMSG, "it is not of the container that it names");
	r = fill(&raw, &record, f);
	if (r < 0) {
		network_record_done(&record);
		return r;
	}
	*ret = record;
	return 0;
}
