/* SPDX-License-Identifier: Apache-2.0 */
/* unpack TREE FOLDER: a made machine as a folder, for `reeved --root` and for lstopo. */
#include "tests/nodes/tree.h"
#include "util/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct fail f = { 0 };

	if (argc != 3) {
		(void)fprintf(stderr, "usage: %s TREE FOLDER\n", argv[0]);
		return EXIT_FAILURE;
	}
	if (fs_make_dirs(argv[2], 0755) < 0 || tree_unpack(argv[1], argv[2], &f) < 0) {
		(void)fprintf(stderr, "%s: %s\n", argv[0],
			      f.error ? f.text : "cannot make the folder");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
