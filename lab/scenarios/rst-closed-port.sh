# Clients of a service that was never started
CAUSE=rst-closed-port EXAMINE=$S SECONDS=3 WITNESS=TcpOutRsts SEVERITY=info TO=$S4

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 200 --rate 200
	echo "lost=$FAILED"
}

heal() {
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
}
