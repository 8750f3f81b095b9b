#!/usr/bin/env python3
"""additions.py CXX RELEASED TODAY

What today's header (a folder, in it forklift/plugin.h) has changed since a released one, by abidiff(1): nothing may have, but for
members at the end of structs that can grow, and enumerators; and with these the minor has to have been raised. Then the check
is checked: it is given headers that break the rules, one each.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CAN_GROW = {"env", "body", "out", "settings", "host", "plugin"}
# What a leaf of abidiff's report may consist of.
SIZE = re.compile(r"type size changed from (\d+) to \d+ \(in bits\)")
INSERTIONS = re.compile(r"\d+ data member insertions?:")
INSERTION = re.compile(r"'.*', at offset (\d+) \(in bits\) at plugin\.h:\d+:\d+")


def build(compiler, include, library):
    subprocess.run([compiler, "-std=c++17", "-g", "-shared", "-fPIC", "-I", include, HERE / "exposes.cc", "-o", library],
                   check=True)


def judge(old, new):
    """What is wrong with the interface of the library `new`, line by line, and whether there is anything new at all."""
    run = subprocess.run(["abidiff", "--leaf-changes-only", "--harmless", old, new], capture_output=True, text=True)
    if run.returncode & 3:  # abidiff itself has failed
        return [f"abidiff: {run.stdout}{run.stderr}"], False
    wrong, size, struct = [], 0, ""
    for line in filter(None, (text.strip() for text in run.stdout.splitlines())):
        if match := re.match(r"'struct forklift_(\w+) at .*' changed:$", line):
            struct, size = match.group(1), 0
            if struct not in CAN_GROW:
                wrong.append(line)
        elif "summary:" in line:
            if "functions" in line and not re.search(r": 0 Removed, 0 Changed", line):
                wrong.append(line)
        elif re.match(r"'enum .*' changed:$", line):
            struct = "enum"
        elif struct == "enum" and re.match(r"type size hasn't changed$|\d+ enumerator insertions?:$|'.*::FORKLIFT_\w+' value '-?\d+'$", line):
            pass
        elif match := SIZE.fullmatch(line):
            size = int(match.group(1))
        elif match := INSERTION.fullmatch(line):
            if not size or int(match.group(1)) < size:
                wrong.append(f"forklift_{struct}: not at its end: {line}")
        elif not INSERTIONS.fullmatch(line):
            wrong.append(f"forklift_{struct}: {line}")
    return wrong, run.returncode != 0


def minor_of(include):
    text = (pathlib.Path(include) / "forklift/plugin.h").read_text()
    return int(re.search(r"^#define FORKLIFT_API_MINOR (\d+)$", text, re.M).group(1))


# What is done to the header, and whether it may be done.
APPENDED = ("  void (*fail)(forklift_out *out, const char *message);", "\\g<0>\n  int (*novelty)(forklift_out *out);")
SPOILT = {
    "a member at the end": (True, [APPENDED]),
    "an enumerator more": (True, [("FORKLIFT_EIO = -7", "FORKLIFT_EIO = -7, FORKLIFT_ENOVEL = -8")]),
    "a member in the middle": (False, [("  int (*flush)(forklift_out *out);", "\\g<0>\n  int (*novelty)(forklift_out *out);")]),
    "a member less": (False, [("  void (*alive)(forklift_out *out);", "")]),
    "a member at the end and a result less": (False, [APPENDED, ("int (*flush)(", "void (*flush)(")]),
    "an argument more": (False, [("(*read)(forklift_body *body, void *buffer, size_t size)", "(*read)(forklift_body *body, void *buffer, size_t size, int flags)")]),
    "a signed length": (False, [("uint64_t length; /*", "int64_t length; /*")]),
    "a longer frozen struct": (False, [("  short revents;", "\\g<0>\n  int novelty;")]),
    "another number": (False, [("FORKLIFT_EIO = -7", "FORKLIFT_EIO = -8")]),
}


def main():
    compiler, released, today = sys.argv[1:]
    status = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        build(compiler, released, folder / "released.so")
        build(compiler, today, folder / "today.so")
        wrong, additions = judge(folder / "released.so", folder / "today.so")
        if additions and minor_of(today) == minor_of(released):
            wrong.append("there are additions, but FORKLIFT_API_MINOR is as it was")
        for line in wrong:
            print(f"{released} -> {today}: {line}", file=sys.stderr)
            status = 1

        text = (pathlib.Path(released) / "forklift/plugin.h").read_text()
        (folder / "forklift").mkdir()
        for what, (allowed, edits) in SPOILT.items():
            spoilt = text
            for old, new in edits:
                spoilt, count = re.subn(re.escape(old), new, spoilt, count=1)
                assert count == 1, f"{what}: the header has no {old!r}"
            (folder / "forklift/plugin.h").write_text(spoilt)
            build(compiler, folder, folder / "spoilt.so")
            wrong, _ = judge(folder / "released.so", folder / "spoilt.so")
            if allowed != (not wrong):
                print(f"the check itself: {what} is {'refused' if wrong else 'not seen'}: {wrong}", file=sys.stderr)
                status = 1
    return status


sys.exit(main())
