"""The processes that a script starts: which they are, and how much memory all take (Linux)."""

import os
from pathlib import Path


def family(pid: int) -> dict[int, int]:
    """Return the resident bytes of a process and of all its descendants, by process number."""
    resident, parents = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if fields[0] == "Z":
            continue  # ended, and nobody has asked for its status yet
        parents[int(folder.name)] = int(fields[1])
        resident[int(folder.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {member: resident[member] for member in found & resident.keys()}


def memory_of(pid: int) -> int:
    """Return the bytes that a process and all its descendants take, shared pages counted once.

    It is the sum of their "proportional set sizes": a page that n of them share is 1/n in each.
    """
    total = 0
    for member in family(pid):
        try:
            text = Path(f"/proc/{member}/smaps_rollup").read_text()
        except OSError:
            continue  # it has just ended
        total += 1024 * int(next(line for line in text.splitlines()
                                 if line.startswith("Pss:")).split()[1])
    return total


def still_running(members: set[int]) -> set[int]:
    """Return those that have not ended."""
    return {member for member in members if member in family(member)}
