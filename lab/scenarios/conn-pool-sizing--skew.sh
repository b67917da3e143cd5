# A pool over five backends, one of which has 40 of 48 connections
CAUSE=conn-pool-sizing EXAMINE=$C VERDICT=healthy SEVERITY=info SECONDS=2
SAYS='has 40 of 48 connections that are shared by 5 backends'

# pool N ADDRESS: so many connections there
pool() {
	serve POOL "$C" tcp-connect "$2" 5400 -n "$1" --hold 100
}

fault() {
	local i

	for i in 11 12 13 14; do ip -n "$S" addr add "192.0.2.$i/24" dev "$SDEV"; done
	serve SERVER "$S" tcp-listen 5400 --backlog 256
	pool 40 "$S4"
	LARGE=$POOL
	for i in 11 12 13 14; do pool 2 "192.0.2.$i"; done
}

traffic() {
	sleep 1
}

heal() {
	stop "$LARGE"
	pool 4 "$S4"
}
