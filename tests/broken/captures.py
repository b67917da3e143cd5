#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Breaks captures and has them explained: no crash, no hang, exit status 0 to 2.

captures.py [--seed N] [--count N] WHYDROP FOLDER
"""
import argparse
import pathlib
import random
import subprocess
import sys

SMALL = "syn_refused.pcap"


def explain(program, data, what, pipe):
    path = pathlib.Path(f"/tmp/whydrop-broken.{id(program)}.{random.getrandbits(40)}")
    path.write_bytes(data)
    try:
        # By a pipe it comes in pieces.
        command = [program, "pcap", "--json", "-" if pipe else str(path)]
        done = subprocess.run(command, input=data if pipe else None, capture_output=True, timeout=20)
        if done.returncode not in (0, 1, 2) or b"Sanitizer" in done.stderr:
            keep = pathlib.Path("/tmp") / f"whydrop-broken-{what}"
            keep.write_bytes(data)
            print(f"{what}: exit status {done.returncode}, kept as {keep}\n{done.stderr.decode(errors='replace')}")
            return False
    except subprocess.TimeoutExpired:
        print(f"{what}: longer than 20 s")
        return False
    finally:
        path.unlink()
    return True


def mutate(data, dice):
    data = bytearray(data)
    for _ in range(dice.choice((1, 2, 5, 20))):
        at = dice.randrange(len(data))
        kind = dice.randrange(5)
        if kind == 0:
            data[at] = dice.randrange(256)
        elif kind == 1:
            data[at:at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\4\0\0\0"))
        elif kind == 2:
            del data[at:at + dice.randrange(1, 40)]
        elif kind == 3:
            data[at:at] = data[at:at + dice.randrange(1, 200)]
        else:
            data[at] ^= 1 << dice.randrange(8)
        if not data:
            break
    return bytes(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    asked = parser.parse_args()
    dice = random.Random(asked.seed)
    captures = [(p.name, p.read_bytes()) for p in sorted(asked.folder.iterdir())]
    captures = [(name, data) for name, data in captures if len(data) < 400000]
    small = dict(captures)[SMALL]
    good = True
    for n in range(len(small)):
        good &= explain(asked.program, small[:n], f"{SMALL} cut at {n}", n % 2)
    for n in range(asked.count):
        name, data = dice.choice(captures)
        # Most of a long one is more of the same.
        data = data[:dice.choice((2000, 20000, len(data)))]
        good &= explain(asked.program, mutate(data, dice), f"{name}-{asked.seed}-{n}", n % 2)
    print(f"{len(small) + asked.count} broken captures, seed {asked.seed}")
    return not good


sys.exit(main())
