#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to data, with known truth: data.py FOLDER writes NAME.pcap for each function below.

Each rule has a near miss beside it: the same but for the sign that tells.
"""
import pathlib
import sys

from make import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Capture, Connection, ip, udp

import struct


def blocks(*ranges):
    """A SACK option."""
    return struct.pack(">HBB", 0x0101, 5, 2 + 8 * len(ranges)) + b"".join(struct.pack(">II", *r) for r in ranges)


def stamped(c):
    one = Connection(c)
    one.stamps = [0, 0]
    return one.open()


# ---- sent again, by kind ----

def kinds(c):
    """20 ms away: a SYN, two fast, a tail loss probe, a timeout and what is resent after it."""
    one = Connection(c)
    one.send(0, SYN, seq=1000)
    c.wait(1.03)
    one.open()
    for _ in range(5):
        one.data(0)
    for _ in range(2):  # fast: SACK says so
        start = one.next[0]
        one.send(0, ACK, 1000)
        for i in range(3):
            one.send(0, PSH | ACK, 1000)
        c.wait(0.02)
        for i in range(3):
            one.send(1, ACK, ack=start, options=blocks((start + 1000, start + 2000 + 1000 * i)))
        one.send(0, ACK, 1000, seq=start)
        c.wait(0.02)
        one.send(1, ACK)
    start = one.next[0]  # a tail loss probe
    one.send(0, PSH | ACK, 1000)
    c.wait(0.05)
    one.send(0, PSH | ACK, 1000, seq=start)
    c.wait(0.02)
    one.send(1, ACK)
    start = one.next[0]  # four under way, all lost: probe of the last, timeout of the first, then the rest
    for _ in range(4):
        one.send(0, ACK, 1000)
    c.wait(0.05)
    one.send(0, ACK, 1000, seq=start + 3000)
    c.wait(0.22)
    one.send(0, ACK, 1000, seq=start)
    c.wait(0.02)
    one.send(1, ACK, ack=start + 1000)
    one.send(0, ACK, 1000, seq=start + 1000)
    one.send(0, ACK, 1000, seq=start + 2000)
    c.wait(0.02)
    one.send(1, ACK)
    one.close()


def again(c, n, needless):
    """So many are sent again; needless(one, start, again_at) acknowledges."""
    one = stamped(c)
    for _ in range(n):
        start = one.next[0]
        one.send(0, PSH | ACK, 1000)
        stamp = one.stamps[0]
        c.wait(0.05)
        one.send(0, PSH | ACK, 1000, seq=start)
        c.wait(0.02)
        needless(one, start, stamp)
        c.wait(0.1)
    one.close()


def needless_dsack(c):
    def told(one, start, _):
        one.send(1, ACK)
        one.send(1, ACK, options=blocks((start, start + 1000)))
    again(c, 6, told)


def needless_eifel(c):
    again(c, 6, lambda one, _, stamp: one.send(1, ACK, echo=stamp))


def needed(c):
    """Near miss: the ACK echoes the second copy."""
    again(c, 12, lambda one, start, _: one.send(1, ACK))


def doubled_behind(c):
    """Near miss: the network doubled 12 behind the capture, and 12 others were lost and sent again."""
    one = stamped(c)
    for _ in range(12):
        start = one.next[0]
        one.send(0, PSH | ACK, 1000)
        c.wait(0.02)
        one.send(1, ACK)
        one.send(1, ACK, options=blocks((start, start + 1000)))
        start = one.next[0]
        one.send(0, PSH | ACK, 1000)
        c.wait(0.05)
        one.send(0, PSH | ACK, 1000, seq=start)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def needless_late(c):
    """Captured behind the losses: the ACK had gone by already when the second copies came."""
    one = Connection(c).open()
    for _ in range(6):
        start = one.next[0]
        one.send(0, PSH | ACK, 1000)
        one.send(1, ACK)
        c.wait(0.3)
        one.send(0, PSH | ACK, 1000, seq=start)
        one.send(1, ACK)
    one.close()


# ---- duplicate ACKs ----

def duplicate_acks(c):
    """A run of 5 and one of 2; one of the 7 has another window and SACKs more."""
    one = Connection(c).open()
    one.data(0)
    for n in (5, 2):
        start = one.next[0]
        for _ in range(n + 1):
            one.send(0, ACK, 1000)
        c.wait(0.02)
        for i in range(n):
            one.send(1, ACK, ack=start, options=blocks((start + 1000, start + 2000 + 1000 * i)),
                     window=60000 if i == 1 else None)
        one.send(0, ACK, 1000, seq=start)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def no_duplicate_acks(c):
    """Near miss: window updates, and answers to probes of a closed window with data under way."""
    one = Connection(c).open()
    one.data(0)
    start = one.next[0]
    for _ in range(4):
        one.send(0, ACK, 1000)
    c.wait(0.02)
    for window in (50000, 40000, 30000):
        one.send(1, ACK, ack=start, window=window)
    one.send(1, ACK)
    for _ in range(3):
        c.wait(5)
        one.send(0, ACK, seq=one.next[0] - 1)
        one.send(1, ACK)
    one.close()


# ---- what holds a sender up ----

def bulk(c, rounds, burst, window=65160, scale=7, pause=0.0, rtt=0.1):
    """In each round trip so many full segments; the receiver's window as it is in its packets."""
    one = Connection(c)
    one.window[1] = window
    syn = b"\2\4\5\xb4" + (b"\1\3\3" + bytes([scale]) if scale else b"")
    one.send(0, SYN, options=syn)
    c.wait(rtt)
    one.send(1, SYN | ACK, ident=0, options=syn)
    one.send(0, ACK)
    for _ in range(rounds):
        for i in range(burst):
            one.send(0, ACK | (PSH if i + 1 == burst else 0), 1460 if not pause or i + 1 < burst else 700)
        c.wait(rtt)
        one.send(1, ACK)
        c.wait(pause)


