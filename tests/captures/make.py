#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes captures whose truth is known: make.py FOLDER writes NAME.pcap for each function below."""
import gzip
import pathlib
import random
import struct
import sys

CLIENT, SERVER = "10.0.0.1", "10.0.0.2"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def ip_bytes(text):
    if ":" in text:
        head, _, tail = text.partition("::")
        groups = [g for g in head.split(":") if g]
        after = [g for g in tail.split(":") if g]
        groups += ["0"] * (8 - len(groups) - len(after)) + after
        return b"".join(struct.pack(">H", int(g, 16)) for g in groups)
    return bytes(int(part) for part in text.split("."))


def ip(source, to, protocol, payload, ident=0, ttl=64, flags=0x4000):
    if ":" in source:
        return (struct.pack(">IHBB", 6 << 28, len(payload), protocol, ttl) + ip_bytes(source) +
                ip_bytes(to) + payload)
    return (struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ident, flags, ttl, protocol, 0) +
            ip_bytes(source) + ip_bytes(to) + payload)


def folded(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def ethernet(packet, tags=()):
    kind = 0x86dd if packet[0] >> 4 == 6 else 0x0800
    head = b"\2\0\0\0\0\2\2\0\0\0\0\1"
    for tag in tags:
        head += struct.pack(">HH", 0x8100, tag)
    return head + struct.pack(">H", kind) + packet


class Capture:
    """Packets in the order in which they were captured; time in seconds."""

    def __init__(self):
        self.now, self.packets = 1700000000.0, []

    def wait(self, seconds):
        self.now += seconds
        return self

    def add(self, packet, frame=ethernet):
        self.packets.append((self.now, frame(packet)))
        return len(self.packets)

    def write(self, path, link=1, snaplen=262144, order="<", ns=False):
        magic, unit = (0xa1b23c4d, 1e9) if ns else (0xa1b2c3d4, 1e6)
        data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)
        for at, frame in self.packets:
            seconds = int(at)
            data += struct.pack(order + "IIII", seconds, int(round((at - seconds) * unit)) % int(unit),
                                min(len(frame), snaplen), len(frame)) + frame[:snaplen]
        path.write_bytes(data)
        return data


