#!/usr/bin/python3
"""links.py FOLDER

Every link of a document (*.md) in FOLDER, but those to other machines, leads to something that is there: a file, a folder, and
behind a `#` a heading of it.
"""
import os
import re
import sys

SKIPPED = ("build", ".git")


def documents(folder):
    for where, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each not in SKIPPED]
        yield from (os.path.join(where, file) for file in files if file.endswith(".md"))


def prose(path):
    with open(path, encoding="utf-8") as file:
        return re.sub(r"^ *```.*?^ *```", "", file.read(), flags=re.M | re.S)


def anchors(path):
    """As GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)$", prose(path), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def dead_links(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = os.path.join(os.path.dirname(path), name) if name else path
        if not os.path.exists(target) or (anchor and anchor not in anchors(target)):
            yield link


def main():
    found = [(path, link) for path in documents(sys.argv[1]) for link in dead_links(path)]
    for path, link in found:
        print(f"{path}: {link} leads nowhere")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
