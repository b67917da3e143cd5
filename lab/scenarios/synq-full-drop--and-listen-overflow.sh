# Two faults at once: one listener's SYN queue is full of SYNs that nobody follows up, another one
# does not accept. Both count ListenDrops.
. "${BASH_SOURCE[0]%/*}/synq-full-drop.sh"
BOTH="synq-full-drop listen-overflow" SECONDS=4

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=4096
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	serve SERVER "$S" tcp-listen 5400 --backlog 64
	serve OTHER "$S" tcp-listen 5401 --backlog 8 --no-accept
}

traffic() {
	gen "$C" tcp-connect "$TO" 5401 -n 60 --rate 500 --hold 1 --time 1.5
	gen "$C" raw "$CDEV" --tcp S --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 2000 --rate 2000 --sources 2000
	echo "lost=$((SENT - $(in_ns "$S" ss -Htan state syn-recv sport = :5400 | wc -l)))"
}

heal() {
	stop "$SERVER" "$OTHER"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
	serve OTHER "$S" tcp-listen 5401 --backlog 1024
}
