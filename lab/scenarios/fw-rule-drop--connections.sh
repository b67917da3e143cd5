# More than three connections at once to one port: legacy iptables drops the rest (connlimit)
. "${BASH_SOURCE[0]%/*}/fw-rule-drop--iptables-legacy.sh"
SAYS='drops tcp port 5301 above 3 connections each'

fault() {
	serve LISTENER "$S" tcp-listen 5301 --backlog 128
	in_ns "$S" $IPTABLES -A INPUT -p tcp --dport 5301 --syn -m connlimit --connlimit-above 3 -j DROP
}

traffic() {
	local before

	before=$(syns_of "$C")
	gen "$C" tcp-connect "$S4" 5301 -n 40 --parallel 40 --hold 3 --time 3
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}
