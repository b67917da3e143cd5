#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Breaks recordings at random and has whydrop read them.

  recordings.py [--seed N] [--count N] [--only N] [--keep DIR] WHYDROP RECORDING...

Trial N of a seed is always the same damage to the same recordings; one that fails is kept. Each is
read by every command that takes a recording, which must answer within its time and memory: with a
document, or with status 2 and one line that names the recording. A sanitizer's word, a signal or
anything else fails. With --sources every file of each recording is made unreadable in turn, and
what it told must then be named as not read, and nothing new be blamed. The last line counts.
"""

import argparse
import concurrent.futures
import io
import json
import os
import random
import re
import resource
import subprocess
import sys
import tarfile
import tempfile

META = "whydrop-recording.json"
TIME_MAX_S = 20
MEMORY_MAX_MIB = 512  # of the plain program; a sanitizer's own memory is not bounded
HUGE = [b"18446744073709551615", b"18446744073709551616", b"9223372036854775808", b"4294967295",
        b"4294967296", b"-1", b"-9223372036854775808", b"9" * 400, b"0", b"0x10", b"1e400", b"nan"]
WORDS = [b"\xff" * 4, b"\x00" * 4, b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x01\x00\x00\x00"]


def load(path):
    """The files of a recording, in their order."""
    if path.endswith(".zst"):
        path = io.BytesIO(subprocess.run(["zstd", "-dcq", path], check=True,
                                         stdout=subprocess.PIPE).stdout)
    with tarfile.open(fileobj=path) if not isinstance(path, str) else tarfile.open(path) as tar:
        return [(m.name.removeprefix("./"), tar.extractfile(m).read())
                for m in tar if m.isreg()]


def pack(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


# ---- damage to the bytes of one file ----

def cut(rng, data):
    return data[:rng.randrange(len(data) + 1)]


def cut_front(rng, data):
    return data[rng.randrange(len(data) + 1):]


def flip(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 40])):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def noise(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice([1, 4, 16, 300])) + data[at:]


def all_noise(rng, data):
    return rng.randbytes(len(data))


def huge_numbers(rng, data):
    share = rng.choice([0.02, 0.3, 1])
    return re.sub(rb"\d+", lambda m: rng.choice(HUGE) if rng.random() < share else m[0], data)


def no_line_ends(rng, data):
    return data.replace(b"\n", rng.choice([b"", b" ", b"\r", b"\0"]))


def endless_line(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice([b"A", b"9", b" ", b"9 ", b"\\"]) * 200000 + data[at:]


def word(rng, data):
    """A 32 bit word of a netlink message or a structure: lengths, types, counts."""
    if len(data) < 4:
        return data
    at = rng.randrange(len(data) // 4) * 4
    return data[:at] + rng.choice(WORDS) + data[at + 4:]


def half_word(rng, data):
    """An attribute's length or type."""
    if len(data) < 2:
        return data
    at = rng.randrange(len(data) // 2) * 2
    value = rng.choice([0, 1, 3, 4, 5, 8, 255, 0x7fff, 0x8000, 0xffff, len(data) & 0xffff])
    return data[:at] + value.to_bytes(2, "little") + data[at + 2:]


def many_times(rng, data):
    return data * rng.choice([2, 3, 50]) if len(data) < 100000 else data


def swap_lines(rng, data):
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def drop_columns(rng, data):
    share = rng.choice([0.05, 0.5])
    return re.sub(rb"\S+", lambda m: b"" if rng.random() < share else m[0], data)


BYTES = [cut, cut, cut_front, flip, flip, flip, noise, all_noise, huge_numbers, huge_numbers,
         no_line_ends, endless_line, word, word, word, half_word, half_word, half_word,
         many_times, swap_lines, drop_columns]


# ---- damage to the whole recording ----

def files_broken(rng, files, share):
    return [(name, rng.choice(BYTES)(rng, data) if rng.random() < share else data)
            for name, data in files]


def one_kind_broken(rng, files):
    """The same damage to one source wherever it was read."""
    kind, damage = kind_of(rng.choice(files)[0]), rng.choice(BYTES)
    return [(name, damage(rng, data) if kind_of(name) == kind else data) for name, data in files]


def files_missing(rng, files):
    share = rng.choice([0.02, 0.3, 0.9])
    return [f for f in files if rng.random() > share]


def files_swapped(rng, files):
    """Each file is whole, but in the place of another."""
    contents = [data for name, data in files if name != META]
    rng.shuffle(contents)
    return [(name, data if name == META else contents.pop()) for name, data in files]


def names_broken(rng, files):
    odd = ["", "/", "../../etc/passwd", "a/" * 300 + "b", "\n", "x" * 5000, "whydrop-recording.json"]
    return [(rng.choice(odd) if rng.random() < 0.1 else name, data) for name, data in files]


def description_broken(rng, files):
    """The documents beside the raw reads: other types, huge numbers, missing keys."""
    which = rng.choice([n for n, _ in files if n in (META, "drops.json", "tcp.json")])

    def change(value):
        if rng.random() < 0.05:
            return rng.choice([None, -1, 2 ** 63 - 1, 1e308, "", "x" * 100000, [], {}, True,
                               [[]] * 100, "\u0000", "\U0001f4a5"])
        if isinstance(value, dict):
            return {k: change(v) for k, v in value.items() if rng.random() > 0.02}
        if isinstance(value, list):
            return [change(v) for v in value]
        return value
    return [(n, json.dumps(change(json.loads(d))).encode() if n == which else d) for n, d in files]


def kind_of(name):
    """A file without the namespace and the moment it belongs to."""
    parts = name.split("/")
    return "/".join(parts[2:]) if len(parts) > 2 else name


def break_recording(rng, files):
    """One tar archive, broken."""
    choice = rng.random()
    if choice < 0.35:
        files = one_kind_broken(rng, files)
    elif choice < 0.6:
        files = files_broken(rng, files, rng.choice([0.01, 0.1, 1]))
    elif choice < 0.7:
        files = files_missing(rng, files)
    elif choice < 0.75:
        files = files_swapped(rng, files)
    elif choice < 0.8:
        files = names_broken(rng, files)
    elif choice < 0.88:
        files = description_broken(rng, files)
    archive = pack(files)
    if choice >= 0.88:
        archive = rng.choice([cut, flip, noise, word, many_times])(rng, archive)
    return archive


# ---- what whydrop makes of it ----

def limits(sanitized):
    if not sanitized:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_MIB << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def is_document(command, out):
    if command[0] == "record":
        return META.encode() in out
    if "--json" not in command:
        return bool(out.strip())
    schema = json.loads(out).get("schema", "")
    return schema.startswith("whydrop.")


COMMANDS = (["diagnose", "--json"], ["diagnose", "--all"], ["counters", "--json"],
            ["counters"], ["host", "--json"], ["host"], ["record", "--scrub", "-"])


def judge(whydrop, command, path):
    """None, or why this answer is none."""
    argv = [whydrop, command[0], "--from", path, *command[1:]]
    sanitized = "asan" in whydrop
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=TIME_MAX_S, preexec_fn=lambda: limits(sanitized))
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)}: no answer within {TIME_MAX_S} s"
    said = done.stderr.decode(errors="replace")
    lines = said.splitlines()
    if done.returncode == 2:
        # Everything that is wrong is one sentence about this recording.
        good = (len(lines) == 1 and lines[0].startswith("whydrop") and path in lines[0]
                and not done.stdout)
    else:
        answered = (0,) if command[0] in ("record", "counters") else (0, 1, 3)
        good = done.returncode in answered and (command[0] == "record" or not said)
        try:
            good = good and is_document(command, done.stdout)
        except (ValueError, AttributeError):
            good = False
    if good and "Sanitizer" not in said and "runtime error" not in said:
        return None
    return f"{' '.join(command)}: status {done.returncode}: " + "\n    ".join(lines[:12])


