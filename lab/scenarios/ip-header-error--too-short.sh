# IPv4 packets shorter than their header says
. "${BASH_SOURCE[0]%/*}/ip-header-error.sh"
WITNESS=IpExtInTruncatedPkts

# The checksum is right: it is the length that is wrong
frame() {
	printf '%s%s0800' "${SMAC//:/}" "${CMAC//:/}"
	printf '450001f4000000004011f4f5c0000201c0000202'
	printf '9c4014b4001c0000%040d' 0
}
