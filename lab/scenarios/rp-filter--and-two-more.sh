# Three faults on one way in: a classifier, the reverse path filter and a firewall rule each drop some
. "${BASH_SOURCE[0]%/*}/tc-ingress-drop.sh"
CAUSE=rp-filter BOTH="tc-ingress-drop rp-filter fw-rule-drop" SEVERITY=""

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$AT" tc qdisc add dev "$DEV" clsact
	in_ns "$AT" tc filter add dev "$DEV" "$HOOK" bpf bytecode "$(program "$(header)")" da
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=1
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport 5300 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 300 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	tally "$OTHER" received
	gen "$C" raw "$CDEV" --udp --from 10.55.0.1 --to "$S4" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 400 --rate 1000
	echo "lost=$((SENT - $(tally "$OTHER" received)))"
}

heal() {
	in_ns "$AT" tc qdisc del dev "$DEV" clsact
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=0
	in_ns "$S" nft flush ruleset
}
