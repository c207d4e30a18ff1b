/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Gives back the memory that was needed for a moment only: freed heap, and the pages of program
 * text that ran once (discovery, start-up). What is needed again is read in again by page faults
 * from the page cache; an agent that sleeps for days should not sit on it. madvise(2),
 * MADV_DONTNEED. */
void trim_memory(void);
