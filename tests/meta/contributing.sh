#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CONTRIBUTING.md is true: its example is built in a copy of the tree, from its own words.
. "$(dirname "$0")/../lib.sh"
need_root "the lab's network namespaces"

copy=$TMP/whydrop
mkdir "$copy"
(cd "$ROOT" && git ls-files -z --cached --others --exclude-standard | tar -c --null -T -) |
	tar -x -C "$copy" || fail "no copy of the tree"
cd "$copy" || exit 1

# Puts each block with a place before it into its place; the others are commands, in their order.
python3 - << 'END' > "$TMP/commands" || fail "CONTRIBUTING.md is not understood"
import re, sys
blocks = re.findall(r'(?:<!-- (.*?) -->\n)?```(\w+)\n(.*?)```\n', open('CONTRIBUTING.md').read(), re.S)
for place, kind, text in blocks:
    if not place:
        sys.stdout.write(text)
        continue
    path, _, after = place.partition(' after ')
    try:
        old = open(path).read()
    except FileNotFoundError:
        old = ''
    if after:
        row = re.search(r'^\w+\("%s".*?\)\n' % re.escape(after), old, re.S | re.M)
        while row and old[row.end()] in '\t ':  # a row ends where the next one is at the margin
            row = re.compile(r'.*\n').match(old, row.end())
        text = old[:row.end()] + text + old[row.end():]
    elif old:
        text = old + '\n' + text
    open(path, 'w').write(text)
END
[ "$(wc -l < "$TMP/commands")" -ge 8 ] || fail "CONTRIBUTING.md has lost its commands" "$TMP/commands"

touched=$(diff -rq "$ROOT" . 2> /dev/null | grep -E "^Only in \.|^Files" | grep -cE '\.def|\.c |\.c:|icmp-csum')
[ "$touched" = 4 ] || fail "the example touches $touched places, not 4"

git init -q . && git add -A || fail "git"
meson setup -Doptimization=0 build > "$TMP/log" 2>&1 || fail "meson" "$TMP/log"
unset WHYDROP GEN
bash -e "$TMP/commands" > "$TMP/log" 2>&1 || fail "the commands of CONTRIBUTING.md" "$TMP/log"
grep -qE '^icmp-csum .* pass$' "$TMP/log" || fail "the scenario did not pass" "$TMP/log"
grep -qE '^icmp-csum - warning 300 packets$' "$TMP/log" || fail "the fixture does not hold it" "$TMP/log"
finish
