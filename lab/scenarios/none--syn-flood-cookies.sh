# SYNs from sources that never answer, met with SYN cookies, while the host connects elsewhere
CAUSE=none EXAMINE=$S SECONDS=5

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=1
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	serve SERVER "$S" tcp-listen 5400 --backlog 64
	serve OTHER "$C" tcp-listen 8080
}

# Fewer than a thousand cookies a second: syn-flood is not for these
traffic() {
	gen "$S" tcp-connect "$C4" 8080 -n 10 --rate 20 --bytes 100
	gen "$C" raw "$CDEV" --tcp S --from 10.66.0.1 --to "$S4" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 3000 --rate 1000 --sources 3000
}
