# 184 connections that are served nearly fill the conntrack table: it looks like load
. "${BASH_SOURCE[0]%/*}/conntrack-near-full.sh"
CAUSE=conntrack-near-full HOST=1 LOOKS=load

# Whose connections they are is not asked where that would load a module: conntrack does so
traffic() {
	in_ns "$S" conntrack -L >/dev/null 2>&1
	[ -n "${SERVER-}" ] || serve SERVER "$S" tcp-listen 5400 --backlog 4096
	gen "$C" tcp-connect "$S4" 5400 -n 184 --rate 200 --parallel 184 --hold 1
}
