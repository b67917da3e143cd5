# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # scenarios use the variables that are set here
# What scenarios and the runner share: topologies, generators, counters, cleaning up.
#
# Variables a scenario may use:
#   $C $S $R           namespaces of the client, the server and the router
#   $C4 $C6 $S4 $S6    their addresses; $R4 $R6 the router's towards the client
#   $CDEV $SDEV        their devices; $RCDEV $RSDEV the router's two
#   $CMAC $SMAC        their MAC addresses; $RMAC the router's towards the client
#   $GEN               the traffic generator; $LAB_DIR a directory for scratch files

declare -A LAB_REPORT # pid of a generator -> the descriptor it reports on
LAB_SPACES=()         # namespaces made
LAB_UNDO=()           # commands for the end, last first

# lab_names TOPOLOGY: names and addresses are known before anything is built
lab_names() {
	C=$LAB_ID-c S=$LAB_ID-s R=$LAB_ID-r
	CDEV=eth0 SDEV=eth0 RCDEV=eth0 RSDEV=eth1
	CMAC=02:00:00:00:01:01 SMAC=02:00:00:00:02:02 RMAC=02:00:00:00:01:fe
	C4=192.0.2.1 C6=2001:db8:1::1
	R4=192.0.2.254 R6=2001:db8:1::fe
	case $1 in
	lone) # one namespace by any name, with nothing but its loopback
		C=$S CDEV=lo SDEV=lo RCDEV=lo RSDEV=lo
		C4=127.0.0.1 C6=::1 S4=127.0.0.1 S6=::1 R4=127.0.0.1 R6=::1
		;;
	pair) S4=192.0.2.2 S6=2001:db8:1::2 ;;
	router) S4=198.51.100.2 S6=2001:db8:2::2 ;;
	*) lab_die "no such topology: $1" ;;
	esac
}

lab_die() {
	echo "lab: $*" >&2
	exit 1
}

# Quiet from the start: no DAD, no link-local addresses, no router solicitation, MLD reports at
# once; no reverse path filter, whatever the host's default. LAB_NOISE=1 keeps what a kernel does.
lab_namespace() {
	local all=(net.ipv4.conf.{all,default}.rp_filter=0)

	ip netns add "$1" || lab_die "cannot make the namespace $1"
	LAB_SPACES+=("$1")
	[ "${LAB_NOISE:-0}" = 1 ] || all+=(
		net.ipv6.conf.{all,default}.accept_dad=0 net.ipv6.conf.default.dad_transmits=0
		net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.default.router_solicitations=0
		net.ipv6.conf.default.accept_ra=0
		net.ipv6.conf.default.mldv2_unsolicited_report_interval=1)
	[ "$1" = "$R" ] && all+=(net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1)
	ip netns exec "$1" sysctl -qw "${all[@]}" || lab_die "sysctl in $1"
	ip -n "$1" link set lo up
}

# lab_wire NS DEV MAC IPV4/LEN IPV6/LEN NS DEV MAC IPV4/LEN IPV6/LEN: a veth between two namespaces
lab_wire() {
	ip link add "$2" address "$3" netns "$1" type veth peer name "$7" address "$8" netns "$6" ||
		lab_die "cannot make a veth pair"
	lab_end "$1" "$2" "$4" "$5" "${9%/*}" "${10%/*}" "$8"
	lab_end "$6" "$7" "$9" "${10}" "${4%/*}" "${5%/*}" "$3"
}

# One end: addresses, and the other end's resolved for good unless the scenario wants it cold
lab_end() {
	local ns=$1 dev=$2

	{
		echo "link set $dev up"
		echo "addr add $3 dev $dev"
		echo "addr add $4 dev $dev nodad"
		if [ "${WARM:-1}" != 0 ]; then
			echo "neigh replace $5 lladdr $7 dev $dev nud permanent"
			echo "neigh replace $6 lladdr $7 dev $dev nud permanent"
		fi
	} | ip -n "$ns" -batch - || lab_die "cannot set up $dev in $ns"
}

lab_topology() {
	case $1 in
	lone) lab_namespace "$S" ;;
	pair)
		lab_namespace "$C"
		lab_namespace "$S"
		lab_wire "$C" "$CDEV" "$CMAC" "$C4"/24 "$C6"/64 "$S" "$SDEV" "$SMAC" "$S4"/24 "$S6"/64
		;;
	router)
		lab_namespace "$C"
		lab_namespace "$R"
		lab_namespace "$S"
		lab_wire "$C" "$CDEV" "$CMAC" "$C4"/24 "$C6"/64 "$R" "$RCDEV" "$RMAC" "$R4"/24 "$R6"/64
		lab_wire "$S" "$SDEV" "$SMAC" "$S4"/24 "$S6"/64 "$R" "$RSDEV" 02:00:00:00:02:fe \
			198.51.100.254/24 2001:db8:2::fe/64
		printf 'route add default via %s\n' "$R4" "$R6" | ip -n "$C" -batch -
		printf 'route add default via %s\n' 198.51.100.254 2001:db8:2::fe | ip -n "$S" -batch -
		;;
	esac
	lab_carrier
}

