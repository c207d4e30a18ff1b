/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for leftovers; see leftover_errand.h. Removal in three steps: what matches is collected,
 * then the processes of the host are asked, once, and only then anything is removed. */
#include "leftover_errand.h"

#include "cgroups/tree.h"
#include "leftover_users.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	QUICK_BYTES = 64 << 10, /* of a table of the kernel, in the loop */
	QUICK_FILES = 512,
	TABLE_BYTES = 64 << 20, /* 400,000 objects; without ipcmni_extend there are 32,768 */
	FILES_MAX = 1 << 20,
	OBJECTS_MAX = 1 << 18,
	PROCESSES_MAX = 1 << 16,
	USES_MAX = 1 << 16,
	CGROUP_DEPTH_MAX = 32,
};

/* --- is there anything? --- */

struct suspicion {
	const struct leftover_claim *claim;
	uint64_t anybody_usec;
};

static int suspect(const struct leftover *l, void *userdata)
{
	const struct suspicion *s = userdata;
	struct leftover_user maker = { l->creator, s->anybody_usec };
	const struct leftover_claim anybody = { .users = &maker, .users_count = 1 };

	return leftover_matches(s->anybody_usec ? &anybody : s->claim, l);
}

bool leftover_suspected(const struct host *host, const struct leftover_claim *claim,
			uint64_t anybody_usec)
{
	struct suspicion s = { claim, anybody_usec };
	const struct leftover_walk walk = { suspect, &s };

	return leftover_sysv_each(host->proc_fd, QUICK_BYTES, &walk) != 0 ||
	       leftover_files_each(host->root_fd, QUICK_FILES, &walk) != 0;
}

static void answer_json(int answer, json_t *document)
{
	_cleanup_free_ char *text = document ? json_text(document) : NULL;
	size_t size = text ? strlen(text) : 0, done = 0;

	while (done < size) {
		ssize_t n = write(answer, text + done, size - done);

		if (n <= 0)
			return; /* a cut answer is none */
		done += (size_t)n;
	}
}

/* --- before the end --- */

struct looking {
	const struct leftover_look *look;
	const struct host *host;
	struct leftover_places places;
	json_t *users, *processes, *uses;
	uint32_t uid; /* of the process that is being looked at */
};

static bool has_number(const json_t *list, json_int_t number)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_integer_value(json_array_get(list, i)) == number)
			return true;
	return false;
}

static int note_writer(const struct leftover_node *node, bool writable, void *userdata)
{
	struct looking *l = userdata;

	if (writable && json_array_size(l->uses) < USES_MAX)
		json_array_append_new(l->uses,
				      json_pack("[IIII]", (json_int_t)node->major,
						(json_int_t)node->minor, (json_int_t)node->inode,
						(json_int_t)l->uid));
	return 0;
}

/* Its real user counts: a program that runs with another's rights is still run by that one, and has
 * what it was handed. What cannot be read tells nothing: less is known for certain then. */
static void look_at_process(struct looking *l, pid_t pid)
{
	const struct leftover_uses uses = { &l->places, note_writer, l };
	uint64_t started;
	uint32_t users[4];

	if (pid == l->look->init_pid || json_array_size(l->processes) >= PROCESSES_MAX ||
	    leftover_process_users(l->host->proc_fd, pid, users) != LEFTOVER_PROCESS_THERE)
		return;
	l->uid = users[0];
	if (!has_number(l->users, l->uid) && json_array_size(l->users) < LEFTOVER_USERS_MAX)
		json_array_append_new(l->users, json_integer(l->uid));
	if (leftover_process_started(l->host->proc_fd, pid, &started) == LEFTOVER_PROCESS_THERE)
		json_array_append_new(l->processes,
				      json_pack("[iI]", (int)pid, (json_int_t)started));
	(void)leftover_process_files(l->host->proc_fd, pid, &uses);
}