# Whose loss is not that of a source: descriptions, one limit, one device, one process; the kernel's
# log may hold anything; rates, bursts and neighbours are never all that a cause has; an absent
# capture list; what `host` alone tells.
NOT_NAMED = re.compile(r".*\.json$|proc/sys/|exists/|ethtool/|proc/(\d+|self|modules)|abs/|"
                       r"made/(kernel-log|rates|bursts|owners|fds-|nft-list|ip6?tables-save|host-)|"
                       r"proc/(cpuinfo|slabinfo|swaps|uptime)|nl/(neighs|addresses|nft-set)|"
                       r"proc/net/packet")


def needless(kind, files):
    """A dump of sockets that sockstat says are none is not read."""
    protocol = re.match(r"nl/(tcp|udp)4$", kind)
    return protocol and all(
        re.search(rb"^" + protocol[1].upper().encode() + rb": inuse 0( orphan 0 tw 0)?", data, re.M)
        for name, data in files if kind_of(name) == "proc/net/sockstat")


class Trials:
    def __init__(self, options):
        self.options = options
        self.recordings = [(os.path.basename(p), load(p)) for p in options.recordings]
        self.folder = options.keep or tempfile.mkdtemp(prefix="whydrop-broken.")

    def of(self, name, archive, commands):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(archive)
        reasons = [r for r in (judge(self.options.whydrop, c, path) for c in commands) if r]
        if reasons:
            reasons.append(f"kept: {path}")
        elif not self.options.keep:
            os.unlink(path)
        return reasons

    def random_one(self, number):
        rng = random.Random(f"{self.options.seed}/{number}")
        recording, files = rng.choice(self.recordings)
        return (f"trial {number} of seed {self.options.seed}, from {recording}",
                self.of(f"trial-{number}.tar", break_recording(rng, files), COMMANDS))

    def sources(self):
        """Each file as noise in turn: what it told is then named, and nothing new is blamed."""
        failed = tried = 0
        for recording, files in self.recordings:
            unread, blamed = self.told(files)
            for kind in sorted({kind_of(name) for name, _ in files}):
                if NOT_NAMED.match(kind) or needless(kind, files):
                    continue
                rng = random.Random(f"{self.options.seed}/{kind}")
                without, now = self.told([(n, rng.randbytes(64 + len(d)) if kind_of(n) == kind else d)
                                          for n, d in files])
                tried += 1
                if without - unread and now <= blamed:
                    continue
                failed += 1
                print(f"{recording}, {kind} is noise: not read {sorted(without - unread)},"
                      f" blamed besides {sorted(now - blamed)}")
        print(f"{tried} sources broken, {failed} not told")
        return failed

    def told(self, files):
        """The sources that were not read, and the causes at warning or worse."""
        path = os.path.join(self.folder, "source.tar")
        with open(path, "wb") as file:
            file.write(pack(files))
        answers = [subprocess.run([self.options.whydrop, command, "--json", "--from", path],
                                  stdout=subprocess.PIPE, check=False).stdout
                   for command in ("diagnose", "counters")]
        os.unlink(path)
        diagnosis, counters = map(json.loads, answers)
        unread = diagnosis["not_examined"] + [n for space in counters["namespaces"]
                                              for n in space["not_read"]]
        return ({n["source"] for n in unread if n["source"]},
                {cause for f in diagnosis["findings"] if f["severity"] != "info"
                 for cause in (f["cause"], f["via"])})

    def run(self):
        numbers = [self.options.only] if self.options.only is not None else range(self.options.count)
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for what, reasons in pool.map(self.random_one, numbers):
                failed += bool(reasons)
                for reason in reasons:
                    print(f"{what}: {reason}")
        failed += self.sources() if self.options.sources else 0
        if not self.options.keep and not os.listdir(self.folder):
            os.rmdir(self.folder)
        print(f"{len(list(numbers))} recordings broken, {failed} answered wrongly")
        return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sources", action="store_true")
    parser.add_argument("--keep")
    parser.add_argument("whydrop")
    parser.add_argument("recordings", nargs="+")
    return Trials(parser.parse_args()).run()


sys.exit(main())
