/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for leftovers and removing them: real objects of all kinds, made by processes of users
 * that nobody else is, in namespaces of this test's own: of IPC, and of processes, so that no
 * stranger's count. */
#include "leftover_errand.h"

#include "util/cleanup.h"

#include <errno.h>
#include <mqueue.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

enum { MEBIBYTE = 1 << 20, USER = 64123, LIMIT_USEC = 60 * 1000000, CHUNK = 65536 };

struct rig {
	struct scratch root;
	struct host *host;
	struct leftover_claim claim;
	int shm, sem, msg; /* ids of what was made last */
	bool alone, mqueue;
};

static struct rig rig;

static void make_dir(const char *path)
{
	assert_int_equal(mkdirat(rig.root.fd, path, 0755), 0);
}

static void mount_at(const char *what, const char *path, bool *ret)
{
	char where[128];

	(void)snprintf(where, sizeof(where), "%s/%s", rig.root.path, path);
	*ret = mount(what, where, what, 0, NULL) == 0;
}

static int open_rig(void **state)
{
	bool done = false;

	(void)state;
	if (!rig.alone)
		return 0; /* said by each test */
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	/* For who looks at this process itself, as sanitizers do. */
	assert_int_equal(mount("proc", "/proc", "proc", 0, NULL), 0);
	scratch_open(&rig.root);
	assert_int_equal(chmod(rig.root.path, 0755), 0);
	make_dir("dev");
	make_dir("dev/shm");
	make_dir("dev/mqueue");
	make_dir("proc");
	make_dir("sys");
	mount_at("mqueue", "dev/mqueue", &rig.mqueue);
	if (!rig.mqueue)
		print_message("this kernel has no POSIX message queues: without\n");
	mount_at("tmpfs", "dev/shm", &done);
	assert_true(done);
	assert_int_equal(fchmodat(rig.root.fd, "dev/shm", 01777, 0), 0);
	mount_at("proc", "proc", &done);
	assert_true(done);
	assert_int_equal(host_open(&rig.host, rig.root.path, NULL), 0);
	return 0;
}

static int close_rig(void **state)
{
	static const char *const mounts[] = { "dev/mqueue", "dev/shm", "proc" };
	char path[128];

	(void)state;
	if (!rig.host)
		return 0;
	host_free(rig.host);
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rig.root.path, mounts[i]);
		assert_true(umount(path) == 0 || (i == 0 && !rig.mqueue));
	}
	scratch_done(&rig.root);
	return 0;
}

static bool begin(void)
{
	if (!rig.host) {
		print_message("skipped: this needs root, and namespaces of its own\n");
		skip();
	}
	rig.claim = (struct leftover_claim){ 0 };
	assert_int_equal(
		leftover_claim_user(&rig.claim, USER, rig.host->realtime_usec(rig.host) - 1000000),
		0);
	return true;
}

static void fill_file(const char *path, size_t bytes)
{
	static const char chunk[CHUNK] = { 1 };
	int fd = openat(rig.root.fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (size_t done = 0; done < bytes; done += CHUNK)
		if (write(fd, chunk, CHUNK) != CHUNK)
			_exit(10);
	close_fd(fd);
}

static void make_queue(void)
{
	mqd_t queue = mq_open("/left", O_RDWR | O_CREAT, 0600, NULL);

	if (queue < 0 || mq_send(queue, "abc", 3, 0) < 0)
		_exit(14);
	(void)mq_close(queue);
}

/* In the child, as its user; what it made is told by the pipe. */
static void make_all(int told)
{
	struct {
		long type;
		char text[100];
	} message = { .type = 1 };
	int ids[3] = { shmget(IPC_PRIVATE, MEBIBYTE, IPC_CREAT | 0600),
		       semget(0x5ee7e, 3, IPC_CREAT | 0600),
		       msgget(IPC_PRIVATE, IPC_CREAT | 0600) };
	char *at = shmat(ids[0], NULL, 0);

	if (ids[1] < 0 || at == (char *)-1 || msgsnd(ids[2], &message, sizeof(message.text), 0) < 0)
		_exit(11);
	memset(at, 1, MEBIBYTE);
	(void)shmdt(at);
	if (rig.mqueue)
		make_queue();
	if (mkdirat(rig.root.fd, "dev/shm/job", 0700) < 0)
		_exit(12);
	fill_file("dev/shm/job/rank 0", CHUNK);
	fill_file("dev/shm/big", MEBIBYTE);
	(void)!write(told, ids, sizeof(ids));
}

static pid_t start(uid_t uid, void (*then)(int told))
{
	int ends[2], ids[3];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(9);
		then(ends[1]);
		close_fd(ends[1]);
		for (;;)
			pause();
	}
	close_fd(ends[1]);
	if (read(ends[0], ids, sizeof(ids)) == sizeof(ids)) {
		rig.shm = ids[0];
		rig.sem = ids[1];
		rig.msg = ids[2];
	}
	close_fd(ends[0]);
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(reap_signal(pid), SIGKILL);
}

