# Two faults at once: the conntrack table is too small for UDP, and a listener that is not tracked
# does not accept
. "${BASH_SOURCE[0]%/*}/conntrack-table-full.sh"
HOST=1 BOTH="conntrack-table-full listen-overflow" SECONDS=4

fault() {
	SAVED=$(cat $MAX)
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	serve SERVER "$S" tcp-listen 5400 --backlog 8 --no-accept
	nft_in "$S" <<-RULES
		table inet filter {
			chain raw {
				type filter hook prerouting priority raw
				meta l4proto tcp notrack
			}
			chain raw_out {
				type filter hook output priority raw
				meta l4proto tcp notrack
			}
			chain input {
				type filter hook input priority 0
				ct state established,new accept
			}
		}
	RULES
	echo 200 >$MAX
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 100 --rate 500 --hold 1 --time 1.5
	gen "$C" udp-send "$TO" 5300 -n 1000 --sockets 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	echo "$SAVED" >$MAX
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
}
