/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What reevectl can do, as one table: names, help, options, positional words. Help and completion
 * are made from it. */

#include "ctl/args.h"
#include "ctl/session.h"

struct verb {
	const char *name;			 /* "slice create"; NULL ends the table */
	const char *synopsis;			 /* what follows the name */
	const char *help;			 /* one line, no full stop */
	const struct option_row *const *options; /* NULL-terminated list of tables, or NULL */
	const char *words; /* kinds of its words for completion: "slice,task"; NULL none */
	unsigned words_minimum, words_maximum; /* 0 maximum: none may be given */
	int words_before_command;	       /* ARGS_ALL_WORDS where no command follows */
	bool hidden;
	bool run_status; /* whatever fails before the task runs is CTL_RUN_FAILED */
	enum ctl_exit (*run)(struct session *s, const struct args *args);
};

enum { VERB_MANY_WORDS = 100000 }; /* no bound but the kernel's on a command line */

extern const struct verb verbs[];
extern const struct option_row global_options[]; /* before or after the verb */

/* The verb that words begin with (longest name first) and how many words its name has; NULL none.
 */
const struct verb *verb_find(char *const *words, unsigned *ret_words);

/* --help of one verb, or of all with NULL. */
void verb_help(struct buf *into, const struct verb *verb);

/* Where a socket is looked for without --socket: REEVE_SOCKET, else the built-in path. */
const char *verb_default_socket(void);

enum ctl_exit verb_topology(struct session *s, const struct args *args);
enum ctl_exit verb_inventory(struct session *s, const struct args *args);
enum ctl_exit verb_offers(struct session *s, const struct args *args);
enum ctl_exit verb_run(struct session *s, const struct args *args);
enum ctl_exit verb_slice_create(struct session *s, const struct args *args);
enum ctl_exit verb_slice_list(struct session *s, const struct args *args);
enum ctl_exit verb_slice_show(struct session *s, const struct args *args);
enum ctl_exit verb_slice_resize(struct session *s, const struct args *args);
enum ctl_exit verb_slice_freeze(struct session *s, const struct args *args);
enum ctl_exit verb_slice_thaw(struct session *s, const struct args *args);
enum ctl_exit verb_slice_delete(struct session *s, const struct args *args);
enum ctl_exit verb_queue_list(struct session *s, const struct args *args);
enum ctl_exit verb_queue_delete(struct session *s, const struct args *args);
enum ctl_exit verb_task_start(struct session *s, const struct args *args);
enum ctl_exit verb_task_list(struct session *s, const struct args *args);
enum ctl_exit verb_task_show(struct session *s, const struct args *args);
enum ctl_exit verb_task_signal(struct session *s, const struct args *args);
enum ctl_exit verb_task_stop(struct session *s, const struct args *args);
enum ctl_exit verb_task_logs(struct session *s, const struct args *args);
enum ctl_exit verb_task_delete(struct session *s, const struct args *args);
enum ctl_exit verb_events(struct session *s, const struct args *args);
enum ctl_exit verb_health(struct session *s, const struct args *args);
enum ctl_exit verb_node(struct session *s, const struct args *args);
enum ctl_exit verb_explain(struct session *s, const struct args *args);
enum ctl_exit verb_metrics(struct session *s, const struct args *args);
enum ctl_exit verb_version(struct session *s, const struct args *args);
enum ctl_exit verb_show_help(struct session *s, const struct args *args);
enum ctl_exit verb_complete(struct session *s, const struct args *args);

extern const struct option_row topology_options[];
extern const struct option_row explain_options[];
extern const struct option_row inventory_options[];
extern const struct option_row run_options[];
extern const struct option_row slice_delete_options[];
extern const struct option_row task_stop_options[];
extern const struct option_row task_logs_options[];
extern const struct option_row events_options[];
