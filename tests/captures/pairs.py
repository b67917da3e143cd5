#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes pairs of captures of the same traffic: pairs.py FOLDER writes NAME-1.pcap and NAME-2.pcap."""
import pathlib
import struct
import sys

from make import ACK, CLIENT, PSH, RST, SERVER, SYN, Capture, ip, ip_bytes, udp


class Hop:
    """Two captures and the way between them: a packet is put into both, unless something is done to it."""

    def __init__(self, delay=(0.01, 0.01), skew=0.0, routed=True):
        self.capture = [Capture(), Capture()]
        self.delay, self.skew, self.routed, self.now = delay, skew, routed, 1700000000.0
        self.later = []

    def wait(self, seconds):
        self.now += seconds

    def pass_on(self, way, packet, seen=(True, True), there=None, extra=0.0):
        """`there`: as it leaves the hop; extra: seconds that it takes more."""
        there = packet if there is None else there
        if self.routed:
            there = self.one_hop_on(there)
        begin, end = (0, 1) if way == 0 else (1, 0)
        out = self.now + self.delay[way] + extra
        if seen[0]:
            self.put(begin, self.now, packet)
        if seen[1]:
            self.put(end, out, there)

    def put(self, side, at, packet):
        self.later.append((at + (self.skew if side else 0), side, packet))

    @staticmethod
    def one_hop_on(packet):
        at = 8 if packet[0] >> 4 == 4 else 7
        return packet[:at] + bytes([packet[at] - 1]) + packet[at + 1:]

    def write(self, folder, name, cut=None):
        for at, side, packet in sorted(self.later, key=lambda p: p[0]):
            if not cut or cut[side][0] <= at - 1700000000 - (self.skew if side else 0) < cut[side][1]:
                self.capture[side].now = at
                self.capture[side].add(packet)
        for side in (0, 1):
            self.capture[side].write(folder / f"{name}-{side + 1}.pcap", ns=True)


