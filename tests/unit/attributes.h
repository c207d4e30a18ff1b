/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests whose plain files play attributes of the kernel: who links attributes.c has a write()
 * of its own before libc's. What is written from the start of a plain file replaces all that the
 * file said, however long that was; of resctrl's schemata it replaces what it names, and what it
 * names that is not there is refused (-EINVAL). All else goes through untouched. */
