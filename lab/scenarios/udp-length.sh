# UDP headers that say more than the packet holds, or less than a header
CAUSE=udp-length EXAMINE=$S SECONDS=4 WITNESS=UdpInErrors FROM=$C4 TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	LONG='--udp-length 500' SHORT='--udp-length 5'
}

traffic() {
	local length all=0

	for length in "$LONG" "$SHORT"; do
		# shellcheck disable=SC2086 # an option and its value, or nothing
		gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
			--smac "$CMAC" -n 200 --rate 400 --size 100 $length
		all=$((all + SENT))
	done
	echo "lost=$((all - $(tally "$READER" received)))"
}

heal() {
	LONG='' SHORT=''
}
