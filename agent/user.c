/* SPDX-License-Identifier: Apache-2.0 */
/* Users of tasks; see user.h. */
#include "user.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_BYTES = 16384 };
#define NOBODY_AT_ALL UINT32_MAX /* (uid_t)-1: "leave it as it is" in setresuid(2) */

struct found_user {
	struct passwd record;
	char room[RECORD_BYTES];
};

static bool find_user(const char *name, uid_t uid, struct found_user *ret)
{
	struct passwd *found = NULL;

	if (name)
		(void)getpwnam_r(name, &ret->record, ret->room, sizeof(ret->room), &found);
	else
		(void)getpwuid_r(uid, &ret->record, ret->room, sizeof(ret->room), &found);
	return found != NULL; /* an error of the database is "not known" to us */
}

int user_find_group(const char *name, gid_t *ret, struct fail *f)
{
	char room[RECORD_BYTES];
	struct group record, *found = NULL;

	if (parse_u32(name, ret) == 0)
		return *ret == NOBODY_AT_ALL ? fail_code(f, -EINVAL, "no-such-group",
							 "group %s means no group", name)
					     : 0;
	(void)getgrnam_r(name, &record, room, sizeof(room), &found); /* as find_user */
	if (!found)
		return fail_code(f, -EINVAL, "no-such-group", "there is no group %.64s here", name);
	*ret = record.gr_gid;
	return 0;
}

static int supplementary(struct task_spec *spec, const char *name, struct fail *f)
{
	gid_t groups[USER_GROUPS_MAX];
	int count = USER_GROUPS_MAX;

	if (getgrouplist(name, spec->gid, groups, &count) < 0)
		return fail_set(f, -ERANGE, "user %s is in more than %d groups", name,
				USER_GROUPS_MAX);
	spec->groups = calloc((size_t)count + 1, sizeof(*spec->groups));
	if (!spec->groups)
		return fail_set(f, -ENOMEM, "out of memory");
	for (int i = 0; i < count; i++)
		spec->groups[spec->groups_count++] = groups[i];
	return 0;
}

int user_find(const char *name, uid_t *ret, struct fail *f)
{
	struct found_user user;

	if (parse_u32(name, ret) == 0 && *ret != NOBODY_AT_ALL)
		return 0;
	if (!find_user(name, 0, &user))
		return fail_code(f, -EINVAL, "no-such-user", "there is no user %.64s here", name);
	*ret = user.record.pw_uid;
	return 0;
}

size_t user_groups(uid_t uid, gid_t gid, gid_t ret[USER_GROUPS_MAX])
{
	struct found_user user;
	int count = USER_GROUPS_MAX;

	ret[0] = gid;
	if (!find_user(NULL, uid, &user))
		return 1;
	if (getgrouplist(user.record.pw_name, gid, ret, &count) < 0)
		return USER_GROUPS_MAX; /* the first so many */
	return (size_t)count;
}

static int resolve_known(struct task_spec *spec, const struct found_user *user, struct fail *f)
{
	spec->uid = user->record.pw_uid;
	spec->gid = user->record.pw_gid;
	return supplementary(spec, user->record.pw_name, f);
}

int user_resolve(struct task_spec *spec, uid_t caller_uid, gid_t caller_gid, struct fail *f)
{
	struct found_user user;
	uint32_t number = caller_uid;
	bool numeric = !spec->user || parse_u32(spec->user, &number) == 0;
	int r = 0;

	if (number == NOBODY_AT_ALL)
		return fail_code(f, -EINVAL, "no-such-user", "user %u means no user", number);
	spec->uid = number;
	spec->gid = number == caller_uid ? caller_gid : number;
	/* root without a name is the common case and needs no database */
	if (!numeric || number != 0) {
		if (find_user(numeric ? NULL : spec->user, number, &user))
			r = resolve_known(spec, &user, f);
		else if (!numeric)
			r = fail_code(f, -EINVAL, "no-such-user", "there is no user %.64s here",
				      spec->user);
	}
	if (r == 0 && spec->group)
		r = user_find_group(spec->group, &spec->gid, f);
	return r;
}
