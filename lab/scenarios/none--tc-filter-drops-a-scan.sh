# A filter at the ingress drops a scan of many ports: it does what it is there for
. "${BASH_SOURCE[0]%/*}/tc-ingress-drop.sh"
CAUSE=none SEVERITY=''

# UDP ports above 6000
program() {
	echo "4,40 0 0 36,53 0 1 6000,6 0 0 2,6 0 0 4294967295"
}

traffic() {
	gen "$C" udp-send "$S4" 6001 -n 100 --rate 50 --ports 100
}
