# SPDX-License-Identifier: Apache-2.0
# Shape of C files as clang-format leaves them: a function's braces stand in column 0, a statement
# is indented by one tab for each level. Usage: awk -v excused_file=FILE -f shape.awk SOURCE...
# Prints "path:line: [rule] sentence" for each violation.
#
# rules: file-length function-length parameters nesting conditional goto global typedef extern
#        licence pragma-once preface

function report(line, rule, sentence) {
	printf "%s:%d: [%s] %s\n", path, line, rule, sentence
}

# The line without strings, characters and comments; a comment that stays open sets in_comment.
function strip(text, out, at) {
	out = ""
	while (text != "") {
		if (in_comment) {
			at = index(text, "*/")
			if (!at)
				return out
			text = substr(text, at + 2)
			in_comment = 0
			continue
		}
		if (!match(text, /["'\/]/))
			return out text
		out = out substr(text, 1, RSTART - 1)
		text = substr(text, RSTART)
		if (match(text, /^"([^"\\]|\\.)*"/)) {
			out = out "\"\""
			text = substr(text, RLENGTH + 1)
		} else if (match(text, /^'([^'\\]|\\.)*'/)) {
			out = out "0"
			text = substr(text, RLENGTH + 1)
		} else if (substr(text, 1, 2) == "/*") {
			in_comment = 1
			text = substr(text, 3)
		} else if (substr(text, 1, 2) == "//") {
			return out
		} else {
			out = out substr(text, 1, 1)
			text = substr(text, 2)
		}
	}
	return out
}

# Parameters in the last outermost pair of parentheses of a declarator. Two are not counted, as they
# stand in every signature of their kind: a last `struct fail *` (where another language has
# exceptions) and the `void *userdata` of a callback.
function parameters(text, i, c, depth, count, something) {
	sub(/,[ \t]*struct fail \*[a-z]+[ \t]*\)[ \t]*$/, ")", text)
	sub(/,[ \t]*void \*userdata[ \t]*\)[ \t]*$/, ")", text)
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "(" && ++depth == 1) {
			count = 1
			something = 0
		} else if (c == ")") {
			depth--
		} else if (c == "," && depth == 1) {
			count++
		} else if (depth >= 1 && c !~ /[ \t]/) {
			something = 1
		}
	}
	return something ? count : 0
}

