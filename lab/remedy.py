#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Take the remedy that a person would type first out of what whydrop said.

  remedy.py JSON DIR

That is the first of the finding's remedies that `fix` may apply and a person can type; where there
is none, the first whose commands are complete and can be undone. DIR gets the files remedy.id,
remedy.commands and remedy.undo, and remedy.changes with a line for each sysctl: its name, a tab, its
new value.
"""
import json
import os
import re
import sys

# A word that a person must fill in: tcpdump's PEER, an interrupt's MASK.
PLACEHOLDER = re.compile(r"(?<![\w-])[A-Z][A-Z_]{3,}(?![\w-])")
WORDS_OF_TOOLS = {"ACCEPT", "DROP", "INPUT", "OUTPUT", "FORWARD", "CONT", "STOP", "THAWED", "FROZEN",
                  "PREROUTING", "POSTROUTING"}


def is_complete(commands):
    words = {word for command in commands for word in PLACEHOLDER.findall(command)}
    return bool(commands) and not words - WORDS_OF_TOOLS


def first_of(remedies):
    for remedy in remedies:
        if remedy["applicable"] and remedy["commands"]:
            return remedy
    for remedy in remedies:
        if remedy["undo"] and is_complete(remedy["commands"]):
            return remedy
    return None


def write(folder, name, lines):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    cause = os.environ["CAUSE"]
    about = [f for f in report["findings"] if cause in (f["cause"], f["via"])]
    if not about:
        sys.exit(f"{cause} was not found")
    remedy = first_of(about[0]["remedies"])
    if not remedy:
        names = ", ".join(r["id"] for r in about[0]["remedies"]) or "none"
        sys.exit(f"none of its remedies can be typed: {names}")
    write(sys.argv[2], "remedy.id", [remedy["id"]])
    write(sys.argv[2], "remedy.commands", remedy["commands"])
    write(sys.argv[2], "remedy.undo", remedy["undo"])
    write(sys.argv[2], "remedy.changes",
          [f"{c['key']}\t{c['to']}" for c in remedy["changes"] if c["kind"] == "sysctl"])


main()
