#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hold what whydrop said against what a scenario says is true.

  check.py fault JSON    a line of columns (ok, no or -), then one line for each reason
  check.py healed JSON   the same for the finding that must be gone; remedied is the same

The expectations come in the environment: CAUSE ALSO BOTH CLEARED OWNER VIA SEVERITY VERDICT LOOKS PEAK LOST INODE.
SAYS is a pattern that its words must match.
"""
import json
import os
import re
import sys

COLUMNS = ("named", "rank", "lost", "counted", "traced", "also", "netns", "checks")
LOUD = ("warning", "critical")
TOLERANCE = 0.02


def want(name):
    return os.environ.get(name, "").strip()


def is_about(finding, ids):
    return finding.get("cause") in ids or finding.get("via") in ids


def loud(findings):
    return [f for f in findings if f.get("severity") in LOUD]


def brief(finding):
    """One finding in a few words, for the line that says what went wrong."""
    lost = finding.get("lost") or {}
    via = f" via {finding['via']}" if finding.get("via") else ""
    return (f"{finding.get('cause')}{via} ({finding.get('severity')},"
            f" lost {lost.get('packets')}, counted {lost.get('counted')},"
            f" traced {lost.get('traced')})")


class Check:
    """The columns of one row, and why those that say no do so."""

    def __init__(self):
        self.columns = dict.fromkeys(COLUMNS, "-")
        self.reasons = []

    def column(self, name, good, why):
        if good and self.columns[name] != "no":
            self.columns[name] = "ok"
        elif not good:
            self.columns[name] = "no"
            self.reasons.append(f"{name}: {why}")

    def show(self):
        print("\t".join(self.columns.values()))
        for reason in self.reasons:
            print(reason)


def check_count(check, name, said, lost):
    if said is not None:
        check.column(name, abs(said - lost) <= lost * TOLERANCE,
                     f"said {said}, truly lost {lost}")


def check_first(check, first):
    """The first finding is the right one: its numbers, its namespace, and what else is asked."""
    if want("LOST"):
        lost = first.get("lost") or {}
        check_count(check, "lost", lost.get("packets", 0), int(want("LOST")))
        check_count(check, "counted", lost.get("counted"), int(want("LOST")))
        check_count(check, "traced", lost.get("traced"), int(want("LOST")))
    if want("INODE"):
        inode = (first.get("netns") or {}).get("inode")
        check.column("netns", inode == int(want("INODE")),
                     f"said {inode}, the namespace examined is {want('INODE')}")
    if want("OWNER"):
        owner = ((first.get("subject") or {}).get("process") or {}).get("command")
        check.column("checks", owner == want("OWNER"),
                     f"the owner is {owner}, not {want('OWNER')}")
    # Stretched, the machine is too slow to lose so many at once.
    if want("PEAK") and not want("STRETCHED"):
        peak = ((first.get("lost") or {}).get("peak") or {}).get("packets", 0)
        check.column("checks", peak >= int(want("PEAK")),
                     f"{peak} were lost at once, not {want('PEAK')} or more")
    if want("LOOKS"):
        looks = (first.get("crowd") or {}).get("looks_like")
        check.column("checks", looks == want("LOOKS"), f"it looks like {looks}, not {want('LOOKS')}")
    if want("SAYS"):
        said = "\n".join([first.get("headline") or "", first.get("text") or "",
                          *(e.get("text") or "" for e in first.get("evidence", [])),
                          *((s.get("rule") or {}).get("text") or "" for s in first.get("subjects", []))])
        check.column("checks", re.search(want("SAYS"), said),
                     f"nothing like '{want('SAYS')}' in: {said}")
    for key in ("via", "severity"):
        expected = want(key.upper())
        if expected:
            check.column("checks", first.get(key) == expected,
                         f"{key} is {first.get(key)}, not {expected}")


def check_fault(check, report):
    findings = report.get("findings", [])
    cause = want("CAUSE")
    about = [f for f in findings if is_about(f, {cause})]
    said = "; ".join(map(brief, findings)) or "no findings"
    check.column("named", about, f"{cause} is not among: {said}")
    if about:
        check.column("rank", findings[0] is about[0], f"first is {brief(findings[0])}")
        check_first(check, about[0])
    allowed = {cause, *want("ALSO").split(), *want("BOTH").split()}
    strangers = [f for f in loud(findings) if not is_about(f, allowed)]
    check.column("also", not strangers, "blamed too: " + "; ".join(map(brief, strangers)))
    for each in want("BOTH").split():
        check.column("checks", any(is_about(f, {each}) for f in findings),
                     f"{each} is not among: {said}")
    check_verdict(check, report, want("VERDICT"))
    check_cleared(check, report)


def has_number(evidence):
    return any(evidence.get(key) is not None for key in ("after", "delta")) or any(
        c.isdigit() for c in evidence.get("text") or "")


def check_cleared(check, report):
    """What was ruled out was ruled out by a number."""
    cleared = {c.get("cause"): c.get("evidence", []) for c in report.get("cleared", [])}
    for each in want("CLEARED").split():
        check.column("checks", any(map(has_number, cleared.get(each, []))),
                     f"{each} is not cleared by a number")


def check_verdict(check, report, expected):
    if expected:
        check.column("checks", report.get("verdict") == expected,
                     f"verdict is {report.get('verdict')}, not {expected}")


def check_none(check, report):
    """A healthy host: nothing at warning or worse, and the verdict says so."""
    noise = loud(report.get("findings", []))
    check.column("also", not noise, "blamed: " + "; ".join(map(brief, noise)))
    check_verdict(check, report, want("VERDICT") or "healthy")
    check_cleared(check, report)


def check_healed(check, report):
    ids = {want("CAUSE"), *want("BOTH").split()}
    left = [f for f in loud(report.get("findings", [])) if is_about(f, ids)]
    check.column("checks", not left, "still there: " + "; ".join(map(brief, left)))


def main():
    check = Check()
    try:
        with open(sys.argv[2], encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError) as error:
        check.column("named", False, f"no JSON from whydrop: {error}")
    else:
        if sys.argv[1] in ("healed", "remedied"):
            check_healed(check, report)
        elif want("CAUSE") == "none":
            check_none(check, report)
        else:
            check_fault(check, report)
    check.show()
    return 1 if check.reasons else 0


sys.exit(main())
