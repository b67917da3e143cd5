#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whydrop host: what it says of this machine is what lscpu, free, df, ethtool, lspci, numactl and
# uname say, each where it is installed and where the kernel has it; and a recording says the same.
. "$(dirname "$0")/../lib.sh"

run "$WHYDROP" host --json
[ "$STATUS" = 0 ] || fail "status $STATUS" "$ERR"
cp "$OUT" "$TMP/host.json"
compared=0

# field NAME OURS THEIRS: `-` of both is no comparison
field() {
	compared=$((compared + 1))
	[ "$2" = "$3" ] || fail "$1: whydrop has '$2', not '$3'"
}
# One Python for all questions: each start of it costs more than what is asked.
coproc EVAL { python3 -uc '
import json, sys
for line in sys.stdin:
    d = json.load(open(sys.argv[1]))
    v = eval(line)
    sys.stdout.write(("-" if v is None else str(v)) + "\0")
' "$TMP/host.json"; }
CHILDREN+=("$EVAL_PID")
# Its own descriptors are not for process substitutions.
exec {ASK}>&"${EVAL[1]}" {SAID}<&"${EVAL[0]}"
ours() { # ours PYTHON: of d, the document
	local value

	echo "$1" >&"$ASK"
	read -r -d '' value <&"$SAID" || fail "no answer to $1"
	echo "$value"
}

field release "$(ours 'd["system"]["release"]')" "$(uname -r)"
field machine "$(ours 'd["system"]["machine"]')" "$(uname -m)"
field version "$(ours 'd["system"]["version"]')" "$(uname -v)"
field name "$(ours 'd["system"]["name"]')" "$(uname -n)"
uptime=$(cut -d. -f1 /proc/uptime)
[ "$(ours "$uptime - d['system']['uptime_s'] < 20 and d['system']['uptime_s'] <= $uptime + 1")" = True ] ||
	fail "uptime is not $uptime s: $(ours 'd["system"]["uptime_s"]')"

if command -v lscpu > /dev/null; then
	LC_ALL=C lscpu -B 2> /dev/null > "$TMP/lscpu" || LC_ALL=C lscpu > "$TMP/lscpu"
	of() { sed -n "s/^ *$1: *//p" "$TMP/lscpu" | head -1; }
	numbered() { # numbered L1d|L1i|L2|L3: its caches have as many numbers as there are groups of CPUs
		local level=${1:1:1} kind=${1:2} index
		local -A ids=() groups=()

		for index in /sys/devices/system/cpu/cpu*/cache/index*; do
			[ "$(cat "$index/level")" = "$level" ] || continue
			[[ $kind = '' || $(cat "$index/type") = ${kind/d/D}* || $(cat "$index/type") = ${kind/i/I}* ]] ||
				continue
			ids[$(cat "$index/id" 2> /dev/null || cat "$index/shared_cpu_list")]=1
			groups[$(cat "$index/shared_cpu_list")]=1
		done
		[ "${#ids[@]}" = "${#groups[@]}" ]
	}
	field "CPUs online" "$(ours 'd["cpu"]["threads"]')" "$(of 'CPU(s)')"
	field model "$(ours 'd["cpu"]["model"]')" "$(of 'Model name')"
	if [ -n "$(of 'Socket(s)')" ] && [ "$(of 'Socket(s)')" != - ]; then
		field sockets "$(ours 'd["cpu"]["sockets"]')" "$(of 'Socket(s)')"
		field "cores of a socket" "$(ours 'd["cpu"]["cores"] // d["cpu"]["sockets"]')" \
			"$(of 'Core(s) per socket')"
		field "threads of a core" "$(ours 'd["cpu"]["threads"] // d["cpu"]["cores"]')" \
			"$(of 'Thread(s) per core')"
	fi
	for cache in L1d L1i L2 L3; do
		# lscpu counts by their numbers, which emulated CPUs give to each CPU anew.
		numbered "$cache" || continue
		[[ "$(of "$cache cache")" =~ ^([0-9]+)(\ \(([0-9]+)\ instance.*)?$ ]] || continue
		field "$cache" "$(ours "[c['bytes'] for c in d['cpu']['caches'] if c['name'] == '$cache'][0]")" \
			"${BASH_REMATCH[1]}"
		[ -z "${BASH_REMATCH[3]}" ] ||
			field "$cache instances" \
				"$(ours "[c['instances'] for c in d['cpu']['caches'] if c['name'] == '$cache'][0]")" \
				"${BASH_REMATCH[3]}"
	done
	nodes=$(of 'NUMA node(s)')
	[ -z "$nodes" ] || field nodes "$(ours 'len(d["numa"]["nodes"])')" "$nodes"
	case $(of 'Hypervisor vendor') in
	KVM | VMware | Xen) field hypervisor "$(ours 'd["system"]["hypervisor"]')" "$(of 'Hypervisor vendor')" ;;
	'') field guest "$(ours 'd["system"]["hypervisor_by"] == "CPUID"')" \
		"$(grep -qw hypervisor /proc/cpuinfo && echo True || echo False)" ;;
	esac