def window_limited(c):
    """20,440 bytes in each 100 ms: 1.6 Mbit/s."""
    bulk(c, 40, 14, 20440, 0)


def network_limited(c):
    """Near miss: as much under way, and a window of 8 MB."""
    bulk(c, 40, 14)


def program_limited(c):
    """Near miss: the same window, but the program rests for 900 ms of each second."""
    bulk(c, 40, 3, 20440, 0, pause=0.9)


def window_unknown(c):
    """Near miss: without the SYNs nobody knows the scale of a window of 160."""
    bulk(c, 40, 14, 160)
    c.packets = c.packets[3:]


def stalled(c):
    """Closed for 2.000 s, and no data for 2.5 s."""
    one = Connection(c).open()
    one.data(0)
    one.send(0, PSH | ACK, 1000)
    c.wait(0.02)
    one.send(1, ACK, window=0)
    c.wait(2)
    one.send(1, ACK)
    c.wait(0.48)
    one.data(0)
    one.close()


# ---- black holes ----

def hole(c, gaps, heard=False, told=0, established=True):
    one = Connection(c).open()
    if not established:
        c.packets = []
    one.data(0, 300)
    start = one.next[0]
    one.send(0, PSH | ACK, 1448)
    quoted = c.packets[-1][1][14:]
    for gap in gaps:
        c.wait(gap)
        if told:
            c.add(ip("10.9.9.9", CLIENT, 1, struct.pack(">BBHHH", 3, 4, 0, 0, told) + quoted[:28]))
        one.send(0, PSH | ACK, 1448, seq=start)
        if heard:
            one.send(1, PSH | ACK, 20, ack=start)
            one.send(0, ACK)


DOUBLING = (0.21, 0.22, 0.44, 0.88, 1.76)


def hole_heard(c):
    hole(c, DOUBLING, heard=True)


def hole_told(c):
    hole(c, DOUBLING, told=1280)


def hole_steady(c):
    """Near miss: the pauses do not grow; no TCP does that for a lost packet."""
    hole(c, (0.5,) * 6)


