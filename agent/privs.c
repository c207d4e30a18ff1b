/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities by table; see privs.h. */
#include "privs.h"

#include "util/buf.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

static const struct {
	cap_value_t value;
	const char *name, *use;
} needed[] = {
	{ CAP_SYS_ADMIN, "sys_admin", "cgroups of others, device programs, network namespaces" },
	{ CAP_SYS_NICE, "sys_nice", "affinity and memory policy of other users' tasks" },
	{ CAP_SYS_RESOURCE, "sys_resource", "raising limits, pressure triggers" },
	{ CAP_SETUID, "setuid", "tasks of other users" },
	{ CAP_SETGID, "setgid", "tasks of other groups" },
	{ CAP_KILL, "kill", "signals to other users' tasks" },
	{ CAP_CHOWN, "chown", "files of other users' tasks" },
	{ CAP_DAC_OVERRIDE, "dac_override", "working directories of other users" },
	{ CAP_FOWNER, "fowner", "removing what tasks left in /dev/shm" },
	{ CAP_SYS_PTRACE, "sys_ptrace", "reading back the memory policy of tasks" },
	{ CAP_NET_ADMIN, "net_admin", "network interfaces and namespaces" },
	{ CAP_SYS_RAWIO, "sys_rawio", "SMBIOS and disk health" },
	{ CAP_BPF, "bpf", "device programs" },
	{ CAP_PERFMON, "perfmon", "trace events of hardware errors" },
	{ CAP_SETPCAP, "setpcap", "narrowing the capabilities of tasks" },
	{ CAP_SYS_CHROOT, "sys_chroot", "root directories of tasks" },
	{ CAP_AUDIT_WRITE, "audit_write", "sessions of tasks" },
};

static void cap_freep(cap_t *caps)
{
	if (*caps)
		(void)cap_free(*caps); /* fails on a foreign pointer only */
}

int privs_drop(struct fail *f)
{
	_cleanup_(cap_freep) cap_t now = cap_get_proc(), kept = cap_init();

	if (!now || !kept)
		return fail_set(f, -errno, "cannot read capabilities: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(now, needed[i].value, CAP_PERMITTED, &has) < 0 || has != CAP_SET)
			continue; /* missing, or a kernel that does not know it */
		if (cap_set_flag(kept, CAP_PERMITTED, 1, &needed[i].value, CAP_SET) < 0 ||
		    cap_set_flag(kept, CAP_EFFECTIVE, 1, &needed[i].value, CAP_SET) < 0)
			return fail_set(f, -errno, "cannot keep a capability: %s", strerror(errno));
	}
	if (cap_set_proc(kept) < 0)
		return fail_set(f, -errno, "cannot drop capabilities: %s", strerror(errno));
	return 0;
}

static int missing(size_t i, cap_t now)
{
	cap_flag_value_t has = CAP_CLEAR;

	return cap_get_flag(now, needed[i].value, CAP_EFFECTIVE, &has) == 0 && has != CAP_SET;
}

unsigned privs_missing(const char **names, unsigned room)
{
	_cleanup_(cap_freep) cap_t now = cap_get_proc();
	unsigned n = 0;

	for (size_t i = 0; now && i < ARRAY_SIZE(needed) && n + 1 < room; i++)
		if (missing(i, now))
			names[n++] = needed[i].name;
	names[n] = NULL;
	return n;
}

/* "CAP_SYS_NICE", as capabilities(7) writes it. */
static void put_name(struct buf *b, const char *name)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "cap_%s", name); /* short names */
	for (char *p = text; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	buf_text(b, text);
}

char *privs_missing_text(void)
{
	_cleanup_(cap_freep) cap_t now = cap_get_proc();
	_cleanup_(buf_done) struct buf b = { 0 };

	buf_text(&b, "");
	for (size_t i = 0; now && i < ARRAY_SIZE(needed); i++)
		if (missing(i, now)) {
			buf_text(&b, b.size ? ", " : "missing: ");
			put_name(&b, needed[i].name);
			buf_format(&b, " (%s)", needed[i].use);
		}
	return buf_steal(&b);
}
