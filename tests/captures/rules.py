#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Captures of how connections begin and end, each with its near miss: rules.py FOLDER writes NAME.pcap
for each function below.
"""
import pathlib
import random
import struct
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


# ---- the beginning ----

def syn_options(tsval=None, mss=1460, scale=7, sack=True):
    options = struct.pack(">BBH", 2, 4, mss)
    options += b"\1\1\4\2" if sack else b""
    options += b"\1\1\x08\x0a" + struct.pack(">II", tsval % 2**32, 0) if tsval is not None else b""
    return options + (b"\1\3\3" + bytes([scale]) if scale is not None else b"")


class Host:
    """A client with its own clock (1 kHz), whose ports go on."""

    def __init__(self, c, address=CLIENT, port=40000, clock=0, ttl=64, to=80, **options):
        self.c, self.address, self.port, self.to = c, address, port, to
        self.clock, self.begin, self.ttl, self.options = clock, c.now, ttl, options

    def syn_options(self):
        stamp = None if self.clock is None else self.clock + int((self.c.now - self.begin) * 1000)
        return syn_options(stamp, **self.options)

    def connection(self):
        self.port += 1
        one = Connection(self.c, port=self.port, client=self.address, to=self.to)
        one.ttl[0] = self.ttl
        return one

    def answered(self, reply=None, ahead=0.001, behind=0.02):
        one = self.connection()
        one.send(0, SYN, options=self.syn_options())
        self.c.wait(ahead)
        one.send(1, SYN | ACK, ident=0, options=reply or syn_options(1))
        self.c.wait(behind)
        one.send(0, ACK)
        one.data(0, 100, 0.001)
        return one.close()


def ignored(c, hosts, meanwhile=None, gaps=(1, 1, 1, 1), repeat=True):
    """Their SYNs come at the same time and again after each gap; in between `meanwhile` is served."""
    open_ones = [(h, h.connection()) for h in hosts]
    for gap in (*gaps, 0):
        for h, one in open_ones:
            one.send(0, SYN, seq=1000, options=h.syn_options())
            c.wait(0.001)
        c.wait(gap / 2)
        if meanwhile and gap:
            meanwhile()
        c.wait(gap / 2)


def paws_nat(c):
    """Two hosts behind one address: the server answers the one whose clock is ahead."""
    ahead, behind = Host(c, clock=900000000), Host(c, port=50000, clock=5000, ttl=63, scale=8)
    ahead.answered()
    ignored(c, [behind, behind], ahead.answered)


def paws_both_answered(c):
    """Near miss: the older clock is answered as well; what is ignored, is so for another reason."""
    ahead, behind = Host(c, clock=900000000), Host(c, port=50000, clock=5000, ttl=63, scale=8)
    ahead.answered()
    behind.answered()
    ignored(c, [behind, behind], lambda: (ahead.answered(), behind.answered()))


def paws_random(c):
    """Near miss: each connection begins its stamps anew, and those that are ignored happen to be behind."""
    good = Host(c, clock=0)

    def answered():
        good.clock += 1000000
        good.answered()
    answered()
    ignored(c, [Host(c, port=50000, clock=5000), Host(c, port=51000, clock=7000)], answered)


def paws_newer(c):
    """Near miss: those that are ignored are ahead of those that are answered."""
    behind, ahead = Host(c, clock=5000), Host(c, port=50000, clock=900000000)
    behind.answered()
    ignored(c, [ahead, ahead], behind.answered)


def paws_other_address(c):
    """Near miss: the newer clock is that of another address."""
    ahead, behind = Host(c, "10.0.0.9", clock=900000000), Host(c, clock=5000)
    ahead.answered()
    ignored(c, [behind, behind], ahead.answered)


def paws_minute_over(c):
    """Near miss: the newer one was answered more than a minute ago."""
    ahead, behind = Host(c, clock=900000000), Host(c, port=50000, clock=5000)
    ahead.answered()
    c.wait(70)
    ignored(c, [behind, behind])


def timewait_filtered(c):
    """Each SYN is answered by the old connection's ACK, and the resets do not come through."""
    one = Connection(c)
    for gap in (1, 1, 1):
        one.send(0, SYN, seq=1000)
        one.send(1, ACK, seq=777000, ack=555000)
        c.wait(gap)


def timewait_reused(c):
    """Harmless: the client resets the old connection and is answered 9 ms later."""
    one = Connection(c)
    one.send(0, SYN, seq=1000)
    one.send(1, ACK, seq=777000, ack=555000)
    one.send(0, RST, seq=555000, ident=0, window=0)
    c.wait(0.009)
    one.open().data(0)
    one.close()


