# The thread is still stuck when the sample ends: sock_diag waits for its socket in vain
. "${BASH_SOURCE[0]%/*}/tcp-backlog-drop.sh"
HOLD=15

traffic() {
	inject --first 1000 --seq -500 -n 400 --rate 2000 --hold 8 "$TO" 5400 &
	sleep 3
}

heal() {
	stop "$SERVER"
	HOLD=0
	fault
	traffic() { inject --first 1000 --seq -500 -n 400 --rate 2000 "$TO" 5400; }
}
