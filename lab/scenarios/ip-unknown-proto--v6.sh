# The same over IPv6: an unknown next header
. "${BASH_SOURCE[0]%/*}/ip-unknown-proto.sh"
WITNESS=Ip6InUnknownProtos

frame() {
	printf '%s%s86dd' "${SMAC//:/}" "${CMAC//:/}"
	printf '600000000014fd40'
	printf '20010db8000100000000000000000001'
	printf '20010db8000100000000000000000002%040d' 0
}
