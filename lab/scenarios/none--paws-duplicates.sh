# Old copies of segments that had come before, told by their timestamps: nothing is missing
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	inject --tsval -5000 --first 1000 --seq -500 -n 200 "$S4" 5400
}
