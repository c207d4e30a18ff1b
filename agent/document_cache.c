/* SPDX-License-Identifier: Apache-2.0 */
/* Shares of the caches as JSON; see document_cache.h. Masks are texts of hexadecimal digits, as the
 * kernel writes them. */
#include "document_cache.h"

#include "document.h"
#include "util/cleanup.h"

#include <inttypes.h>

static json_t *mask(uint64_t ways)
{
	return json_sprintf("%" PRIx64, ways);
}

static int put_number(json_t *object, const char *key, uint64_t value)
{
	return value > 0 ? json_put(object, key, json_integer((json_int_t)value)) : 0;
}

json_t *document_cache_request(const struct cache_request *r)
{
	_cleanup_json_ json_t *object = json_object();

	if (!object || put_number(object, "l3_ways", r->ways) < 0 ||
	    put_number(object, "l3_bytes", r->bytes) < 0 ||
	    put_number(object, "memory_bandwidth_percent", r->bandwidth_percent) < 0)
		return NULL;
	return TAKE_PTR(object);
}

json_t *document_cache_shares(const struct cache_shares *s)
{
	_cleanup_json_ json_t *object = json_object(), *list = json_array();

	for (size_t i = 0; list && i < s->count; i++)
		if (json_array_append_new(list, json_pack("{s:I,s:o}", "cache",
							  (json_int_t)s->items[i].domain, "ways",
							  mask(s->items[i].ways))) < 0)
			return NULL;
	if (!object || json_put(object, "l3", TAKE_PTR(list)) < 0 ||
	    put_number(object, "memory_bandwidth_percent", s->bandwidth_percent) < 0)
		return NULL;
	return TAKE_PTR(object);
}

json_t *document_cache_control(const struct cache_control *c)
{
	_cleanup_json_ json_t *object = json_object(), *list = json_array();

	for (size_t i = 0; list && i < c->domains_count; i++)
		if (json_array_append_new(
			    list, json_pack("{s:I,s:o,s:I}", "cache", (json_int_t)c->domains[i].id,
					    "cpus", document_cpuset(c->domains[i].cpus), "bytes",
					    (json_int_t)c->domains[i].bytes)) < 0)
			return NULL;
	if (!object || json_put(object, "classes", json_integer(c->classes)) < 0 ||
	    json_put(object, "l3_ways", json_integer(c->ways ? cache_ways(c->mask) : 0)) < 0 ||
	    put_number(object, "l3_ways_minimum", c->ways_minimum) < 0 ||
	    (c->bandwidth &&
	     (put_number(object, "memory_bandwidth_percent_minimum", c->bandwidth_minimum) < 0 ||
	      put_number(object, "memory_bandwidth_percent_step", c->bandwidth_step) < 0)) ||
	    json_put(object, "l3", TAKE_PTR(list)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

json_t *document_cache_offer(const struct cache_offer *o)
{
	_cleanup_json_ json_t *object = json_object(), *list = json_array();

	for (size_t i = 0; list && i < o->count; i++)
		if (json_array_append_new(list, json_pack("{s:I,s:I,s:I}", "cache",
							  (json_int_t)o->rooms[i].domain, "ways",
							  (json_int_t)o->rooms[i].ways, "bytes",
							  (json_int_t)o->rooms[i].bytes)) < 0)
			return NULL;
	if (!object || json_put(object, "classes", json_integer(o->classes)) < 0 ||
	    json_put(object, "memory_bandwidth", json_boolean(o->bandwidth)) < 0 ||
	    json_put(object, "l3", TAKE_PTR(list)) < 0)
		return NULL;
	return TAKE_PTR(object);
}
