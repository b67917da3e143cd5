# The queue that dropped is replaced by a longer one: its counter is gone before the second look
. "${BASH_SOURCE[0]%/*}/qdisc-drop.sh"
WITNESS=

is_empty() {
	tc -n "$C" -s qdisc show dev "$CDEV" | grep -q 'backlog 0b'
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1500 --rate 1000 --size 1000
	await 1 is_empty
	tc -n "$C" qdisc replace dev "$CDEV" root handle 2: pfifo limit 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}