fi

# MemTotal stays as it is while memory is neither plugged nor ballooned.
if command -v free > /dev/null; then
	before=$(LC_ALL=C free -b | awk '/^Mem:/ { print $2 }')
	run "$WHYDROP" host firmware --json
	kernel=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["firmware"]["kernel_bytes"])' "$OUT")
	[ "$before" != "$(LC_ALL=C free -b | awk '/^Mem:/ { print $2 }')" ] ||
		field "memory the kernel sees" "$kernel" "$before"
fi

if command -v numactl > /dev/null && numactl -H > "$TMP/numactl" 2> /dev/null; then
	while read -r node size; do
		field "node $node" "$(ours "[n['total_bytes'] >> 20 for n in d['numa']['nodes'] if n['node'] == $node][0]")" \
			"$size"
	done < <(sed -nE 's/^node ([0-9]+) size: ([0-9]+) MB/\1 \2/p' "$TMP/numactl")
	while read -r node distances; do
		field "distances of node $node" \
			"$(ours "' '.join(str(x) for n in d['numa']['nodes'] if n['node'] == $node for x in n['distances'])")" \
			"$distances"
	done < <(sed -nE 's/^ +([0-9]+): +([0-9 ]+[0-9]) *$/\1 \2/p' "$TMP/numactl" | tr -s ' ')
fi

# Total and type hardly change; what is used does all the time.
mounts=0
while IFS=$'\t' read -r mount bytes type; do
	LC_ALL=C df -B1 --output=size,fstype,target "$mount" 2> /dev/null | tail -1 > "$TMP/df"
	read -r size fstype target < "$TMP/df"
	[ "$target" = "$mount" ] || continue
	field "size of $mount" "$bytes" "$size"
	field "type of $mount" "$type" "$fstype"
	mounts=$((mounts + 1))
