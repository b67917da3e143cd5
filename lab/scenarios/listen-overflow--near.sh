# 60 connections wait in an accept queue of 64, and nobody accepts: nothing is lost yet
CAUSE=listen-overflow EXAMINE=$S SECONDS=3 VERDICT=at-risk SEVERITY=warning OWNER=gen TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 64 --no-accept
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 60 --rate 200 --parallel 60 --hold 1
}

heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 64
}
