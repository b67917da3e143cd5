# Pings, with their answers under the rate limit of one destination
CAUSE=icmp-rate-limited EXAMINE=$S SECONDS=4 SEVERITY=info VERDICT=healthy TO=$S4
KEY=net.ipv4.icmp_ratemask MASK=6169 DEFAULT=6168

fault() {
	in_ns "$S" sysctl -qw "$KEY=$MASK"
}

traffic() {
	in_ns "$C" python3 "$LAB/ping.py" "$TO" 400 300
}

heal() {
	in_ns "$S" sysctl -qw "$KEY=$DEFAULT"
}