static void look_below(struct looking *l, int cgroup, unsigned depth)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	if (cg_pids(cgroup, &pids, &count) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++)
		look_at_process(l, pids[i]);
	if (depth == 0 || cg_children(cgroup, &names, NULL) < 0)
		return;
	for (char **name = names; *name; name++) {
		_cleanup_close_ int child = -1;

		if (cg_open(cgroup, *name, &child) == 0)
			look_below(l, child, depth - 1);
	}
}

void leftover_look_errand(void *argument, int answer)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_json_ json_t *document = NULL;
	_cleanup_close_ int cgroup = -1;
	struct looking l = { .look = argument };

	if (host_open(&host, l.look->root, NULL) < 0)
		return;
	l.host = host;
	l.users = json_array();
	l.processes = json_array();
	l.uses = json_array();
	document = json_pack("{s:o,s:o,s:o}", "users", l.users, "processes", l.processes, "uses",
			     l.uses);
	if (!document)
		return;
	leftover_places_find(host->root_fd, &l.places);
	if (l.look->cgroup && host->cgroup_fd >= 0 &&
	    cg_open(host->cgroup_fd, l.look->cgroup, &cgroup) == 0)
		look_below(&l, cgroup, CGROUP_DEPTH_MAX);
	for (size_t i = 0; i < l.look->pids_count; i++)
		look_at_process(&l, l.look->pids[i]);
	answer_json(answer, document);
}

static uint64_t number_at(const json_t *list, size_t i)
{
	return (uint64_t)json_integer_value(json_array_get(list, i));
}

int leftover_look_answer(const char *answer, size_t size, uint64_t since_usec,
			 struct leftover_claim *claim, struct fail *f)
{
	_cleanup_json_ json_t *document = NULL;
	const json_t *users, *processes, *uses;
	int r = json_parse_object(answer, size, &document, f);

	users = json_object_get(document, "users");
	processes = json_object_get(document, "processes");
	uses = json_object_get(document, "uses");
	for (size_t i = 0; r == 0 && i < json_array_size(users); i++)
		r = leftover_claim_user(claim, (uint32_t)number_at(users, i), since_usec);
	for (size_t i = 0; r == 0 && i < json_array_size(processes); i++) {
		const json_t *p = json_array_get(processes, i);

		r = leftover_claim_process(claim, (int32_t)number_at(p, 0), number_at(p, 1));
	}
	for (size_t i = 0; r == 0 && i < json_array_size(uses); i++) {
		const json_t *u = json_array_get(uses, i);
		const struct leftover_node node = { (uint32_t)number_at(u, 0),
						    (uint32_t)number_at(u, 1), number_at(u, 2) };

		r = leftover_claim_use(claim,
				       &(struct leftover_use){ node, (uint32_t)number_at(u, 3) });
	}
	leftover_claim_sort(claim);
	return r < 0 && f && !f->error ? fail_set(f, r, "%s", strerror(-r)) : r;
}

/* --- after it --- */

struct cleaning {
	const struct host *host;
	const struct leftover_cleaning *order;
	uint64_t deadline_usec;
	struct leftover *items;
	size_t count, room;
	struct leftover_node *nodes; /* of the files among them, sorted */
	bool *used;		     /* each node, by somebody */
	size_t nodes_count;
	bool busy[LEFTOVER_USERS_MAX]; /* each user of the claim */
	bool unsure, unsure_files;     /* not every process could be asked, or not for its files */
	uint64_t removed, removed_bytes, more;
	json_t *told;
	const char *reason; /* why not all could be looked at */
};

static bool late(const struct cleaning *c)
{
	return c->host->monotonic_usec(c->host) >= c->deadline_usec;
}

static void cleaning_done(struct cleaning *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->items[i].name);
	free(c->items);
	free(c->nodes);
	free(c->used);
	json_decref(c->told);
}

