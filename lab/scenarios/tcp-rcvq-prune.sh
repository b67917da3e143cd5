# Tiny segments out of order into a small buffer: what they cost beside their data fills it
CAUSE=tcp-rcvq-prune EXAMINE=$S SECONDS=3 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --rcvbuf 8192 --no-read
}

traffic() {
	inject --seq 10 --step 5 --size 1 -n 400 "$TO" 5400
}

# Read as they come, and in order
heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400
	traffic() { inject --step 1 --size 1 -n 400 "$TO" 5400; }
}
