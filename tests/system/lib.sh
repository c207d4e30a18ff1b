# SPDX-License-Identifier: Apache-2.0
# What the system tests share: an agent of their own on a socket of their own, requests by curl,
# expectations that say what they saw. To be sourced by bash; ends in exit 0 (passed), 77 (skipped,
# with the reason), 1 (failed, with the agent's log).
# shellcheck shell=bash

set -euo pipefail

builddir=${REEVE_BUILDDIR:-$(pwd)}
srcdir=${REEVE_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
reeved=$builddir/agent/reeved
reevectl=$builddir/agent/ctl/reevectl
export REEVE_INIT=$builddir/agent/init/reeve-init

dir=
agent=
status=
body=
checks=0

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

ok() {
	checks=$((checks + 1))
	echo "ok $checks: $*"
}

# The agent's own control group on this host, where it says that it has one. Others' are not ours to
# look at: another agent may run beside.
own_cgroup=
note_own_cgroup() {
	local root name
	root=$(awk '$3 == "cgroup2" { print length($2), $2 }' /proc/mounts | sort -n | head -n 1 | cut -d' ' -f2)
	name=$(curl -s --max-time 10 --unix-socket "$dir/socket" http://reeve/v1/node | jq -r '.agent.cgroup // empty')
	[[ -z $root || -z $name ]] || own_cgroup=$root$name
}

finish() {
	local code=$?
	trap - EXIT
	set +e
	if [[ -n $agent ]] && kill -0 "$agent" 2>/dev/null; then
		for slice in $(curl -s --max-time 10 --unix-socket "$dir/socket" http://reeve/v1/slices | jq -r '.slices[]?.id'); do
			curl -s --max-time 30 --unix-socket "$dir/socket" -X DELETE "http://reeve/v1/slices/$slice?grace=0s" >/dev/null
		done
		stop_agent
	fi
	if ((code != 0 && code != 77)) && [[ -f $dir/agent.log ]]; then
		echo "--- the agent's log, its end:" >&2
		tail -n 60 "$dir/agent.log" >&2
	fi
	[[ -z $dir ]] || rm -rf "$dir"
	if ((code == 0)) && [[ -n $own_cgroup && -e $own_cgroup ]]; then
		echo "FAIL: control groups were left behind: $(find "$own_cgroup" -type d)" >&2
		code=1
	fi
	((code != 0)) || echo "$checks checks passed"
	exit "$code"
}

# How busy this machine is is not what these tests are about: events that tell of it come at any time.
calm=$'[pressure]\nhost-cpu = off\nhost-memory = off\nhost-io = off\nslice-memory = off\nslice-io = off\n'

# begin: what every script calls first. One at a time, as two agents would share the CPUs.
begin() {
	local tool
	((EUID == 0)) || skip "needs root"
	for tool in curl jq flock; do
		command -v "$tool" >/dev/null || skip "needs $tool"
	done
	if [[ ! -x $reeved ]]; then
		[[ ! -f $srcdir/agent/main.c ]] || fail "$reeved was not built"
		skip "this tree has no reeved"
	fi
	exec 9>/tmp/reeve-system-tests.lock
	flock -w 900 9 || fail "another system test has run for 15 minutes"
	dir=$(mktemp -d /tmp/reeve-system-XXXXXX)
	chmod 755 "$dir"
	trap finish EXIT
	printf '%s[agent]\nheartbeat = 1s\n' "$calm" >"$dir/reeved.conf"
}

# start_agent [ARGUMENT...]: returns when it answers.
start_agent() {
	"$reeved" --config "$dir/reeved.conf" --socket "$dir/socket" --runtime-dir "$dir/run" \
		--state-dir "$dir/state" "$@" >>"$dir/agent.log" 2>&1 9>&- </dev/null &
	agent=$!
	for _ in $(seq 150); do
		if curl -s --max-time 2 --unix-socket "$dir/socket" http://reeve/v1/node >/dev/null; then
			note_own_cgroup
			return 0
		fi
		kill -0 "$agent" 2>/dev/null || fail "the agent ended while it started"
		sleep 0.1
	done
	fail "the agent does not answer after 15 s"
}

# stop_agent [SIGNAL]: returns when it is gone.
stop_agent() {
	kill "-${1:-TERM}" "$agent" 2>/dev/null || true
	for _ in $(seq 150); do
		if ! kill -0 "$agent" 2>/dev/null; then
			wait "$agent" 2>/dev/null || true
			agent=
			return 0
		fi
		sleep 0.1
	done
	kill -KILL "$agent" 2>/dev/null
	fail "the agent still runs 15 s after SIG${1:-TERM}"
}

alive() {
	[[ -n $agent ]] && kill -0 "$agent" 2>/dev/null || fail "the agent died: $*"
}

# api METHOD PATH [BODY [CURL-ARGUMENT...]]: sets status, body, headers (a file). BODY "-": none.
api() {
	local method=$1 path=$2 sent=${3:-}
	local arguments=(-s --max-time 60 --unix-socket "$dir/socket" -X "$method" -o "$dir/body"
		-D "$dir/headers" -w '%{http_code}')
	: >"$dir/body"
	: >"$dir/headers"
	if (($# > 2)) && [[ $sent != - ]]; then
		printf '%s' "$sent" >"$dir/request"
		arguments+=(-H 'Content-Type: application/json' --data-binary "@$dir/request")
	fi
	shift $(($# < 3 ? $# : 3))
	arguments+=("$@")
	status=$(curl "${arguments[@]}" "http://reeve$path" || true)
	body=$(tr -d '\000' <"$dir/body")
}

header() { # header NAME: its value in the last answer
	tr -d '\r' <"$dir/headers" | sed -n "s/^$1: *//Ip" | tail -n 1
}

json() { # json FILTER: of the last answer
	jq -r "$1" <<<"$body"
}

expect_status() { # expect_status STATUS WHAT
	[[ $status == "$1" ]] || fail "$2: status $status instead of $1: $body"
}

# A problem: the status, application/problem+json, a sentence, a code (CODE may be "" for any).
expect_problem() { # expect_problem STATUS CODE WHAT
	[[ $status == $1 ]] || fail "$3: status $status instead of $1: $body"
	[[ $(header content-type) == application/problem+json* ]] ||
		fail "$3: content type $(header content-type): $body"
	jq -e --arg code "$2" '(.detail | type == "string" and length > 0) and
		(.code | type == "string" and length > 0) and ($code == "" or .code == $code)' \
		<<<"$body" >/dev/null || fail "$3: not the problem expected ($2): $body"
}

expect_equal() { # expect_equal SEEN EXPECTED WHAT
	[[ $1 == "$2" ]] || fail "$3: '$1' instead of '$2'"
}

expect_json() { # expect_json FILTER EXPECTED WHAT
	local seen
	seen=$(json "$1") || fail "$3: no JSON: $body"
	expect_equal "$seen" "$2" "$3"
}

# until_true SECONDS WHAT COMMAND...
until_true() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		((SECONDS < end)) || fail "$what: not within the time"
		sleep 0.1
	done
}

# What must be the same before and after a request that is refused.
standing() {
	api GET /v1/node
	# A virtual machine may be given memory meanwhile, and then it has another inventory.
	json '{free: (.free | del(.memory_bytes)), used} | tojson'
	api GET /v1/slices
	json 'tojson'
}

# run_task SLICE NAME COMMAND: a shell command to its end; body is the task, output its stdout.
run_task() {
	api POST "/v1/slices/$1/tasks" "$(jq -cn --arg name "$2" --arg command "$3" \
		'{name: $name, argv: ["/bin/sh", "-c", $command]}')"
	expect_status 201 "task $2"
	api GET "/v1/slices/$1/tasks/$2?wait=30s"
	expect_status 200 "waiting for task $2"
	expect_json .state exited "task $2 ended"
	output=$(curl -s --max-time 10 --unix-socket "$dir/socket" "http://reeve/v1/slices/$1/tasks/$2/logs?stream=stdout")
}

# The request for a whole core, or for a share where the machine has no core to give.
a_slice() { # a_slice NAME: a request body
	api GET /v1/node
	if (($(json .free.cores) > 0)); then
		jq -cn --arg name "$1" '{name: $name, cores: 1, memory: "64MiB", owner: "test"}'
	else
		jq -cn --arg name "$1" '{name: $name, shared_cpus: 0.25, memory: "64MiB", owner: "test"}'
	fi
}

# What a task of the slice in the last answer may run on, by the API.
given_cpus() {
	json '.resources | if .cpus != "" and .cpus != null then .cpus else .shared_pool end'
}
