# Resets and SYNs inside an established connection, out of its window: refused, and a note
CAUSE=rst-invalid EXAMINE=$S SECONDS=3 SEVERITY=info VERDICT=healthy TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	inject --flags R --seq 50 --size 0 -n 30 "$TO" 5400
	inject --flags S --seq 50 --size 0 -n 30 "$TO" 5400
	echo "lost=60"
}

# What fits needs no question
heal() {
	traffic() { inject --flags PA --step 100 -n 30 "$TO" 5400; }
}
