#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `whydrop fix` as a user meets it: what it refuses, what it writes down, what it takes back.
. "$(dirname "$0")/../lib.sh"
need_root "settings of a namespace of its own"

JOURNAL=$TMP/var/journal
mkdir "$TMP/var"
space NS
# Datagrams for a port where nobody listens: something is found, whatever is set.
ip netns exec "$NS" "$GEN" udp-send 127.0.0.1 9 -n 1000000 --rate 500 > /dev/null 2>&1 &
CHILDREN+=($!)

fix() { # fix STATUS OPTION...: its exit status must be that
	local wanted=$1

	shift
	run timeout 60 "$WHYDROP" fix --journal "$JOURNAL" --config /dev/null "$@" < /dev/null
	[ "$STATUS" = "$wanted" ] || fail "fix $*: status $STATUS, and not $wanted" "$ERR"
}

# An own value for the cause, since no setting opens a port.
apply() { # apply STATUS KEY=VALUE OPTION...
	local wanted=$1 setting=$2

	shift 2
	fix "$wanted" udp-noport --netns "$NS" -t 0.3 --apply --yes --set "$setting" "$@"
}

value() { # value KEY
	ip netns exec "$NS" sysctl -n "$1"
}

is() { # is KEY VALUE
	[ "$(value "$1")" = "$2" ] || fail "$1 is $(value "$1"), and not $2"
}

says() { # says FILE WORDS
	grep -qF -- "$2" "$1" || fail "nothing says '$2'" "$1"
}

OLD=$(value net.core.somaxconn)

# ---- a dry run, and what is refused before anything is looked at ----

fix 0 --netns "$NS" -t 0.3
says "$OUT" "no setting mends it"
[ ! -e "$JOURNAL" ] || fail "a dry run made a journal"
fix 2 --apply --netns "$NS"
says "$ERR" "--yes"
fix 2 --list --verify
fix 2 --rollback
fix 2 --netns "$NS" -t 0.3 no-such-cause
fix 2 --netns "$NS" -t 0.3 rp-filter
says "$ERR" "was not found"
fix 3 --netns "$NS" -t 0.3 --apply --yes udp-noport
fix 3 --verify --netns "$NS" -t 0.3
echo "not ours" > "$TMP/var/other"
run "$WHYDROP" fix --list --journal "$TMP/var/other"
[ "$STATUS" = 2 ] || fail "a file that is no journal was read"

# ---- applied, listed, taken back ----

apply 0 net.core.somaxconn=4000
is net.core.somaxconn 4000
fix 0 --list
says "$OUT" "net.core.somaxconn $OLD -> 4000  applied"
apply 1 net.core.somaxconn=nonsense
says "$ERR" "the kernel does not take this value"
is net.core.somaxconn 4000
# Where the remedy was applied, without being told again.
fix 1 --verify -t 0.3
says "$OUT" "the remedy did nothing"
fix 0 --rollback udp-noport
is net.core.somaxconn "$OLD"

# What somebody else set since stays.
apply 0 net.core.somaxconn=4000
ip netns exec "$NS" sysctl -qw net.core.somaxconn=555
fix 1 --rollback all
says "$OUT" "left alone: it is 555"
is net.core.somaxconn 555
ip netns exec "$NS" sysctl -qw net.core.somaxconn=4000
fix 0 --rollback all
is net.core.somaxconn "$OLD"

# ---- what the kernel changes along with it ----

ip netns exec "$NS" sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.accept_redirects=0
apply 0 net.ipv4.ip_forward=1
is net.ipv4.ip_forward 1
fix 0 --rollback all
is net.ipv4.ip_forward 0
is net.ipv4.conf.all.accept_redirects 0

# ---- the dead man's switch ----

apply 0 net.core.somaxconn=4000 --for 1s
is net.core.somaxconn 4000
await 5 eval '[ "$(value net.core.somaxconn)" = "$OLD" ]' || fail "--for did not undo it"
apply 0 net.core.somaxconn=4000 --for 2s
fix 0 --confirm
fix 3 --confirm
sleep 3.5
is net.core.somaxconn 4000
fix 0 --rollback all

# ---- a damaged journal ----

apply 0 net.core.somaxconn=4000
cp "$JOURNAL" "$TMP/whole"
sed -i '1s/time=/time=9/' "$JOURNAL"
fix 0 --rollback all
says "$ERR" "journal:1: this record is damaged"
is net.core.somaxconn "$OLD"
ip netns exec "$NS" sysctl -qw net.core.somaxconn=4000
# Without its last bytes: what was announced last is not known to have been done, and is taken back.
head -c -20 "$TMP/whole" > "$JOURNAL"
fix 0 --rollback all
says "$ERR" "cut short"
is net.core.somaxconn "$OLD"
rm "$JOURNAL"

# ---- two at once; no place to write ----

apply 0 net.core.somaxconn=4000
exec {lock}< "$JOURNAL"
flock -x "$lock"
fix 2 --rollback all
says "$ERR" "another"
is net.core.somaxconn 4000
exec {lock}<&-
fix 0 --rollback all
run "$WHYDROP" fix --rollback all --journal "$TMP/none/there/journal"
[ "$STATUS" = 2 ] || fail "a journal without a folder: status $STATUS"

# /proc/sys read-only, as in a container.
unshare -m bash -c 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"' - \
	"$WHYDROP" fix udp-noport --netns "$NS" -t 0.3 --apply --yes --set net.core.somaxconn=4000 \
	--config /dev/null --journal "$JOURNAL" < /dev/null > "$OUT" 2> "$ERR"
[ $? = 1 ] || fail "a read-only /proc/sys was written" "$ERR"
says "$ERR" "mounted read-only"
is net.core.somaxconn "$OLD"

# ---- kept over a boot: where process 1 lives, and in no other namespace ----

apply 2 net.core.somaxconn=4000 --persist
says "$ERR" "cannot keep"
is net.core.somaxconn "$OLD"
mkdir "$TMP/etc"
# shellcheck disable=SC2016
unshare -n -m -p -f --mount-proc bash -c '
	ip link set lo up && mount --bind "$1" /etc/sysctl.d || exit 77
	"$3" udp-send 127.0.0.1 9 -n 100000 --rate 500 > /dev/null 2>&1 &
	"$2" fix udp-noport -t 0.3 --apply --yes --persist --set net.core.somaxconn=4000 \
		--config /dev/null --journal "$4" < /dev/null || exit 1
	grep -qx "net.core.somaxconn = 4000" /etc/sysctl.d/90-whydrop.conf || exit 2
	"$2" fix --rollback all --journal "$4" || exit 3
	[ ! -e /etc/sysctl.d/90-whydrop.conf ] || exit 4' \
	- "$TMP/etc" "$WHYDROP" "$GEN" "$TMP/var/persist" > "$OUT" 2> "$ERR"
status=$?
[ $status = 0 ] || [ $status = 77 ] || fail "--persist: step $status" "$ERR"

# ---- a namespace that is gone ----

apply 0 net.core.somaxconn=4000
kill "${CHILDREN[0]}"
wait "${CHILDREN[0]}" 2> /dev/null
ip netns del "$NS"
fix 0 --rollback all
says "$OUT" "gone"
fix 0 --list
says "$OUT" "gone with its namespace"
finish
