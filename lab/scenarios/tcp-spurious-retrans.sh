# One segment of twenty comes much later than those behind it: TCP sends it again, and nothing is lost
CAUSE=tcp-spurious-retrans SEVERITY=warning VERDICT=at-risk EXAMINE=$C SECONDS=5 TO=$W4

needs() { needs_tun; }

fault() {
	wire_between --delay 10 --late 20:40
	serve SERVER "$S" tcp-listen 5400 --rcvbuf 65536 # what the wire carries
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 1 --bytes 10000000 --time 4
}

heal() {
	traffic() { gen "$C" tcp-connect "${TO/$W4/$S4}" 5400 -n 1 --bytes 3000000; }
}
