#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the design says of the tree: who may include whom, sizes, and that each cause is complete.
. "$(dirname "$0")/../lib.sh"
cd "$ROOT" || exit 1

FILE_LINES=800 FILE_AIM=600 FUNCTION_LINES=80

# ---- who includes whom ----

declare -A may=(
	[base]="base"
	[nl]="base nl"
	[model]="base model"
	[collect]="base nl model collect"
	[drops]="base nl model drops"
	[scrub]="base nl model collect scrub"
	[sockets]="base nl model collect drops sockets"
	[causes]="base model capture causes"
	[watch]="base model capture causes watch"
	[render]="base model capture causes sockets watch render"
	[remedy]="base nl model remedy"
	[capture]="base model capture"
	[cli]="base nl model collect drops causes sockets watch render remedy capture scrub cli"
)

includes() { # includes FOLDER: "FILE HEADER" of each include of our own
	grep -nE '^[ \t]*#[ \t]*include[ \t]+"' -r "src/$1" |
		sed -E 's/^([^:]+):([0-9]+):[^"]*"([^"]+)".*/\1:\2 \3/'
}

for path in src/*/; do
	folder=$(basename "$path")
	[ -n "$(git ls-files "$path")" ] || continue
	if [ -z "${may[$folder]:-}" ]; then
		fail "src/$folder has no place among the layers"
		continue
	fi
	while read -r where header; do
		# Without a folder: a neighbour, or a skeleton made from one.
		case $header in
		*/*) layer=${header%%/*} ;;
		*.skel.h) layer=drops ;;
		*) layer=$folder ;;
		esac
		[[ " ${may[$folder]} " = *" $layer "* ]] ||
			fail "$where: $folder must not include $header"
	done < <(includes "$folder")
done

while IFS=: read -r file line _; do
	case $file in
	src/model/*_json.[ch] | src/collect/recording.h | src/collect/container.c | src/render/* | src/cli/*) ;;
	*) fail "$file:$line: jansson has no place here" ;;
	esac
done < <(grep -n '<jansson.h>' -r src)

# ---- sizes ----

while read -r lines file; do
	if [ "$lines" -gt $FILE_LINES ]; then
		fail "$file has $lines lines, more than $FILE_LINES"
	elif [ "$lines" -gt $FILE_AIM ]; then
		echo "note: $file has $lines lines; the aim is $FILE_AIM"
	fi
done < <(git ls-files '*.c' '*.h' '*.sh' '*.def' '*.py' lab/run tests/run 'tests/vm/*' bench | sort -u |
	while read -r file; do [ -f "$file" ] && echo "$(wc -l < "$file") $file"; done)

# A body stands between a lone { and a lone } at the margin; tables open otherwise.
while read -r lines where; do
	fail "$where: a function of $lines lines, more than $FUNCTION_LINES"
done < <(git ls-files '*.c' | xargs awk -v most=$FUNCTION_LINES '
	/^{$/ { start = FNR }
	/^}/ { if (start && FNR - start + 1 > most) print FNR - start + 1, FILENAME ":" start; start = 0 }')

# ---- causes, their texts and their scenarios ----

# "id proof" of each row. The proof is a scenario's name, "vm:NAME" for one that only the kernels in
# QEMU can play (or for tests/vm/NAME, which kernel-tests runs), or "unit:NAME" for tests/unit/test_NAME.c on the kernel's own text.
proofs() {
	{
		echo '#define LOSS(id, title, stage, dir, all, any, c, e, comp, lab, ...) @id lab'
		echo '#define EXPLAINS(id, title, stage, dir, all, comp, lab, ...) @id lab'
		echo '#define CONDITION(id, title, stage, dir, all, any, comp, lab, ...) @id lab'
		echo '#define ELSEWHERE(id, title, stage, dir, all, comp, lab, ...) @id lab'
		echo '#define CAPTURE(id, ...) @id "cli:pcap*"'
		cat src/causes/causes.def src/causes/capture.def
	} | cc -E -P -x c - | grep -oE '@"[^"]+" "[^"]*"' | tr -d '@"'
}

causes=() in_vm=0 in_unit=0
while read -r cause proof; do
	causes+=("$cause")
	[ -s "src/render/explain/$cause.txt" ] || fail "no src/render/explain/$cause.txt"
	case $proof in
	unit:*)
		in_unit=$((in_unit + 1))
		grep -qs "${cause//-/_}" "tests/unit/test_${proof#unit:}.c" ||
			fail "no test of $cause in tests/unit/test_${proof#unit:}.c"
		;;
	cli:*)
		# shellcheck disable=SC2086
		grep -qs " $cause " tests/cli/${proof#cli:}.sh ||
			fail "no test of $cause in tests/cli/${proof#cli:}.sh"
		;;
	vm:*)
		in_vm=$((in_vm + 1))
		if [ -x "tests/vm/${proof#vm:}" ]; then
			grep -qsE "tests/vm/${proof#vm:}([^a-z-]|$)" tests/vm/kernel-tests ||
				fail "tests/vm/${proof#vm:}, the proof of $cause, is run by nobody"
			continue
		fi
		grep -qsx "${proof#vm:}\( .*\)\?" tests/vm/scenarios.txt ||
			fail "${proof#vm:}, the proof of $cause, is not in tests/vm/scenarios.txt"
		proof=${proof#vm:}
		;;&
	*)
		[[ $proof = unit:* || $proof = cli:* ]] || [ -f "lab/scenarios/$proof.sh" ] ||
			fail "no lab/scenarios/$proof.sh, the proof of $cause"
		;;
	esac
done < <(proofs)
[ ${#causes[@]} -gt 10 ] || fail "src/causes/causes.def is not understood: ${#causes[@]} causes"
echo "${#causes[@]} causes: $((${#causes[@]} - in_vm - in_unit)) proved in the lab, $in_vm on the kernels in QEMU, $in_unit on kernel text"
tools/cause-table | diff docs/causes.md - > "$OUT" ||
	fail "docs/causes.md is old: tools/cause-table > docs/causes.md" "$OUT"
for text in src/render/explain/*.txt; do
	[[ " ${causes[*]} " = *" $(basename "$text" .txt) "* ]] || fail "$text explains no cause"
done

# Read as the runner reads it: a variant reads its original.
also=0 all=0
for scenario in lab/scenarios/*.sh; do
	all=$((all + 1))
	# shellcheck disable=SC1090,SC2034,SC2153,SC2154
	read -r cause companions < <(
		C=c S=s R=r
		set +u
		. "$scenario" > /dev/null 2>&1
		echo "${CAUSE:--} ${ALSO:-}"
	)
	[[ " none ${causes[*]} " = *" $cause "* ]] || fail "$scenario: CAUSE '$cause' is no cause"
	[ -z "$companions" ] || also=$((also + 1))
done
[ $((also * 10)) -le $all ] || fail "$also of $all scenarios use ALSO, more than one in ten"

# A cause's scenarios count up to three; several faults at once and healthy hosts by themselves.
read -r counted several healthy < <(
	for scenario in lab/scenarios/*.sh; do
		name=${scenario##*/}
		faults=$(sed -nE 's/.*\bBOTH="([^"]*)".*/\1/p' "$scenario" | wc -w)
		echo "${name%%--*}" "$([[ ${name%.sh} = none--* ]] && echo healthy || echo $((faults > 1)))"
	done | sed 's/\.sh / /' | awk '
		$2 == "healthy" { healthy++; next }
		$2 == 1 { several++ }
		++of[$1] <= 3 { counted++ }
		END { print counted + 0, several + 0, healthy + 0 }'
)
echo "$counted scenarios, three for a cause at most; $several with several faults, $healthy of healthy hosts"
[ "$counted" -ge 95 ] || fail "$counted scenarios, counted by cause, less than 95"
[ "$several" -ge 12 ] || fail "$several scenarios with two faults or more, less than 12"
[ "$healthy" -ge 20 ] || fail "$healthy near misses and healthy hosts, less than 20"

