/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A reeve-init of its own for each test, with or without a cgroup, and the agent's side of its
 * socket. Helpers fail the running cmocka test; nothing waits longer than RIG_PATIENCE_MSEC. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/frame.h"

enum { RIG_PATIENCE_MSEC = 20000 };

struct rig {
	bool with_cgroup;
	bool cgroup_later;
	bool without_clone3; /* as a container's seccomp filter has it: ENOSYS */
	pid_t init;
	int listener, record, agent;
	char cgroup[256]; /* "" without */
};

struct answer { /* a FRAME_STATUS, FRAME_RESULT or FRAME_WELCOME; -1: the field was absent */
	uint32_t type;
	char task[64], stage[32], slice[64];
	int64_t state, pid, code, signal, error, restarts, started, ended, user, peak, ticks, oom;
};

/* The cgroup v2 mount of this host, or NULL where tests may not write. */
const char *rig_cgroup_mount(void);
int rig_open(struct rig *r, bool with_cgroup);
/* Ends its init and starts one that is refused clone3. */
void rig_reopen_without_clone3(struct rig *r);
void rig_reopen_without_cgroup(struct rig *r); /* it is to be told by FRAME_HELLO */
void rig_close(struct rig *r);	    /* kills what is left, and checks that the cgroup is empty */
pid_t rig_fork_init(struct rig *r); /* with what r says; the caller's */
int rig_connect(struct rig *r);
bool rig_leaf_exists(const struct rig *r, const char *task);

void order_begin(struct frame_writer *w, const char *task); /* in a room of its own */
void order_shell(struct frame_writer *w, const char *task, const char *script);
void order_limit(struct frame_writer *w, uint64_t resource, uint64_t soft, uint64_t hard);
void send_frame(int fd, const struct frame_writer *w, const int *fds, size_t count);
void send_task(int fd, enum frame_type type, const char *task);
void send_signal(int fd, const char *task, int signal);
void send_stop(int fd, const char *task, uint64_t grace_usec);

bool parse_answer(const void *packet, size_t size, struct answer *ret);
bool receive(int fd, struct answer *ret); /* false: the connection is closed */
struct answer await_state(int fd, const char *task, enum frame_state state);
int await_result(int fd, const char *task); /* its errno */
void await_close(int fd);
/* Starts it with its stdout on a pipe and returns what it wrote, when it has ended. */
struct answer run_to_end(struct rig *r, const struct frame_writer *w, char *room, size_t size);
void await_gone(pid_t pid);

/* Each test's setup and teardown, and both runs of a table; without a writable cgroup v2: one. */
int rig_setup(void **state);
int rig_teardown(void **state);
int rig_group_without(void **state);
int rig_group_with(void **state);
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
#define RIG_RUN(tests)                                                                       \
	(cmocka_run_group_tests_name("without cgroups", tests, rig_group_without, NULL) +    \
	 (rig_cgroup_mount()                                                                 \
		  ? cmocka_run_group_tests_name("with cgroups", tests, rig_group_with, NULL) \
		  : 0))
