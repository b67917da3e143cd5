#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Captures of how connections begin and end, each with its near miss: rules.py FOLDER writes NAME.pcap
for each function below.
"""
import pathlib
import sys

from make import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Capture, Connection


def still_there(c, seconds):
    """Another connection shows that the capture went on."""
    c.wait(seconds)
    Connection(c, port=50000).open().close()


# ---- the end ----

def close_wait(c):
    """The client closed; the server acknowledges that and does nothing for 90 s."""
    one = Connection(c).open()
    one.data(0)
    one.send(0, FIN | ACK)
    c.wait(0.02)
    one.send(1, ACK)
    still_there(c, 90)


def close_wait_short(c):
    """Near miss: the capture ends before it can be told."""
    one = Connection(c).open()
    one.data(0)
    one.send(0, FIN | ACK)
    c.wait(0.02)
    one.send(1, ACK)
    still_there(c, 30)


def half_closed(c):
    """Near miss: the server sends for two minutes what was asked for, then closes."""
    one = Connection(c).open()
    one.data(0)
    one.send(0, FIN | ACK)
    for _ in range(6):
        c.wait(20)
        one.send(1, PSH | ACK, 1000)
        c.wait(0.02)
        one.send(0, ACK)
    one.send(1, FIN | ACK)
    c.wait(0.02)
    one.send(0, ACK)
    still_there(c, 90)


def fin_missed(c):
    """Near miss: the capture does not have the server's FIN, which was acknowledged."""
    one = Connection(c).open()
    one.data(0)
    one.send(0, FIN | ACK)
    c.wait(0.02)
    one.send(1, ACK)
    one.next[1] += 1
    one.send(0, ACK)
    still_there(c, 90)


def fin_silent(c):
    one = Connection(c).open()
    one.data(0)
    start = one.next[0]
    one.send(0, FIN | ACK)
    for gap in (0.21, 0.44, 0.83, 1.66):
        c.wait(gap)
        one.send(0, FIN | ACK, seq=start)


def fin_again(c):
    """Near miss: the first FIN was lost, the second was answered."""
    one = Connection(c).open()
    one.data(0)
    start = one.next[0]
    one.send(0, FIN | ACK)
    c.wait(0.21)
    one.send(0, FIN | ACK, seq=start)
    c.wait(0.02)
    one.send(1, FIN | ACK)
    one.send(0, ACK)


def crossed(c):
    """Both close at once: both hold TIME_WAIT."""
    one = Connection(c).open()
    one.data(0)
    theirs = one.next[1]
    one.send(0, FIN | ACK)
    one.send(1, FIN | ACK, ack=one.next[0] - 1)
    c.wait(0.02)
    one.send(0, ACK, ack=theirs + 1)
    one.send(1, ACK)


def reset_read(c):
    """Near miss: all had been read; the reset of a closed connection loses nothing."""
    one = Connection(c).open()
    one.data(0)
    one.send(1, PSH | ACK, 500)
    c.wait(0.02)
    one.send(0, FIN | ACK)
    c.wait(0.02)
    one.send(0, RST | ACK)


# ---- resets ----

def idle_clients(c, limit, again=(), n=4, keepalive=False):
    """Clients that come back after `limit` seconds and are reset; `again`: silences that they survive."""
    for i in range(n):
        one = Connection(c, port=40000 + i).open()
        one.data(0)
        for pause in again:
            c.wait(pause)
            one.data(0)
        c.wait(limit + i * 0.5)
        if keepalive:
            one.send(0, ACK, seq=one.next[0] - 1)
        else:
            one.send(0, PSH | ACK, 100)
        c.wait(0.01)
        one.send(1, RST, window=0, ident=0)


def idle_350(c):
    idle_clients(c, 350, (60,))


def idle_keepalive(c):
    """Their keepalive comes after 400 s, the limit is shorter."""
    idle_clients(c, 400, keepalive=True)


def idle_outlived(c):
    """Near miss: they were silent for longer before, and lived: no limit."""
    idle_clients(c, 350, (500,), 2)


def peer_restarted(c):
    """A keepalive each 8 s, answered three times, and then by a reset."""
    one = Connection(c).open()
    one.data(0)
    for _ in range(3):
        c.wait(8)
        one.send(0, ACK, seq=one.next[0] - 1)
        one.send(1, ACK)
    c.wait(8)
    one.send(0, ACK, seq=one.next[0] - 1)
    one.send(1, RST, window=0, ident=0)


def injected(c):
    """Reset in the server's name with its TTL; the server goes on."""
    one = Connection(c).open()
    one.data(0)
    one.send(1, RST | ACK, seq=one.next[1])
    one.data(1)
    one.close()


def injected_twice(c):
    """Two guesses at the window."""
    one = Connection(c).open()
    one.data(0)
    one.send(1, RST | ACK, seq=one.next[1])
    one.send(1, RST | ACK, seq=one.next[1] + 1460)


def reset_overtook(c):
    """Near miss: the reset overtook data of its own sender."""
    one = Connection(c).open()
    one.data(0)
    start, ident = one.next[1], one.id[1]
    one.id[1] += 1
    one.send(1, RST | ACK, seq=start + 1000)
    one.send(1, PSH | ACK, 1000, seq=start, ident=ident)


def reset_each(c):
    """Near miss: a host without the socket resets each segment by that one's own number."""
    one = Connection(c).open()
    one.data(0)
    one.send(1, PSH | ACK, 30)
    for i in range(3):
        one.send(0, PSH | ACK, 100, ack=5001 + 10 * i)
        one.send(1, RST, seq=5001 + 10 * i, window=0, ident=0)


# ---- keepalives ----

def keepalive_unseen(c):
    """Near miss: begun before the capture; the byte below the first one is data, overtaken."""
    one = Connection(c)
    one.send(0, PSH | ACK, 100)
    one.send(0, PSH | ACK, 1, seq=999, ident=99)
    c.wait(0.02)
    one.send(1, ACK)


CASES = [close_wait, close_wait_short, half_closed, fin_missed, fin_silent, fin_again, crossed, reset_read,
         idle_350, idle_keepalive, idle_outlived, peer_restarted, injected, injected_twice,
         reset_overtook, reset_each, keepalive_unseen]


def main():
    folder = pathlib.Path(sys.argv[1])
    for case in CASES:
        capture = Capture()
        case(capture)
        capture.write(folder / f"{case.__name__}.pcap")


if __name__ == "__main__":
    main()
