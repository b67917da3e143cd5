#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the place of a capture, its filter or a protocol's habits make look like a fault, and what is one:
artefacts.py FOLDER writes NAME.pcap for each function below.
"""
import pathlib
import struct
import sys

from data import dns, pieces
from make import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Capture, Connection, ip, udp


def port_scan(c):
    """FIN probes of 5,000 ports: more than are told apart."""
    for port in range(1, 5001):
        Connection(c, port=45000, to=port).send(0, FIN)
        c.wait(0.001)


def aborted(c):
    """The server aborts; the client's ACKs that were under way are reset by their own numbers."""
    one = Connection(c).open()
    one.data(0)
    start = one.next[1]
    for _ in range(3):
        one.send(1, PSH | ACK, 1448)
    one.send(1, RST | ACK)
    for behind in (1448, 2896):
        one.send(1, RST, seq=one.next[1] - behind, window=0, ident=0)
    assert one.next[1] == start + 3 * 1448


def queries_twice(c):
    """A mirror port shows each packet twice."""
    for i in range(40):
        for back in (False, True):
            dns(c, i, back=back)
            c.wait(0.0001)
            dns(c, i, back=back)
            c.wait(0.02)
    c.wait(3)
    dns(c, 99)
    dns(c, 99, back=True)


def numbers_again(c):
    """RADIUS has 256 numbers: that of the one request that was lost comes again 20 s later."""
    for i in range(300):
        body = struct.pack(">BBH", 1, i % 256, 20) + bytes([i % 251]) * 16
        c.add(ip(CLIENT, SERVER, 17, udp(5000, 1812, body)))
        c.wait(0.02)
        if i != 7:
            c.add(ip(SERVER, CLIENT, 17, udp(1812, 5000, b"\2" + body[1:])))
        c.wait(0.06)
    c.wait(3)
    c.add(ip(CLIENT, SERVER, 17, udp(5001, 1812, b"\1\1\0\x14" + b"a" * 16)))
    c.add(ip(SERVER, CLIENT, 17, udp(1812, 5001, b"\2\1\0\x14" + b"a" * 16)))


def stun(kind, number):
    return struct.pack(">HHI", kind, 0, 0x2112a442) + struct.pack(">III", 7, 7, number)


def relayed(c, lost=()):
    """TURN: a refresh now and then, and between them indications and channel data without answers."""
    for i in range(40):
        c.add(ip(CLIENT, SERVER, 17, udp(5000, 3478, stun(0x0004, i))))
        c.wait(0.02)
        if i not in lost:
            c.add(ip(SERVER, CLIENT, 17, udp(3478, 5000, stun(0x0104, i))))
        for j in range(5):
            c.add(ip(CLIENT, SERVER, 17, udp(5000, 3478, stun(0x0016, 1000 + 5 * i + j))))
            c.add(ip(CLIENT, SERVER, 17, udp(5000, 3478, struct.pack(">HH", 0x4001, 160) + bytes([i, j] * 80))))
            c.wait(0.02)
    c.wait(3)
    c.add(ip(CLIENT, SERVER, 17, udp(5001, 3478, stun(0x0001, 1))))
    c.add(ip(SERVER, CLIENT, 17, udp(3478, 5001, stun(0x0101, 1))))


def refresh_lost(c):
    relayed(c, lost=range(10, 22))


def pieces_filtered(c):
    """tcpdump with a filter on ports: of each packet the first piece only."""
    pieces(c, 40, lost=lambda i, piece: piece != 0)


def many_at_once(c):
    """A mirror port near clients, the server 20 ms away: all SYNs go by before the first answer."""
    def of(i):
        def frame(packet):
            mine = bytes([2, 0, 0, 0, 1, i])
            router = b"\2\0\0\0\0\xaa"
            return (router + mine if packet[12:16] != bytes((10, 0, 0, 2)) else mine + router) + b"\x08\0" + packet
        return frame
    hosts = [Connection(c, client="10.0.1.%d" % i, frame=of(i)) for i in range(1, 13)]
    for bits in (SYN, SYN | ACK, ACK):
        for one in hosts:
            one.send(bits == SYN | ACK, bits)
        c.wait(0.02)


def clients_only(c):
    """tcpdump dst port 80: 2,000 connections in a second, and none of the answers."""
    for i in range(2000):
        one = Connection(c, port=10000 + i)
        one.send(0, SYN)
        one.next[1] += 1
        one.send(0, ACK)
        one.send(0, PSH | ACK, 100)
        one.send(0, FIN | ACK)
        c.wait(0.0005)
    c.wait(5)
    Connection(c, port=50000).send(0, ACK)


CASES = [many_at_once, clients_only, port_scan, aborted, queries_twice, numbers_again, relayed, refresh_lost, pieces_filtered]


def main():
    folder = pathlib.Path(sys.argv[1])
    for case in CASES:
        capture = Capture()
        case(capture)
        capture.write(folder / f"{case.__name__}.pcap")


if __name__ == "__main__":
    main()
