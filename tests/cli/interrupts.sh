#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ctrl-C at any moment: the first ends the sampling and diagnoses what there is, the second quits.
. "$(dirname "$0")/../lib.sh"

cat > "$TMP/interrupt.py" << 'END'
import os, random, re, signal, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor

# Children of a background job would ignore it.
signal.signal(signal.SIGINT, signal.SIG_DFL)
whydrop, seed = sys.argv[1], random.randrange(1 << 32)
random.seed(seed)
failures = 0

def fail(what, output="", errors=""):
    global failures
    failures += 1
    print(f"FAILED: {what} (seed {seed})", *(output + errors).splitlines()[:8], sep="\n    | ")

def start(*arguments):
    return subprocess.Popen([whydrop, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)

def first(number, moment, *arguments):
    """One signal at that moment; the interval that the diagnosis names, None if there is none."""
    name, began = signal.Signals(number).name, time.monotonic()
    p = start("-t", "20", *arguments)
    time.sleep(moment)
    p.send_signal(number)
    try:
        output, errors = p.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        p.kill()
        return fail(f"{name} after {moment:.3f} s: goes on")
    # Before the program stands on its feet it just ends.
    if p.returncode == -number and not output and moment < 0.1:
        return None
    if p.returncode not in (0, 1, 3):
        return fail(f"{name} after {moment:.3f} s: status {p.returncode}", output, errors)
    if errors:
        return fail(f"{name} after {moment:.3f} s: says something else", output, errors)
    if "--json" in arguments:
        said = re.search(r'"interval_s": ([0-9.]+)', output)
    else:
        said = re.search(r"^[^\n]*; ([0-9.]+) s, ", output)
        if "stopped early, 20.0 s were asked for" not in output:
            fail(f"{name} after {moment:.3f} s: does not say that it stopped early", output)
    if not said or float(said[1]) > time.monotonic() - began + 0.1:
        return fail(f"{name} after {moment:.3f} s: does not say how long it sampled", output)
    return float(said[1])

def both(number, gap):
    """Two signals: it ends at once, with the status that a shell knows."""
    p = start("-t", "20")
    time.sleep(0.6)
    p.send_signal(number)
    time.sleep(gap)
    p.send_signal(number)
    began = time.monotonic()
    try:
        output, errors = p.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        p.kill()
        return fail(f"two signals, {gap} s apart: goes on")
    # It may have been done already, with an answer.
    if p.returncode != 128 + number and not (p.returncode in (0, 1, 3) and output):
        fail(f"two signals, {gap} s apart: status {p.returncode}", output, errors)
    if time.monotonic() - began > 1:
        fail(f"two signals, {gap} s apart: took {time.monotonic() - began:.1f} s")
    return p.returncode

def one(i):
    moment = (i + random.random()) * 1.5 / N
    interval = first(signal.SIGTERM if i % 4 == 3 else signal.SIGINT, moment,
                     *(["--json"] if i % 3 == 2 else []))
    if moment > 1 and interval is not None and interval < 0.1:
        fail(f"after {moment:.3f} s it says that it sampled {interval} s")

N = 24
with ThreadPoolExecutor(4) as pool:
    list(pool.map(one, range(N)))
pairs = [(number, gap) for gap in (0.0, 0.002, 0.005, 0.01, 0.02)
         for number in (signal.SIGINT, signal.SIGTERM)]
if not any([both(number, gap) == 128 + number for number, gap in pairs]):
    fail("no second signal ended it")

# A recording ended early is a recording.
folder = os.path.join(sys.argv[2], "early")
p = start("record", "-t", "20", folder)
time.sleep(0.8)
p.send_signal(signal.SIGINT)
output, errors = p.communicate(timeout=10)
again = subprocess.run([whydrop, "--from", folder], capture_output=True, text=True)
if p.returncode != 0 or "stopped early, 20.0 s were asked for" not in again.stdout:
    fail(f"record, ended early: {p.returncode}, {again.returncode}", errors, again.stdout)
sys.exit(failures != 0)
END
python3 "$TMP/interrupt.py" "$WHYDROP" "$TMP" || FAILURES=1
finish
