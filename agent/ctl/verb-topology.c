/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl topology: fetches the documents, makes the picture, draws it as text or SVG. With
 * --output=json it gives the documents themselves. */
#include "ctl/draw.h"
#include "ctl/picture.h"
#include "ctl/svg.h"
#include "ctl/verb.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

const struct option_row topology_options[] = {
	{ "svg", 0, OPTION_TEXT, "FILE", NULL, NULL, "write a picture into FILE ('-': to stdout)" },
	{ 0 },
};

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

enum ctl_exit verb_topology(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *inventory = NULL, *slices = NULL, *health = NULL, *node = NULL;
	_cleanup_(picture_freep) struct picture *picture = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	enum ctl_exit e = session_get(s, "/v1/inventory", &inventory);

	if (e)
		return e;
	/* the machine can be drawn without these */
	slices = session_try(s, "/v1/slices");
	health = session_try(s, "/v1/health");
	node = session_try(s, "/v1/node");
	if (s->screen.json) {
		_cleanup_json_ json_t *all =
			json_pack("{s:O, s:O*, s:O*, s:O*}", "inventory", inventory, "slices",
				  slices, "health", health, "node", node);

		writer_json(&text, all);
		return session_print(s, &text);
	}
	if (picture_new(&picture, inventory, slices, health, node) < 0) {
		session_complain(s, "out of memory", NULL);
		return CTL_REFUSED;
	}
	if (args_value(args, "svg"))
		return write_svg(s, picture, args_value(args, "svg"));
	draw_text(&text, picture, &s->screen);
	return session_print(s, &text);
}
