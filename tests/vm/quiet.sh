# SPDX-License-Identifier: Apache-2.0
# For scenarios about noise on a slice's CPUs; sourced behind lib.sh.

cpus_in() { # cpus_in LIST: one a line
	local part
	for part in ${1//,/ }; do
		seq "${part%-*}" "${part#*-}"
	done
}

nothing=/tmp/nothing # a pipe that nobody writes to
[[ -p $nothing ]] || mkfifo "$nothing"
neighbour=()

# Every setting that keeping CPUs quiet may touch, with its value.
masks() {
	local file
	for file in /proc/irq/*/smp_affinity_list /proc/irq/default_smp_affinity \
		/sys/devices/virtual/workqueue/cpumask{,_requested,_isolated}; do
		[[ -e $file ]] && printf '%s %s\n' "$file" "$(<"$file")"
	done
	for unit in system.slice user.slice init.scope reeved.slice; do
		printf '%s %s\n' "$unit" "$(systemctl show -P AllowedCPUs "$unit")"
	done
}

same_masks() { # same_masks WHEN BEFORE
	local now
	now=$(masks)
	[[ $now == "$2" ]] || fail "$1: the masks are not as they were: $(diff <(echo "$2") <(echo "$now"))"
	say "$1: $(wc -l <<<"$2") masks are as they were"
}

complaints() { # of PID 1, that the kernel takes no set of CPUs for a unit
	journalctl -b -q -o cat _PID=1 | grep "Failed to set 'cpuset" || true
}

# Neighbours that run whenever they can, anywhere: not of reeve, unpinned, more than there are CPUs.
# Their nice value tells their ticks from all others: the second column of /proc/stat is theirs.
neighbours() {
	local i
	for i in $(seq $(($(nproc --all) + 2))); do
		nice -n 1 bash -c 'while :; do :; done' &
		neighbour+=($!)
		disown # its end is no news
	done
	kill -STOP "${neighbour[@]}"
}

no_neighbours() {
	kill -KILL "${neighbour[@]}"
	neighbour=()
}

pause() { # pause SECONDS: without another process
	read -r -t "$1" <>"$nothing" || true
}

column() { # column LINES CPU N: the N-th word of the CPU's line
	local -n lines=$1
	local line words
	for line in "${lines[@]}"; do
		[[ $line == "cpu$2 "* ]] || continue
		read -ra words <<<"$line"
		echo "${words[$3 - 1]}"
	done
}

# watch_cpus SECONDS [PID]: lets the neighbours run, and what ran where meanwhile: into niced and
# others (ticks in user mode), busy (ms in which any process ran, by the scheduler:
# Documentation/scheduler/sched-stats.rst), own (ms of that process).
watch_cpus() {
	local stat0 stat1 run0 run1 own0=0 own1=0 cpu
	declare -gA niced=() others=() busy=()
	kill -CONT "${neighbour[@]}"
	mapfile -t stat0 </proc/stat
	mapfile -t run0 </proc/schedstat
	[[ ! ${2-} ]] || read -r own0 _ <"/proc/$2/schedstat"
	pause "$1"
	[[ ! ${2-} ]] || read -r own1 _ <"/proc/$2/schedstat"
	mapfile -t stat1 </proc/stat
	mapfile -t run1 </proc/schedstat
	kill -STOP "${neighbour[@]}"
	own=$(((own1 - own0) / 1000000))
	for cpu in $(seq 0 $(($(nproc --all) - 1))); do
		niced[$cpu]=$(($(column stat1 "$cpu" 3) - $(column stat0 "$cpu" 3)))
		others[$cpu]=$(($(column stat1 "$cpu" 2) - $(column stat0 "$cpu" 2)))
		busy[$cpu]=$((($(column run1 "$cpu" 8) - $(column run0 "$cpu" 8)) / 1000000))
		say "CPU $cpu: ${niced[$cpu]} ticks of neighbours, ${others[$cpu]} of others, ${busy[$cpu]} ms in which anything ran"
	done
}

apart() { # apart LIST: no tick of a neighbour on these CPUs, some on every other
	local cpu
	for cpu in "${!niced[@]}"; do
		if cpus_in "$1" | grep -qx "$cpu"; then
			same "ticks of neighbours on CPU $cpu" "${niced[$cpu]}" 0
		else
			((niced[$cpu] > 0)) || fail "the neighbours do not use CPU $cpu"
		fi
	done
}

interrupts_on() { # interrupts_on CPU: of devices, so far
	awk -v cpu="CPU$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == cpu) column = i + 1; next }
		$1 ~ /^[0-9]+:$/ { sum += $column } END { print sum + 0 }' /proc/interrupts
}

limit_is() { # limit_is SLICE LIMIT: "mechanism wanted actual"
	slice_value "$1" ".enforcement[] | select(.limit == \"$2\") | \"\(.mechanism) \(.wanted) \(.actual)\""
}
