/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Connections of agents: SOCK_SEQPACKET, frames of wire/frame.h. Only root and our own user are
 * served. An agent that does not read what it is sent, or sends what is no frame, loses its
 * connection, and nothing else happens; it may come back and say HELLO. */

#include <stddef.h>

#include "init/init.h"

void channel_accept(struct init *i);
void channel_read(struct init *i, int *fd); /* one packet; *fd becomes -1 when it is closed */
void channel_send(int *fd, const void *frame, size_t size); /* as above */
void channel_broadcast(struct init *i, const void *frame, size_t size);
