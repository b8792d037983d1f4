"""Processor time of what is measured, by who spends it: our processes, PostgreSQL, Redis.

Read from Linux's ``/proc``, so what else runs on the machine changes it little, unlike a rate. The clients' share is
not in it.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# By the program's name; of Python by a word of its command, as clients and stand-ins are Python too.
_PROGRAMS = {"postgres": "PostgreSQL", "valkey-server": "Redis", "redis-server": "Redis"}
_OURS = re.compile(rb"granian|benchmarks\.hand")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
WHO = ("Python", "PostgreSQL", "Redis")


@dataclass(slots=True)
class Cost:
    """How often something was done, and the seconds of processor time that it took, by who spent them."""

    count: float = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(WHO, 0.0))

    def each(self, who: str) -> float:
        """Return milliseconds of one."""
        return self.seconds[who] * 1000 / self.count if self.count else 0.0


# By part of the benchmarks and what was done.
costs: dict[tuple[str, str], Cost] = defaultdict(Cost)
_part = [""]


def begin(part: str) -> None:
    """Say of which part the following is."""
    _part[0] = part


@contextmanager
def counted(what: str) -> Iterator[Cost]:
    """Add what the block's processes spend to what is known of ``what``.

    The block sets ``count``; where it does not, nothing is added.
    """
    before, this = _spent(), Cost()
    yield this
    if not this.count:
        return
    after, known = _spent(), costs[_part[0], _ID.sub("ID", what)]
    known.count += this.count
    for who in WHO:
        known.seconds[who] += after[who] - before[who]


def table() -> str:
    """Return what one of everything cost, in milliseconds."""
    head = f"{'milliseconds of processor time, without the client':<64}{'Python':>9}{'PostgreSQL':>12}{'Redis':>8}"
    rows = [
        f"{f'{part}: {what}':<64}{cost.each('Python'):>9.2f}{cost.each('PostgreSQL'):>12.2f}{cost.each('Redis'):>8.2f}"
        for (part, what), cost in costs.items()
        if cost.count
    ]
    return "\n".join([head, *rows])


def _spent() -> dict[str, float]:
    """Return what this process's descendants have spent until now, in seconds; what those spent that ended, too."""
    parents, spent, names = {}, {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(") ")
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        fields, pid = rest.split(), int(folder.name)
        parents[pid] = int(fields[1])
        spent[pid] = sum(map(int, fields[11:15])) / _TICKS
        names[pid] = _PROGRAMS.get(name) or ("Python" if _OURS.search(command) else None)
    found = dict.fromkeys(WHO, 0.0)
    for pid, seconds in spent.items():
        who = _who(pid, parents, names)
        if who:
            found[who] += seconds
    return found


def _who(pid: int, parents: dict[int, int], names: dict[int, str | None]) -> str | None:
    """Return whose a process is: its own program's, or that of the nearest of its parents, up to this process."""
    who = None
    while pid not in (0, 1, os.getpid()):
        who, pid = who or names.get(pid), parents.get(pid, 0)
    return who if pid == os.getpid() else None
