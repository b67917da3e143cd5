# Segments with new data and an old timestamp, as from a middlebox that rewrites timestamps
CAUSE=paws-estab EXAMINE=$S SECONDS=3 WITNESS=TcpExtPAWSEstab TO=$S4 OLD=-5000

fault() {
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	inject --tsval "$OLD" -n 200 "$TO" 5400
	echo "lost=$((SENT * (OLD < 0)))"
}

heal() {
	OLD=0
}
