#!/usr/bin/python3
"""Compares calls that workers made (files of syscall-digest.awk in a folder) with the lists in SystemCallTable.swift."""
import collections
import pathlib
import re
import sys

ROLES = {"peer-worker": "peerWorker", "hash-worker": "hashWorker", "writer": "writer"}
# strace 6.1 knows no name for it.
NEWER = {"syscall_0x1c3": "cachestat"}


def names_in(text, variable):
    """The names in the list that a static variable of the table makes, and those it gives a verdict of their own."""
    body = text.split(f"static let {variable}", 1)[1].split("\n    private static let ", 1)[0].split("\n    // MARK", 1)[0]
    body = re.sub(r"//.*", "", body)
    return set(re.findall(r'"([a-z_0-9]+)"', body))


def calls_of(folder, program):
    calls, killed = collections.Counter(), 0
    for path in folder.glob(f"{program}.*"):
        for line in path.read_text().splitlines():
            count, _, call = line.partition(" ")
            if line == "killed":
                killed += 1
            else:
                name, _, arguments = call.partition(" ")
                calls[f"{NEWER.get(name, name)} {arguments}".strip()] += int(count)
    return calls, killed


def main():
    folder, table = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text()
    refused, core = names_in(table, "refused"), names_in(table, "core")
    failed = False
    for program, variable in ROLES.items():
        calls, killed = calls_of(folder, program)
        allowed = core | names_in(table, variable)
        made = {call.split(" ")[0] for call in calls}
        print(f"{program}: {sum(calls.values())} calls of {len(made)} kinds after the lock-down")
        for title, some in (
            ("in no list", made - allowed - refused - {"clone3", "tgkill"}), ("refused", (made & refused) - allowed),
            ("allowed and not made", allowed - made),
        ):
            print(f"  {title}: {', '.join(sorted(some)) or 'none'}")
        for call in sorted(calls):
            if " " in call:
                print(f"    {calls[call]:8} {call}")
        if killed:
            print(f"  ended by the filter: {killed}")
            failed = True
        failed |= not calls
    sys.exit(failed)


main()
