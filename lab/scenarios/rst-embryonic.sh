# SYNs whose senders answer the SYN-ACK with a reset: what a scan of open ports does
CAUSE=rst-embryonic EXAMINE=$S SECONDS=3 WITNESS=TcpExtEmbryonicRsts SEVERITY=info FROM=$C4 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
	SCAN=1
}

# No socket of the client's sent them, so its kernel resets
traffic() {
	if [ "$SCAN" = 1 ]; then
		gen "$C" raw "$CDEV" --tcp S --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
			--smac "$CMAC" -n 100 --rate 200 --source-ports 100
		echo "lost=$SENT"
	else
		gen "$C" tcp-connect "$TO" 5400 -n 100 --rate 200
	fi
}

heal() {
	SCAN=0
}
