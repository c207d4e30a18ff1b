# SPDX-License-Identifier: Apache-2.0
# The include law. Usage: awk -v rooms=FILE -v doors=FILE -f includes.awk SOURCE...
# Prints "path:line: [rule] sentence" for each violation.

function starts(text, prefix) {
	return substr(text, 1, length(prefix)) == prefix
}

function report(rule, sentence) {
	printf "%s:%d: [%s] %s\n", FILENAME, FNR, rule, sentence
}

function read_tables(line, field, n, i) {
	while ((getline line < rooms) > 0) {
		if (line ~ /^#/ || line ~ /^[ \t]*$/)
			continue
		n = split(line, field, /[ \t]+/)
		room_name[++room_count] = field[1]
		room_files[room_count] = field[2]
		for (i = 3; i <= n; i++)
			may[field[1], field[i]] = 1
		for (i = 3; i <= n; i++)
			may_list[field[1]] = may_list[field[1]] " " field[i]
	}
	while ((getline line < doors) > 0) {
		if (line ~ /^#/ || line ~ /^[ \t]*$/)
			continue
		n = split(line, field, /[ \t]+/)
		door_header[++door_count] = field[1]
		for (i = 2; i <= n; i++)
			door_files[door_count] = door_files[door_count] " " field[i]
	}
	if (!room_count || !door_count) {
		print "tests/lint: the tables of rooms and doors are empty or missing"
		exit 1
	}
}

function room_of(path, i) {
	for (i = 1; i <= room_count; i++)
		if (starts(path, room_files[i]))
			return room_name[i]
	return ""
}

function allowed(room, name, field, n, i) {
	n = split(may_list[room], field, " ")
	for (i = 1; i <= n; i++) {
		if (field[i] == "*" || (field[i] == "own" && name !~ /\//))
			return 1
		if (field[i] != "own" && starts(name, field[i]))
			return 1
	}
	return 0
}

function check_door(name, field, n, i, k, ok) {
	for (i = 1; i <= door_count; i++) {
		if (!starts(name, door_header[i]))
			continue
		ok = 0
		n = split(door_files[i], field, " ")
		for (k = 1; k <= n; k++)
			if (starts(FILENAME, field[k]))
				ok = 1
		if (!ok)
			report("door", "<" name "> is included only by" door_files[i])
	}
}

BEGIN { read_tables() }

FNR == 1 {
	room = room_of(FILENAME)
	if (room == "")
		report("room", "this folder is no room of tests/lint/rooms")
	includes = 0
	own = FILENAME
	sub(/^.*\//, "", own)
	sub(/\.c$/, ".h", own)
}

/^[ \t]*#[ \t]*include[ \t]/ {
	name = $0
	sub(/^[ \t]*#[ \t]*include[ \t]+/, "", name)
	quoted = substr(name, 1, 1) == "\""
	sub(/^["<]/, "", name)
	sub(/[">].*$/, "", name)
	includes++
	base = name
	sub(/^.*\//, "", base)
	if (quoted && FILENAME ~ /\.c$/ && room != "test" && base == own && includes > 1)
		report("own-first", "a file's own header \"" name "\" comes first")
	if (quoted && name ~ /\.\.\//)
		report("include", "\"" name "\" walks up; name it from its floor")
	if (quoted && room != "" && !allowed(room, name))
		report("include", "room " room " may not include \"" name "\" (it may:" may_list[room] ")")
	if (!quoted && room != "test")
		check_door(name)
}
