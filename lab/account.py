#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the packets went that are known to be lost, over all scenarios that were played.

  account.py [--judge] OUT NAME...

Of each scenario whose truth is known (NAME/fault.truth: its cause, what may be found besides, how
many it lost): the share that its cause was told to have lost, and what was put to causes that had
nothing to do with it. Of all: the share of traced drops that no cause explains. With --judge
it fails when a sum is missed.
"""
import json
import os
import sys

MEAN_MIN, EACH_MIN = 0.995, 0.95
WRONG_MAX, UNEXPLAINED_MAX = 0.001, 0.005


def is_about(finding, ids):
    return finding.get("cause") in ids or finding.get("via") in ids


def packets(finding):
    lost = finding.get("lost") or {}
    return lost.get("packets") or 0 if finding.get("state") == "losing" else 0


def read(folder):
    """Cause, others allowed, packets truly lost (None: not known) and the report; None without."""
    try:
        with open(os.path.join(folder, "fault.truth"), encoding="utf-8") as file:
            cause, others, lost = file.read().split("\n")[:3]
        with open(os.path.join(folder, "fault.json"), encoding="utf-8") as file:
            return cause, set(others.split()), int(lost) if lost else None, json.load(file)
    except (OSError, ValueError):
        return None


def account(cause, others, lost, report):
    """Of one scenario: the shares of what was lost put to its cause, and to wrong ones."""
    findings = report.get("findings", [])
    right = next((packets(f) for f in findings if is_about(f, {cause})), 0)
    wrong = sum(packets(f) for f in findings if not is_about(f, {cause} | others))
    return min(right, lost) / lost, wrong / lost


def percent(share):
    return f"{share * 100:.3f} %"


def main():
    judge = sys.argv[1] == "--judge"
    out, *names = sys.argv[2 if judge else 1:]
    shares, traced, unexplained, missed = {}, 0, 0, []
    for name in names:
        known = read(os.path.join(out, name))
        if not known:
            continue
        ledger = known[3].get("ledger", {})
        traced += ledger.get("traced") or 0
        unexplained += ledger.get("unexplained") or 0
        if known[0] != "none" and known[2]:
            shares[name] = account(*known)
    if not shares:
        return 0
    right, wrong = (sum(column) / len(shares) for column in zip(*shares.values()))
    open_share = unexplained / traced if traced else 0
    print(f"lost packets of {len(shares)} scenarios with known truth: {percent(right)} put to the "
          f"right cause (mean), {percent(wrong)} to a wrong one")
    print(f"drops traced in all scenarios: {traced}, that no cause explains: {unexplained}, "
          f"{percent(open_share)}")
    for name, (share, astray) in sorted(shares.items()):
        if share < EACH_MIN or astray > WRONG_MAX:
            print(f"    {name}: {percent(share)} right, {percent(astray)} wrong")
        if share < EACH_MIN:
            missed.append(f"{name} is below {percent(EACH_MIN)}")
    if right < MEAN_MIN:
        missed.append(f"the mean is below {percent(MEAN_MIN)}")
    if wrong >= WRONG_MAX:
        missed.append(f"{percent(WRONG_MAX)} or more went to wrong causes")
    if open_share >= UNEXPLAINED_MAX:
        missed.append(f"{percent(UNEXPLAINED_MAX)} or more of the drops are unexplained")
    for why in missed if judge else []:
        print(f"fail  accounting: {why}")
    return 1 if missed and judge else 0


sys.exit(main())
