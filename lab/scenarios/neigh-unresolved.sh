# Datagrams for a neighbour that does not exist: they wait for an answer, then all are dropped
CAUSE=neigh-unresolved EXAMINE=$C DEAD=192.0.2.99

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

# 200 fit into the neighbour's queue (unres_qlen_bytes); after three seconds it is given up
traffic() {
	gen "$C" udp-send "$DEAD" 5300 -n 200 --rate 400
	await 4 neigh_is_decided "$EXAMINE" "$DEAD" || return
	echo "lost=$SENT"
}

heal() {
	ip -n "$S" addr add "$DEAD" dev "$SDEV"
	ip -n "$C" neigh replace "$DEAD" lladdr "$SMAC" dev "$CDEV" nud permanent
}
