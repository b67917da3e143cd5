# The other end of close-wait-leak: 120 connections closed by their programs, and never by the server
. "${BASH_SOURCE[0]%/*}/close-wait-leak.sh"
CAUSE=fin-wait2 EXAMINE=$C VERDICT=healthy SEVERITY=info OWNER='' SAYS='tcp_fin_timeout'

fault() {
	leak
	leave 120
	await 10 left 120
}

traffic() {
	sleep 1
}

# The server is gone, and with its resets so are they
gone() {
	[ -z "$(in_ns "$C" ss -Htn state fin-wait-2)" ]
}

heal() {
	stop "$LEAKER"
	await 20 gone
}
