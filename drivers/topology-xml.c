/* SPDX-License-Identifier: Apache-2.0 */
/* From version 3 of hwloc's XML to version 2; see topology-xml.h. It walks over the tags as text
 * and changes three things, the others are alike:
 *   - the version in <topology version="3.0">;
 *   - osdev_type: a bit set since version 3 (hwloc_obj_osdev_types_t), one number before;
 *   - <info> of the topology itself: version 2 keeps them in the root object. */
#include "drivers/topology-xml.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The most telling bit first: an RDMA device is network and OpenFabrics, a GPU that computes is GPU
 * and co-processor; version 2 calls the latter co-processors, whoever reads them asks for either.
 */
static const struct {
	unsigned long bit;
	int old;
} osdev_types[] = {
	{ 1 << 5, HWLOC_OBJ_OSDEV_OPENFABRICS }, { 1 << 3, HWLOC_OBJ_OSDEV_COPROC },
	{ 1 << 2, HWLOC_OBJ_OSDEV_GPU },	 { 1 << 4, HWLOC_OBJ_OSDEV_NETWORK },
	{ 1 << 0, HWLOC_OBJ_OSDEV_BLOCK },	 { 1 << 1, HWLOC_OBJ_OSDEV_BLOCK },
	{ 1 << 6, HWLOC_OBJ_OSDEV_DMA },
};

struct walk {
	struct buf out;
	struct buf infos;   /* of the topology itself */
	size_t root_inside; /* in out: behind the root object's opening tag; 0 before */
	int depth;	    /* 0 outside of <topology>, 1 inside */
};

static void append_osdev_type(struct buf *out, unsigned long types)
{
	for (size_t i = 0; i < ARRAY_SIZE(osdev_types); i++)
		if (types & osdev_types[i].bit) {
			buf_format(out, "%d", osdev_types[i].old);
			return;
		}
	buf_format(out, "%lu", types);
}

/* Copies the tag, with the value behind the attribute's opening quote replaced. */
static void copy_osdev(struct buf *out, const char *tag, size_t size)
{
	static const char attribute[] = " osdev_type=\"";
	const char *at = memmem(tag, size, attribute, sizeof(attribute) - 1);
	const char *value = at ? at + sizeof(attribute) - 1 : NULL;
	char *end;
	unsigned long types = value ? strtoul(value, &end, 0) : 0;

	if (!value || *end != '"') {
		buf_append(out, tag, size);
		return;
	}
	buf_append(out, tag, (size_t)(value - tag));
	append_osdev_type(out, types);
	buf_append(out, end, size - (size_t)(end - tag));
}

static void copy_version(struct buf *out, const char *tag, size_t size)
{
	static const char attribute[] = "version=\"3.";
	const char *at = memmem(tag, size, attribute, sizeof(attribute) - 1);
	size_t before = at ? (size_t)(at - tag) + sizeof(attribute) - 3 : size;

	buf_append(out, tag, before);
	if (at) {
		buf_text(out, "2");
		buf_append(out, tag + before + 1, size - before - 1);
	}
}

static bool tag_is(const char *tag, size_t size, const char *name)
{
	size_t length = strlen(name);

	return size > length + 1 && strncmp(tag + 1, name, length) == 0 &&
	       strchr(" \t\r\n/>", tag[1 + length]);
}

static void copy_tag(struct walk *w, const char *tag, size_t size)
{
	bool closing = tag[1] == '/', leaf = size > 2 && tag[size - 2] == '/';
	bool markup = tag[1] == '?' || tag[1] == '!';

	if (tag_is(tag, size, "topology"))
		copy_version(&w->out, tag, size);
	else if (w->depth == 1 && leaf && tag_is(tag, size, "info"))
		buf_append(&w->infos, tag, size);
	else if (tag_is(tag, size, "object"))
		copy_osdev(&w->out, tag, size);
	else
		buf_append(&w->out, tag, size);
	if (w->depth == 1 && !leaf && w->root_inside == 0 && tag_is(tag, size, "object"))
		w->root_inside = w->out.size;
	if (!markup && !leaf)
		w->depth += closing ? -1 : 1;
}

static int walk_tags(struct walk *w, const char *text)
{
	const char *tag;

	while ((tag = strchr(text, '<'))) {
		const char *end = strchr(tag, '>');

		if (!end)
			return -EINVAL;
		buf_append(&w->out, text, (size_t)(tag - text));
		copy_tag(w, tag, (size_t)(end - tag) + 1);
		text = end + 1;
	}
	buf_text(&w->out, text);
	return buf_error(&w->out);
}

static int join(const struct walk *w, struct buf *all)
{
	buf_append(all, w->out.data, w->root_inside);
	if (w->infos.size > 0)
		buf_append(all, w->infos.data, w->infos.size);
	buf_text(all, w->out.data + w->root_inside);
	return buf_error(all);
}

static void walk_done(struct walk *w)
{
	buf_done(&w->out);
	buf_done(&w->infos);
}

int topology_xml_translate(const char *text, char **ret, size_t *ret_size)
{
	_cleanup_(walk_done) struct walk w = { 0 };
	_cleanup_(buf_done) struct buf all = { 0 };
	const char *topology = strstr(text, "<topology");
	int r;

	if (!topology)
		return -EINVAL;
	r = walk_tags(&w, text);
	if (r < 0)
		return r;
	r = w.out.data && buf_error(&w.infos) == 0 ? join(&w, &all) : -ENOMEM;
	if (r < 0)
		return r;
	*ret_size = all.size;
	*ret = buf_steal(&all);
	return *ret ? 0 : -ENOMEM;
}

static bool needs_translation(const char *text)
{
	const char *topology = strstr(text, "<topology");
	const char *end = topology ? strchr(topology, '>') : NULL;
	const char *version = topology ? strstr(topology, "version=\"3.") : NULL;

	return hwloc_get_api_version() >> 16 < 3 && version && end && version < end;
}

int topology_xml_read(const char *path, char **ret, size_t *ret_size, struct fail *f)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = fs_read(AT_FDCWD, path, TOPOLOGY_XML_LIMIT_BYTES, &text, &size);

	if (r == -E2BIG)
		return fail_set(f, -EFBIG, "%s is larger than a topology can be", path);
	if (r < 0)
		return fail_set(f, r, "cannot read %s: %s", path, strerror(-r));
	if (strlen(text) != size || !strstr(text, "<topology"))
		return fail_set(f, -EINVAL, "%s is not an XML topology of hwloc", path);
	if (!needs_translation(text)) {
		*ret = TAKE_PTR(text);
		*ret_size = size;
		return 0;
	}
	r = topology_xml_translate(text, ret, ret_size);
	if (r < 0)
		return fail_set(f, r, "%s is a truncated XML topology", path);
	return 0;
}
