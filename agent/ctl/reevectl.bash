# SPDX-License-Identifier: Apache-2.0
# bash completion for reevectl: the program itself knows the candidates.
_reevectl()
{
	local line words
	COMPREPLY=()
	words=("${COMP_WORDS[@]:1:COMP_CWORD}")
	# bash splits --option=value at '='; the program takes the value as a word of its own
	if [[ ${#words[@]} -ge 2 && ${words[-1]} == "=" ]]; then
		words[-1]=""
	elif [[ ${#words[@]} -ge 3 && ${words[-2]} == "=" ]]; then
		words=("${words[@]:0:${#words[@]}-2}" "${words[-1]}")
	fi
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)
	if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
		compopt -o default 2>/dev/null
	fi
}
complete -F _reevectl reevectl
