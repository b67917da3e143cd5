# The burst of a fast shaper is smaller than a packet: none passes. What whydrop advises heals it
. "${BASH_SOURCE[0]%/*}/qdisc-drop.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 2000000
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 100mbit burst 1000 limit 100000
}

heal() {
	local advice='import json, sys; f = json.load(open(sys.argv[1]))["findings"][0]
print(f["remedies"][0]["commands"][0])'

	advice=$(python3 -c "$advice" "$LAB_DIR/fault.json")
	eval "${advice:-tc -n $C qdisc del dev $CDEV root}"
}