static int collect(const struct leftover *l, void *userdata)
{
	struct cleaning *c = userdata;
	struct leftover copy = *l;

	if (!leftover_matches(c->order->claim, l))
		return 0;
	if (c->count >= OBJECTS_MAX)
		return -E2BIG;
	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 16;
		struct leftover *grown = reallocarray(c->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		c->items = grown;
		c->room = room;
	}
	if (l->name && !(copy.name = strdup(l->name)))
		return -ENOMEM;
	c->items[c->count++] = copy;
	return 0;
}

static void collect_all(struct cleaning *c)
{
	const struct leftover_walk walk = { collect, c };
	int r = leftover_sysv_each(c->host->proc_fd, TABLE_BYTES, &walk);
	int k = leftover_files_each(c->host->root_fd, FILES_MAX, &walk);

	r = r < 0 ? r : k;
	if (r == -E2BIG)
		c->reason = "there is more than is looked at";
	else if (r == -EBADMSG)
		c->reason = "the kernel's tables are of a form that is not known";
	else if (r < 0)
		c->reason = strerror(-r);
}

static int name_nodes(struct cleaning *c)
{
	c->nodes = calloc(c->count + 1, sizeof(*c->nodes));
	c->used = calloc(c->count + 1, sizeof(*c->used));
	if (!c->nodes || !c->used)
		return -ENOMEM;
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].name && !c->items[i].directory)
			c->nodes[c->nodes_count++] = c->items[i].node;
	qsort(c->nodes, c->nodes_count, sizeof(*c->nodes), leftover_node_compare);
	return 0;
}

/* The first of equal ones (hard links), so that all of them are found used. */
static bool *use_of(const struct cleaning *c, const struct leftover_node *node)
{
	const struct leftover_node *found =
		bsearch(node, c->nodes, c->nodes_count, sizeof(*node), leftover_node_compare);

	while (found && found > c->nodes && leftover_node_compare(found - 1, node) == 0)
		found--;
	return found ? &c->used[found - c->nodes] : NULL;
}

static int note_use(const struct leftover_node *node, bool writable, void *userdata)
{
	bool *use = use_of(userdata, node);

	(void)writable;
	if (use)
		*use = true;
	return 0;
}

static void ask_process(struct cleaning *c, pid_t pid, const struct leftover_places *places)
{
	const struct leftover_claim *claim = c->order->claim;
	const struct leftover_uses uses = { places, note_use, c };
	uint32_t users[4];
	int r = leftover_process_users(c->host->proc_fd, pid, users);

	c->unsure |= r < 0;
	for (size_t i = 0; r == LEFTOVER_PROCESS_THERE && i < claim->users_count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(users); k++)
			c->busy[i] |= claim->users[i].uid == users[k];
	if (r == LEFTOVER_PROCESS_THERE && c->nodes_count > 0)
		c->unsure_files |= leftover_process_files(c->host->proc_fd, pid, &uses) < 0;
}

static void ask_all(struct cleaning *c)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct leftover_places places;
	int fd = fs_open_dir(c->host->proc_fd, ".");

	leftover_places_find(c->host->root_fd, &places);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		close_fd(fd);
		c->unsure = true;
		return;
	}
	for (const struct dirent *d; (errno = 0, d = readdir(dir));) {
		int32_t pid;

		if (late(c)) {
			c->unsure = true;
			return;
		}
		if (parse_i32(d->d_name, &pid) == 0 && pid > 0 && pid != getpid())
			ask_process(c, pid, &places);
	}
	c->unsure |= errno != 0;
}

static bool lives(const struct cleaning *c, int32_t pid)
{
	uint32_t users[4];

	return pid > 0 &&
	       leftover_process_users(c->host->proc_fd, pid, users) != LEFTOVER_PROCESS_GONE;
}

static struct leftover_signs signs_of(const struct cleaning *c, const struct leftover *l)
{
	const struct leftover_claim *claim = c->order->claim;
	const bool *use = l->name ? use_of(c, &l->node) : NULL;
	struct leftover_signs s = { .unsure = c->unsure || (l->name && c->unsure_files) };