# Remedies are judged on fifteen faults at least, and those exist.
judged=0
while read -r scenario; do
	judged=$((judged + 1))
	[ -f "lab/scenarios/$scenario.sh" ] || fail "lab/remedies.txt: no scenario $scenario"
done < <(grep -v '^#' lab/remedies.txt)
[ $judged -ge 15 ] || fail "lab/remedies.txt: $judged faults, less than 15"

# So are those that fix mends, and remedies that it must call useless.
mended=0
while read -r scenario; do
	mended=$((mended + 1))
	[ -f "lab/scenarios/$scenario.sh" ] || fail "lab/fixes.txt: no scenario $scenario"
done < <(grep -v '^#' lab/fixes.txt)
[ $mended -ge 15 ] || fail "lab/fixes.txt: $mended faults, less than 15"
useless=$(git ls-files 'lab/fix/useless--*.sh' | wc -l)
[ "$useless" -ge 5 ] || fail "lab/fix: $useless useless remedies, less than 5"

# ---- words ----

while read -r line; do
	fail "left over: $line"
done < <(git grep -nIwE 'TODO|FIXME|XXX' -- . ':!tests/meta/layering.sh')

if command -v shellcheck > /dev/null; then
	# Scenarios set what the runner reads.
	mapfile -t scripts < <(git ls-files 'lab/scenarios/*.sh' 'lab/fix/*.sh')
	shellcheck -s bash -S warning -e SC2034 "${scripts[@]}" > "$OUT" 2>&1 ||
		fail "shellcheck on the scenarios" "$OUT"
	mapfile -t scripts < <(
		{
			git ls-files '*.sh' ':!lab/scenarios' ':!lab/fix/'
			git grep -lIE '^#!.*[/ ](ba|da)?sh( |$)'
		} | sort -u
	)
	for script in "${scripts[@]}"; do
		[ ! -f "$script" ] || shellcheck -x -P SCRIPTDIR -S warning "$script" > "$OUT" 2>&1 ||
			fail "shellcheck $script" "$OUT"
	done
else
	fail "shellcheck is not installed"
fi
finish
