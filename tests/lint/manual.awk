# SPDX-License-Identifier: Apache-2.0
# What the sources' tables offer to a user, one "kind word" a line. Usage: awk -f manual.awk SOURCE...
#   option PATH --NAME  a row of a getopt_long table, or of a struct option_row of agent/ctl
#   key SECTION NAME    a row of agent/config.c's table; of agent/config_party.c's: role_NAME
#   route METHOD PATH   a row of agent/routes.c's table
#   event KIND          a name in agent/model/event.c's table
#   code NAME           a problem code stated with fail_code() or http_problem()

function literal(text, n, part) { # the n-th string literal of a text
	while (n-- > 0) {
		if (!match(text, /"([^"\\]|\\.)*"/))
			return ""
		part = substr(text, RSTART + 1, RLENGTH - 2)
		text = substr(text, RSTART + RLENGTH)
	}
	return part
}

# The literal that is the k-th argument of a call whose text begins behind "(", or "".
function argument(text, k, i, c, depth, start, n) {
	start = 1
	n = 1
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "\"") {
			match(substr(text, i), /^"([^"\\]|\\.)*"/)
			i += RLENGTH > 0 ? RLENGTH - 1 : 0
		} else if (c == "(" || c == "{" || c == "[") {
			depth++
		} else if ((c == ")" && depth == 0) || (c == "," && depth == 0)) {
			if (n == k)
				return literal(substr(text, start, i - start), 1)
			if (c == ")")
				return ""
			n++
			start = i + 1
		} else if (c == ")" || c == "}" || c == "]") {
			depth--
		}
	}
	return ""
}

function codes(text, call, position, code) {
	while ((at = index(text, call "("))) {
		text = substr(text, at + length(call) + 1)
		code = argument(text, position)
		if (code ~ /^[a-z][a-z0-9-]*$/)
			print "code", code
	}
}

function finish() {
	if (path ~ /^agent\// && path !~ /^agent\/(util|ctl|init)\//) {
		codes(whole, "fail_code", 3)
		codes(whole, "http_problem", 3)
	}
	whole = ""
}

FNR == 1 {
	finish()
	path = FILENAME
}
{ whole = whole " " $0 }
/\{[ \t]*"[a-z][a-z0-9-]*",[ \t]*(no_argument|required_argument|optional_argument)/ {
	print "option", path, "--" literal($0, 1)
}
path == "agent/options.c" && /^[ \t]*[A-Z]+\("[a-z][a-z0-9-]*",[ \t]*("[A-Z]|NULL)/ {
	print "option", path, "--" literal($0, 1)
}
/\{[ \t]*"[a-z][a-z0-9-]*",[ \t]*(0|'.'),[ \t]*OPTION_/ {
	print "option", path, "--" literal($0, 1)
}
path == "agent/config.c" && /[{(][ \t]*"[a-z]+",[ \t]*"[a-z][a-z0-9-]*"/ {
	print "key", literal($0, 1), literal($0, 2)
}
path == "agent/config_party.c" && /\([ \t]*"[a-z]+ NAME",[ \t]*"[a-z][a-z-]*"/ {
	section = literal($0, 1)
	sub(/ /, "_", section) # a word
	print "key", section, literal($0, 2)
}
path == "agent/routes.c" && /\{[ \t]*"[A-Z]+",[ \t]*"\// {
	print "route", literal($0, 1), literal($0, 2)
}
path == "agent/model/event.c" && /\][ \t]*=/ {
	text = $0
	while (match(text, /\][ \t]*=[ \t]*"[a-z.]+"/)) {
		print "event", literal(substr(text, RSTART, RLENGTH), 1)
		text = substr(text, RSTART + RLENGTH)
	}
}
END { finish() }