function function_name(text) {
	sub(/^__attribute__\(\([^)]*\)+[ \t]*/, "", text)
	sub(/\(.*$/, "", text)
	sub(/^.*[ \t*]/, "", text)
	return text
}

# A variable is constant when what it is itself is: behind the last '*', or anywhere without one.
function is_constant(declaration, at) {
	sub(/[=\[].*$/, "", declaration)
	while ((at = index(declaration, "*")))
		declaration = substr(declaration, at + 1) " <pointer>"
	return (" " declaration " ") ~ /[^a-zA-Z0-9_]const[^a-zA-Z0-9_]/
}

function is_excused(name) {
	return ((path " " name) in excused)
}

function variable_name(declaration) {
	sub(/[ \t]*[=\[;].*$/, "", declaration)
	sub(/^.*[ \t*]/, "", declaration)
	return declaration
}

# A whole declaration at file level, up to its ';' or the '{' of its initialiser.
function check_declaration(line, text, before, name) {
	if (text ~ /^typedef/) {
		if (text !~ /\([ \t]*\*|\(.*\)[ \t]*;/)
			report(line, "typedef", "typedef only for callbacks")
		return
	}
	if (is_source && !is_test && text ~ /^extern/ && text !~ /^extern const struct/) {
		report(line, "extern", "what is shared is declared in a header")
		return
	}
	if (!is_source || is_test || text ~ /^(#|_Static_assert|static_assert)/)
		return
	before = text
	sub(/=.*$/, "", before)
	if (text ~ /^(struct|union|enum)[ \t]*[a-zA-Z0-9_]*[ \t]*(;|\{)/)
		return
	if (before ~ /\(/ && before !~ /\([ \t]*\*/)
		return
	name = variable_name(text)
	if (!is_constant(text) && !is_excused(name))
		report(line, "global", "variable " name " is not const; state is handed around")
}

function end_of_file() {
	if (path == "")
		return
	if (is_source && lines > 800)
		report(lines, "file-length", "a file has at most 800 lines")
	if (!is_source && lines > 200)
		report(lines, "file-length", "a header has at most 200 lines")
	if (!is_source && !pragma)
		report(1, "pragma-once", "a header begins with #pragma once")
}

function start_of_file() {
	end_of_file()
	path = FILENAME
	is_source = path ~ /\.c$/
	is_test = path ~ /^tests\//
	in_comment = in_function = pragma = 0
	declarator = declaration = ""
	if ($0 !~ /SPDX-License-Identifier: Apache-2\.0/)
		report(1, "licence", "the first line is the SPDX licence identifier")
}

function start_of_function(n) {
	in_function = 1
	function_line = declarator_line
	counted = in_table = 0
	name = function_name(declarator)
	n = parameters(declarator)
	if (n > 5 && !is_excused(name))
		report(function_line, "parameters", name "() has " n " parameters; over five is a struct")
}

function end_of_function() {
	in_function = 0
	declarator = ""
	if (counted > 80)
		report(function_line, "function-length", name "() has " counted " lines; at most 80")
}

BEGIN {
	while ((getline line < excused_file) > 0)
		if (line !~ /^#/ && line !~ /^[ \t]*$/) {
			split(line, field, /[ \t]+/)
			excused[field[1] " " field[2]] = 1
		}
}

FNR == 1 { start_of_file() }
{ lines = FNR }
/^#[ \t]*pragma[ \t]+once/ { pragma = 1 }
FNR == 2 && is_source && !is_test && $0 !~ /^\/\*/ {
	report(2, "preface", "the first comment says what the file is, how it thinks, what it does not do")
}

{
	was_comment = in_comment
	code = strip($0)
}

code ~ /^[ \t]*#/ {
	if (is_source && code ~ /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)/)
		report(FNR, "conditional", "no conditional compilation in a .c file: optional means another file")
	continued = code ~ /\\$/
	next
}
continued { # the rest of a macro
	continued = code ~ /\\$/
	next
}

in_function {
	if (code ~ /^}/) {
		end_of_function()
		next
	}
	if (code ~ /^\t+(static )?.*=[ \t]*\{$/ || code ~ /^\t+\}.*=[ \t]*\{/) {
		in_table = 1
		match(code, /^\t+/)
		table_indent = RLENGTH
	}
	if (!in_table)
		counted++
	if (in_table && code ~ /^\t+\};/) {
		match(code, /^\t+/)
		if (RLENGTH == table_indent)
			in_table = 0
	}
	if (code ~ /(^|[^a-zA-Z0-9_])goto[ \t]+[a-zA-Z_]/)
		report(FNR, "goto", "no goto: a cleanup attribute releases")
	if (code ~ /^\t\t\t\t+(if|for|while|do|switch|[a-z_]*_each|json_array_foreach|json_object_foreach)[ \t]*[({]/)
		report(FNR, "nesting", "nested deeper than three levels: split " name "()")
	if (is_source && !is_test && code ~ /^\t+static[ \t]/ && !is_constant(substr(code, index(code, "static"))))
		report(FNR, "global", "a static local is state too: make it const or hand it around")
	next
}

# File level: collect declarations; a line that is one brace opens a function's body.
code ~ /^\{$/ {
	start_of_function()
	next
}
code ~ /^[a-zA-Z_]/ && declaration == "" {
	declarator = code
	declarator_line = FNR
	declaration = code
	if (code ~ /[;{]/) {
		check_declaration(FNR, code)
		declaration = ""
	}
	if (code ~ /^[a-zA-Z_0-9]+:/ || code ~ /^[A-Z_0-9]+\(.*\)$/)
		declaration = ""
	next
}
code ~ /^[ \t]/ && declaration != "" {
	declarator = declarator " " code
	declaration = declaration " " code
	if (code ~ /[;{]/) {
		check_declaration(declarator_line, declaration)
		declaration = ""
	}
	next
}
code ~ /^[a-zA-Z_]/ { # the name stands on a line of its own, or what was collected was none
	declarator = declaration " " code
	declaration = declarator
	if (code ~ /[;{]/) {
		check_declaration(FNR, declaration)
		declaration = ""
	}
	next
}
{ declaration = "" }

END { end_of_file() }
