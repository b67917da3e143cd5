#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `whydrop host --leak`: a program that leaks 1 MiB/s is found among all processes, with the region
# that grows and its rate; what is large, has grown, or only maps much, is none. What fills the region
# is shown and written only to who says so.
. "$(dirname "$0")/../lib.sh"
need_root "other processes' memory"

# grow KIND: 1 MiB/s in so many ways, or the near misses; "ready" once it has begun.
cat > "$TMP/grow.py" <<- 'END'
	import ctypes, mmap, os, sys, time
	kind = sys.argv[1]
	libc = ctypes.CDLL(None)
	libc.malloc.restype = ctypes.c_void_p
	keep = []
	if kind == "heap":  # small enough for malloc to take it from the heap
	    piece = 16384
	    def more():
	        for i in range(3):
	            p = libc.malloc(ctypes.c_size_t(piece))
	            ctypes.memmove(p, (b"session of customer 4711 " * 700)[:piece], piece)
	    step = 3 * piece / 1048576
	elif kind == "anonymous":
	    def more():
	        m = mmap.mmap(-1, 65536, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
	        m[:] = b"x" * 65536
	        keep.append(m)
	    step = 1 / 16
	elif kind == "large":  # 40 MiB in use, 64 GiB mapped and never touched, and no more
	    keep.append(bytearray(40 << 20))
	    keep.append(mmap.mmap(-1, 64 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000))
	    more, step = lambda: None, 1 / 16
	elif kind == "cache":  # pages of a file: the kernel's to take back
	    path = sys.argv[2]
	    with open(path, "wb") as f:
	        f.truncate(64 << 20)
	    m = mmap.mmap(os.open(path, os.O_RDWR), 64 << 20)
	    at = [0]
	    def more():
	        for i in range(16):
	            m[at[0]] = 1
	            at[0] += 4096
	    step = 1 / 16
	elif kind == "burst":
	    begin = time.monotonic()
	    def more():
	        if time.monotonic() - begin > 0.9 and not keep:
	            keep.append(bytearray(b"y" * (20 << 20)))
	    step = 1 / 16
	print("ready", flush=True)
	begin, n = time.monotonic(), 0
	while time.monotonic() - begin < 60:
	    more()
	    n += 1
	    time.sleep(max(0, begin + n * step - time.monotonic()))
END
start() { # start VARIABLE KIND
	local pid

	rm -f "$TMP/ready" && mkfifo "$TMP/ready"
	python3 "$TMP/grow.py" "$2" "$TMP/mapped" > "$TMP/ready" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 _ < "$TMP/ready" || fail "$2 does not begin"
	printf -v "$1" %s "$pid"
}
told() { # told WHAT EXPRESSION [PID]: over p, the first process or that one, and l, all that was found
	python3 - "$OUT" "$2" "${3:-0}" > "$TMP/value" 2>&1 <<- 'END' || fail "$1" "$TMP/value" "$ERR"
		import json, sys
		l = json.load(open(sys.argv[1]))["leak"]
		p = ([q for q in l["processes"] if sys.argv[3] in ("0", str(q["pid"]))] + [None])[0]
		print(l)
		sys.exit(not eval("(" + sys.argv[2] + ")"))
	END
}
RATE="0.9 * 1048576 < p['bytes_per_second'] < 1.1 * 1048576"

large='' cache='' burst='' heap='' anonymous=''
start large large
start cache cache
start heap heap

# ---- among all of them ----

run "$WHYDROP" host --leak any -t 3 --json
told "the leak is not found among all" "p['growth'] == 'steady' and $RATE" "$heap"
told "not the region that grows" "[r['name'] for r in p['regions']] == ['[heap]']" "$heap"
told "others are accused" "all(q['pid'] not in ($large, $cache) for q in l['processes'])"
told "no time left" "0 < p['time_left_s'] <= 1.1 * (l['available_bytes'] + l['swap']['total_bytes'] -
	l['swap']['used_bytes']) / p['bytes_per_second']" "$heap"

# ---- what is in it: only to who says so ----

refused 2 "without a terminal .*--yes" "$WHYDROP" host --leak "$heap" -t 1 --peek < /dev/null
run "$WHYDROP" host --leak "$heap" -t 1.5 --peek --dump "$TMP/region" --yes --json
told "the strings are not those" "'session of customer 4711' in l['contents']['strings'][0]['text']"
told "what was written is not told" "l['dump']['bytes'] >= p['regions'][0]['kept_bytes'] > 1048576"
grep -qa 'session of customer 4711' "$TMP/region" || fail "the copy is not of that region"
[ "$(stat -c %a "$TMP/region")" = 600 ] || fail "others may read the copy"
cp "$TMP/region" "$TMP/before"
refused 2 "is there already" "$WHYDROP" host --leak "$heap" --dump "$TMP/region" --yes
cmp -s "$TMP/region" "$TMP/before" || fail "it writes over a file"
{ kill -KILL "$heap" && wait "$heap"; } 2> /dev/null

# ---- another region, and what is no leak ----

start anonymous anonymous
"$WHYDROP" host --leak "$large" -t 2 --json > "$TMP/of-large" &
other=$!
"$WHYDROP" host --leak "$cache" -t 2 --json > "$TMP/of-cache" &
another=$!
start burst burst
"$WHYDROP" host --leak "$burst" -t 2 --json > "$TMP/of-burst" &
third=$!
run "$WHYDROP" host --leak "$anonymous" -t 2 --json
told "anonymous memory" "p['growth'] == 'steady' and $RATE and p['regions'][0]['name'] is None"
wait "$other" "$another" "$third"
cp "$TMP/of-large" "$OUT"
told "large is no leak" "p['growth'] == 'none' and p['kept_bytes'] > 40 << 20 and not p['regions']"
cp "$TMP/of-cache" "$OUT"
told "a file's pages are no leak" "p['growth'] == 'none' and p['time_left_s'] is None"
cp "$TMP/of-burst" "$OUT"
told "a burst is no leak" "p['growth'] == 'burst' and p['grown_bytes'] > 19 << 20 and p['time_left_s'] is None"

# ---- text, and what cannot be ----

answers 0 "^python3, pid $anonymous, grows all the time: " "$WHYDROP" host --leak "$anonymous" -t 1
grep -q 'anonymous memory [0-9a-f]*-[0-9a-f]* rw-p: ' "$OUT" || fail "no region in the text" "$OUT"
awk 'length > 80' "$OUT" > "$TMP/long"
[ ! -s "$TMP/long" ] || fail "lines of more than 80 columns" "$TMP/long"
refused 2 "no such process: 4194303" "$WHYDROP" host --leak 4194303
refused 2 "takes the number of a process" "$WHYDROP" host --leak nginx
refused 2 "go with --leak" "$WHYDROP" host --peek
refused 2 "is for itself" "$WHYDROP" host --leak any system
answers 0 "pid 2, .*could not be followed" "$WHYDROP" host --leak 2 -t 0.2
install -m 755 "$WHYDROP" "$TMP/whydrop"
run setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$TMP/whydrop" host --leak $$ -t 0.2
grep -q 'not for this user' "$OUT" || fail "it does not say what it may not see" "$OUT" "$ERR"
finish
