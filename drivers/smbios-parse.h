/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The SMBIOS structure table (DMTF DSP0134, versions 2.1 to 3.7) as bytes in, parts out. Pure, and
 * made for tables that lie: nothing is read outside the data, every length is checked, and the time
 * is linear in its size. */

#include <stddef.h>
#include <stdint.h>

enum {
	SMBIOS_TEXT_SIZE = 65
}; /* the specification bounds a string to 64 bytes; longer ones are cut */

/* One part of the machine. Strings are cleaned (drivers/label.h), "" where the table does not tell.
 */
struct smbios_part {
	const char *component; /* "bios", "system", "board", "chassis", "dimm", "bmc", "tpm" */
	char vendor[SMBIOS_TEXT_SIZE], product[SMBIOS_TEXT_SIZE], version[SMBIOS_TEXT_SIZE];
	char date[SMBIOS_TEXT_SIZE], serial[SMBIOS_TEXT_SIZE], slot[SMBIOS_TEXT_SIZE];
	uint64_t size_bytes; /* of a DIMM, 0: an empty slot; UINT64_MAX: not told */
	uint32_t speed_mts;  /* of a DIMM as configured, else its rated one; UINT32_MAX: not told */
};

/* Called for each part in the table's order; the part is the parser's. Negative stops the walk. */
typedef int (*smbios_visit)(const struct smbios_part *part, void *userdata);

enum smbios_answer {
	SMBIOS_WHOLE = 0,     /* every structure up to the data's end or the end marker */
	SMBIOS_TRUNCATED = 1, /* the data ends within a structure, or one has an impossible length;
			       * what came before was visited */
};

/* The table /sys/firmware/dmi/tables/DMI, or one structure of dmi/entries/N/raw. Returns an answer
 * or what visit returned. data may be NULL when size is 0. */
int smbios_parse(const void *data, size_t size, smbios_visit visit, void *userdata);

/* The table's length by its entry point ("_SM_" or "_SM3_"): exact for the former, the most it can
 * be for the latter. *ret_exact tells which. -EINVAL when it is no entry point or its checksum is
 * off. */
int smbios_entry_length(const void *data, size_t size, size_t *ret_length, int *ret_exact);
