# 200 containers on a bridge, each a network namespace that talks to the host and to its neighbour
CAUSE=none EXAMINE=$S SECONDS=6
CONTAINERS=200
[ "${STRETCH:-1}" = 1 ] || CONTAINERS=20 # an emulated machine takes half a second for each

in_container() { # in_container N COMMAND...
	in_ns "$LAB_ID-k$1" "${@:2}"
}

fault() {
	local n

	in_ns "$S" sysctl -qw net.ipv4.ip_forward=1
	printf 'link add br0 type bridge\naddr add 10.88.0.1/16 dev br0\nlink set br0 up\n' | ip -n "$S" -batch -
	for ((n = 2; n < CONTAINERS + 2; n++)); do
		ip netns add "$LAB_ID-k$n" && LAB_SPACES+=("$LAB_ID-k$n")
		echo "link add k$n type veth peer name eth0 netns $LAB_ID-k$n"
		echo "link set k$n master br0 up"
	done >"$LAB_DIR/links"
	ip -n "$S" -batch "$LAB_DIR/links"
	for ((n = 2; n < CONTAINERS + 2; n++)); do
		printf '%s\n' "link set lo up" "link set eth0 up" "addr add 10.88.0.$n/16 dev eth0" \
			"route add default via 10.88.0.1" | ip -n "$LAB_ID-k$n" -batch -
	done
	serve READER "$S" udp-recv 5300 --rcvbuf 1000000
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	local n

	for ((n = 2; n < CONTAINERS + 2; n++)); do
		in_container $n "$GEN" udp-send 10.88.0.1 5300 -n 5
	done
	for ((n = 2; n < 12; n++)); do
		in_container $n "$GEN" tcp-connect 10.88.0.1 5400 -n 3 --bytes 10000
	done
}
