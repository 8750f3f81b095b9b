#!/usr/bin/env python3
"""next_minor.py TODAY NEXT

Writes to NEXT what plugin.h may look like one minor later: the number is raised, and each struct that can grow has a member more.
"""
import pathlib
import re
import sys

today, following = map(pathlib.Path, sys.argv[1:])
text = today.read_text()


def change(pattern, replacement, times):
    global text
    text, count = re.subn(pattern, replacement, text, flags=re.M | re.S)
    if count != times:
        sys.exit(f"{today}: {count} places for {pattern!r}, not {times}")


change(r"^#define FORKLIFT_API_MINOR (\d+)$", lambda match: f"#define FORKLIFT_API_MINOR {int(match.group(1)) + 1}", 1)
change(r"^(struct forklift_(?:env|body|out|settings|host) \{.*?\n)\};$", r"\1  int (*novelty)(void);\n};", 5)
change(r"^\} forklift_plugin;$", "  int (*novelty)(void);\n} forklift_plugin;", 1)
following.parent.mkdir(parents=True, exist_ok=True)
following.write_text(text)
