# What the port of a switch hears: LLDP, STP and slow protocols, some frames a second
CAUSE=none EXAMINE=$S SECONDS=4

traffic() {
	local from=${CMAC//:/}

	gen "$C" raw "$CDEV" "$(printf '0180c200000e%s88cc%092d' "$from" 0)" \
		"$(printf '0180c2000002%s8809%092d' "$from" 0)" \
		"$(printf '0180c2000000%s0026424203%086d' "$from" 0)" -n 24 --rate 8
}
