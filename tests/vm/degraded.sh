# SPDX-License-Identifier: Apache-2.0
# What hosts have in common that cannot enforce limits: for 230-cgroup-v1 and 235-cgroup-hybrid.
same "verdict" "$(json health | jq -r .verdict)" degraded
json health | jq -r '.conditions[] | select(.type == "controllers") | .evidence' | tee /dev/stderr | grep -q cpuset || fail "it does not say what is missing"
if reevectl slice create --name strict --cores 1 --isolation required 2>/run/refusal; then
	fail "isolation was promised on a host that cannot give it"
fi
same "the refusal" "$(grep -c 'no cpuset controller on cgroup v2' /run/refusal)" 1
reevectl slice create --name loose --cores 1 --memory 64MiB --isolation best-effort
cpus=$(slice_value loose .resources.cpus)
held_by() { slice_value loose ".enforcement[] | select(.limit == \"$1\") | .mechanism"; }
same "CPUs held by" "$(held_by cpus)" affinity
same "nodes held by" "$(held_by nodes)" policy
same "memory held by" "$(held_by memory_max)" none
reevectl task start loose --task-name view -- sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status
await 30 "the end of the task" task_is loose view exited
same "the task's own view" "$(reevectl task logs loose view)" "$cpus"
reevectl task start loose --task-name steady -- sleep 10000
pid=$(task_value loose steady .pid)
systemctl restart reeved
same "the task after a restart of the agent" "$(task_value loose steady '"\(.state) \(.pid)"')" "running $pid"
systemctl kill -s KILL --kill-whom=main reeved
await 30 "the agent" reevectl node
same "the task after a SIGKILL of the agent" "$(task_value loose steady '"\(.state) \(.pid)"')" "running $pid"
reevectl slice delete --grace 0s loose
! kill -0 "$pid" 2>/dev/null || fail "the task has outlived its slice"
same "slices" "$(json slice list | jq '.slices | length')" 0
