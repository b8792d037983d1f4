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


def main() -> int:
    """Measure what was asked for (everything by default). A missed goal is said; it is not an error."""
    wanted = sys.argv[1:] or os.environ.get("ONLY", "").split() or list(SUITES)
    unknown = sorted(set(wanted) - set(SUITES))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(SUITES)}")
        return 2
    rows: list[Row] = []
    with servers() as world:
        for name in wanted:
            print(f"  .. {name}", flush=True)
            rows += SUITES[name](world)
    print(_table(rows))
    _keep(rows)
    return 0


def _table(rows: list[Row]) -> str:
    lines = [
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians of the rounds",
        f"{'what':<48}{'ours':>10}  {'limit or peer':<32}{'theirs':>10}{'ratio':>8}{'goal':>7}",
    ]
    for row in rows:
        goal = "" if row.goal is None else f"{row.goal:g}"
        verdict = "" if row.goal is None else ("met" if row.ratio >= row.goal else "missed")
        lines.append(
            f"{row.what:<48}{row.ours:>8,.0f}{row.unit}  {row.peer_name:<32}{row.peer:>8,.0f}{row.unit}"
            f"{row.ratio:>8.2f}{goal:>7} {verdict}"
        )
    lines.append("\none alone: make bench ONLY=queue")
    return "\n".join(lines)


def _keep(rows: list[Row]) -> None:
    folder = Path(os.environ.get("DATA_DIR", ROOT / ".local")) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    kept = [{**asdict(row), "ratio": round(row.ratio, 3)} for row in rows]
    (folder / f"{time.strftime('%Y%m%d-%H%M%S')}.json").write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    sys.exit(main())
