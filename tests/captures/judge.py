#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
judge.py STATUS CAUSE VIA TROUBLES [EXPRESSION] < JSON: does `whydrop pcap --json` say what is true of a capture?
CAUSE and VIA are of the first finding, - for none (a via that is not told is not compared); TROUBLES
are "KIND SIDE FLOWS AMOUNT LONGEST-MS FIRST-PACKET; ...", and all of them. EXPRESSION holds, where j is
the JSON, c and s are the first flow's client and server, and `again` is what c sent again.
"""
import json
import sys

j = json.load(sys.stdin)
status, cause, via, want = sys.argv[1:5]
first = j["findings"][0] if j["findings"] else {"cause": "-", "via": None}
wrong = []
if (j["verdict"] == "healthy") != (status == "0"):
    wrong.append("verdict " + j["verdict"])
if first["cause"] != cause or via not in ("-", first["via"]):
    wrong.append("first finding %s via %s" % (first["cause"], first["via"]))
got = {" ".join(map(str, (t["kind"], t["side"], t["flows"], t["amount"], round(t["longest_ms"] or 0),
                          t["packets"][0]))) for t in j["troubles"]}
want = {" ".join(w.split()) for w in want.split(";") if w.strip()}
if got != want:
    wrong.append("troubles %s" % sorted(got))
what = " ".join(sys.argv[5:]).strip()
if what:
    c, s = j["flows"][0]["client"], j["flows"][0]["server"]
    again = c["retransmitted"]
    if not eval(what):
        wrong.append("not %s: %s %s" % (what, c, s))
print("; ".join(wrong))
sys.exit(bool(wrong))
