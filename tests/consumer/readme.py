#!/usr/bin/python3
"""readme.py PREFIX README

Follows a README as a reader would, in an empty folder, with what is installed in PREFIX: writes the blocks of code that begin with
a comment which is a file's name, and types the commands of the `console` blocks. What a command prints has to be what stands below
it; there, `...` is anything, also any number of lines. Ports are replaced by free ones. Blocks of another kind are refused, but for
`sh`: commands that take something a test does not have (a home folder, a live process to look into), which other tests try.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

KINDS = {"c": "//", "cpp": "//", "cmake": "#", "yaml": "#", "nginx": "#"}
DONE = "the-command-has-ended"
SECONDS = 120


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def blocks(text):
    for number, match in enumerate(re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S), 1):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match.group(1), match.group(2)


def matches(expected, printed):
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, printed) is not None


class Shell:
    """One shell for all commands, so that `cd` and `&` mean what they do to a reader."""

    def __init__(self, folder, environment):
        self.shell = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def folder(self):
        return os.readlink(f"/proc/{self.shell.pid}/cwd")

    def run(self, command):
        self.shell.stdin.write(f"{command}\nprintf '\\n{DONE} %s\\n' $?\n")
        self.shell.stdin.flush()
        printed = ""

        def give_up(*_):
            raise SystemExit(f"nothing more after {SECONDS} s from: {command}\n{printed}")

        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(SECONDS)
        for line in self.shell.stdout:
            if line.startswith(DONE):
                signal.alarm(0)
                printed = printed[:-1]  # the newline that is ours
                return printed if printed.endswith("\n") or not printed else printed + "\n", int(line.split()[1])
            printed += line
        raise SystemExit(f"the shell has ended in: {command}\n{printed}")

    def end(self):
        os.killpg(self.shell.pid, signal.SIGTERM)
        self.shell.wait()


def follow(text, shell, ports):
    for line, kind, block in blocks(text):
        if kind == "console":
            for typed in re.split(r"^\$ ", block, flags=re.M)[1:]:
                command, *expected = typed.rstrip("\n").split("\n")
                # A blank line at the end is one that is printed.
                expected += [""] * (len(typed) - len(typed.rstrip("\n")) - 1)
                printed, status = shell.run(command)
                if command.startswith("forklift new "):  # whose port is the one that stands here
                    shell.run(f"sed -i 's/4000/{ports['4000']}/' */*.yaml")
                if not matches(expected, printed):
                    raise SystemExit(f"line {line}: $ {command}\nprinted, with status {status}:\n{printed}\nexpected:\n"
                                     + "\n".join(expected))
        elif kind in KINDS:
            name = re.match(rf"{KINDS[kind]} ([\w.-]+)\n", block)
            if not name:
                raise SystemExit(f"line {line}: the block has no file's name in its first line")
            with open(os.path.join(shell.folder(), name.group(1)), "w", encoding="utf-8") as file:
                file.write(block)
        elif kind != "sh":
            raise SystemExit(f"line {line}: a block of the kind {kind!r}, which nobody runs")


def main():
    prefix, readme = map(os.path.abspath, sys.argv[1:])
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        environment = {
            "PATH": f"{prefix}/sbin:{os.environ['PATH']}", "HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8",
            "CMAKE_PREFIX_PATH": prefix, "PKG_CONFIG_PATH": f"{prefix}/share/pkgconfig:{prefix}/lib/pkgconfig",
            "XDG_RUNTIME_DIR": folder,
        }
        shell = Shell(folder, environment)
        ports = {port: free_port() for port in ("4000", "8080")}
        text = re.sub(r"\b(4000|8080)\b", lambda match: ports[match.group(0)], text)
        try:
            follow(text, shell, ports)
        finally:
            shell.end()


if __name__ == "__main__":
    main()
