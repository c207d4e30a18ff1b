/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what was before; see quiet_record.h. A JSON object, read strictly: whatever is not
 * of the form that is written here makes the whole of it useless. */
#include "quiet_record.h"

#include "document.h"
#include "util/cleanup.h"
#include "wire/json.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { FORM = 1 }; /* of the file; another one is not read */

void quiet_kept_done(struct quiet_kept *k)
{
	cpuset_free(k->original);
	cpuset_free(k->written);
	cpuset_free(k->previous);
	*k = (struct quiet_kept){ 0 };
}

static bool same(const struct cpuset *a, const struct cpuset *b)
{
	return a && b && cpuset_equal(a, b);
}

int quiet_kept_begin(struct quiet_kept *k, const struct cpuset *now)
{
	struct cpuset *copy = NULL;
	int r;

	if (same(k->original, now) || same(k->written, now) || same(k->previous, now))
		return 0;
	r = cpuset_copy(&copy, now);
	if (r < 0)
		return r;
	quiet_kept_done(k);
	k->original = copy;
	return 0;
}

int quiet_kept_aim(struct quiet_kept *k, const struct cpuset *now, struct cpuset **want)
{
	bool there = cpuset_equal(*want, now);

	if (same(k->written, *want)) {
		cpuset_free(TAKE_PTR(*want));
	} else {
		cpuset_free(k->previous);
		k->previous = k->written;
		k->written = TAKE_PTR(*want);
	}
	if (there)
		quiet_kept_end(k, now, 0);
	return !there;
}

void quiet_kept_end(struct quiet_kept *k, const struct cpuset *now, int error)
{
	if (error < 0 ? same(k->original, now) : same(k->original, k->written))
		quiet_kept_done(k);
}

int quiet_record_init(struct quiet_record *r)
{
	struct cpuset **const sets[] = { &r->cpus, &r->seen, &r->balance_cpus, &r->balance_irqs,
					 &r->balance_asked };

	*r = (struct quiet_record){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (cpuset_new(sets[i]) < 0) {
			quiet_record_done(r);
			return -ENOMEM;
		}
	return 0;
}

void quiet_record_done(struct quiet_record *r)
{
	cpuset_free(r->cpus);
	cpuset_free(r->seen);
	cpuset_free(r->balance_cpus);
	cpuset_free(r->balance_irqs);
	cpuset_free(r->balance_asked);
	for (size_t i = 0; i < r->irqs_count; i++)
		quiet_kept_done(&r->irqs[i].kept);
	free(r->irqs);
	quiet_kept_done(&r->irq_default);
	quiet_kept_done(&r->workqueues);
	for (size_t i = 0; i < r->units_count; i++) {
		free(r->units[i].name);
		cpuset_free(r->units[i].allowed);
	}
	*r = (struct quiet_record){ 0 };
}

static size_t place_of(const struct quiet_record *r, unsigned irq)
{
	size_t low = 0, high = r->irqs_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->irqs[middle].irq < irq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct quiet_irq *quiet_record_irq(const struct quiet_record *r, unsigned irq)
{
	size_t i = place_of(r, irq);

	return i < r->irqs_count && r->irqs[i].irq == irq ? &r->irqs[i] : NULL;
}

int quiet_record_add_irq(struct quiet_record *r, unsigned irq, struct quiet_irq **ret)
{
	struct quiet_irq *grown = reallocarray(r->irqs, r->irqs_count + 1, sizeof(*grown));
	size_t i;

	if (!grown)
		return -ENOMEM;
	r->irqs = grown;
	i = place_of(r, irq);
	memmove(&grown[i + 1], &grown[i], (r->irqs_count - i) * sizeof(*grown));
	grown[i] = (struct quiet_irq){ .irq = irq };
	r->irqs_count++;
	*ret = &grown[i];
	return 0;
}

void quiet_record_tidy(struct quiet_record *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->irqs_count; i++)
		if (r->irqs[i].kept.original)
			r->irqs[kept++] = r->irqs[i];
		else
			quiet_kept_done(&r->irqs[i].kept);
	r->irqs_count = kept;
}

bool quiet_record_empty(const struct quiet_record *r)
{
	return r->irqs_count == 0 && !r->irq_default.original && !r->workqueues.original &&
	       r->irqbalance == 0 && r->units_count == 0;
}

/* [original, written, previous], the latter two null where there is none. */
static json_t *kept_value(const struct quiet_kept *k)
{
	const struct cpuset *const sets[] = { k->original, k->written, k->previous };
	json_t *list = json_array();

	for (size_t i = 0; list && i < ARRAY_SIZE(sets); i++)
		if (json_array_append_new(list, sets[i] ? document_cpuset(sets[i]) : json_null()) <
		    0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *irqs_value(const struct quiet_record *r)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; list && i < r->irqs_count; i++) {
		json_t *item = kept_value(&r->irqs[i].kept);

		if (!item || json_array_insert_new(item, 0, json_integer(r->irqs[i].irq)) < 0 ||
		    json_array_append_new(list, item) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

static json_t *units_value(const struct quiet_record *r)
{
	_cleanup_json_ json_t *object = json_object();

	for (size_t i = 0; object && i < r->units_count; i++)
		if (json_put(object, r->units[i].name, document_cpuset(r->units[i].allowed)) < 0)
			return NULL;
	return TAKE_PTR(object);
}

char *quiet_record_text(const struct quiet_record *r, const char *boot_id)
{
	_cleanup_json_ json_t *object = json_object();

	if (!object || json_put(object, "form", json_integer(FORM)) < 0 ||
	    json_put_string(object, "boot_id", boot_id) < 0 ||
	    json_put(object, "cpus", document_cpuset(r->cpus)) < 0 ||
	    json_put(object, "seen", document_cpuset(r->seen)) < 0 ||
	    json_put(object, "irqs", irqs_value(r)) < 0 ||
	    json_put(object, "irq_default", kept_value(&r->irq_default)) < 0 ||
	    json_put(object, "workqueues", kept_value(&r->workqueues)) < 0 ||
	    json_put(object, "irqbalance", json_integer(r->irqbalance)) < 0 ||
	    json_put(object, "balance_cpus", document_cpuset(r->balance_cpus)) < 0 ||
	    json_put(object, "balance_irqs", document_cpuset(r->balance_irqs)) < 0 ||
	    json_put(object, "balance_asked", document_cpuset(r->balance_asked)) < 0 ||
	    json_put(object, "units", units_value(r)) < 0)
		return NULL;
	return json_text(object);
}

struct raw_record {
	const char *boot_id, *cpus, *seen, *balance_cpus, *balance_irqs, *balance_asked;
	const json_t *irqs, *irq_default, *workqueues, *units;
	uint64_t form, irqbalance;
};

#define AT(member) offsetof(struct raw_record, member)

static const struct json_field record_fields[] = {
	{ "form", JSON_KIND_U64, AT(form), .required = true, .minimum = FORM, .maximum = FORM },
	{ "boot_id", JSON_KIND_STRING, AT(boot_id), .required = true },
	{ "cpus", JSON_KIND_STRING, AT(cpus), .required = true },
	{ "seen", JSON_KIND_STRING, AT(seen), .required = true },
	{ "irqs", JSON_KIND_ARRAY, AT(irqs), .required = true, .maximum = CPUSET_MAX },
	{ "irq_default", JSON_KIND_ARRAY, AT(irq_default), .required = true },
	{ "workqueues", JSON_KIND_ARRAY, AT(workqueues), .required = true },
	{ "irqbalance", JSON_KIND_U64, AT(irqbalance), .required = true, .maximum = INT_MAX },
	{ "balance_cpus", JSON_KIND_STRING, AT(balance_cpus), .required = true },
	{ "balance_irqs", JSON_KIND_STRING, AT(balance_irqs), .required = true },
	{ "balance_asked", JSON_KIND_STRING, AT(balance_asked), .required = true },
	{ "units", JSON_KIND_OBJECT, AT(units), .required = true },
	{ 0 },
};

static int read_set(struct cpuset **place, const char *text)
{
	struct cpuset *s = NULL;
	int r = cpuset_parse(text, &s);

	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	cpuset_free(*place);
	*place = s;
	return 0;
}

static int read_kept(const json_t *list, size_t from, struct quiet_kept *k)
{
	struct cpuset **const places[] = { &k->original, &k->written, &k->previous };
	int r = json_array_size(list) == from + ARRAY_SIZE(places) ? 0 : -EBADMSG;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
		const json_t *value = json_array_get(list, from + i);

		if (!json_is_null(value))
			r = read_set(places[i], json_string_value(value));
	}
	return r;
}

static int read_irqs(const json_t *list, struct quiet_record *into)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i), *number = json_array_get(item, 0);
		struct quiet_irq *irq = NULL;

		if (!json_is_integer(number) || json_integer_value(number) < 0 ||
		    json_integer_value(number) > CPUSET_MAX ||
		    quiet_record_irq(into, (unsigned)json_integer_value(number)))
			return -EBADMSG;
		r = quiet_record_add_irq(into, (unsigned)json_integer_value(number), &irq);
		if (r == 0)
			r = read_kept(item, 1, &irq->kept);
		if (r == 0 && !irq->kept.original)
			r = -EBADMSG;
	}
	return r;
}

