#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shipped unit files say nothing that systemd does not understand, and nothing is left in them
# for sed to replace. systemd-analyze needs no running systemd for that.
set -eu
command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze"; exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$REEVE_SRCDIR"/systemd/units/*.slice "$REEVE_BUILDDIR"/systemd/units/reeved.service "$folder"
if grep -nE '^[^#]*(@|\$\{)' "$folder"/*; then
	echo "something was not replaced"
	exit 1
fi
# What is verified must exist, and the daemon is not installed yet.
sed -i 's|^ExecStart=/.*/reeved$|ExecStart=/bin/true|' "$folder/reeved.service"
grep -q '^ExecStart=/bin/true$' "$folder/reeved.service" || { echo "no daemon is started"; exit 1; }

# It may also complain about units of this host, which are not ours to judge.
systemd-analyze verify --man=no "$folder"/*.service "$folder"/*.slice 2>"$folder/said" || echo "exit status $?"
if grep -E '/reeved?\.(service|slice)[: ]|^reeved?\.(service|slice):' "$folder/said"; then
	echo "systemd does not understand the above"
	exit 1
fi
