/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine as one self-contained SVG 1.1 file: the same model as the text drawing, readable on a
 * light and on a dark page, without scripts, external fonts or references. Pure. */

#include "ctl/picture.h"

void svg_draw(struct buf *into, const struct picture *p);