def hole_sacked(c):
    """Near miss: others of that size were SACKed behind it."""
    one = Connection(c).open()
    one.data(0, 300)
    start = one.next[0]
    one.send(0, ACK, 1448)
    one.send(0, ACK, 1448)
    c.wait(0.02)
    one.send(1, ACK, ack=start, options=blocks((start + 1448, start + 2896)))
    for gap in DOUBLING:
        c.wait(gap)
        one.send(0, ACK, 1448, seq=start)


# ---- identifications of TCP ----

def acks(c, n, ident):
    """The client downloads; ident(i) of its ACKs, None: lost before the capture."""
    one = Connection(c)
    one.id[0] = 65000
    one.open()
    one.send(0, PSH | ACK, 100)
    for i in range(n):
        one.send(1, ACK, 1000)
        c.wait(0.01)
        if ident(i) is not None:
            one.send(0, ACK, ident=ident(i) % 65536)
    one.id[0] = (ident(n) or 0) % 65536
    one.close()


def acks_lost(c):
    """12 of 600, and the series crosses 65535."""
    acks(c, 600, lambda i: None if i % 50 == 25 else 65003 + i)


def acks_shared_id(c):
    """Near miss: others of that host count with it."""
    acks(c, 600, lambda i: 65003 + i + i // 10)


def acks_no_id(c):
    acks(c, 600, lambda i: 0)


# ---- checksums ----

def summed(c, n, bad):
    """Segments with checksums; those that bad(i) names come again. Of the rest how(i)."""
    one = Connection(c)
    one.sums = "right"
    one.open()
    for i in range(n):
        start, how = one.next[0], bad(i)
        one.send(0, PSH | ACK, 1001, sums=how)
        if how == "wrong":
            c.wait(0.3)
            one.send(0, PSH | ACK, 1001, seq=start)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def damaged(c):
    """5 of 100."""
    summed(c, 100, lambda i: "wrong" if i % 20 == 7 else None)


def offload(c):
    """Near miss: sums are left to the device, and 5 are lost."""
    one = Connection(c)
    one.sums = "partial"
    one.open()
    for i in range(100):
        start = one.next[0]
        one.send(0, PSH | ACK, 1001)
        if i % 20 == 7:
            c.wait(0.3)
            one.send(0, PSH | ACK, 1001, seq=start)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def odd_sums(c):
    """Near miss: 5 are wrong in the capture, and were acknowledged at once."""
    one = Connection(c)
    one.sums = "right"
    one.open()
    for i in range(100):
        one.send(0, PSH | ACK, 1001, sums="wrong" if i % 20 == 7 else None)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


# ---- datagrams ----

def media(c, n, lost=(), seq=lambda i: 65000 + i, kind=0, rate=8000, late=(), twice=(), shake=0):
    """One packet each 20 ms, crossing 65535; `late` come behind the next, each second is `shake` s late."""
    order = [i for i in range(n) if i not in lost]
    for i in late:
        at = order.index(i)
        order[at], order[at + 1] = order[at + 1], order[at]
    start = c.now
    for i in order:
        c.now = start + i * 0.02 + shake * (i % 2)
        stamp = (1000 + i * rate // 50) % 2**32
        body = struct.pack(">BBHII", 0x80, kind, seq(i) % 65536, stamp, 0xfeedbeef) + b"v" * 160
        for _ in range(1 + (i in twice)):
            c.add(ip(CLIENT, SERVER, 17, udp(16000, 17000, body), 0))


def media_lost(c):
    """15 of 1000, 3 of them in a row; two overtaken, three doubled; 4 ms of jitter."""
    media(c, 1000, (50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 700, 701, 702), late=(610, 660),
          twice=(20, 30, 40), shake=0.004)


def media_video(c):
    """The clock of a dynamic type is found: 90,000 Hz, no jitter."""
    media(c, 400, (200,), kind=96, rate=90000)


def media_whole(c):
    media(c, 400, late=(30, 60), twice=(90,))


def media_alike(c):
    """Near miss: the first bytes look like it, and the numbers are no series."""
    media(c, 400, seq=lambda i: i * 7919)


def dns(c, number, port=5000, back=False):
    body = struct.pack(">HHHHHH", number, 0x8180 if back else 0x0100, 1, back, 0, 0) + b"\1a\0\0\1\0\1"
    if back:
        c.add(ip(SERVER, CLIENT, 17, udp(53, port, body)))
    else:
        c.add(ip(CLIENT, SERVER, 17, udp(port, 53, body)))


def asked(c, silent=(), late=()):
    """One port asks 60 times, two always under way; of `late` the answer comes after a second request."""
    for i in range(60):
        dns(c, i)
        if i in late:
            c.wait(1)
            dns(c, i)
        c.wait(0.01)
        if i - 1 >= 0 and i - 1 not in silent:
            dns(c, i - 1, back=True)
    dns(c, 59, back=True)
    c.wait(3)
    dns(c, 60)
    c.wait(0.01)
    dns(c, 60, back=True)


def asked_in_vain(c):
    asked(c, silent=(7, 22, 40))


def asked_twice(c):
    asked(c, late=(9, 33))


def asked_and_answered(c):
    asked(c)


def others_answered(c, vain=3, answered=40):
    """A port that no table knows."""
    for i in range(answered + vain):
        c.add(ip(CLIENT, SERVER, 17, udp(5000 + i, 7777)))
        c.wait(0.01)
        if i % 10 != 5 or i // 10 >= vain:
            c.add(ip(SERVER, CLIENT, 17, udp(7777, 5000 + i)))
    c.wait(3)
    c.add(ip(CLIENT, SERVER, 17, udp(9000, 7777)))
    c.add(ip(SERVER, CLIENT, 17, udp(7777, 9000)))


def seldom_answered(c):
    """Near miss: a service that answers now and then, as syslog and NetFlow do not at all."""
    for i in range(60):
        c.add(ip(CLIENT, SERVER, 17, udp(5000 + i, 7777)))
        c.wait(0.1)
        if i % 2:
            c.add(ip(SERVER, CLIENT, 17, udp(7777, 5000 + i)))
    c.wait(3)
    c.add(ip(CLIENT, SERVER, 17, udp(9000, 7777)))


def pieces(c, n, order=(0, 1, 2), lost=lambda i, piece: False, pause=0.0):
    """Datagrams of 4000 bytes in three."""
    for i in range(n):
        body = udp(5000, 6000, b"p" * 3992)
        for piece in order:
            at = piece * 1480
            if lost(i, piece):
                continue
            c.add(ip(CLIENT, SERVER, 17, body[at:at + 1480], 100 + i, flags=(at // 8) | (0x2000 if piece < 2 else 0)))
            c.wait(pause)
        c.wait(0.1)
    c.wait(3)
    c.add(ip(CLIENT, SERVER, 17, udp(9000, 9001)))


def pieces_without_rest(c):
    """12 of 40; of 4 others the first is not here, and nobody knows whose they were."""
    pieces(c, 40, lost=lambda i, piece: (i % 3 == 1 and i < 36 and piece != 0) or (i >= 36 and piece == 0))


def pieces_backwards(c):
    """Near miss: the last comes first, and slowly."""
    pieces(c, 40, (2, 1, 0), pause=0.3)


CASES = [media_lost, media_video, media_whole, media_alike, asked_in_vain, asked_twice, asked_and_answered,
         others_answered, seldom_answered, pieces_without_rest, pieces_backwards, kinds, needless_dsack, needless_eifel, needed, doubled_behind, needless_late, duplicate_acks,
         no_duplicate_acks, window_limited, network_limited, program_limited, window_unknown, stalled,
         hole_heard, hole_told, hole_steady, hole_sacked, acks_lost, acks_shared_id, acks_no_id, damaged,
         offload, odd_sums]


def main():
    folder = pathlib.Path(sys.argv[1])
    for case in CASES:
        capture = Capture()
        case(capture)
        capture.write(folder / f"{case.__name__}.pcap")


if __name__ == "__main__":
    main()
