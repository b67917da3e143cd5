# The way to a server ends while connections send segments of full size: no matter of their size
CAUSE=none TOPOLOGY=router EXAMINE=$C SECONDS=5 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400
}

send() {
	gen "$C" tcp-connect "$TO" 5400 -n 20 --parallel 20 --bytes 50000000 --time 3.5
}

some_bytes() {
	[ "$(stat_of "$S" TcpInSegs)" -gt 200 ]
}

traffic() {
	send &
	await 5 some_bytes
	[ -n "$HEALED" ] || ip -n "$R" route add blackhole "$TO"
	wait $!
}

heal() {
	HEALED=1
	ip -n "$R" route del blackhole "$TO"
	await 30 all_closed
}

all_closed() {
	[ -z "$(in_ns "$C" ss -Htn)" ]
}