def queue_full(c):
    """Three hosts are ignored at once, and everybody was answered before and is after; at the server."""
    hosts = [Host(c, "10.0.1.%d" % i) for i in range(1, 4)]
    for h in hosts:
        h.answered()
    ignored(c, hosts)
    for h in hosts:
        h.answered()


def queue_full_far(c):
    """The same, captured at the clients."""
    hosts = [Host(c, "10.0.1.%d" % i) for i in range(1, 4)]
    for h in hosts:
        h.answered(ahead=0.02, behind=0.0001)
    ignored(c, hosts)


def always_silent(c):
    ignored(c, [Host(c, "10.0.1.%d" % i) for i in range(1, 4)])


def selective_source(c):
    """One address is ignored, whatever it tries; others are served all the time."""
    good, bad = Host(c, "10.0.0.9"), Host(c)
    good.answered()
    ignored(c, [bad, bad], good.answered)


def selective_port(c):
    """Ports from 50000 on are ignored, those below are served: same host, same clock."""
    good, bad = Host(c), Host(c, port=50000)
    good.answered()
    ignored(c, [bad, bad], good.answered)


def syn_lost_once(c):
    """Near miss: two SYNs were lost by chance, each once."""
    good, other = Host(c, "10.0.0.9"), Host(c)
    for _ in range(2):
        one = other.connection()
        one.send(0, SYN, seq=1000)
        c.wait(0.5)
        good.answered()
        c.wait(0.5)
        one.open().close()


def synack_lost(c):
    """The client asks again, and so does the server: what it sends does not arrive."""
    one = Connection(c)
    one.send(0, SYN, seq=1000)
    for gap in (1, 1, 1):
        one.send(1, SYN | ACK, seq=5000, ack=1001, ident=0)
        c.wait(gap)
        one.send(0, SYN, seq=1000)


def ack_lost(c):
    """The client's side: the SYN-ACK is far away and its ACK at hand."""
    Host(c, port=50000).answered(ahead=0.02, behind=0.0001)
    one = Connection(c)
    one.send(0, SYN)
    c.wait(0.02)
    one.send(1, SYN | ACK, ident=0)
    one.send(0, ACK)
    c.wait(1)
    one.send(1, SYN | ACK, seq=5000, ident=0, ack=1001)
    one.send(0, ACK)
    one.data(0)
    one.close()


def cookies(c):
    """Some SYNs are answered without what they offer, as cookies are without time stamps."""
    for i in range(6):
        Host(c, port=40000 + 10 * i, clock=None).answered(
            syn_options(None, sack=False, scale=None) if i % 2 else syn_options(None))


def old_stack(c):
    """Near miss: this server has no options at all."""
    for i in range(6):
        Host(c, port=40000 + 10 * i, clock=None).answered(syn_options(None, sack=False, scale=None))


# ---- floods ----

def strangers(c, n, rate, answer=False, seed=1):
    dice = random.Random(seed)
    for _ in range(n):
        one = Connection(c, port=dice.randrange(1024, 65536),
                         client="198.%d.%d.%d" % (18 + dice.randrange(2), dice.randrange(256), dice.randrange(256)))
        one.next[0] = dice.randrange(1 << 31)
        one.send(0, SYN)
        if answer:
            one.send(1, SYN | ACK, ident=0)
        c.wait(1 / rate)


def flood_answered(c):
    """5000 forged SYNs at 2000/s, which the server answers; some clients get in."""
    good = Host(c)
    for _ in range(3):
        good.answered()
        c.wait(1)
    strangers(c, 5000, 2000, True)
    good.answered()
    still_there(c, 3)


def rush(c):
    """Near miss: 3000 clients at once, all of them served."""
    for i in range(3000):
        one = Connection(c, port=1024 + i % 60000, client="10.1.%d.%d" % (i >> 8, i & 255))
        one.send(0, SYN)
        one.send(1, SYN | ACK, ident=0)
        one.send(0, ACK)
        c.wait(0.0005)
    still_there(c, 3)


def overload(c):
    """Near miss: 2000 clients whom the server ignores, and each tries again after a second."""
    for second in range(3):
        for i in range(2000):
            one = Connection(c, port=40000, client="10.1.%d.%d" % (i >> 8, i & 255))
            one.send(0, SYN, seq=1000)
            c.wait(0.0005)
    still_there(c, 3)