class Connection:
    """Both ends of one, whose numbers go on by themselves."""

    def __init__(self, capture, port=40000, to=80, client=CLIENT, server=SERVER, frame=ethernet):
        self.capture, self.frame = capture, frame
        self.address, self.port = (client, server), (port, to)
        self.next, self.id = [1000, 5000], [100, 9000]
        self.ttl, self.window = [64, 63], [64240, 65160]
        self.stamps = None  # the last of each, where there are time stamps
        self.sums = None  # "right", "partial" (left to the device) or 0

    def send(self, who, flags, size=0, seq=None, ident=None, ttl=None, window=None, ack=None,
             options=b"", stamp=None, echo=None, sums=None):
        """One segment; with `seq` it repeats or jumps, and nothing goes on."""
        if ident is None:
            ident = self.id[who]
            self.id[who] += 1
        at = self.next[who] if seq is None else seq
        acked = (self.next[1 - who] if ack is None else ack) if flags & ACK else 0
        if flags & SYN and not options:
            options = b"\2\4\5\xb4\1\3\3\7"
        if self.stamps:
            self.stamps[who] = round(self.capture.now * 1000) % 2**32 if stamp is None else stamp
            options += struct.pack(">HBBII", 0x0101, 8, 10, self.stamps[who],
                                   self.stamps[1 - who] if echo is None else echo)
        head = struct.pack(">HHIIBBHHH", self.port[who], self.port[1 - who], at, acked,
                           (5 + len(options) // 4) << 4, flags,
                           self.window[who] if window is None else window, 0, 0)
        segment = self.summed(who, head + options + b"x" * size, self.sums if sums is None else sums)
        packet = ip(self.address[who], self.address[1 - who], 6, segment, ident,
                    self.ttl[who] if ttl is None else ttl)
        if seq is None:
            self.next[who] += size + bool(flags & SYN) + bool(flags & FIN)
        return self.capture.add(packet, self.frame)

    def summed(self, who, segment, how):
        if not how:
            return segment
        pseudo = (ip_bytes(self.address[who]) + ip_bytes(self.address[1 - who]) +
                  struct.pack(">II", len(segment), 6))
        partial = folded(pseudo)
        value = {"partial": partial, "right": folded(pseudo + segment) ^ 0xffff,
                 "wrong": folded(pseudo + segment) ^ 0xfeff}[how]
        return segment[:16] + struct.pack(">H", value) + segment[18:]

    def open(self, rtt=0.02):
        self.send(0, SYN)
        self.capture.wait(rtt)
        self.send(1, SYN | ACK, ident=0)
        self.send(0, ACK)
        return self

    def data(self, who, size=1000, rtt=0.02):
        n = self.send(who, PSH | ACK, size)
        self.capture.wait(rtt)
        self.send(1 - who, ACK)
        return n

    def close(self, who=0):
        self.send(who, FIN | ACK)
        self.capture.wait(0.02)
        self.send(1 - who, FIN | ACK)
        self.send(who, ACK)
        return self


def clean(c):
    one = Connection(c).open()
    for _ in range(20):
        one.data(0)
        one.data(1)
    one.close()


def clean_v6(c):
    one = Connection(c, client="fd00::1", server="fd00::2").open()
    for _ in range(20):
        one.data(0)
    one.close(1)


def syn_silent(c):
    one = Connection(c)
    for gap in (1, 1, 1, 1, 1, 2):
        one.send(0, SYN, seq=1000)
        c.wait(gap)
    one.send(0, SYN, seq=1000)


def syn_refused(c):
    one = Connection(c)
    one.send(0, SYN)
    one.send(1, RST | ACK, ident=0, window=0)


def syn_prohibited(c):
    one = Connection(c)
    one.send(0, SYN)
    quoted = c.packets[-1][1][14:]
    c.wait(0.01).add(ip("10.9.9.9", CLIENT, 1, struct.pack(">BBHI", 3, 13, 0, 0) + quoted))
    c.wait(2)


def accept_full(c):
    one = Connection(c).open()
    c.wait(1)
    one.send(1, SYN | ACK, seq=5000, ident=0, ack=1001)
    one.send(0, ACK)
    one.data(0)
    one.close()


def synack_silent(c):
    one = Connection(c)
    one.send(0, SYN)
    for gap in (1, 2, 4):
        one.send(1, SYN | ACK, seq=5000, ident=0)
        c.wait(gap)


def lossy(c, n=1000, every=20):
    """Seen before they are lost: 50 of 1000 come again, each with a new identification."""
    one = Connection(c).open()
    for i in range(n):
        start = one.next[0]
        one.send(0, PSH | ACK, 1000)
        if i % every == 0:
            one.send(0, PSH | ACK, 1000)
            for _ in range(3):
                one.send(1, ACK, ack=start)
            c.wait(0.02)
            one.send(0, PSH | ACK, 1000, seq=start)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def lossy_before(c, n=200, every=10):
    """Lost before the capture: the second copy fills a hole with a newer identification."""
    one = Connection(c).open()
    for i in range(n):
        if i % every == 0:
            start = one.next[0]
            one.next[0] += 1000
            one.id[0] += 1
            one.send(0, PSH | ACK, 1000)
            one.send(1, ACK, ack=start)
            c.wait(0.02)
            one.send(0, PSH | ACK, 1000, seq=start)
        else:
            one.send(0, PSH | ACK, 1000)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def lossy_window(c, n=60, every=3):
    """20 holes in one window, more than are kept; each is filled, and nothing was missed."""
    one = Connection(c).open()
    lost = []
    for i in range(n):
        if i % every == 0:
            lost.append(one.next[0])
            one.next[0] += 1000
            one.id[0] += 1
        else:
            one.send(0, PSH | ACK, 1000)
            one.send(1, ACK, ack=lost[0])
    for start, after in zip(lost, lost[1:] + [one.next[0]]):
        c.wait(0.02)
        one.send(0, PSH | ACK, 1000, seq=start)
        one.send(1, ACK, ack=after)
    one.close()


def reordered(c, n=200, every=10):
    """The second of two comes first: an older identification fills the hole, one RTT late or not."""
    one = Connection(c).open()
    for i in range(n):
        if i % every == 0:
            start, ident = one.next[0], one.id[0]
            one.next[0] += 1000
            one.id[0] += 1
            one.send(0, PSH | ACK, 1000)
            c.wait(0.03)
            one.send(0, PSH | ACK, 1000, seq=start, ident=ident)
        else:
            one.send(0, PSH | ACK, 1000)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def duplicated(c, n=100, every=10):
    one = Connection(c).open()
    for i in range(n):
        start, ident = one.next[0], one.id[0]
        one.send(0, PSH | ACK, 1000)
        if i % every == 0:
            one.send(0, PSH | ACK, 1000, seq=start, ident=ident)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def zero_window(c):
    """Closed for 3.000 s, two probes."""
    one = Connection(c).open()
    one.send(0, PSH | ACK, 1000)
    one.send(1, ACK, window=0)
    for gap in (0.5, 1):
        c.wait(gap)
        one.send(0, ACK, seq=one.next[0] - 1)
        one.send(1, ACK, window=0)
    c.wait(1.5)
    one.send(1, ACK)
    one.data(0)
    one.close()


def zero_window_short(c):
    one = Connection(c).open()
    one.send(0, PSH | ACK, 1000)
    one.send(1, ACK, window=0)
    c.wait(0.01)
    one.send(1, ACK)
    one.data(0)
    one.close()


def reset_idle(c):
    one = Connection(c).open()
    one.data(0)
    c.wait(60)
    one.data(0)
    c.wait(350)
    one.send(0, PSH | ACK, 100)
    c.wait(0.01)
    one.send(1, RST, window=0, ident=0)


def silent_idle(c):
    one = Connection(c).open()
    one.data(0)
    c.wait(240)
    start = one.next[0]
    one.send(0, PSH | ACK, 100)
    for gap in (0.21, 0.44, 0.83, 1.66, 3.4):
        c.wait(gap)
        one.send(0, PSH | ACK, 100, seq=start)


def reset_abort(c):
    one = Connection(c).open()
    one.data(0)
    c.wait(0.1)
    one.send(1, RST | ACK)


def reset_forged(c):
    one = Connection(c).open()
    one.data(0)
    one.data(1)
    one.send(1, RST | ACK, ttl=128)


def reset_after_fin(c):
    """Healthy: the client closed, and its port was gone when the rest came."""
    one = Connection(c).open()
    one.data(0)
    one.send(0, FIN | ACK)
    c.wait(0.02)
    one.send(1, PSH | ACK, 500)
    one.send(0, RST, window=0, ident=0)


def keepalive_dead(c):
    one = Connection(c).open()
    one.data(0)
    for _ in range(3):
        c.wait(5)
        one.send(0, ACK, seq=one.next[0] - 1)
    c.wait(5)
    one.send(0, RST | ACK)


def keepalive_alive(c):
    one = Connection(c).open()
    one.data(0)
    for _ in range(3):
        c.wait(8)
        one.send(0, ACK, seq=one.next[0] - 1)
        one.send(1, ACK)
    one.close()


def black_hole(c):
    one = Connection(c).open()
    one.data(0, 300)
    start = one.next[0]
    one.send(0, PSH | ACK, 1448)
    for gap in (0.21, 0.44, 0.83, 1.66, 3.4):
        c.wait(gap)
        one.send(0, PSH | ACK, 1448, seq=start)


def died(c):
    one = Connection(c).open()
    one.data(0, 1448)
    start = one.next[0]
    one.send(0, PSH | ACK, 500)
    for gap in (0.21, 0.44, 0.83, 1.66, 3.4):
        c.wait(gap)
        one.send(0, PSH | ACK, 500, seq=start)


def gap(c):
    """Ten segments were taken out of the capture; the receiver had them."""
    one = Connection(c).open()
    for i in range(100):
        if i % 10 == 5:
            one.next[0] += 1000
            one.id[0] += 1
        else:
            one.send(0, PSH | ACK, 1000)
        c.wait(0.02)
        one.send(1, ACK)
    one.close()


def flags(c):
    one = Connection(c)
    for bits in (0, FIN, SYN | FIN, FIN | PSH | 32):
        one.send(0, bits)
        c.wait(0.1)


def udp(source, to, payload=b"?" * 30):
    return struct.pack(">HHHH", source, to, 8 + len(payload), 0) + payload


def udp_answered(c):
    for i in range(10):
        c.add(ip(CLIENT, SERVER, 17, udp(5000 + i, 53)))
        c.wait(0.01).add(ip(SERVER, CLIENT, 17, udp(53, 5000 + i)))
    c.wait(5).add(ip(CLIENT, SERVER, 17, udp(9000, 9001)))


def udp_silent(c):
    for i in range(10):
        c.add(ip(CLIENT, SERVER, 17, udp(5000 + i, 53)))
        c.wait(1)


def udp_refused(c):
    quoted = ip(CLIENT, SERVER, 17, udp(5000, 4444))
    c.add(quoted)
    c.wait(0.01).add(ip(SERVER, CLIENT, 1, struct.pack(">BBHI", 3, 3, 0, 0) + quoted))


def challenged(c):
    """Healthy: the port was in TIME_WAIT; SYN, ACK of the old connection, RST, SYN, SYN-ACK."""
    one = Connection(c)
    one.send(0, SYN, seq=1000)
    one.send(1, ACK, seq=777000, ack=555000)
    one.send(0, RST, seq=555000, ident=0, window=0)
    c.wait(1)
    one.open()
    one.data(0)
    one.close()


def tagged(c):
    one = Connection(c, frame=lambda p: ethernet(p, (100, 200))).open()
    one.data(0)
    one.send(1, RST | ACK)


def vxlan(c):
    def wrap(packet):
        inner = struct.pack(">BBHI", 8, 0, 0, 42 << 8) + ethernet(packet)
        return ethernet(ip("192.0.2.1", "192.0.2.2", 17, udp(33333, 4789, inner)))
    one = Connection(c, frame=wrap).open()
    one.data(0)
    one.send(1, RST | ACK)


def gre(c):
    def wrap(packet):
        return ethernet(ip("192.0.2.1", "192.0.2.2", 47, struct.pack(">HH", 0, 0x0800) + packet))
    one = Connection(c, frame=wrap).open()
    one.data(0)
    one.send(1, RST | ACK)


def flood(c):
    dice = random.Random(1)
    for _ in range(5000):
        one = Connection(c, port=dice.randrange(1024, 65536),
                         client="198.18.%d.%d" % (dice.randrange(256), dice.randrange(256)))
        one.send(0, SYN, seq=dice.randrange(1 << 32))
        c.wait(0.0005)
    Connection(c).open().data(0)
    c.wait(3)
    c.add(ip(CLIENT, SERVER, 17, udp(9000, 9001)))


def udp_series(c, n, lost=(), ident=lambda i: 65000 + i, flags=0x4000, late=()):
    """Crosses 65535; `late` come behind the one after them."""
    order = list(range(n))
    for i in late:
        order[i], order[i + 1] = order[i + 1], order[i]
    for i in order:
        if i not in lost:
            c.add(ip(CLIENT, SERVER, 17, udp(5000, 5001), ident(i) % 65536, flags=flags))
        c.wait(0.01)


def udp_lost(c):
    """A connected socket: 12 of 1000 are not here, 3 of them in a row; two were overtaken."""
    udp_series(c, 1000, (50, 100, 150, 200, 250, 300, 350, 400, 450, 700, 701, 702), late=(500, 610))


def udp_shared_id(c):
    """Near miss: every tenth identification was taken by another flow of the sender."""
    udp_series(c, 1000, ident=lambda i: 100 + i + i // 10)


def udp_random_id(c):
    dice = random.Random(2)
    udp_series(c, 1000, ident=lambda i: dice.randrange(1, 65536))


def udp_no_id(c):
    udp_series(c, 1000, (10, 20), ident=lambda i: 0)


def udp_may_fragment(c):
    """Without DF Linux counts for all that has the same destination: no series of one flow."""
    udp_series(c, 1000, (10, 20, 30), flags=0)


CASES = [udp_lost, udp_shared_id, udp_random_id, udp_no_id, udp_may_fragment, clean, clean_v6,
         syn_silent, syn_refused, syn_prohibited, accept_full, synack_silent, lossy, lossy_before,
         lossy_window, reordered, duplicated, zero_window, zero_window_short, reset_idle, silent_idle,
         reset_abort, reset_forged, reset_after_fin, keepalive_dead, keepalive_alive, black_hole, died,
         gap, flags, udp_answered, udp_silent, udp_refused, challenged, tagged, vxlan, gre, flood]


def block(kind, body, order="<"):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def pcapng(capture, order="<", link=1, resolution=9):
    """A section with two interfaces; the second counts in 1/1024 s."""
    data = block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1), order)
    data += block(1, struct.pack(order + "HHI", link, 0, 0) + option(9, bytes([resolution]), order) +
                  option(0, b"", order), order)
    data += block(1, struct.pack(order + "HHI", link, 0, 0) + option(9, bytes([0x80 | 10]), order), order)
    for i, (at, frame) in enumerate(capture.packets):
        stamp = int(at * 1024) if i % 7 == 3 else int(round(at * 10 ** resolution))
        data += block(6, struct.pack(order + "IIIII", int(i % 7 == 3), stamp >> 32, stamp & 0xffffffff,
                                     len(frame), len(frame)) + frame, order)
    return data


