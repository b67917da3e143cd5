# Data for connections that another server has, as after a failover: this one only listens
CAUSE=rst-unknown-connection EXAMINE=$S SECONDS=3 WITNESS=TcpOutRsts SEVERITY=warning FROM=$C4 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
	MOVED=1
}

traffic() {
	if [ "$MOVED" = 1 ]; then
		gen "$C" raw "$CDEV" --tcp PA --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
			--smac "$CMAC" -n 200 --rate 200 --source-ports 20 --size 100
		echo "lost=$SENT"
	else
		gen "$C" tcp-connect "$TO" 5400 -n 200 --rate 200 --bytes 100
	fi
}

heal() {
	MOVED=0
}
