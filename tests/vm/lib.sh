# SPDX-License-Identifier: Apache-2.0
# For scenarios, in the guest: bash with errexit, nounset and pipefail. STAGE counts the boots of
# this scenario from 1, KEEP is a folder that the host keeps.
SHARE=/share
CG=/sys/fs/cgroup
export REEVE_SOCKET=/run/reeve/reeve.sock
. "$SHARE/settings" # what run --set says

fail() {
	echo "FAILED at line ${BASH_LINENO[*]::${#BASH_LINENO[@]}-1}: $*"
	exit 1
}

say() {
	printf '[%s] %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$*"
}

same() { # same WHAT ACTUAL EXPECTED
	[[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"
	say "$1: $2"
}

await() { # await SECONDS WHAT COMMAND...: until the command succeeds
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "$what did not come true: $*"
		sleep 0.2
	done
}

monitor() { # monitor COMMAND...: of QEMU's monitor, from outside of this machine; fails when refused
	local answer
	echo "ask monitor $*" >/dev/ttyS1
	read -r -t 60 answer </dev/ttyS1 || fail "nobody answers to $*"
	[[ $answer == ok ]] || { say "QEMU: $* $answer"; return 1; }
}

reboot_now() { # the scenario goes on with the next STAGE
	exit 100
}

reset_now() { # as when the power fails
	echo "ask reset" >/dev/ttyS1
	sleep 100
	fail "it was not reset"
}

install_agent() {
	if ! dpkg -s reeve >/dev/null 2>&1; then
		dpkg -i "$SHARE/reeve.deb"
	fi
	systemctl -q enable --now reeved
	systemctl is-active -q reeved || fail "reeved is not active: $(systemctl status reeved)"
}

json() { # json REEVECTL-ARGUMENT... : answers as JSON
	reevectl --output=json "$@"
}

slice_value() { # slice_value SLICE JQ-FILTER
	json slice show "$1" | jq -r "$2"
}

task_value() { # task_value SLICE TASK JQ-FILTER
	json task show "$1" "$2" | jq -r "$3"
}

task_is() { # task_is SLICE TASK STATE
	[[ $(task_value "$1" "$2" .state) == "$3" ]]
}

last_event() { # the number of the last one so far
	json events --since 0 | jq -s 'map(.seq) | max // 0'
}

# The devices of all classes, one a line.
devices() {
	json inventory | jq -c '[.. | objects | select(.id? and has("offerable"))] | unique_by(.id)[]'
}

unit_of() { # unit_of SLICE SUFFIX
	echo "reeve-$(systemd-escape "$1").$2"
}

top_of() { # the control group of a slice
	echo "$CG/reeve.slice/$(unit_of "$1" slice)"
}

nothing_left() {
	local left
	left=$(json slice list | jq -r '.slices[].id')
	[[ -z $left ]] || fail "slices are left: $left"
	left=$(systemctl list-units --all --plain --no-legend 'reeve-*.slice' 'reeve-*.scope' | awk '{ print $1 }')
	[[ -z $left ]] || fail "units are left: $left"
	left=$(find "$CG/reeve.slice" -mindepth 1 -type d 2>/dev/null || true)
	[[ -z $left ]] || fail "control groups are left: $left"
}

# change_after SEQ ID FIELD: the first such change of the inventory after event SEQ, as JSON with its
# time in seconds; FIELD is "added" or "removed" for a device that came or went.
change_after() {
	json events --since "$1" | jq -ce --arg id "$2" --arg field "$3" 'select(.kind == "inventory.changed")
		| (.time | sub("\\..*"; "Z") | fromdateiso8601) as $whole | (.time | sub(".*\\."; "0.") | rtrimstr("Z") | tonumber) as $part
		| .data.changes[] | select(.id == $id and (.field // .change) == $field) | . + { at: ($whole + $part) }' | head -n 1
}

# follows SEQ SINCE ID FIELD [BEFORE AFTER]: awaits that change, says how long after SINCE it was told,
# and keeps the quickest of each FIELD for within_a_second. SINCE is no later than the cause.
declare -A quickest_msec=()
follows() {
	local change msec
	await 20 "the event about $3" change_after "$1" "$3" "$4"
	change=$(change_after "$1" "$3" "$4")
	if (($# > 4)); then
		same "$3: $4 before" "$(jq -r .before <<<"$change")" "$5"
		same "$3: $4 after" "$(jq -r .after <<<"$change")" "$6"
	fi
	msec=$(jq -r --argjson since "$2" '(.at - $since) * 1000 | round' <<<"$change")
	say "$3: $4 was told $msec ms after it happened"
	((msec >= 0)) || fail "it was told before it happened"
	((msec >= ${quickest_msec[$4]:-1000000})) || quickest_msec[$4]=$msec
}

within_a_second() { # within_a_second FIELD...: the quickest of the tries, since a busy host may be late
	local field
	for field; do
		((${quickest_msec[$field]} <= 1000)) || fail "$field: the quickest was told after ${quickest_msec[$field]} ms"
		say "$field: the quickest was told after ${quickest_msec[$field]} ms"
	done
}

now() {
	date +%s.%N
}
