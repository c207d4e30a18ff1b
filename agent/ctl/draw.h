/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine as text: packages, NUMA nodes and L3 domains as boxes, every CPU with the letter of
 * the slice that holds it, devices beside the node they are near, then a legend. Pure. */

#include "ctl/picture.h"
#include "ctl/writer.h"

void draw_text(struct buf *into, const struct picture *p, const struct screen *screen);

/* '·' free, a letter, '#', '~': what marks a CPU or device of that holder. */
uint32_t draw_holder_glyph(int holder);
