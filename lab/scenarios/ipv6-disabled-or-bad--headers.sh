# Extension headers that must be refused
CAUSE=ipv6-disabled-or-bad EXAMINE=$S SECONDS=3 SEVERITY=warning
KINDS="option routing length"

traffic() {
	[ -n "$KINDS" ] || return 0
	# shellcheck disable=SC2086
	in_ns "$C" python3 "$LAB/packets6.py" -n 1000 --rate 1000 --dev "$CDEV" --dmac "$SMAC" \
		--smac "$CMAC" $KINDS "$C6" "$S6"
	echo "lost=1000"
}

heal() {
	KINDS=
}
