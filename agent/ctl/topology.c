/* SPDX-License-Identifier: Apache-2.0 */
/* Documents -> picture -> text or SVG; see topology.h. */
#include "ctl/topology.h"

#include "ctl/draw.h"
#include "ctl/look.h"
#include "ctl/picture.h"
#include "ctl/svg.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void topology_done(struct topology *t)
{
	json_decref(t->inventory);
	json_decref(t->slices);
	json_decref(t->health);
	json_decref(t->node);
	*t = (struct topology){ 0 };
}

enum ctl_exit topology_fetch(struct session *s, struct topology *ret)
{
	struct topology t = { 0 };
	enum ctl_exit e = session_get(s, "/v1/inventory", &t.inventory);

	if (e)
		return e;
	/* the machine can be drawn without these */
	t.slices = session_try(s, "/v1/slices");
	t.health = session_try(s, "/v1/health");
	t.node = session_try(s, "/v1/node");
	*ret = t;
	return CTL_OK;
}

int topology_add(struct topology *t, const char *id, json_t *resources)
{
	_cleanup_json_ json_t *slice = json_pack("{s:s,s:O}", "id", id, "resources", resources);

	if (!look_array(t->slices, "slices")) {
		json_decref(t->slices);
		t->slices = json_pack("{s:[]}", "slices");
	}
	return json_array_append(look_array(t->slices, "slices"), slice) < 0 ? -ENOMEM : 0;
}

static enum ctl_exit write_svg(struct session *s, const struct picture *p, const char *path)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	char why[512];
	int r;

	svg_draw(&text, p);
	if (buf_error(&text) || strcmp(path, "-") == 0)
		return session_print(s, &text);
	r = fs_replace(AT_FDCWD, path, text.data, text.size, 0644);
	if (r == 0)
		return CTL_OK;
	(void)snprintf(why, sizeof(why), "cannot write %s: %s", path, strerror(-r));
	session_complain(s, why, NULL);
	return CTL_REFUSED;
}

enum ctl_exit topology_show(struct session *s, const struct topology *t, const char *mark,
			    const char *svg)
{
	_cleanup_(picture_freep) struct picture *picture = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	char why[256];

	if (picture_new(&picture, t->inventory, t->slices, t->health, t->node) < 0) {
		session_complain(s, "out of memory", NULL);
		return CTL_REFUSED;
	}
	if (mark && picture_mark(picture, mark) < 0) {
		(void)snprintf(why, sizeof(why), "there is no slice %s", mark); /* cut is enough */
		session_complain(s, why, "no-such-slice");
		return CTL_REFUSED;
	}
	if (svg)
		return write_svg(s, picture, svg);
	draw_text(&text, picture, &s->screen);
	return session_print(s, &text);
}