	for (size_t i = 0; i < claim->users_count; i++)
		s.user_outside |= claim->users[i].uid == l->creator && c->busy[i];
	s.in_use = (use && *use) || l->attached > 0 || lives(c, l->used_by[0]) ||
		   lives(c, l->used_by[1]);
	return s;
}

static json_t *describe(const struct leftover *l, const char *why)
{
	json_t *row = json_pack("{s:s}", "kind", leftover_kind_to_string(l->kind));
	int r = row ? 0 : -ENOMEM;

	if (r == 0 && l->name)
		r = json_put(row, "name", json_string_lossy(l->name));
	if (r == 0 && !l->name)
		r = json_put(row, "id", json_integer(l->id));
	if (r == 0 && !l->name)
		r = json_put(row, "key", json_sprintf("0x%08x", l->key));
	if (r == 0)
		r = json_put(row, "uid", json_integer(l->creator));
	if (r == 0)
		r = json_put(row, "bytes", json_integer((json_int_t)l->bytes));
	if (r == 0)
		(void)json_put_string(row, "why", why); /* the rest is told without */
	return row;
}

static void tell(struct cleaning *c, const struct leftover *l, const char *why)
{
	if (json_array_size(c->told) >= LEFTOVER_TOLD_MAX ||
	    json_array_append_new(c->told, describe(l, why)) < 0)
		c->more++;
}

static void settle(struct cleaning *c, const struct leftover *l)
{
	const struct leftover_signs signs = signs_of(c, l);
	const char *why = leftover_judge(c->order->claim, l, &signs);
	int r;

	if (l->directory && (why || !c->order->remove))
		return; /* it has no bytes of its own */
	if (!why && late(c))
		why = "there was no time left to remove it";
	if (!why && !c->order->remove)
		why = "the configuration says to leave it";
	if (why) {
		tell(c, l, why);
		return;
	}
	r = l->name ? leftover_files_remove(c->host->root_fd, l) : leftover_sysv_remove(l);
	if (r == 0) {
		c->removed += !l->directory;
		c->removed_bytes += l->bytes;
	} else if (!l->directory && r != -ENOENT && !(r == -EINVAL && !l->name)) {
		tell(c, l, strerror(-r));
	}
}

static json_t *report(const struct cleaning *c)
{
	json_t *d = json_pack("{s:{s:I,s:I}}", "removed", "objects", (json_int_t)c->removed,
			      "bytes", (json_int_t)c->removed_bytes);
	int r = d ? 0 : -ENOMEM;

	if (r == 0 && json_array_size(c->told) > 0)
		r = json_put(d, "left_behind", json_incref(c->told));
	if (r == 0 && c->more > 0)
		r = json_put(d, "left_behind_more", json_integer((json_int_t)c->more));
	if (r == 0 && c->reason)
		(void)json_put_string(d, "reason", c->reason); /* the rest is told without */
	return d;
}

json_t *leftover_clean(const struct host *host, const struct leftover_cleaning *order)
{
	_cleanup_(cleaning_done) struct cleaning c = { .host = host,
						       .order = order,
						       .told = json_array() };

	c.deadline_usec = host->monotonic_usec(host) + order->limit_usec;
	collect_all(&c);
	if (!c.told || name_nodes(&c) < 0)
		return NULL;
	if (c.count > 0)
		ask_all(&c);
	for (size_t i = 0; i < c.count; i++)
		settle(&c, &c.items[i]);
	return report(&c);
}

void leftover_clean_errand(void *argument, int answer)
{
	const struct leftover_cleaning *order = argument;
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_json_ json_t *document = NULL;

	if (host_open(&host, order->root, NULL) < 0)
		return;
	document = leftover_clean(host, order);
	answer_json(answer, document);
}
