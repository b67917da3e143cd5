#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `whydrop host`, how the machine is doing: field by field what free, vmstat, ps, slabtop, pmap, smem
# and numastat say, each where it is installed and its source exists; on processes made here.
. "$(dirname "$0")/../lib.sh"
need_root "real-time processes, cgroups, /proc/slabinfo"

# ---- a zombie, a real-time process, batch work, one that waits in the kernel, a large one ----

bash -c 'sleep 0.01 & exec -a zparent sleep 60' &
zparent=$!
chrt -f 50 sleep 60 &
realtime=$!
nice -n 19 chrt -b 0 sleep 60 &
batch=$!
# 16 GiB of addresses (MAP_NORESERVE), 40 MiB of memory.
python3 -c '
import mmap, time
m = mmap.mmap(-1, 16 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
for at in range(0, 40 << 20, 4096):
    m[at] = 1
time.sleep(60)' &
large=$!
# vfork: until its child is done a parent sleeps in state D. The child is a process of its own.
python3 -c '
import ctypes, os, time
if ctypes.CDLL(None).syscall(56, 0x4000 | 17, 0, 0, 0, 0) == 0:
    time.sleep(60)
    os._exit(0)' &
blocked=$!
# 60 descriptors of 64
bash -c 'ulimit -n 64; for i in {3..59}; do eval "exec $i< /dev/null"; done; exec sleep 60' &
opener=$!
CHILDREN+=("$zparent" "$realtime" "$batch" "$large" "$blocked" "$opener")

state_of() { cut -d' ' -f3 "/proc/$1/stat" 2> /dev/null; }
zombie() { pgrep -P "$zparent" | head -n 1; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$large/status" 2> /dev/null || echo 0; }
ready() {
	[ -n "$(zombie)" ] && [ "$(state_of "$(zombie)")" = Z ] && [ "$(state_of "$blocked")" = D ] &&
		[ "$(resident)" -gt 40000 ] && [ "$(ls "/proc/$opener/fd" | wc -l)" -ge 60 ] &&
		[ "$(cat "/proc/$realtime/comm")$(cat "/proc/$batch/comm")" = sleepsleep ]
}
await 10 ready || fail "the processes do not come up"
CHILDREN+=("$(pgrep -P "$blocked")")

# ---- a cgroup that is throttled, of the version that has the CPU controller here ----

group=
for mount in /sys/fs/cgroup/cpu /sys/fs/cgroup/cpu,cpuacct; do
	[ ! -f $mount/cpu.cfs_quota_us ] || group=$mount/whydrop-$$
done
if [ -n "$group" ]; then
	mkdir "$group"
	undo rmdir "$group"
	echo 20000 > "$group/cpu.cfs_period_us" && echo 1000 > "$group/cpu.cfs_quota_us"
elif [ -f /sys/fs/cgroup/cgroup.subtree_control ] && grep -qw cpu /sys/fs/cgroup/cgroup.subtree_control; then
	group=/sys/fs/cgroup/whydrop-$$
	mkdir "$group"
	undo rmdir "$group"
	echo "1000 20000" > "$group/cpu.max"
fi
if [ -n "$group" ]; then
	# It may use a twentieth of a CPU.
	bash -c 'echo $$ > "$1/cgroup.procs"; while :; do :; done' loop "$group" &
	loop=$!
	CHILDREN+=("$loop")
	undo sleep 0.1
	sleep 0.1
else
	echo "note: no CPU controller here: throttling is not compared"
fi

# ---- what the others say, right before and after ----

others() { # others FOLDER
	mkdir "$1"
	free -k > "$1/free"
	vmstat -s -S K > "$1/vmstat"
	cat /proc/vmstat > "$1/proc-vmstat"
	ps -e -o pid=,ppid=,stat=,ni=,rtprio=,vsz=,rss=,nlwp=,comm= > "$1/ps"
	[ ! -r /proc/slabinfo ] || slabtop -o -s c > "$1/slabtop" 2> /dev/null
	pmap -x "$large" | tail -n 1 > "$1/pmap"
	[ -z "$group" ] || cp "$group/cpu.stat" "$1/cpu.stat"
	! command -v numastat > /dev/null || numastat > "$1/numastat" 2> /dev/null
}
others "$TMP/before"
run "$WHYDROP" host --json -t 1 --top 65536 load time processes memory swap placement files
[ "$STATUS" = 0 ] || fail "host: status $STATUS" "$ERR"
others "$TMP/after"
! command -v smem > /dev/null || smem -H -c "pid pss swap" > "$TMP/smem" 2> /dev/null

python3 - "$OUT" "$TMP" "$zparent" "$(zombie)" "$realtime" "$batch" "$large" "$blocked" "$opener" \
	"${group##*/}" > "$TMP/verdict" << 'END' || fail "whydrop host and the others differ" "$TMP/verdict"
import json, os, re, sys
d = json.load(open(sys.argv[1]))
folder = sys.argv[2]
zparent, zombie, realtime, batch, large, blocked, opener = map(int, sys.argv[3:10])
group = sys.argv[10]
wrong, compared = [], 0
def text(when, name):
    path = f"{folder}/{when}/{name}"
    return open(path).read() if os.path.exists(path) else ""
def check(what, ok, *values):
    global compared
    compared += 1
    if not ok:
        wrong.append(f"{what}: {values}")
def between(what, ours, before, after, slack):
    check(what, ours is not None and min(before, after) - slack <= ours <= max(before, after) + slack,
          ours, before, after)

# free(1): what changes meanwhile may by as much as others use in a second
memory, slack = d["memory"], 200 << 10
def free(when):
    rows = {line.split()[0]: list(map(int, line.split()[1:])) for line in text(when, "free").splitlines()[1:]}
    names = ["total", "used", "free", "shared", "cache", "available"]
    return dict(zip(names, rows["Mem:"])) | {"swap": rows["Swap:"][0], "swap_free": rows["Swap:"][2]}
a, b = free("before"), free("after")
check("total", memory["total"] == a["total"], memory["total"], a["total"])
for name in ("free", "available"):
    between(name, memory[name], a[name], b[name], slack)
between("shared", memory["shared"], a["shared"], b["shared"], 4096)
between("buff/cache", memory["buffers"] + memory["page_cache"] + memory["slab_reclaimable"], a["cache"], b["cache"], slack)
check("swap", d["swap"]["total"] == a["swap"], d["swap"])
between("swap free", d["swap"]["free"], a["swap_free"], b["swap_free"], slack)
check("account", abs(sum(r["kib"] for r in memory["account"]) - a["total"]) <= 4, memory["account"])

# vmstat -s
def vmstat(when):
    return {m[2]: int(m[1]) for m in re.finditer(r"^\s*(\d+) (.*)$", text(when, "vmstat"), re.M)}
a, b = vmstat("before"), vmstat("after")
between("active", memory["active"], a["K active memory"], b["K active memory"], slack)
between("inactive", memory["inactive"], a["K inactive memory"], b["K inactive memory"], slack)
between("buffers", memory["buffers"], a["K buffer memory"], b["K buffer memory"], 20480)
between("forks", d["time"]["forks"], a["forks"], b["forks"], 0)
between("switches", d["time"]["context_switches"], a["CPU context switches"], b["CPU context switches"], 0)
between("swapped in", d["swap"]["pages_in"], a["pages swapped in"], b["pages swapped in"], 0)
events = [dict(line.split() for line in text(w, "proc-vmstat").splitlines()) for w in ("before", "after")]
for ours, name in ((memory["oom_kills"], "oom_kill"), (d["swap"]["major_faults"], "pgmajfault")):
    between(name, ours, int(events[0][name]), int(events[1][name]), 0)
shares = d["time"]["all"]
check("shares add up", abs(sum(v for v in shares.values()) - 1) < 0.01, shares)
check("CPUs", len(d["time"]["cpus"]) == os.cpu_count() == d["load"]["cpus"], len(d["time"]["cpus"]))
for name, key in (("pid_max", "pid_max"), ("threads-max", "threads_max")):
    check(name, d["processes"][key] == int(open(f"/proc/sys/kernel/{name}").read()), d["processes"][key])

# ps(1)
def ps(when):
    return {int(f[0]): f[1:] for f in (line.split(None, 8) for line in text(when, "ps").splitlines())}
a, b = ps("before"), ps("after")
ours = {p["pid"]: p for p in d["processes"]["list"]}
known = [p for p in a if p in b]
check("every process", all(p in ours for p in known), [p for p in known if p not in ours])
for pid in (zparent, zombie, realtime, batch, large, blocked, opener):
    p, (ppid, state, nice, rt, vsz, rss, threads, comm) = ours[pid], a[pid]
    check(f"{pid} state", p["state"] == state[0], p["state"], state)
    check(f"{pid} parent", p["parent"] == int(ppid), p["parent"], ppid)
    check(f"{pid} command", p["command"] == comm.replace(" <defunct>", ""), p["command"], comm)
    check(f"{pid} threads", p["threads"] == int(threads), p["threads"], threads)
    check(f"{pid} VSZ", (p["virtual_kib"] or 0) == int(vsz), p["virtual_kib"], vsz)
    check(f"{pid} RSS", abs((p["resident_kib"] or 0) - int(rss)) <= 256, p["resident_kib"], rss)
    if nice != "-":
        check(f"{pid} nice", p["nice"] == int(nice), p["nice"], nice)
    check(f"{pid} rtprio", p["realtime_priority"] == int(rt.replace("-", "0")), p["realtime_priority"], rt)
check("scheduling", (ours[realtime]["scheduling"], ours[batch]["scheduling"]) == ("fifo", "batch"), ours[batch])
check("real-time", realtime in [p["pid"] for p in d["processes"]["realtime"]], d["processes"]["realtime"])
z = [z for z in d["processes"]["zombies"] if z["pid"] == zombie]
check("zombie", len(z) == 1 and z[0]["parent"] == zparent, d["processes"]["zombies"])
check("blocked", blocked in [p["pid"] for p in d["load"]["uninterruptible"]], d["load"]["uninterruptible"])
check("blocked tasks", d["load"]["looks"][1]["uninterruptible"] >= 1, d["load"]["looks"])
check("large", ours[large]["virtual_kib"] > 16 << 20 and ours[large]["resident_kib"] < 100 << 10, ours[large])
check("not runnable", large not in [p["pid"] for p in d["load"]["runnable"]], d["load"]["runnable"])
f = [p for p in d["files"]["processes"] if p["pid"] == opener]
check("descriptors", f and f[0]["descriptors"] >= 60 and f[0]["descriptors_max"] == 64, f)

# pmap -x: "total kB  SIZE RSS DIRTY"
size, rss = map(int, text("before", "pmap").split()[2:4])
# The page of vsyscall is in pmap's sum alone.
check("pmap size", size - ours[large]["virtual_kib"] in (0, 4), ours[large]["virtual_kib"], size)
check("pmap RSS", abs(ours[large]["resident_kib"] - rss) <= 256, ours[large]["resident_kib"], rss)
# smem
if os.path.exists(f"{folder}/smem"):
    pss = {int(l.split()[0]): int(l.split()[1]) for l in open(f"{folder}/smem")}
    part = [p for p in memory["by_process"] if p["pid"] == large]
    # Of a crowd of larger ones it may be left out.
    check("PSS", part == [] and memory["by_process_left_out"]["processes"] > 0 or part and abs(part[0]["pss_kib"] - pss[large]) < pss[large] * 0.05, part, pss.get(large))
# slabtop: OBJS ACTIVE USE OBJSIZE SLABS OBJ/SLAB CACHE-SIZE NAME
slabs = {f[-1]: int(f[-2].rstrip("K")) for f in (l.split() for l in text("before", "slabtop").splitlines()[7:]) if len(f) == 8}
if slabs:
    check("largest cache", memory["slab_caches"][0]["name"] in list(slabs)[:3], memory["slab_caches"][0], list(slabs)[:3])
    for c in memory["slab_caches"][:5]:
        check(f"cache {c['name']}", abs(c["kib"] - slabs[c["name"]]) <= slabs[c["name"]] * 0.2 + 2048, c, slabs[c["name"]])
# numastat: a column for each node
for when in ("numastat",):
    a, b = ({l.split()[0]: list(map(int, l.split()[1:])) for l in text(w, when).splitlines()[1:] if l.split()[1:]} for w in ("before", "after"))
    for i, node in enumerate(d["placement"]["nodes"] if a else []):
        for name in ("numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node"):
            # One end of a node's counters may still be per CPU.
            between(f"node {node['node']} {name}", node[name], a[name][i], b[name][i], 4096)
# the throttled cgroup
if group:
    g = [g for g in d["time"]["cgroups"] if g["path"].endswith(group)]
    a, b = (dict(l.split() for l in text(w, "cpu.stat").splitlines()) for w in ("before", "after"))
    check("quota", g and (g[0]["quota_us"], g[0]["period_us"]) == (1000, 20000), g)
    for name, key in (("nr_periods", "periods_ever"), ("nr_throttled", "throttled_ever")):
        between(name, g[0][key], int(a[name]), int(b[name]), 0)
    check("throttled", 1 <= g[0]["throttled"] <= int(b["nr_throttled"]) - int(a["nr_throttled"]), g)
print(compared, "fields compared")
print("\n".join(wrong))
sys.exit(bool(wrong) or compared < 80)
END
[ "$FAILURES" != 0 ] || head -n 1 "$TMP/verdict"

# ---- the order asked for, and text ----

run "$WHYDROP" host --json -t 0.2 --sort memory --top 3 processes
json 'len(d["processes"]["list"]) == 3 and d["processes"]["order"] == "memory" and
	[p["resident_kib"] for p in d["processes"]["list"]] ==
	sorted([p["resident_kib"] for p in d["processes"]["list"]], reverse=True)' > /dev/null ||
	fail "--sort memory --top 3" "$OUT"
answers 0 "sleep \($realtime\), FIFO priority 50" "$WHYDROP" host -t 0.2 processes
grep -q "not waited for by sleep ($zparent)" "$OUT" || fail "the zombie's parent is not told" "$OUT"
answers 0 "python3 \($blocked\)( in |,|$)" "$WHYDROP" host -t 0.2 load
refused 2 "sort" "$WHYDROP" host --sort size
finish