/* What a job leaves that died. */
static void leave_all(void)
{
	end(start(USER, make_all));
}

static bool there(const char *path)
{
	return fs_exists(rig.root.fd, path);
}

static bool shm_there(int id)
{
	struct shmid_ds now;

	return shmctl(id, IPC_STAT, &now) == 0;
}

static unsigned count_there(void)
{
	struct msqid_ds now;

	return shm_there(rig.shm) + (semctl(rig.sem, 0, GETVAL) >= 0) +
	       (msgctl(rig.msg, IPC_STAT, &now) == 0) + there("dev/mqueue/left") +
	       there("dev/shm/job/rank 0") + there("dev/shm/big");
}

static unsigned all(void)
{
	return rig.mqueue ? 6 : 5;
}

static json_t *clean_as(bool leave)
{
	const struct leftover_cleaning order = { .claim = &rig.claim,
						 .remove = !leave,
						 .limit_usec = LIMIT_USEC };
	json_t *document;

	assert_true(leftover_suspected(rig.host, &rig.claim, 0));
	document = leftover_clean(rig.host, &order);
	assert_non_null(document);
	assert_null(json_object_get(document, "reason"));
	return document;
}

static json_int_t removed(const json_t *document, const char *what)
{
	return json_integer_value(json_object_get(json_object_get(document, "removed"), what));
}

static const json_t *told(const json_t *document, const char *kind)
{
	const json_t *list = json_object_get(document, "left_behind");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		if (strcmp(json_string_value(json_object_get(row, "kind")), kind) == 0)
			return row;
	}
	return NULL;
}

static void assert_why(const json_t *document, const char *kind, const char *why)
{
	const json_t *row = told(document, kind);

	assert_non_null(row);
	assert_int_equal(json_integer_value(json_object_get(row, "uid")), USER);
	assert_non_null(strstr(json_string_value(json_object_get(row, "why")), why));
}

/* At the end of each test: nobody may want anything any more. */
static void finish(void)
{
	json_decref(clean_as(false));
	assert_int_equal(count_there(), 0);
	assert_false(leftover_suspected(rig.host, &rig.claim, 0));
	leftover_claim_done(&rig.claim);
}

static void test_all_that_a_user_left_is_removed_and_nothing_else(void **state)
{
	_cleanup_json_ json_t *document = NULL;
	int precious;

	(void)state;
	begin();
	precious = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600); /* of root */
	fill_file("dev/shm/precious", CHUNK);
	leave_all();
	assert_int_equal(count_there(), all());
	document = clean_as(false);
	assert_int_equal(count_there(), 0);
	assert_false(there("dev/shm/job"));
	assert_int_equal(removed(document, "objects"), all());
	assert_true(removed(document, "bytes") >= 2 * MEBIBYTE + CHUNK + 100);
	assert_null(json_object_get(document, "left_behind"));
	assert_true(shm_there(precious));
	assert_true(there("dev/shm/precious"));
	assert_int_equal(shmctl(precious, IPC_RMID, NULL), 0);
	assert_int_equal(unlinkat(rig.root.fd, "dev/shm/precious", 0), 0);
	leftover_claim_done(&rig.claim);
}

