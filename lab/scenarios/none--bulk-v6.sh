# A bulk transfer of parallel connections over IPv6
CAUSE=none EXAMINE=$C SECONDS=4

fault() {
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	gen "$C" tcp-connect "$S6" 5400 -n 4 --bytes 200000000 --time 3
}
