#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
wire_truth.py FOLDER WHYDROP: compares what tests/cli/pcap-wire.sh left in FOLDER. 1.pcap is the clients'
end of the wire, 2.pcap the servers'; nstat1 and nstat2 are their kernels' counters, told1.json and
told2.json what whydrop says, log the wire's own (lab/wire.py).
"""
import json
import random
import re
import struct
import subprocess
import sys
from collections import namedtuple

FOLDER, WHYDROP = sys.argv[1:]
FLOWS_READ = 20  # packet by packet
Packet = namedtuple("Packet", "sender port seq end window flags size head")
wrong = []


def claim(words, holds):
    print(("      " if holds else "WRONG ") + words)
    if not holds:
        wrong.append(words)


def capture(name):
    data, at, records = open(f"{FOLDER}/{name}.pcap", "rb").read(), 24, []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        records.append(data[at:at + 16 + size])
        at += 16 + size
    return data[:24], records


def packet(raw):
    """Of a TCP segment of IPv4 without options; None: it is none."""
    if raw[0] != 0x45 or raw[9] != 6:
        return None
    head = 20 + (raw[32] >> 4) * 4
    size = struct.unpack_from(">H", raw, 2)[0] - head
    source, to, seq = struct.unpack_from(">HHI", raw, 20)
    sender = raw[15] - 1
    return Packet(sender, to if sender else source, seq, seq + size, struct.unpack_from(">H", raw, 34)[0], raw[33],
                  size, raw[:64])


def told(n):
    return json.load(open(f"{FOLDER}/told{n}.json"))


# ---- sent again, as the kernel of each sender counts it ----

def kinds(n):
    counters = dict(line.split()[:2] for line in open(f"{FOLDER}/nstat{n}") if line[0] != "#")
    total, syn, fast, after = (int(counters[name]) for name in
                               ("TcpRetransSegs", "TcpExtTCPSynRetrans", "TcpExtTCPFastRetrans",
                                "TcpExtTCPSlowStartRetrans"))
    ours = told(n)["tcp"]["retransmitted_by_" + ("clients" if n == 1 else "servers")]
    print(f"end {n}: kernel {total} = SYN {syn}, fast {fast}, after a timeout {after}, timers "
          f"{total - syn - fast - after}; whydrop {ours}")
    claim(f"TcpRetransSegs {total}, told {ours['sum']}", total == ours["sum"] and total > 100)
    claim(f"SYN {syn}, told {ours['syn']}", syn == ours["syn"])
    for name, true, said in (("fast", fast + after, ours["fast"] + ours["after_rto"] + ours["lost_again"]),
                             ("timers", total - syn - fast - after, ours["tlp"] + ours["rto"])):
        claim(f"{name} {true}, told {said}", abs(said - true) <= max(1, 0.03 * true))


# ---- at the receiver, packet by packet ----

def notes(n):
    """number -> words, of the first flows."""
    words = {}
    for flow in range(1, 1 + FLOWS_READ):
        text = subprocess.run([WHYDROP, "pcap", f"{FOLDER}/{n}.pcap", "--flow", str(flow)],
                              stdout=subprocess.PIPE, check=False).stdout.decode()
        for line in text.splitlines():
            found = re.match(r" +(\d+) +[\d.]+ (?:-->|<--) \S+ +seq.* win \d+ *(.*)", line)
            if found:
                words[int(found.group(1))] = found.group(2)
    return words


def arrivals():
    log, first, order = {}, {}, 0
    for line in open(FOLDER + "/log"):
        end, fate, head = line.split()
        order += 1
        if end == "0":
            head = bytes.fromhex(head)
            log.setdefault(head, order)
            p = packet(head)
            if p and p.size:
                first.setdefault((p.port, p.seq), order)
    said, right, judged, doubled, found = notes(2), 0, 0, 0, 0
    nxt, latest, seen = {}, {}, set()
    for number, record in enumerate(capture(2)[1], 1):
        p = packet(record[16:])
        if not p or p.sender or not p.size or number not in said:
            continue
        again = p.head in seen
        seen.add(p.head)
        sent = log[p.head]
        if p.port in nxt and ((p.seq - nxt[p.port]) & 0xffffffff) >> 31:
            if again:
                doubled += 1
                found += "twice" in said[number]
            else:
                overtaken = sent < latest[p.port]
                if overtaken and sent > first[p.port, p.seq]:
                    continue  # sent again, and overtaken: either is right
                judged += 1
                right += ("overtaken" in said[number]) == overtaken and \
                    ("sent again" in said[number]) != overtaken
        if p.port not in nxt or not ((p.end - nxt[p.port]) & 0xffffffff) >> 31:
            nxt[p.port] = p.end
        latest[p.port] = max(sent, latest.get(p.port, 0))
    claim(f"overtaken or sent again: {right} of {judged} right", judged > 50 and right >= 0.99 * judged)
    claim(f"doubled: {found} of {doubled} told", doubled > 5 and found >= 0.95 * doubled)


# ---- closed windows ----

def windows():
    closed, longest = {}, 0
    for record in capture(2)[1]:
        p, (seconds, part) = packet(record[16:]), struct.unpack_from("<II", record)
        if not p or not p.sender or p.flags & 6:
            continue
        if not p.window:
            closed.setdefault(p.port, seconds + part / 1e6)
        elif p.port in closed:
            longest = max(longest, seconds + part / 1e6 - closed.pop(p.port))
    said = max([t["longest_ms"] for t in told(2)["troubles"] if t["kind"] == "zero-window"] + [0])
    claim(f"closed for {longest * 1000:.3f} ms, told {said:.3f}",
          longest > 0.5 and abs(said - longest * 1000) <= 10 * longest)


# ---- packets that the capture does not have ----

def gaps():
    head, records = capture(1)
    packets = [packet(r[16:]) for r in records]
    often, acked = {}, {}
    for p in packets:
        if p and p.size:
            often[p.sender, p.port, p.seq] = often.get((p.sender, p.port, p.seq), 0) + 1
    dice = random.Random(3)
    last = {}
    for i, p in enumerate(packets):
        if p:
            last[p.port] = i
    out = [i for i, p in enumerate(packets)
           if p and p.size == 1448 and often[p.sender, p.port, p.seq] == 1 and i + 200 < last[p.port] and
           not dice.randrange(25)]
    with open(FOLDER + "/gaps.pcap", "wb") as file:
        file.write(head + b"".join(r for i, r in enumerate(records) if i not in set(out)))
    text = subprocess.run([WHYDROP, "pcap", "--json", FOLDER + "/gaps.pcap"], stdout=subprocess.PIPE, check=False).stdout
    said = json.loads(text)["tcp"]["missed_by_capture"]
    claim(f"complete captures: {[told(n)['tcp']['missed_by_capture'] for n in (1, 2)]} gaps told",
          not told(1)["tcp"]["missed_by_capture"] and not told(2)["tcp"]["missed_by_capture"])
    claim(f"taken out {len(out)}, told {said}", len(out) > 50 and 0.99 * len(out) <= said <= len(out) / 0.95)


kinds(1)
kinds(2)
arrivals()
windows()
gaps()
sys.exit(bool(wrong))
