#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns a folder of texts into a C table: embed.py FOLDER OUTPUT.c DEPFILE

Each NAME.txt becomes a row {"NAME", "text"} of explain_texts[], in the order of names. Lines wider
than a terminal and names no cause could have are errors, so that the build tells. DEPFILE
names the texts and their folder, so that a new text is seen too.
"""

import pathlib
import re
import sys


def literal(line):
    """One line as a C string, newline included."""
    out = []
    for byte in (line + "\n").encode():
        if byte in (0x22, 0x5C):
            out.append("\\" + chr(byte))
        elif byte == 0x0A:
            out.append("\\n")
        elif 0x20 <= byte < 0x7F:
            out.append(chr(byte))
        else:
            out.append("\\%03o" % byte)
    return '\t "' + "".join(out) + '"'


def row(path):
    if not re.fullmatch(r"[a-z0-9-]+", path.stem):
        sys.exit(f"{path}: not a name of a cause")
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > 80 or "\t" in line or line != line.rstrip():
            sys.exit(f"{path}:{number}: over 80 columns, a tab, or blanks at the end")
    return '\t{"%s",\n%s},' % (path.stem, "\n".join(literal(line) for line in lines))


def main():
    folder, output, depfile = (pathlib.Path(argument) for argument in sys.argv[1:])
    texts = sorted(folder.glob("*.txt"))
    rows = [row(path) for path in texts]
    output.write_text(
        "/* Made by tools/embed.py; do not edit. */\n"
        '#include "render/explain_texts.h"\n\n'
        "const struct explain_text explain_texts[] = {\n" + "\n".join(rows) + "\n};\n"
        "const size_t explain_texts_n = sizeof(explain_texts) / sizeof(explain_texts[0]);\n",
        encoding="ascii",
    )
    depfile.write_text(f"{output}: {folder} {' '.join(map(str, texts))}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
