# The peer's program does not read: its window is closed, and what is written here waits
CAUSE=tcp-zero-window-tx SEVERITY=warning VERDICT=at-risk OWNER=gen EXAMINE=$C SECONDS=3 TO=$S4

is_waiting() { in_ns "$C" ss -tno | grep -q 'timer:(persist'; }

fault() {
	serve SERVER "$S" tcp-listen 5400 --no-read
	serve CLIENT "$C" tcp-connect "$TO" 5400 -n 3 --parallel 3 --bytes 20000000
	await 5 is_waiting
}

traffic() { sleep 2; }

heal() {
	stop "$CLIENT" "$SERVER"
}
