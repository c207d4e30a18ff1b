#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Transient units against a real systemd, without touching the host's own manager: a user manager in
# mount and PID namespaces of its own, with an empty /run, below cgroups made for it. First over its
# own socket, then over a message bus. What it needs and does not find is a reason to skip.
set -eu
skip() { echo "skipped: $1"; exit 77; }

if [ "${1-}" = inside ]; then
	mount -t tmpfs tmpfs /run
	# sd_booted(3): a user manager wants a host that was booted with systemd.
	mkdir -p /run/systemd/system /run/user/0
	chmod 700 /run/user/0
	export XDG_RUNTIME_DIR=/run/user/0 HOME=/root SYSTEMD_LOG_LEVEL=err SYSTEMD_LOG_TARGET=console
	unset DBUS_SESSION_BUS_ADDRESS NOTIFY_SOCKET LISTEN_FDS
	"$2" --user --unit=dbus.socket &
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -S /run/user/0/systemd/private ] && break
		sleep 0.25
	done
	[ -S /run/user/0/systemd/private ] || skip "a user manager does not start here"
	REEVE_MANAGER_ADDRESS=unix:path=/run/user/0/systemd/private "$3" || exit 1
	[ -S /run/user/0/bus ] || { echo "no message bus here: only the manager's socket was tried"; exit 0; }
	REEVE_MANAGER_BROKER=1 REEVE_MANAGER_ADDRESS=unix:path=/run/user/0/bus "$3" || exit 1
	exit 0
fi

[ "$(id -u)" = 0 ] || skip "only root may make cgroups and namespaces"
[ ! -d /run/systemd/system ] || skip "this host's own manager guards its cgroups"
manager=/usr/lib/systemd/systemd
[ -x "$manager" ] || manager=/lib/systemd/systemd
[ -x "$manager" ] || skip "no systemd is installed"
command -v unshare >/dev/null || skip "no unshare"
mountpoint -q / || skip "the root here is no mount point (a chroot): no namespace can be made of it"

name=reeve-test-manager-$$
made=
# Where systemd keeps its own tree: the named hierarchy of v1, and v2.
for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
	[ -f "$root/cgroup.procs" ] || continue
	mkdir "$root/$name" 2>/dev/null || continue
	made="$made $root/$name"
done
[ -n "$made" ] || skip "no cgroup can be made"

# In a shell of its own, so that this one can remove them afterwards.
status=0
sh -c '
	for cgroup in '"$made"'; do echo $$ >"$cgroup/cgroup.procs" || exit 77; done
	exec timeout -k 5 60 unshare --mount --propagation private --pid --fork --kill-child \
		--mount-proc sh "$@"
' sh "$0" inside "$manager" "$REEVE_BUILDDIR/tests/unit/real-manager" || status=$?

for cgroup in $made; do
	for try in 1 2 3 4 5 6 7 8 9 10; do
		find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || :
		[ -d "$cgroup" ] || break
		sleep 0.1 # the last processes are still leaving
	done
done
exit "$status"
