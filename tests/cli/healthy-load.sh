#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A host under a healthy mixed load is called healthy, for $LOAD seconds with a diagnosis every 10:
# iperf3 and nginx with wrk through a router, questions and answers over UDP, namespaces that come
# and go. What was sent arrives, so that a finding of warning or worse is a wrong one.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"
for program in iperf3 nginx wrk; do
	command -v $program > /dev/null || skip "$program is not installed"
done
LOAD=${LOAD:-30}

client='' router='' server=''
space client
space router
space server
link() { # link NAMESPACE ADDRESS DEVICE-OF-ROUTER ADDRESS
	ip link add eth0 netns "$1" type veth peer name "$3" netns "$router" &&
		ip -n "$1" addr add "$2" dev eth0 && ip -n "$1" link set eth0 up &&
		ip -n "$router" addr add "$4" dev "$3" && ip -n "$router" link set "$3" up &&
		ip -n "$1" route add default via "${4%/*}"
	await 5 carrier "$1" || fail "no carrier in $1"
}
ip netns exec "$router" sysctl -qw net.ipv4.ip_forward=1
link "$client" 192.0.2.1/24 c0 192.0.2.254/24
link "$server" 198.51.100.2/24 s0 198.51.100.254/24

beside() { # beside NAMESPACE COMMAND...: in the background, until the end
	ip netns exec "$@" > "$TMP/$((${#CHILDREN[@]})).log" 2>&1 &
	CHILDREN+=($!)
}
listens() { [ -n "$(ip netns exec "$server" ss -Htlnu "sport = :$1"; ip netns exec "$server" ss -Htln "sport = :$1")" ]; }

# ---- what serves ----

mkdir "$TMP/www" && head -c 20000 /dev/zero > "$TMP/www/page"
cat > "$TMP/nginx.conf" << END
daemon off; worker_processes 1; pid $TMP/nginx.pid; error_log $TMP/nginx.err; user root;
events { worker_connections 256; }
http {
	access_log off; client_body_temp_path $TMP; proxy_temp_path $TMP; fastcgi_temp_path $TMP;
	uwsgi_temp_path $TMP; scgi_temp_path $TMP;
	server { listen 8080; root $TMP/www; }
}
END
cat > "$TMP/dns.py" << 'END'
import os, random, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "serve":
    s.bind(("198.51.100.2", 5353))
    while True:
        question, who = s.recvfrom(2048)
        s.sendto(question + b"=" * random.randrange(60, 900), who)
asked = answered = 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    # A small burst as a page's names make, on a new port each time.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        for _ in range(5):
            s.sendto(os.urandom(random.randrange(20, 60)), ("198.51.100.2", 5353))
            asked += 1
        try:
            for _ in range(5):
                s.recv(2048)
                answered += 1
        except TimeoutError:
            pass
    time.sleep(0.05)
print(f"asked={asked} answered={answered}")
END
beside "$server" iperf3 -s -p 5201
beside "$server" nginx -e "$TMP/nginx.err" -c "$TMP/nginx.conf"
beside "$server" python3 "$TMP/dns.py" serve
for port in 5201 8080 5353; do
	await 10 listens "$port" || fail "nobody listens on $port" "$TMP"/*.log "$TMP/nginx.err"
done

# ---- what asks ----

# Namespaces with a link to the router, as containers that start, talk and stop
churn() {
	local n name

	trap 'ip netns del "$name" 2> /dev/null; exit' TERM
	for ((n = 0; ; n++)); do
		name=$client-churn
		ip netns add "$name" && ip -n "$name" link set lo up
		ip link add eth0 netns "$name" type veth peer name "k$((n % 10))" netns "$router"
		ip -n "$router" addr add 203.0.113.254/24 dev "k$((n % 10))"
		ip -n "$router" link set "k$((n % 10))" up
		ip -n "$name" addr add 203.0.113.1/24 dev eth0 && ip -n "$name" link set eth0 up
		ip -n "$name" route add default via 203.0.113.254
		ip netns exec "$name" "$GEN" tcp-connect 198.51.100.2 8080 -n 3 --time 2
		ip netns del "$name"
		sleep 0.5
	done
}

ends=$(($(now_ms) + LOAD * 1000))
ip netns exec "$client" iperf3 -c 198.51.100.2 -t "$LOAD" -b 300M -J > "$TMP/iperf3" 2>&1 &
asking=($!)
ip netns exec "$client" wrk -t 1 -c 8 -d "${LOAD}s" http://198.51.100.2:8080/page > "$TMP/wrk" 2>&1 &
asking+=($!)
ip netns exec "$client" python3 "$TMP/dns.py" ask "$LOAD" > "$TMP/dns" 2>&1 &
asking+=($!)
CHILDREN+=("${asking[@]}")
churn > "$TMP/churn" 2>&1 &
churning=$!
SPACES+=("$client-churn") # whatever becomes of it

# ---- a diagnosis every 10 s ----

diagnoses=0 unseen=0
while [ $(($(now_ms) + 5000)) -lt $ends ]; do
	began=$(now_ms)
	for name in "$server" "$router"; do
		run "$WHYDROP" diagnose --json -t 2 --netns "$name"
		# A machine too busy to answer in time leaves a source out, and says so.
		[[ $STATUS = [03] ]] && [ ! -s "$ERR" ] || fail "status $STATUS" "$ERR"
		[ "$STATUS" = 0 ] || unseen=$((unseen + 1))
		json "d['verdict'] in ('healthy', 'not-examined') and
			all(f['severity'] == 'info' for f in d['findings'])" > /dev/null ||
			fail "after $diagnoses diagnoses: $(json "[(f['cause'], f['via'], f['severity'],
				f['lost'], f['headline']) for f in d['findings']]" 2>&1)"
		diagnoses=$((diagnoses + 1))
	done
	left=$((10000 - ($(now_ms) - began)))
	[ $left -le 0 ] || sleep "$((left / 1000)).$(printf %03d $((left % 1000)))"
done
wait "${asking[@]}"
kill "$churning" && wait "$churning" 2> /dev/null

[ $((unseen * 10)) -le $diagnoses ] || fail "$unseen of $diagnoses diagnoses could not see all"

# ---- it was a load, and nothing of it was lost ----

received=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["end"]["sum_received"]["bytes"] // 1000000)' "$TMP/iperf3" 2>&1)
requests=$(awk '/requests in/ { print $1 }' "$TMP/wrk")
read -r asked answered < <(sed 's/[a-z]*=//g' "$TMP/dns")
[ "${received:-0}" -gt $((LOAD * 5)) ] 2> /dev/null || fail "iperf3 carried little: $received MB" "$TMP/iperf3"
[ "${requests:-0}" -gt $((LOAD * 100)) ] || fail "wrk asked little: $requests" "$TMP/wrk"
[ "${asked:-0}" -gt $((LOAD * 5)) ] && [ $((asked - answered)) -le $((asked / 1000)) ] ||
	fail "not all questions were answered within 2 s" "$TMP/dns"
came=$(grep -c 'sent=3 .*failed=0' "$TMP/churn")
[ "$came" -gt $((LOAD / 5)) ] || fail "only $came namespaces came and went" "$TMP/churn"
echo "note: $diagnoses diagnoses in $LOAD s; $received MB by iperf3, $requests requests," \
	"$came namespaces," \
	"$answered of $asked answers"
finish
