"""``python -m benchmarks [purchase] [queue] [webhook] ...``: measure, print the table, keep it as JSON."""

import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks import (
    ads_decisions,
    ads_impressions,
    checkout,
    cost,
    dashboard,
    entities,
    exports,
    fanout,
    mail,
    purchase,
    queue,
    scans,
    tracking,
    waitlist,
    webhook,
)
from benchmarks.world import Row, servers
from config.local_stack.environment import ROOT

SUITES = {
    "purchase": purchase.measure,
    "checkout": checkout.measure,
    "queue": queue.measure,
    "webhook": webhook.measure,
    "scans": scans.measure,
    "waitlist": waitlist.measure,
    "fanout": fanout.measure,
    "ads": ads_decisions.measure,
    "impressions": ads_impressions.measure,
    "tracking": tracking.measure,
    "dashboard": dashboard.measure,
    "exports": exports.measure,
    "mail": mail.measure,
    "entities": entities.measure,
}
# A row, and which part of the benchmarks it is of.
_Measured = tuple[str, Row]


def main() -> int:
    """Measure what was asked for (everything by default). A missed goal is said; it is not an error."""
    wanted = sys.argv[1:] or os.environ.get("ONLY", "").split() or list(SUITES)
    unknown = sorted(set(wanted) - set(SUITES))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(SUITES)}")
        return 2
    rows: list[_Measured] = []
    with servers() as world:
        for name in wanted:
            print(f"  .. {name}", flush=True)
            cost.begin(name)
            rows += [(name, row) for row in SUITES[name](world)]
    print(_table(rows), cost.table(), sep="\n\n")
    _keep(rows)
    return 0


def _table(rows: list[_Measured]) -> str:
    lines = [
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians of the rounds",
        f"{'what':<52}{'ours':>10}  {'limit or peer':<32}{'theirs':>10}{'ratio':>8}{'goal':>7}        make bench",
    ]
    for name, row in rows:
        goal = "" if row.goal is None else f"{row.goal:.2g}"
        verdict = "" if row.goal is None else ("met" if row.ratio >= row.goal else "missed")
        theirs = f"{_figure(row.peer) + row.unit:>10}{row.ratio:>8.2f}" if row.peer_name else " " * 18
        ours = _figure(row.ours) + row.unit
        lines.append(
            f"{row.what:<52}{ours:>10}  {row.peer_name:<32}{theirs}{goal:>7} {verdict:<7}ONLY={name}"
        )
    return "\n".join(lines)


def _figure(value: float) -> str:
    """Return three digits, or the whole number: what is shown divided by what is shown is the ratio beside it."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{decimals}f}"


def _keep(rows: list[_Measured]) -> None:
    folder = Path(os.environ.get("DATA_DIR", ROOT / ".local")) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    kept: list[dict[str, object]] = [
        {"only": name, **asdict(row), "ratio": round(row.ratio, 3)} for name, row in rows
    ]
    kept += [
        {"only": name, "what": what, "milliseconds": {who: round(spent.each(who), 3) for who in cost.WHO}}
        for (name, what), spent in cost.costs.items()
    ]
    (folder / f"{time.strftime('%Y%m%d-%H%M%S')}.json").write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    sys.exit(main())
