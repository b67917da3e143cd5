# Clients avoid TIME_WAIT by SO_LINGER 0, when everything has been said: nothing is lost
. "${BASH_SOURCE[0]%/*}/rst-linger0.sh"
EXAMINE=$C SEVERITY=info

fault() {
	close_early close
	HOW=linger
}

traffic() {
	local line

	line=$(in_ns "$C" python3 "$LAB/close_early.py" ask "$TO" 5400 100 "$HOW")
	[ "$HOW" = wait ] || echo "lost=$(lab_field sent "$line")"
}

heal() {
	HOW="wait"
}
