/* SPDX-License-Identifier: Apache-2.0 */
/* Words to the service manager (sd_notify(3)) and what it hands over. Without a manager nothing
 * happens, which is not an error. */
#include "systemd/notify.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

/* What a person reads in `systemctl status`; the manager cuts longer ones anyway. */
enum { STATUS_SIZE = 512 };

/* Assignments are separated by newlines: one in a status would begin a new assignment. */
static void one_line(char *room, size_t size, const char *status)
{
	(void)snprintf(room, size, "%s", status ? status : ""); /* a cut status is still one */
	for (char *p = room; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

/* No one may be listening, and nobody is worse off. */
static void tell(const char *state, const char *status)
{
	char line[STATUS_SIZE];

	one_line(line, sizeof(line), status);
	(void)sd_notifyf(0, "%s%s%s", state, status ? "STATUS=" : "", line);
}

void notify_ready(const char *status)
{
	tell("READY=1\n", status);
}

void notify_status(const char *status)
{
	tell("", status ? status : "");
}

void notify_stopping(void)
{
	tell("STOPPING=1\n", NULL);
}

int notify_watchdog(sd_event *loop)
{
	int r = sd_event_set_watchdog(loop, true);

	return r < 0 ? r : 0;
}

int notify_take_listener(void)
{
	int listener = -1, count = sd_listen_fds(true); /* once: the variables are gone then */

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
		if (listener < 0 && sd_is_socket(fd, AF_UNIX, SOCK_STREAM, true) > 0)
			listener = fd;
		else
			close_fd(fd); /* nobody else would ever ask for it */
	}
	return listener;
}
