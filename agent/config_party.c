/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of roles and users: their names are the administrator's, their keys a table. */
#include "config.h"

#include "user.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 4096 };

#define PARTY(group, name, form, member)                           \
	{                                                          \
		.section = (group), .key = (name), .kind = (form), \
		.offset = offsetof(struct share_party, member)     \
	}

const struct config_key config_party_keys[] = {
	PARTY("role NAME", "users", CONFIG_MEMBERS, uids),
	PARTY("role NAME", "guarantee", CONFIG_AMOUNTS, guarantee),
	PARTY("role NAME", "limit", CONFIG_AMOUNTS, limit),
	PARTY("role NAME", "user-limit", CONFIG_AMOUNTS, user_limit),
	PARTY("user NAME", "guarantee", CONFIG_AMOUNTS, guarantee),
	PARTY("user NAME", "limit", CONFIG_AMOUNTS, limit),
	{ 0 },
};

enum { KIND_LENGTH = 5 }; /* of "role " and "user " */

const struct config_key *config_party_key(const char *section, const char *key)
{
	for (const struct config_key *k = config_party_keys; k->section; k++)
		if (strncmp(k->section, section, KIND_LENGTH) == 0 && strcmp(k->key, key) == 0)
			return k;
	return NULL;
}

static int add_number(uint32_t **list, size_t *count, uint32_t number)
{
	uint32_t *grown = realloc(*list, (*count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[(*count)++] = number;
	*list = grown;
	return 0;
}

static int add_member(struct share_party *p, const char *word, struct fail *f)
{
	uint32_t number = 0;
	int r = *word == '@' ? user_find_group(word + 1, &number, f) : user_find(word, &number, f);

	if (r < 0)
		return r;
	if (p->uids_count + p->gids_count == SHARE_MEMBERS_MAX)
		return fail_set(f, -ERANGE, "a role names at most %d users and groups",
				SHARE_MEMBERS_MAX);
	r = *word == '@' ? add_number(&p->gids, &p->gids_count, number)
			 : add_number(&p->uids, &p->uids_count, number);
	return r < 0 ? fail_set(f, r, "out of memory") : 0;
}

/* "anna, 1001, @staff": from there on nobody else may use the role. */
static int set_members(struct share_party *p, const char *value, struct fail *f)
{
	char room[LIST_MAX], *rest = room;
	int r = 0;

	if (strlen(value) >= sizeof(room))
		return fail_set(f, -EINVAL, "the list is too long");
	(void)strcpy(room, value); /* fits */
	p->members_only = true;
	p->uids_count = p->gids_count = 0;
	while (r == 0 && rest) {
		char *word = strsep(&rest, ",");

		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = 0;
		r = *word ? add_member(p, word, f) : fail_set(f, -EINVAL, "a name is missing");
	}
	return r;
}

static int set_amounts(struct share_party *p, const struct config_key *k, const char *value,
		       struct fail *f)
{
	struct share_amounts *place = (void *)((char *)p + k->offset);
	int r = share_amounts_parse(value, place == &p->guarantee ? 0 : SHARE_NO_LIMIT, place);

	if (r < 0)
		return fail_set(f, r,
				"%s = %s: expected off, or a list such as cores=4, "
				"shared-cpus=2.5, memory=16GiB, gpus=1, slices=8",
				k->key, value);
	for (enum share_resource i = 0; i < SHARE_RESOURCES; i++)
		if (p->guarantee.of[i] > p->limit.of[i])
			return fail_set(f, -EINVAL, "its guarantee is above its limit");
	return 0;
}

static int find_party(struct share_policy *p, const char *section, struct share_party **ret,
		      struct fail *f)
{
	const char *name = section + KIND_LENGTH;
	const enum share_kind kind = *section == 'r' ? SHARE_ROLE : SHARE_USER;
	uint32_t uid = 0;
	int r = 0;

	if (kind == SHARE_USER)
		r = user_find(name, &uid, f);
	else if (!parse_name_valid(name))
		r = fail_set(f, -EINVAL, "this is no name of a role");
	if (r < 0)
		return r;
	*ret = share_policy_add(p, kind, name);
	if (!*ret)
		return fail_set(f, -ERANGE, "out of memory, or of room for %d roles and users",
				SHARE_PARTIES_MAX);
	(*ret)->uid = uid;
	return 0;
}

int config_party_set(struct share_policy *p, const char *section, const struct config_key *k,
		     const char *value, struct fail *f)
{
	struct share_party *party = NULL;
	int r = find_party(p, section, &party, f);

	if (r == 0)
		r = k->kind == CONFIG_MEMBERS ? set_members(party, value, f)
					      : set_amounts(party, k, value, f);
	return r < 0 ? fail_prefix(f, "[%.80s]", section) : 0;
}
