# Two kinds of damage, both counted as InErrors: wrong checksums, and wrong lengths
. "${BASH_SOURCE[0]%/*}/udp-csum.sh"
WITNESS=UdpInCsumErrors BOTH="udp-csum udp-length" LENGTH='--udp-length 500'

traffic() {
	# shellcheck disable=SC2086 # an option and its value, or nothing
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 200 --rate 400 --size 100 $LENGTH
	tally "$READER" received
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 500 --rate 500 --size "$SIZE" $BAD
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	BAD='' LENGTH=''
}