def segment(source, to, sport, dport, seq, ack, flags, size=0, ident=0, options=b"", fill=b"x"):
    head = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       (5 + len(options) // 4) << 4, flags, 64000, 0, 0)
    return ip(source, to, 6, head + options + fill * size, ident)


MSS = b"\2\4\5\xb4\1\3\3\7"


class Talk:
    """A connection over the hop, from CLIENT to SERVER; `change` is what the hop makes of each packet."""

    def __init__(self, hop, port=40000, change=lambda way, p: p, options=MSS):
        self.hop, self.port, self.change, self.options = hop, port, change, options
        self.seq, self.id = [port * 1000, port * 3000 + 50000], [port % 1000, 7000 + port % 1000]

    def send(self, way, flags, size=0, seq=None, ident=None, seen=(True, True), there=None, extra=0.0):
        ends, ports = ((CLIENT, SERVER), (self.port, 80)) if way == 0 else ((SERVER, CLIENT), (80, self.port))
        if ident is None:
            ident = self.id[way]
            self.id[way] += 1
        at = self.seq[way] if seq is None else seq
        packet = segment(*ends, *ports, at, self.seq[1 - way] if flags & ACK else 0, flags, size, ident,
                         self.options if flags & SYN else b"")
        if seq is None:
            self.seq[way] += size + bool(flags & SYN)
        self.hop.pass_on(way, packet, seen, self.change(way, packet) if there is None else there, extra)
        return packet

    def open(self):
        self.send(0, SYN)
        self.hop.wait(0.02)
        self.send(1, SYN | ACK, ident=0)
        self.hop.wait(0.02)
        self.send(0, ACK)
        return self

    def data(self, n=50, size=1000, way=0):
        for _ in range(n):
            self.send(way, PSH | ACK, size)
            self.hop.wait(0.02)
            self.send(1 - way, ACK)
            self.hop.wait(0.001)
        return self


def clean(folder):
    hop = Hop()
    Talk(hop).open().data()
    hop.write(folder, "clean")


def clock(folder):
    """The second clock is 1234.5 s ahead; 3 of 100 are lost there, none back."""
    hop = Hop(delay=(0.01, 0.01), skew=1234.5)
    talk = Talk(hop).open()
    lose(talk)
    hop.write(folder, "clock")


def epoch(folder):
    """The first clock begins in 1970, and there is no router; 3 of 100 are lost."""
    hop = Hop(routed=False, skew=1.54e9)
    hop.now -= 1.7e9 - 1000
    lose(Talk(hop).open())
    hop.write(folder, "epoch")


def lose(talk, n=100, every=33):
    for i in range(n):
        seq = talk.seq[0]
        if i % every == every - 1:
            talk.send(0, PSH | ACK, 1000, seen=(True, False))
            talk.hop.wait(0.25)
            talk.send(0, PSH | ACK, 1000, seq=seq)
        else:
            talk.send(0, PSH | ACK, 1000)
        talk.hop.wait(0.02)
        talk.send(1, ACK)
        talk.hop.wait(0.001)


def bridged(folder):
    """No router: the TTL stays. 3 of 100 are lost."""
    hop = Hop(routed=False)
    lose(Talk(hop).open())
    hop.write(folder, "bridged")


def anew(folder):
    """Sequence numbers begin anew within the second of the 3 that are lost."""
    hop = Hop(routed=False)
    talk = Talk(hop)
    talk.seq[0] = (1 << 32) - 65501
    lose(talk.open())
    hop.write(folder, "anew")


def nat(folder):
    """Source address and port are others behind the hop; 3 of 100 are lost."""
    def change(way, packet):
        p = bytearray(packet)
        if way == 0:
            p[12:16], p[20:22] = ip_bytes("192.0.2.7"), struct.pack(">H", 61000)
        else:  # it enters with the outer address
            p[16:20], p[22:24] = ip_bytes(CLIENT), struct.pack(">H", 40000)
        return bytes(p)

    hop = Hop()
    lose(Outside(hop, change=change).open())
    hop.write(folder, "nat")


def nat_reuse(folder):
    """Two connections one after the other behind the same outer port; 3 packets are lost."""
    hop = Hop()
    for port in (40000, 40001):
        def change(way, packet):
            p = bytearray(packet)
            if way == 0:
                p[12:16], p[20:22] = ip_bytes("192.0.2.7"), struct.pack(">H", 61000)
            else:
                p[16:20], p[22:24] = ip_bytes(CLIENT), struct.pack(">H", port)
            return bytes(p)
        talk = Outside(hop, port=port, change=change).open()
        talk.data(20)
        if port == 40001:
            lose(talk)
        hop.wait(1)
    hop.write(folder, "nat_reuse")


class Outside(Talk):
    """From behind a translator: what comes back enters the hop with the outer address."""

    def send(self, way, flags, size=0, seq=None, ident=None, seen=(True, True), there=None, extra=0.0):
        if way == 0:
            return super().send(way, flags, size, seq, ident, seen, there, extra)
        ident = self.id[1] if ident is None else ident
        self.id[1] += 1
        packet = segment(SERVER, "192.0.2.7", 80, 61000, self.seq[1], self.seq[0], flags, size, ident,
                         self.options if flags & SYN else b"")
        self.seq[1] += size + bool(flags & SYN)
        self.hop.pass_on(way, packet, seen, self.change(way, packet), extra)
        return packet


def gso(folder):
    """In the first capture packets of 10 segments; of these 5 segments are lost, and sent again."""
    hop = Hop(delay=(0.001, 0.001))
    talk = Talk(hop).open()
    for i in range(20):
        seq, ident = talk.seq[0], talk.id[0]
        big = segment(CLIENT, SERVER, 40000, 80, seq, talk.seq[1], PSH | ACK, 14600, ident)
        hop.pass_on(0, big, seen=(True, False))
        for k in range(10):
            part = segment(CLIENT, SERVER, 40000, 80, seq + 1460 * k, talk.seq[1],
                           ACK | (PSH if k == 9 else 0), 1460, ident + k)
            if not (i % 4 == 2 and k == 4):
                hop.pass_on(0, part, seen=(False, True))
        talk.seq[0] += 14600
        talk.id[0] += 10
        hop.wait(0.02)
        if i % 4 == 2:
            talk.send(0, PSH | ACK, 1460, seq=seq + 1460 * 4)
            hop.wait(0.02)
        talk.send(1, ACK)
        hop.wait(0.02)
    hop.write(folder, "gso")


def gso_midstream(folder):
    """The same without its SYN, so that nothing tells the MSS, and nothing is lost."""
    hop = Hop(delay=(0.001, 0.001))
    talk = Talk(hop)
    for _ in range(20):
        seq, ident = talk.seq[0], talk.id[0]
        hop.pass_on(0, segment(CLIENT, SERVER, 40000, 80, seq, talk.seq[1], PSH | ACK, 14600, ident),
                    seen=(True, False))
        for k in range(10):
            hop.pass_on(0, segment(CLIENT, SERVER, 40000, 80, seq + 1460 * k, talk.seq[1], ACK, 1460, ident + k),
                        seen=(False, True))
        talk.seq[0] += 14600
        talk.id[0] += 10
        hop.wait(0.02)
        talk.send(1, ACK)
        hop.wait(0.02)
    hop.write(folder, "gso_midstream")


def cut(folder):
    """The second capture begins later and ends earlier; nothing is lost."""
    hop = Hop()
    Talk(hop).open().data(200)
    hop.write(folder, "cut", ((0, 1000), (1, 3)))


def gap(folder):
    """The second capture was blind 3 times, for 5 packets of both ways; nothing is lost."""
    hop = Hop()
    talk = Talk(hop).open()
    for i in range(100):
        blind = i % 30 == 20
        for _ in range(2):
            talk.send(0, PSH | ACK, 500, seen=(True, not blind))
            hop.wait(0.0001)
        hop.wait(0.03)
        talk.send(1, ACK, seen=(not blind, True))
        hop.wait(0.03)
    hop.write(folder, "gap")


def one_way(folder):
    """UDP one way only: no offset can be known. 4 of 200 are lost."""
    hop = Hop(skew=7.0)
    for i in range(200):
        hop.pass_on(0, ip(CLIENT, SERVER, 17, udp(5000, 5001, b"%08d" % i * 4), 300 + i),
                    seen=(True, i % 50 != 30))
        hop.wait(0.01)
    hop.write(folder, "one_way")


def clamped(folder):
    """MSS 1460 becomes 1360, and window scale is taken out."""
    def change(way, packet):
        return packet.replace(MSS, b"\2\4\5\x50\1\1\1\1")
    hop = Hop()
    Talk(hop, change=change).open().data(20)
    hop.write(folder, "clamped")


def marked(folder):
    """Every fifth packet there is marked CE."""
    count = [0]

    def change(way, packet):
        count[0] += way == 0
        return packet[:1] + b"\3" + packet[2:] if way == 0 and count[0] % 5 == 0 else packet
    hop = Hop()
    Talk(hop, change=change).open().data(20)
    hop.write(folder, "marked")


def damaged(folder):
    hop = Hop()
    talk = Talk(hop).open().data(10)
    packet = segment(CLIENT, SERVER, 40000, 80, talk.seq[0], talk.seq[1], PSH | ACK, 100, 500)
    hop.pass_on(0, packet, there=packet[:-1] + b"y")
    hop.wait(0.3)
    talk.data(10)
    hop.write(folder, "damaged")


def reset(folder):
    """A box makes resets for both sides."""
    hop = Hop()
    talk = Talk(hop).open().data(20)
    hop.pass_on(0, segment(CLIENT, SERVER, 40000, 80, talk.seq[0], 0, RST), seen=(False, True))
    hop.pass_on(1, segment(SERVER, CLIENT, 80, 40000, talk.seq[1], 0, RST), seen=(False, True))
    hop.wait(0.1)
    Talk(hop, port=40001).open().data(5)
    hop.write(folder, "reset")


def blocked(folder):
    """Port 81 of a server that is reached otherwise: its SYNs do not pass. Another server is elsewhere."""
    hop = Hop()
    Talk(hop).open().data(10)
    for i in range(5):
        hop.pass_on(0, segment(CLIENT, SERVER, 40500, 81, 77, 0, SYN, 0, 60 + i, MSS), seen=(True, False))
        hop.wait(1)
    for i in range(7):
        hop.pass_on(0, segment(CLIENT, "10.9.9.9", 40501, 82, 78, 0, SYN, 0, 60 + i, MSS), seen=(True, False))
        hop.wait(0.1)
    Talk(hop, port=40001).open().data(10)
    hop.write(folder, "blocked")


def renumbered(folder):
    """A firewall writes identifications of its own; nothing is lost."""
    count = [0]

    def change(way, packet):
        count[0] += 7919
        return packet[:4] + struct.pack(">H", count[0] % 65535 + 1) + packet[6:]
    hop = Hop()
    Talk(hop, change=change).open().data(20)
    hop.write(folder, "renumbered")


def renumbered_some(folder):
    """The same, but those of 0 are left alone, and one has its old one by chance."""
    count = [0]

    def change(way, packet):
        count[0] += 7919
        if packet[4:6] == b"\0\0" or count[0] == 7919 * 40:
            return packet
        return packet[:4] + struct.pack(">H", count[0] % 65535 + 1) + packet[6:]
    hop = Hop()
    Talk(hop, change=change).open().data(20)
    hop.write(folder, "renumbered_some")


def filtered(folder):
    """The second capture has port 80 only; what it does not show is answered all the same."""
    hop = Hop()
    Talk(hop).open().data(10)
    other = Talk(hop, port=22)
    for i in range(20):
        for way, flags, size in ((0, SYN if not i else PSH | ACK, 100 * bool(i)), (1, SYN | ACK if not i else ACK, 0)):
            other.send(way, flags, size, seen=(not way, bool(way)))
        query = ip(CLIENT, SERVER, 17, udp(5000 + i, 53, b"%08d" % i), 900 + i)
        hop.pass_on(0, query, seen=(True, False))
        hop.wait(0.03)
        hop.pass_on(1, ip(SERVER, CLIENT, 17, udp(53, 5000 + i, b"%08d" % i), 800 + i), seen=(False, True))
        hop.wait(0.03)
    Talk(hop, port=40001).open().data(10)
    hop.write(folder, "filtered")


def wrapped(folder):
    """The second capture missed two packets, 3 GiB before the end of the connection."""
    hop = Hop()
    talk = Talk(hop).open().data(10)
    for _ in range(2):
        talk.send(0, PSH | ACK, 1000, seen=(True, False))
        hop.wait(0.02)
    talk.data(10)
    hop.wait(15)
    for _ in range(3):
        talk.seq[0] += 1 << 30
        talk.data(5)
    hop.write(folder, "wrapped")


def stripped(folder):
    """On the way back a firewall takes out SACK and writes DSCP 0; nothing is lost."""
    def change(way, packet):
        if way == 0:
            return packet
        return packet[:1] + b"\0" + packet[2:].replace(b"\4\2", b"\1\1")

    hop = Hop()
    pass_on = hop.pass_on

    def marked_on(way, packet, seen, there, extra):
        packet = packet[:1] + bytes([46 << 2 if way else 0]) + packet[2:]
        pass_on(way, packet, seen, change(way, packet), extra)
    hop.pass_on = marked_on
    Talk(hop, options=b"\2\4\5\xb4\4\2\1\1").open().data(20)
    hop.write(folder, "stripped")


def one_way_bridged(folder):
    """The same without a router, from a low port to a high one. 4 of 200 are lost."""
    hop = Hop(skew=7.0, routed=False)
    for i in range(200):
        hop.pass_on(0, ip(CLIENT, SERVER, 17, udp(5000, 40000, b"%08d" % i * 4), 300 + i),
                    seen=(True, i % 50 != 30))
        hop.wait(0.01)
    hop.write(folder, "one_way_bridged")


def damaged_v6(folder):
    """UDP of IPv6, which has no identification: one of 20 datagrams is damaged, none overtaken."""
    hop = Hop()
    for i in range(20):
        there = ip("fd00::1", "fd00::2", 17, udp(5000, 5001, b"%08d" % i * 4))
        hop.pass_on(0, there, there=there[:48] + b"y" + there[49:] if i == 7 else there)
        hop.wait(0.01)
        hop.pass_on(1, ip("fd00::2", "fd00::1", 17, udp(5001, 5000, b"r%07d" % i * 4)))
        hop.wait(0.01)
    hop.write(folder, "damaged_v6")


def main():
    folder = pathlib.Path(sys.argv[1])
    for case in (clean, clock, epoch, bridged, nat, gso, gso_midstream, cut, gap, one_way, clamped, marked, damaged,
                 reset, blocked, renumbered, renumbered_some, filtered, wrapped, stripped, one_way_bridged, nat_reuse,
                 damaged_v6, anew):
        case(folder)


main()
