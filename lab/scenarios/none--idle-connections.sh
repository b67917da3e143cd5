# 5,000 idle connections without keepalive: a note at most, whatever is taken for long
CAUSE=none EXAMINE=$C SECONDS=3 STATED="--config $LAB_DIR/whydrop.conf"

fault() {
	printf '[thresholds]\nsilent-seconds = 1\n' >"$LAB_DIR/whydrop.conf"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
	serve CLIENT "$C" tcp-connect "$S4" 5400 -n 5000 --parallel 5000 --hold 100
	sleep 1
}

traffic() {
	gen "$C" tcp-connect "$S6" 5400 -n 20 --rate 20 --bytes 100
}
