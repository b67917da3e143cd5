#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/guides.md names nothing that whydrop does not know.
. "$(dirname "$0")/../lib.sh"
cd "$ROOT" || exit 1

"$WHYDROP" explain --list > "$TMP/names"
names=0
# The middle column: what of whydrop answers a step. Names of causes have a dash in them.
while read -r name; do
	names=$((names + 1))
	grep -qx -- "$name" "$TMP/names" || fail "docs/guides.md: no cause $name"
done < <(sed -n 's/\\|//g; s/^|[^|]*|\([^|]*\)|.*/\1/p' docs/guides.md | grep -oE '`[a-z0-9]+(-[a-z0-9]+)+`' | tr -d '`' | sort -u)
[ $names -ge 30 ] || fail "docs/guides.md is not understood: $names names"

# Every section of the case book, and every cause of the other guide.
for section in 3.2 3.3 3.4 3.5 3.6 3.7 3.9 3.10 3.11 3.12 3.13 3.14 3.15 3.16; do
	cut -d '|' -f 2 docs/guides.md | grep -qwF -- "$section" || fail "docs/guides.md: no step $section"
done
[ "$(sed -n '/^## S0/,/^## S2/p' docs/guides.md | grep -c '^| ')" = 11 ] || fail "docs/guides.md: S0 has ten steps"

# What the rows of explain name as answers exists as well: causes, and patterns of counters.
while read -r name; do
	grep -qx -- "$name" "$TMP/names" || fail "src/render/words: whydrop has no $name"
done < <(sed -n 's/^T(COMMAND, .*", "\(.*\)", "[^"]*")$/\1/p' src/render/words/commands.def |
	sed -n 's/.*", "//; s/whydrop: \([a-z, -]*\).*/\1/p' | tr ', ' '\n\n' | grep -E '^[a-z0-9]+(-[a-z0-9]+)+$' | sort -u)
while read -r pattern; do
	"$WHYDROP" counters --since-boot "$pattern" > "$OUT" 2> "$ERR" || fail "whydrop counters '$pattern'" "$ERR"
done < <(grep -ohE 'whydrop counters [A-Za-z_.]+' src/render/words/*.def | cut -d ' ' -f 3 | grep -vxE 'NAME|PATTERN|shows' | sort -u)

finish