static void test_what_was_made_before_stays_and_is_not_told(void **state)
{
	struct leftover_claim later = { 0 };

	(void)state;
	begin();
	leave_all();
	assert_int_equal(
		leftover_claim_user(&later, USER, rig.host->realtime_usec(rig.host) + 5000000), 0);
	assert_false(leftover_suspected(rig.host, &later, 0));
	assert_true(leftover_suspected(rig.host, &later, rig.claim.users[0].since_usec));
	assert_int_equal(count_there(), all());
	leftover_claim_done(&later);
	finish();
}

static void do_nothing(int told_to)
{
	(void)told_to;
}

static void test_with_another_process_of_the_user_all_is_told_and_stays(void **state)
{
	_cleanup_json_ json_t *document = NULL;
	pid_t other;

	(void)state;
	begin();
	leave_all();
	other = start(USER, do_nothing);
	document = clean_as(false);
	end(other);
	assert_int_equal(count_there(), all());
	assert_int_equal(removed(document, "objects"), 0);
	assert_int_equal(json_array_size(json_object_get(document, "left_behind")), all());
	assert_why(document, "sysv-shm", "run as its user");
	assert_why(document, "sysv-sem", "run as its user");
	assert_why(document, "sysv-msg", "run as its user");
	assert_why(document, "posix-shm", "run as its user");
	if (rig.mqueue)
		assert_why(document, "posix-mq", "run as its user");
	assert_int_equal(json_integer_value(json_object_get(told(document, "sysv-shm"), "bytes")),
			 MEBIBYTE);
	assert_int_equal(json_integer_value(json_object_get(told(document, "sysv-shm"), "id")),
			 rig.shm);
	assert_string_equal(json_string_value(json_object_get(told(document, "sysv-sem"), "key")),
			    "0x0005ee7e");
	assert_null(json_object_get(document, "left_behind_more"));
	finish();
}

static void use_some(int told_to)
{
	int fd = openat(rig.root.fd, "dev/shm/big", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || shmat(rig.shm, NULL, SHM_RDONLY) == (void *)-1)
		_exit(13);
	(void)told_to;
}

static void test_what_somebody_else_uses_stays(void **state)
{
	_cleanup_json_ json_t *document = NULL;
	pid_t other;

	(void)state;
	begin();
	leave_all();
	other = start(0, use_some);
	document = clean_as(false);
	end(other);
	assert_int_equal(count_there(), 2);
	assert_int_equal(removed(document, "objects"), all() - 2);
	assert_why(document, "sysv-shm", "uses it");
	assert_why(document, "posix-shm", "uses it");
	assert_true(there("dev/shm/big"));
	finish();
}

static void test_tasks_of_another_slice_keep_it(void **state)
{
	_cleanup_json_ json_t *document = NULL;

	(void)state;
	begin();
	leave_all();
	assert_int_equal(leftover_claim_other(&rig.claim, USER), 0);
	document = clean_as(false);
	assert_int_equal(count_there(), all());
	assert_why(document, "sysv-msg", "another slice");
	rig.claim.others_count = 0;
	finish();
}

/* As the errand's answer goes to the agent. */
static void look(pid_t *pids, size_t count, struct leftover_claim *ret)
{
	struct leftover_look order = {
		.root = rig.root.path, .pids = pids, .pids_count = count, .init_pid = getpid()
	};
	struct fail f = { 0 };
	char room[4096];
	int ends[2];
	ssize_t n;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	leftover_look_errand(&order, ends[1]);
	close_fd(ends[1]);
	n = read(ends[0], room, sizeof(room));
	close_fd(ends[0]);
	assert_true(n > 0);
	assert_int_equal(
		leftover_look_answer(room, (size_t)n, rig.claim.users[0].since_usec, ret, &f), 0);
}

static void make_and_keep(int told_to)
{
	make_all(told_to);
	(void)openat(rig.root.fd, "dev/shm/big", O_RDWR | O_CLOEXEC);
	(void)openat(rig.root.fd, "dev/shm/job/rank 0", O_RDONLY | O_CLOEXEC);
}