def halves(capture):
    """Two sections, of machines of either byte order."""
    first, second = Capture(), Capture()
    first.packets, second.packets = capture.packets[:1000], capture.packets[1000:]
    return pcapng(first) + pcapng(second, ">")


def missed(capture, n):
    """The same, and the capture says that it missed so many packets itself."""
    return pcapng(capture) + block(5, struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", n)) + option(0, b""))


def raw(data):
    """The same packets without their Ethernet headers, as link type `raw IP`."""
    at, out = 24, data[:20] + struct.pack("<I", 101)
    while at < len(data):
        seconds, part, captured, length = struct.unpack_from("<IIII", data, at)
        out += struct.pack("<IIII", seconds, part, captured - 14, length - 14)
        out += data[at + 30:at + 16 + captured]
        at += 16 + captured
    return out


def cooked(data, link, head):
    at, out = 24, data[:20] + struct.pack("<I", link)
    while at < len(data):
        seconds, part, captured, length = struct.unpack_from("<IIII", data, at)
        by = len(head) - 14
        out += struct.pack("<IIII", seconds, part, captured + by, length + by) + head
        out += data[at + 30:at + 16 + captured]
        at += 16 + captured
    return out


def main():
    folder = pathlib.Path(sys.argv[1])
    for case in CASES:
        capture = Capture()
        case(capture)
        data = capture.write(folder / f"{case.__name__}.pcap")
        if case is lossy:
            capture.write(folder / "form-swapped.pcap", order=">")
            capture.write(folder / "form-ns.pcap", ns=True)
            capture.write(folder / "form-snap64.pcap", snaplen=64)
            (folder / "form-raw.pcap").write_bytes(raw(data))
            (folder / "form-null.pcap").write_bytes(cooked(data, 0, b"\2\0\0\0"))
            (folder / "form-loop.pcap").write_bytes(cooked(data, 108, b"\0\0\0\2"))
            (folder / "form-sll.pcap").write_bytes(cooked(data, 113, b"\0\0\0\1\0\6abcdef\0\0\x08\0"))
            (folder / "form-sll2.pcap").write_bytes(
                cooked(data, 276, b"\x08\0\0\0\0\0\0\2\0\1\0\6abcdefgh"))
            (folder / "form-gz.pcap.gz").write_bytes(gzip.compress(data))
            (folder / "form-ng.pcapng").write_bytes(pcapng(capture))
            (folder / "form-ng-swapped.pcapng").write_bytes(pcapng(capture, ">", resolution=6))
            (folder / "form-two-sections.pcapng").write_bytes(halves(capture))
        if case is udp_lost:
            for n in (1, 12):
                (folder / f"missed-{n}.pcapng").write_bytes(missed(capture, n))


if __name__ == "__main__":
    main()