static int read_units(const json_t *object, struct quiet_record *into)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		struct cpuset *allowed = NULL;
		int r = into->units_count < QUIET_UNITS_MAX ? 0 : -EBADMSG;

		if (r == 0)
			r = read_set(&allowed, json_string_value(value));
		if (r < 0)
			return r;
		into->units[into->units_count].allowed = allowed;
		into->units[into->units_count].name = strdup(name);
		if (!into->units[into->units_count++].name)
			return -ENOMEM;
	}
	return 0;
}

static int read_members(const struct raw_record *raw, struct quiet_record *into)
{
	int r = read_set(&into->cpus, raw->cpus);

	if (r == 0)
		r = read_set(&into->seen, raw->seen);
	if (r == 0)
		r = read_set(&into->balance_cpus, raw->balance_cpus);
	if (r == 0)
		r = read_set(&into->balance_irqs, raw->balance_irqs);
	if (r == 0)
		r = read_set(&into->balance_asked, raw->balance_asked);
	if (r == 0)
		r = read_irqs(raw->irqs, into);
	if (r == 0)
		r = read_kept(raw->irq_default, 0, &into->irq_default);
	if (r == 0)
		r = read_kept(raw->workqueues, 0, &into->workqueues);
	into->irqbalance = (pid_t)raw->irqbalance;
	return r == 0 ? read_units(raw->units, into) : r;
}

int quiet_record_parse(const char *text, const char *boot_id, struct quiet_record *ret,
		       struct fail *f)
{
	_cleanup_(quiet_record_done) struct quiet_record made = { 0 };
	_cleanup_json_ json_t *object = NULL;
	struct raw_record raw = { 0 };
	int r = json_parse_object(text, strlen(text), &object, f);

	if (r == 0)
		r = json_read(object, record_fields, "record", &raw, f);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	r = quiet_record_init(&made);
	if (r == 0 && strcmp(raw.boot_id, boot_id) == 0)
		r = read_members(&raw, &made);
	if (r < 0)
		return fail_set(f, r, "the record of what was before is not of its form");
	quiet_record_done(ret);
	*ret = made;
	made = (struct quiet_record){ 0 };
	return 0;
}
