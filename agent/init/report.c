/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses; see report.h. A field that says nothing (no exit yet, no memory controller) is left
 * out. Failing to write is nobody's end: the agents were told, and a reconnecting one is again. */
#include "init/report.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/channel.h"
#include "wire/frame.h"

static enum frame_state state_of(const struct task *t)
{
	switch (t->phase) {
	case TASK_STARTING:
	case TASK_RUNNING:
	case TASK_DRAINING:
		return t->stopping ? FRAME_STATE_STOPPING : FRAME_STATE_RUNNING;
	case TASK_WAITING:
		return FRAME_STATE_WAITING;
	case TASK_FAILED:
		return FRAME_STATE_FAILED;
	case TASK_ENDED:
		break;
	}
	return FRAME_STATE_ENDED;
}

static void put_run(struct frame_writer *w, const struct task *t)
{
	frame_put_u64(w, FRAME_TAG_STARTED_USEC, t->started_usec);
	if (t->has_exited && WIFEXITED(t->wait_status))
		frame_put_u32(w, FRAME_TAG_EXIT_CODE, (uint32_t)WEXITSTATUS(t->wait_status));
	if (t->has_exited && WIFSIGNALED(t->wait_status))
		frame_put_u32(w, FRAME_TAG_EXIT_SIGNAL, (uint32_t)WTERMSIG(t->wait_status));
	if (t->has_exited)
		frame_put_u64(w, FRAME_TAG_ENDED_USEC, t->ended_usec);
	frame_put_u64(w, FRAME_TAG_CPU_USER_USEC, t->cpu_user_usec);
	frame_put_u64(w, FRAME_TAG_CPU_SYSTEM_USEC, t->cpu_system_usec);
	frame_put_u64(w, FRAME_TAG_MEMORY_PEAK_BYTES,
		      t->facts.has_peak ? t->facts.peak_bytes : t->resident_peak_bytes);
	if (t->facts.has_oom)
		frame_put_u32(w, FRAME_TAG_OOM_KILLED, t->facts.oom_killed);
}

size_t report_encode(const struct task *t, void *room)
{
	struct frame_writer w;

	frame_begin(&w, room, REPORT_BYTES, FRAME_STATUS);
	frame_put_text(&w, FRAME_TAG_TASK, t->order.name);
	frame_put_u32(&w, FRAME_TAG_STATE, state_of(t));
	frame_put_u32(&w, FRAME_TAG_RESTARTS, t->restarts);
	if (t->pid > 0)
		frame_put_u32(&w, FRAME_TAG_PID, (uint32_t)t->pid);
	if (t->pid > 0 && t->start_ticks)
		frame_put_u64(&w, FRAME_TAG_START_TIME, t->start_ticks);
	if (t->has_run)
		put_run(&w, t);
	if (t->error < 0) {
		frame_put_u32(&w, FRAME_TAG_ERRNO, (uint32_t)-t->error);
		frame_put_text(&w, FRAME_TAG_STAGE, t->stage);
	}
	return frame_end(&w) < 0 ? 0 : w.size; /* REPORT_BYTES is enough for all of it */
}

/* A full disk may cut a record short: the torn half is taken back, so that later ones stand. */
static void append_record(int fd, const void *frame, uint32_t size)
{
	char record[sizeof(size) + REPORT_BYTES];
	struct stat status;
	ssize_t n;

	memcpy(record, &size, sizeof(size));
	memcpy(record + sizeof(size), frame, size);
	n = write(fd, record, sizeof(size) + size);
	if (n > 0 && (size_t)n < sizeof(size) + size && fstat(fd, &status) == 0)
		(void)!ftruncate(fd, status.st_size - n);
}

void report_task(const struct task *t)
{
	char frame[REPORT_BYTES] __attribute__((aligned(8)));
	size_t size = report_encode(t, frame);

	if (!task_active(t) && t->init->record >= 0)
		append_record(t->init->record, frame, (uint32_t)size);
	channel_broadcast(t->init, frame, size);
}
