# Another machine takes over an address: it moves to another card, once
. "${BASH_SOURCE[0]%/*}/duplicate-ip.sh"
CAUSE=none SEVERITY='' VERDICT=healthy CLEARED=duplicate-ip SECONDS=4

traffic() {
	in_ns "$S" python3 -c "$CLAIM" "$SDEV" "$TWIN" "$CMAC" "$C4" "$OTHER" "$OTHER"
}