def refused_storm(c):
    """Near miss: nobody listens, and each of 3000 SYNs is told so."""
    for i in range(3000):
        one = Connection(c, port=1024 + i % 60000, client="10.1.%d.%d" % (i >> 8, i & 255))
        one.send(0, SYN)
        one.send(1, RST | ACK, ident=0, window=0)
        c.wait(0.0005)
    still_there(c, 3)


# ---- two directions ----

def between(towards, back):
    """Frames by direction: (destination, source) of what the client sends, and of what the server does."""
    def frame(packet):
        to, source = towards if packet[12:16] == bytes((10, 0, 0, 1)) else back
        return bytes.fromhex(to + source) + b"\x08\0" + packet
    return frame


SERVER_MAC, BALANCER, ROUTER, SHARED = "020000000002", "0200000000bb", "0200000000aa", "00005e000101"


def handshakes(c, frame, n=5):
    for i in range(n):
        one = Connection(c, port=40000 + i, frame=frame).open()
        one.data(0)
        one.close()


def direct_return(c):
    """SYNs come from the balancer, answers go to the router."""
    handshakes(c, between((SERVER_MAC, BALANCER), (ROUTER, SERVER_MAC)))


def inline(c):
    """Near miss: both ways through the balancer."""
    handshakes(c, between((SERVER_MAC, BALANCER), (BALANCER, SERVER_MAC)))


def shared_mac(c):
    """Near miss: the router sends from its own MAC and is sent to by that of VRRP."""
    handshakes(c, between((SERVER_MAC, ROUTER), (SHARED, SERVER_MAC)))


def direction_stops(c):
    """What the client sends is no longer acknowledged; the server's data goes on to come."""
    one = Connection(c).open()
    one.data(0)
    one.data(1)
    start, acked = one.next[0], one.next[0]
    one.send(0, PSH | ACK, 300)
    for gap in (0.21, 0.44, 0.83, 1.66, 3.4):
        c.wait(gap / 2)
        one.send(1, PSH | ACK, 500, ack=acked)
        c.wait(gap / 2)
        one.send(0, PSH | ACK, 300, seq=start)
    c.wait(0.1)
    one.send(1, PSH | ACK, 500, ack=acked)


def both_stop(c):
    """Near miss: the server's last data came before the client's was sent again."""
    one = Connection(c).open()
    one.data(0)
    start, acked = one.next[0], one.next[0]
    one.send(0, PSH | ACK, 300)
    one.send(1, PSH | ACK, 500, ack=acked)
    for gap in (0.21, 0.44, 0.83, 1.66, 3.4):
        c.wait(gap)
        one.send(0, PSH | ACK, 300, seq=start)


def refused_data(c):
    """Near miss: the server gets what the client sends, answers each by an ACK, and does not take it."""
    one = Connection(c).open()
    one.data(0)
    start = one.next[0]
    one.send(0, PSH | ACK, 300)
    for gap in (0.21, 0.44, 0.83, 1.66, 3.4):
        c.wait(gap)
        one.send(0, PSH | ACK, 300, seq=start)
        one.send(1, ACK, ack=start)


def both_sides_of_router(c):
    """Near miss: each packet comes with two TTLs; the reset is the server's own."""
    one = Connection(c)
    plain = one.send

    def twice(who, bits, size=0, seq=None, **more):
        at, ident = one.next[who] if seq is None else seq, one.id[who]
        n = plain(who, bits, size, seq, **more)
        plain(who, bits, size, at, **{"ident": ident, **more, "ttl": one.ttl[who] - 1})
        return n
    one.send = twice
    one.open()
    for _ in range(3):
        one.data(0)
        one.data(1)
    one.send(1, RST | ACK)


def flag_scan(c):
    """Null, FIN, Xmas and SYN-FIN probes of eight ports."""
    for port in range(20, 28):
        for bits in (0, FIN, FIN | PSH | 32, SYN | FIN):
            Connection(c, port=45000, to=port).send(0, bits)
            c.wait(0.01)


CASES = [direct_return, inline, shared_mac, direction_stops, both_stop, refused_data, both_sides_of_router,
         flag_scan, paws_nat, paws_both_answered, paws_random, paws_newer, paws_other_address, paws_minute_over, timewait_filtered,
         timewait_reused, queue_full, queue_full_far, always_silent, selective_source, selective_port,
         syn_lost_once, synack_lost, ack_lost, cookies, old_stack, flood_answered, rush, overload,
         refused_storm, close_wait, close_wait_short, half_closed, fin_missed, fin_silent, fin_again, crossed, reset_read,
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