done < <(python3 -c '
import json, sys
for f in json.load(open(sys.argv[1]))["filesystems"]["filesystems"]:
    if f["bytes"] and "\n" not in f["mount"]:
        print(f["mount"], f["bytes"], f["type"], sep="\t")' "$TMP/host.json")
[ $mounts -gt 0 ] || fail "no file system at all could be compared"
used=$(LC_ALL=C df -B1 --output=pcent / | tail -1 | tr -dc 0-9)
[ "$(ours "all(abs(f['used_percent'] - $used) <= 1 for f in d['filesystems']['filesystems'] if f['mount'] == '/')")" = True ] ||
	fail "/ is $used % full"

while read -r disk bytes; do
	field "size of $disk" "$bytes" "$(($(cat "/sys/block/$disk/size") * 512))"
	field "$disk is read-only" "$(ours "[int(x['read_only']) for x in d['disks']['disks'] if x['name'] == '$disk'][0]")" \
		"$(cat "/sys/block/$disk/ro")"
done < <(ours '"\n".join("%s %d" % (x["name"], x["bytes"]) for x in d["disks"]["disks"])' | grep .)

device() { # device NAME PYTHON: of n, the device
	ours "[$2 for n in d['network']['devices'] if n['device'] == '$1'][0]"
}
if command -v ethtool > /dev/null; then
	while read -r name; do
		ethtool -i "$name" > "$TMP/driver" 2> /dev/null || continue
		field "$name: driver" "$(device "$name" 'n["driver"]')" "$(sed -n 's/^driver: //p' "$TMP/driver")"
		bus=$(sed -n 's/^bus-info: //p' "$TMP/driver")
		field "$name: bus" "$(device "$name" 'n["bus"] or ""')" "$bus"
		if ethtool -g "$name" > "$TMP/rings" 2> /dev/null; then
			field "$name: ring" "$(device "$name" '"%s %s" % (n["rings"]["rx"]["max"], n["rings"]["rx"]["now"])')" \
				"$(sed -nE 's/^RX:[^0-9]*([0-9]+)$/\1/p' "$TMP/rings" | paste -sd' ')"
		fi
		if ethtool -l "$name" > "$TMP/channels" 2> /dev/null &&
			grep -qE '^Combined:\s*[1-9]' "$TMP/channels"; then
			field "$name: channels" \
				"$(device "$name" '"%s %s" % (n["channels"]["combined"]["max"], n["channels"]["combined"]["now"])')" \
				"$(sed -nE 's/^Combined:[^0-9]*([0-9]+)$/\1/p' "$TMP/channels" | paste -sd' ')"
		fi
		ethtool -k "$name" > "$TMP/features" 2> /dev/null || continue
		for pair in TSO:tx-tcp-segmentation GSO:generic-segmentation-offload USO:tx-udp-segmentation \
			GRO:generic-receive-offload LRO:large-receive-offload; do
			theirs=$(sed -nE "s/^\s*${pair#*:}: (on|off).*/\1/p" "$TMP/features" | head -1)
			[ -n "$theirs" ] || continue
			field "$name: ${pair%%:*}" \
				"$(device "$name" "('on' if n['offloads']['${pair%%:*}']['on'] else 'off')")" "$theirs"
		done
		field "$name: MTU" "$(device "$name" 'n["mtu"]')" "$(cat "/sys/class/net/$name/mtu")"
	done < <(ours '"\n".join(n["device"] for n in d["network"]["devices"][:20])' | grep .)
fi
if command -v lspci > /dev/null && lspci -Dn > "$TMP/lspci" 2> /dev/null; then
	field "network cards on PCI" \
		"$(ours '" ".join(sorted("%s %04x:%04x" % (c["place"], c["vendor"], c["device"]) for c in d["network"]["cards"]))')" \
		"$(awk '$2 ~ /^02/ { print $1, $3 }' "$TMP/lspci" | sort | paste -sd' ')"
fi

# What is absent is said, and is no zero.
[ -e /sys/firmware/dmi/tables/DMI ] ||
	field "no tables of the firmware" \
		"$(ours '(d["firmware"]["memory_devices"], d["firmware"]["installed_bytes"], [n["errno"] for n in d["firmware"]["not_known"]][:1])')" \
		"(None, None, ['ENOENT'])"
[ -e /run/utmp ] || field "no users known" "$(ours 'd["system"]["users"]')" "-"

# A recording replays to the same, but for what moves.
run "$WHYDROP" record -t 0.2 "$TMP/recording"
[ "$STATUS" = 0 ] || fail "record fails" "$ERR"
still() {
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
for key in ("started_at", "replay", "host"):
    d.pop(key, None)
d["system"].pop("uptime_s")
for n in d["numa"]["nodes"]:
    n.pop("free_bytes")
for n in d["network"]["devices"]:
    n["interrupts"] = None
for f in d["filesystems"]["filesystems"]:
    for key in ("used_bytes", "available_bytes", "used_percent", "files_free", "files"):
        f.pop(key)
print(json.dumps(d["system"]), *(json.dumps(d[k]) for k in sys.argv[2:]), sep="\n")' "$@"
}
parts=(firmware cpu numa disks filesystems network)
run "$WHYDROP" host --json --from "$TMP/recording"
still "$OUT" "${parts[@]}" > "$TMP/replayed"
still "$TMP/host.json" "${parts[@]}" > "$TMP/live"
diff "$TMP/live" "$TMP/replayed" > "$TMP/diff" || fail "the recording shows another machine" "$TMP/diff"
cards=$(ours '[(c["place"], c["vendor"]) for c in d["network"]["cards"]]')
run "$WHYDROP" record --scrub --from "$TMP/recording" "$TMP/scrubbed"
run "$WHYDROP" host --json --from "$TMP/scrubbed"
[ "$STATUS" = 0 ] || fail "the scrubbed one: status $STATUS" "$ERR"
cp "$OUT" "$TMP/host.json"
field "cards stay" "$(ours '[(c["place"], c["vendor"]) for c in d["network"]["cards"]]')" "$cards"
field "the name is gone" "$(ours "d['system']['name'] != '$(uname -n)'")" True
field "the release stays" "$(ours 'd["system"]["release"]')" "$(uname -r)"

# A file system whose server never answers: FUSE that nobody serves, in a mount namespace of its own.
if [ "$(id -u)" = 0 ] && [ -w /dev/fuse ] && grep -qw fuse /proc/filesystems; then
	mkdir "$TMP/gone"
	run python3 -c '
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None)
MS_REC, MS_PRIVATE, CLONE_NEWNS = 0x4000, 0x40000, 0x20000
fd = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fd
if (libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) or
        libc.mount(b"gone:/export", sys.argv[1].encode(), b"fuse", 0, options)):
    sys.exit(77)
sys.exit(subprocess.run(sys.argv[2:], timeout=20).returncode)' \
		"$TMP/gone" "$WHYDROP" host filesystems --json
	if [ "$STATUS" != 77 ]; then
		cp "$OUT" "$TMP/host.json"
		field "a server that is gone" \
			"$(ours "[(f['errno'], f['bytes']) for f in d['filesystems']['filesystems'] if f['source'] == 'gone:/export']")" \
			"[('ETIMEDOUT', None)]"
		field "the others answer" \
			"$(ours "[f['errno'] for f in d['filesystems']['filesystems'] if f['mount'] == '/']")" "[None]"
	fi
fi

run "$WHYDROP" host nonsense
[ "$STATUS" = 2 ] || fail "a section that is none: status $STATUS, not 2"
grep -q 'there are system, ' "$ERR" || fail "it does not say which there are" "$ERR"
run "$WHYDROP" host cpu
grep -q '^cpu ' "$OUT" && ! grep -q '^system ' "$OUT" || fail "one section alone" "$OUT"
echo "$compared fields compared"
finish
