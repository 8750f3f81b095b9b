#!/usr/bin/env python3
"""covered.py CXX INCLUDE

Each member of each struct and each enumerator that plugin.h declares, as the compiler sees them (abidw(1)), has its line in
layout.c; and so has each size.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent


def main():
    compiler, include = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(folder) / "exposes.so"
        subprocess.run([compiler, "-std=c++17", "-g", "-shared", "-fPIC", "-I", include, HERE / "exposes.cc", "-o", library],
                       check=True)
        document = xml.etree.ElementTree.fromstring(subprocess.run(["abidw", library], capture_output=True, check=True).stdout)

    layout = re.sub(r"/\*.*?\*/", "", (HERE / "layout.c").read_text(), flags=re.S)
    lines = set(re.findall(r"^(?:SIZE|AT)\(.*\);$", layout, re.M))
    wanted, structs, enumerators = set(), set(), set()
    for struct in document.iter("class-decl"):
        name = struct.get("name")
        if not name.startswith("forklift_") or struct.get("is-declaration-only") == "yes":
            continue
        structs.add(name)
        wanted.add(f"SIZE({name}, {int(struct.get('size-in-bits')) // 8});")
        for member in struct.iter("data-member"):
            offset = int(member.get("layout-offset-in-bits")) // 8
            wanted.add(f"AT({name}, {member.find('var-decl').get('name')}, {offset});")
    for enumerator in document.iter("enumerator"):
        enumerators.add(enumerator.get("name"))
        wanted.add(f"{enumerator.get('name')} == {enumerator.get('value')}")
    lines |= set(re.findall(r"FORKLIFT_\w+ == -?\d+", layout))

    # What exposes.cc does not reach would be missed here: the header's own text says what there is.
    text = re.sub(r"/\*.*?\*/", "", (pathlib.Path(include) / "forklift/plugin.h").read_text(), flags=re.S)
    missed = set(re.findall(r"^(?:typedef )?struct (forklift_\w+) \{", text, re.M)) - structs
    for body in re.findall(r"\benum\s*\w*\s*\{(.*?)\}", text, re.S):
        missed |= set(re.findall(r"\bFORKLIFT_\w+", body)) - enumerators

    for name in sorted(missed):
        print(f"exposes.cc does not reach {name}", file=sys.stderr)
    for line in sorted(wanted - lines):
        print(f"layout.c lacks: {line}", file=sys.stderr)
    return 1 if missed or wanted - lines or not structs or not enumerators else 0


sys.exit(main())
