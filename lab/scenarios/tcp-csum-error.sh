# Segments whose checksum does not fit
CAUSE=tcp-csum-error EXAMINE=$S SECONDS=3 WITNESS=TcpInCsumErrors TO=$S4 BAD=--bad-checksum

fault() {
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	# shellcheck disable=SC2086
	inject $BAD -n 200 "$TO" 5400
	[ -z "$BAD" ] || echo "lost=$SENT"
}

heal() {
	BAD=
}
