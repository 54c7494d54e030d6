#!/usr/bin/env python3
"""Types at an interactive shell: press-keys.py FILE SHELL [ARGUMENT...]

Standard input is a JSON list of keys, each a string. After each the shell has to append to FILE, the
last line of it "END"; what it appended, those ends left out, is printed as a JSON list.
"""
import json
import os
import pty
import select
import sys
import time

LIMIT_S = 20


def main():
    path, *command = sys.argv[1:]
    keys = json.load(sys.stdin)
    open(path, "w").close()
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown = b""
    answers = []
    read = 0

    def drain(seconds):
        nonlocal shown
        if select.select([master], [], [], seconds)[0]:
            shown += os.read(master, 65536)

    try:
        # Its first prompt: what is typed before may be read as it starts, without its line editor.
        until = time.monotonic() + LIMIT_S
        while b"ready> " not in shown:
            drain(0.1)
            if time.monotonic() > until:
                raise SystemExit("no prompt; the terminal shows %r" % shown)
        for one in keys:
            os.write(master, one.encode())
            until = time.monotonic() + LIMIT_S
            while True:
                drain(0.02)
                with open(path, encoding="utf-8") as file:
                    text = file.read()[read:]
                if text.endswith("END\n"):
                    break
                if time.monotonic() > until:
                    raise SystemExit("%r: no answer; the terminal shows %r" % (one, shown))
            read += len(text)
            answers.append(text[: -len("END\n")].splitlines())
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    json.dump(answers, sys.stdout)


main()
