/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes and ends transient units: a slice with a delegated scope in it, in one StartTransientUnit
 * call (the slice rides along as auxiliary unit). */

#include "systemd/bus.h"
#include "systemd/property.h"

/* "reeve-<id>.slice": a dash in a slice's name means "below" to systemd (systemd.slice(5)), so
 * those of the id are escaped (systemd-escape(1)): train-1 gives "reeve-train\x2d1.slice". The id
 * is one that parse_name_valid() takes (-EINVAL otherwise), the suffix ".slice" or ".scope"; caller
 * frees. */
int transient_unit_name(const char *id, const char *suffix, char **ret);

/* scope "reeve-x.scope" holding the PIDs among its properties, slice "reeve-x.slice". done() is
 * called when the job is over: -EEXIST when one of the names is taken, -ETIMEDOUT, -EIO when the
 * job failed. On an error returned here done() is not called. */
struct transient_order {
	const char *scope, *slice;
	const struct property_value *scope_properties, *slice_properties;
	size_t scope_count, slice_count;
};
int transient_start(struct systemd *s, const struct transient_order *order, systemd_done done,
		    void *userdata, struct fail *f);
/* Stops both; a unit that is not there is done. Failed units are reset so that names can be reused.
 * Either may be NULL. done() once for both, with the first error. */
int transient_stop(struct systemd *s, const char *scope, const char *slice, systemd_done done,
		   void *userdata, struct fail *f);
/* The control group of a unit ("/reeve.slice/reeve-x.slice"), asked synchronously with the
 * deadline: the loop stands still meanwhile, so prefer cg_path_of() of a process in it. -ENOENT: no
 * such unit, or it has none. Caller frees. */
int transient_cgroup(struct systemd *s, const char *unit, char **ret, struct fail *f);
int transient_set(struct systemd *s, const char *unit, const struct property_value *properties,
		  size_t count, struct fail *f); /* SetUnitProperties, runtime; synchronous */
/* The same without waiting: whether it was done is for the caller to see in the unit's cgroup. */
int transient_tell(struct systemd *s, const char *unit, const struct property_value *properties,
		   size_t count, struct fail *f);