static void test_what_its_processes_were_seen_with_goes_though_others_share_the_user(void **state)
{
	_cleanup_json_ json_t *document = NULL;
	struct leftover_claim seen = { 0 };
	pid_t pids[2], other;

	(void)state;
	begin();
	pids[0] = start(USER, make_and_keep);
	pids[1] = getpid(); /* stands for reeve-init, which does not count */
	other = start(USER, do_nothing);
	for (int i = 0; i < 200 && seen.uses_count == 0; i++) { /* it opens after it has told */
		const struct timespec pause = { .tv_nsec = 10000000 };

		leftover_claim_done(&seen);
		look(pids, 2, &seen);
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(seen.users_count, 1);
	assert_int_equal(seen.users[0].uid, USER);
	assert_int_equal(seen.processes_count, 1);
	assert_int_equal(seen.processes[0].pid, pids[0]);
	assert_int_equal(seen.uses_count, 1);
	assert_int_equal(seen.uses[0].uid, USER);
	end(pids[0]);
	leftover_claim_done(&rig.claim);
	rig.claim = seen;
	document = clean_as(false);
	end(other);
	assert_int_equal(removed(document, "objects"), 2);
	assert_false(shm_there(rig.shm));
	assert_false(there("dev/shm/big"));
	assert_true(there("dev/shm/job/rank 0"));
	assert_int_equal(count_there(), all() - 2);
	finish();
}

static void test_by_configuration_all_is_told_and_stays(void **state)
{
	_cleanup_json_ json_t *document = NULL;

	(void)state;
	begin();
	leave_all();
	document = clean_as(true);
	assert_int_equal(count_there(), all());
	assert_why(document, "posix-shm", "configuration");
	finish();
}

static void make_many(int told_to)
{
	for (int i = 0; i < 2000; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "dev/shm/many-%d", i);
		close_fd(openat(rig.root.fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	(void)told_to;
}

static void test_of_thousands_few_are_told_and_all_are_removed(void **state)
{
	_cleanup_json_ json_t *document = NULL;

	(void)state;
	begin();
	end(start(USER, make_many));
	document = clean_as(true);
	assert_int_equal(json_array_size(json_object_get(document, "left_behind")),
			 LEFTOVER_TOLD_MAX);
	assert_int_equal(json_integer_value(json_object_get(document, "left_behind_more")),
			 2000 - LEFTOVER_TOLD_MAX);
	json_decref(document);
	document = clean_as(false);
	assert_int_equal(removed(document, "objects"), 2000);
	assert_null(json_object_get(document, "left_behind"));
	leftover_claim_done(&rig.claim);
}

static void test_answers_that_are_damaged_add_nothing_wrong(void **state)
{
	static const char *const vectors[] = { "", "{", "[]", "{\"users\":", "7" };
	struct leftover_claim c = { 0 };
	struct fail f = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		f = (struct fail){ 0 };
		assert_true(leftover_look_answer(vectors[i], strlen(vectors[i]), 1, &c, &f) < 0);
		assert_true(f.error < 0);
		assert_int_equal(c.users_count, 0);
	}
	assert_int_equal(leftover_look_answer("{}", 2, 1, &c, &f), 0);
	assert_int_equal(c.users_count + c.processes_count + c.uses_count, 0);
	leftover_claim_done(&c);
}

static int end_of(pid_t pid)
{
	int status = 1;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_a_user_left_is_removed_and_nothing_else),
		cmocka_unit_test(test_what_was_made_before_stays_and_is_not_told),
		cmocka_unit_test(test_with_another_process_of_the_user_all_is_told_and_stays),
		cmocka_unit_test(test_what_somebody_else_uses_stays),
		cmocka_unit_test(test_tasks_of_another_slice_keep_it),
		cmocka_unit_test(
			test_what_its_processes_were_seen_with_goes_though_others_share_the_user),
		cmocka_unit_test(test_by_configuration_all_is_told_and_stays),
		cmocka_unit_test(test_of_thousands_few_are_told_and_all_are_removed),
		cmocka_unit_test(test_answers_that_are_damaged_add_nothing_wrong),
	};

	/* The first process only waits: signals that stop do not reach it, as sanitizers want. */
	rig.alone = unshare(CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID) == 0;
	for (int generation = 0; rig.alone && generation < 2; generation++) {
		pid_t pid = fork();

		if (pid != 0)
			_exit(end_of(pid));
	}
	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
