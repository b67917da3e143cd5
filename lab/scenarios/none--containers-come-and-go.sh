# Containers that start, talk and stop: their devices come to a bridge and go with them
CAUSE=none EXAMINE=$S SECONDS=5

fault() {
	printf 'link add br0 type bridge\naddr add 10.88.0.1/16 dev br0\nlink set br0 up\n' | ip -n "$S" -batch -
	serve SERVER "$S" tcp-listen 5400
}

container() { # container N: from its start to its end
	local ns=$LAB_ID-k$1

	ip netns add "$ns" && LAB_SPACES+=("$ns")
	ip -n "$S" link add "k$1" type veth peer name eth0 netns "$ns"
	ip -n "$S" link set "k$1" master br0 up
	printf '%s\n' "link set lo up" "link set eth0 up" "addr add 10.88.1.$1/16 dev eth0" |
		ip -n "$ns" -batch -
	in_ns "$ns" "$GEN" tcp-connect 10.88.0.1 5400 -n 2 --bytes 2000
	ip netns del "$ns"
}

traffic() {
	local n

	for ((n = 1; n <= 12; n++)); do
		container $n
	done
	gen "$C" tcp-connect "$S4" 5400 -n 20 --bytes 10000
}