# Both ends are up once the carrier is seen; it takes the kernel a moment
lab_carrier() {
	local ns

	for ns in "${LAB_SPACES[@]}"; do
		await 5 lab_is_up "$ns" || lab_die "the links of $ns do not come up"
	done
}

lab_is_up() {
	! ip -n "$1" -o link show | grep -qE 'state (DOWN|LOWERLAYERDOWN)|NO-CARRIER'
}

# on_exit COMMAND...: what a scenario made outside its namespaces it undoes here
on_exit() {
	LAB_UNDO+=("$(printf '%q ' "$@")")
}

lab_cleanup() {
	local ns i pids

	for ns in "${LAB_SPACES[@]}"; do
		pids=$(ip netns pids "$ns" 2>/dev/null)
		# shellcheck disable=SC2086
		[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
	done
	for ((i = ${#LAB_UNDO[@]} - 1; i >= 0; i--)); do
		eval "${LAB_UNDO[i]}" 2>/dev/null
	done
	for ns in "${LAB_SPACES[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
	LAB_SPACES=() LAB_UNDO=()
}

# ---- for the runner ----

# The kernel's counters in the namespace examined, one "name value" a line
counters() {
	local ns=$EXAMINE dropped n=0

	while read -r _ dropped _; do n=$((n + 16#$dropped)); done </proc/net/softnet_stat
	echo "softnet.dropped $n"
	in_ns "$ns" nstat -asz | awk '!/^#/ { print $1, $2 }'
	# shellcheck disable=SC2016
	in_ns "$ns" awk -F'[: ]+' 'NR > 2 { sub(/^ +/, ""); print $1 ".rx_dropped", $5;
		print $1 ".tx_dropped", $13 }' /proc/net/dev
	in_ns "$ns" tc -s qdisc show | awk '/^qdisc/ { q = $5 "." $2 "." $3 }
		/dropped/ { sub(",", "", $7); print "tc." q, $7 }'
	in_ns "$ns" nft list ruleset | awk '/counter packets/ && / drop/ { n += $(index_of("packets") + 1) }
		function index_of(w, i) { for (i = 1; i <= NF; i++) if ($i == w) return i }
		END { print "nft.drop", n + 0 }'
	in_ns "$ns" sh -c 'iptables -L -vnx; ip6tables -L -vnx; iptables-legacy -L -vnx' 2>/dev/null |
		awk '/policy DROP/ { n += $5 } $3 == "DROP" { n += $1 } END { print "iptables.drop", n + 0 }'
	in_ns "$ns" conntrack -S 2>/dev/null | awk 'BEGIN { RS = " " } sub("^drop=", "") { n += $1 }
		END { print "conntrack.drop", n + 0 }'
	in_ns "$ns" ss -Huanm | grep -oE ',d[0-9]+' | awk '{ n += substr($0, 3) }
		END { print "socket.drops", n + 0 }'
}

# ---- for scenarios ----

# in_ns NAMESPACE COMMAND...
in_ns() {
	ip netns exec "$@"
}

# await SECONDS COMMAND...: until the command succeeds, looking often
await() {
	local end=$(($(date +%s%N) + $1 * 1000000000))

	shift
	until "$@"; do
		[ "$(date +%s%N)" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# neigh_is_decided NAMESPACE ADDRESS: the neighbour answered or was given up. Its state says so before
# the kernel has freed what waited for it (neigh_invalidate, packet by packet): hence the pause
neigh_is_decided() {
	ip -n "$1" neigh show "$2" | grep -qE 'FAILED|PERMANENT' && sleep 0.1
}

# open_fifo VARIABLE: a descriptor to be told something on; it is in VARIABLE
open_fifo() {
	local lab_fifo

	lab_fifo=$(mktemp -u "$LAB_DIR/fifo.XXXXXX")
	mkfifo "$lab_fifo" && eval "exec {$1}<>\"\$lab_fifo\"" && rm "$lab_fifo"
}

# serve VARIABLE NAMESPACE VERB...: a generator in the background; it is ready when this returns,
# and its pid is in VARIABLE
serve() {
	local lab_var=$1 ns=$2 fd pid

	shift 2
	open_fifo fd
	ip netns exec "$ns" "$GEN" "$1" --time 300 --ready-fd "$fd" "${@:2}" >>"$LAB_DIR/gen.log" 2>&1 &
	pid=$!
	LAB_REPORT[$pid]=$fd
	printf -v "$lab_var" %s "$pid"
	read -r -t 20 -u "$fd" _ || echo "not ready after 20 s: gen $*" >&2
}

# tally PID KEY: what a served generator counted (sent, received, failed, bytes) since the last
# tally, once nothing more comes
tally() {
	local line

	kill -USR1 "$1" && read -r -t 10 -u "${LAB_REPORT[$1]}" line || return 1
	lab_field "$2" "$line"
}

lab_field() {
	[[ " $2 " =~ " $1="([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# stop PID...: end served generators, stopped ones too
stop() {
	kill -CONT "$@" 2>/dev/null
	kill -TERM "$@" 2>/dev/null
	wait "$@" 2>/dev/null
	return 0
}

# gen NAMESPACE VERB...: a generator to its end; its totals are then in $SENT $RECEIVED $FAILED
gen() {
	local ns=$1 line

	shift
	line=$(ip netns exec "$ns" "$GEN" "$@")
	echo "gen $*: $line"
	SENT=$(lab_field sent "$line") RECEIVED=$(lab_field received "$line")
	FAILED=$(lab_field failed "$line")
}

# inject OPTION... HOST PORT: a connection from the client, and forged segments into it; how many is
# then in $SENT, the client's port in $PORT
inject() {
	local line

	line=$(ip netns exec "$C" python3 "$LAB/inject.py" --dev "$CDEV" --dmac "$SMAC" --smac "$CMAC" "$@")
	echo "inject $*: $line"
	SENT=$(lab_field sent "$line") PORT=$(lab_field port "$line")
}

# stat_of NAMESPACE NAME...: the sum of kernel counters by the names nstat gives them
stat_of() {
	local ns=$1

	shift
	ip netns exec "$ns" nstat -asz "$@" | awk '!/^#/ { n += $2 } END { printf "%d\n", n }'
}

# skmem NAMESPACE PORT KEY: of the UDP socket on that port, a field of ss's skmem: r bytes in the
# receive queue, rb their limit, t bytes in the send queue, d dropped
skmem() {
	ip netns exec "$1" ss -Huanm sport = ":$2" |
		grep -oE "[(,]$3[0-9]+" | grep -oE '[0-9]+' | head -n 1
}

# queued NAMESPACE PORT UNIT: datagrams of one size waiting there; UNIT as `skmem r` gave for one
queued() {
	echo $(($3 ? $(skmem "$1" "$2" r) / $3 : 0))
}

# syns_of NAMESPACE: SYNs its connections have sent so far, the repeated ones too
syns_of() {
	stat_of "$1" TcpActiveOpens TcpExtTCPSynRetrans
}

# limit_cpu PID PERCENT: a cgroup of its own, with that share of one CPU; 100 is no limit
limit_cpu() {
	local dir=/sys/fs/cgroup/$LAB_ID quota=$(($2 * 1000))

	[ "$2" -lt 100 ] || quota=-1
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
		mkdir -p "$dir"
		echo "${quota/-1/max} 100000" >"$dir/cpu.max"
	else
		dir=/sys/fs/cgroup/cpu/$LAB_ID
		mkdir -p "$dir"
		echo 100000 >"$dir/cpu.cfs_period_us"
		echo "$quota" >"$dir/cpu.cfs_quota_us"
	fi
	echo "$1" >"$dir/cgroup.procs"
	on_exit await 3 rmdir "$dir"
}

# needs_cpu_cgroup: for needs()
needs_cpu_cgroup() {
	[ -e /sys/fs/cgroup/cpu/cgroup.procs ] && return
	grep -qw cpu /sys/fs/cgroup/cgroup.controllers 2>/dev/null && return
	echo "no cgroup controller for the CPU is mounted"
	return 77
}

# limit_memory PID BYTES: a cgroup of its own that may have so much, and no swap beside it
limit_memory() {
	local dir=/sys/fs/cgroup/$LAB_ID-m

	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control
		mkdir -p "$dir"
		echo "$2" >"$dir/memory.max"
		[ ! -e "$dir/memory.swap.max" ] || echo 0 >"$dir/memory.swap.max"
	else
		dir=/sys/fs/cgroup/memory/$LAB_ID-m
		mkdir -p "$dir"
		echo "$2" >"$dir/memory.limit_in_bytes"
		[ ! -e "$dir/memory.memsw.limit_in_bytes" ] || echo "$2" >"$dir/memory.memsw.limit_in_bytes"
	fi
	echo "$1" >"$dir/cgroup.procs"
	on_exit await 3 rmdir "$dir"
}

# needs_memory_cgroup: for needs()
needs_memory_cgroup() {
	[ -e /sys/fs/cgroup/memory/cgroup.procs ] && return
	grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null && return
	echo "no cgroup controller for memory is mounted"
	return 77
}

# needs_two_cpus: for needs(), where traffic and what it meets must not share one
needs_two_cpus() {
	[ "$(nproc)" -ge 2 ] && return
	echo "there is but one CPU"
	return 77
}

# nft_in NAMESPACE: a ruleset from standard input
nft_in() {
	ip netns exec "$1" nft -f -
}

# percent_loss NAMESPACE HOOK PERCENT MATCH: lose some forwarded or received packets at random
percent_loss() {
	nft_in "$1" <<-RULES
		table inet loss {
			chain c {
				type filter hook $2 priority 0
				$4 numgen random mod 1000 < $(($3 * 10)) counter drop
			}
		}
	RULES
}

# wire_between OPTION...: a second way between client and server, as wire.py makes it; the server is
# at $W4 and $W6 there
W4=10.9.0.2 W6=fd09::2
wire_between() {
	local ready

	open_fifo ready
	python3 "$LAB/wire.py" "$C" "$S" wire0 "$@" >&"$ready" &
	read -r -t 20 -u "$ready" _ || echo "the wire is not ready after 20 s" >&2
	printf '%s\n' "link set wire0 txqueuelen 2000 up" "addr add 10.9.0.1/24 dev wire0" \
		"addr add fd09::1/64 dev wire0 nodad" | ip -n "$C" -batch -
	printf '%s\n' "link set wire0 txqueuelen 2000 up" "addr add $W4/24 dev wire0" \
		"addr add $W6/64 dev wire0 nodad" | ip -n "$S" -batch -
}

# needs_tun: for needs()
needs_tun() {
	[ -c /dev/net/tun ] && return
	echo "there is no /dev/net/tun"
	return 77
}

# bridge_between [NAME]: the router becomes a bridge, br0; the server is then at $B4 and $B6 for the client
B4=192.0.2.9 B6=2001:db8:1::9
bridge_between() {
	local dev address bridge=${1:-br0}

	ip -n "$R" link add "$bridge" type bridge
	for dev in "$RCDEV" "$RSDEV"; do
		ip -n "$R" addr flush dev "$dev"
		ip -n "$R" link set "$dev" master "$bridge"
	done
	ip -n "$R" link set "$bridge" up
	ip -n "$S" addr add "$B4"/24 dev "$SDEV"
	ip -n "$S" addr add "$B6"/64 dev "$SDEV" nodad
	for address in "$B4" "$B6"; do
		ip -n "$C" neigh replace "$address" lladdr "$SMAC" dev "$CDEV" nud permanent
	done
}

# port_is DEVICE STATE: of the router's bridge
port_is() {
	ip -n "$R" -d link show "$1" | grep -q "state $2 priority"
}

# bond_server: the server's device and a second wire, eth1 at both ends, become its bond0 (active-backup)
bond_server() {
	ip link add eth1 netns "$C" type veth peer name eth1 netns "$S"
	ip -n "$S" link add bond0 type bond mode active-backup
	ip -n "$S" link set "$SDEV" down
	ip -n "$S" link set "$SDEV" master bond0
	ip -n "$S" link set eth1 master bond0
	ip -n "$S" link set bond0 address "$SMAC" up
	ip -n "$S" addr add "$S4"/24 dev bond0
	ip -n "$S" neigh replace "$C4" lladdr "$CMAC" dev bond0 nud permanent
	ip -n "$C" link set eth1 up
	await 5 lab_is_up "$S"
	ip -n "$C" neigh replace "$S4" lladdr "$SMAC" dev "$CDEV" nud permanent
}

# needs_bond: for needs()
needs_bond() {
	ip -n "$S" link add probe type bond && ip -n "$S" link del probe && return
	echo "this kernel has no bonding"
	return 77
}

# needs_bridge: for needs()
needs_bridge() {
	ip -n "$R" link add probe type bridge && ip -n "$R" link del probe && return
	echo "this kernel has no bridge"
	return 77
}

needs_command() {
	command -v "$1" >/dev/null && return
	echo "$1 is not installed"
	return 77
}
