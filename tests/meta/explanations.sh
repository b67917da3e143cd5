#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The texts of causes: five heads in their order, neighbours that exist, scenarios that exist.
. "$(dirname "$0")/../lib.sh"
cd "$ROOT" || exit 1

python3 - << 'END' > "$OUT" 2>&1 || fail "src/render/explain" "$OUT"
import pathlib, re, sys

HEADS = ["What happens", "See it by hand", "Not to be confused with", "Remedy", "Lab"]
folder = pathlib.Path("src/render/explain")
ids = {p.stem for p in folder.glob("*.txt")}
scenarios = {p.stem for p in pathlib.Path("lab/scenarios").glob("*.sh")}
wrong = []
for path in sorted(folder.glob("*.txt")):
    text = path.read_text()
    heads = re.findall(r"^\S.*$", text, re.M)
    # What loses nothing by itself also says when it is told.
    if [h for h in heads if h != "When it is told"] != HEADS:
        wrong.append(f"{path.name}: heads {heads}")
        continue
    parts = dict(zip(heads, re.split(r"^\S.*\n", text, flags=re.M)[1:]))
    wrong += [f"{path.name}: nothing under {h}" for h in HEADS if not parts[h].strip()]
    # A neighbour by its id stands at the left, alone or with others.
    for line in re.findall(r"^  ((?:[a-z0-9]+(?:-[a-z0-9]+)+(?:, )?)+)(?:  |$)", parts[HEADS[2]], re.M):
        wrong += [f"{path.name}: no cause {i}" for i in line.split(", ") if i and i not in ids]
    # A remedy says what it risks or costs, or that it does neither.
    if not re.search(r"\b([Rr]isk|[Cc]ost|latency|harm|nothing is)", parts["Remedy"]):
        wrong.append(f"{path.name}: no word of a remedy's risk or cost")
    for name in re.findall(r"lab/run (?:-\S+ )*([a-z0-9]+(?:-+[a-z0-9]+)*)", parts["Lab"]):
        if name not in scenarios:
            wrong.append(f"{path.name}: no scenario {name}")
    for line in text.split("\n"):
        if len(line) > 80:
            wrong.append(f"{path.name}: wider than 80: {line}")
print("\n".join(wrong))
sys.exit(bool(wrong) or not ids)
END
finish
