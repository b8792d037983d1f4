"""`make chaos`: SEED and MINUTES from the environment; 0 when every promise was kept, 1 when one was broken."""

import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

from chaos import settling
from chaos.campaign import Campaign, Outcome
from chaos.report import table
from chaos.stack import StackFailed, own_stack
from chaos.world import WorldFailed
from config.local_stack.environment import data_dir

_MINUTES = 3.0
_SEEDS = 10_000


def main() -> int:
    """Run one campaign on a stack of its own and print what it came to. Its data stays when something broke."""
    seed = int(os.environ.get("SEED") or secrets.randbelow(_SEEDS))
    minutes = float(os.environ.get("MINUTES") or _MINUTES)
    results = data_dir().absolute() / "chaos" / f"{time.strftime('%Y%m%d-%H%M%S')}-seed{seed}"
    _say(f"a campaign of {minutes:g} minutes; again: make chaos SEED={seed} MINUTES={minutes:g}")
    _say(f"its plan, ledgers and logs: {results}")
    try:
        outcome = _run(results, seed=seed, minutes=minutes)
    except (StackFailed, WorldFailed, settling.NeverQuiet) as failure:
        _say(f"FAILED: {failure}")
        return 1
    _say(table(outcome))
    _keep(outcome, results)
    return 0 if outcome.is_whole else 1


def _run(results: Path, *, seed: int, minutes: float) -> Outcome:
    with own_stack(results / "data", results / "output.txt") as stack:
        # Until it is known that all went well: `make run` on this data shows what is off.
        stack.keeps_data = True
        # The demo's own work first: no accident shall have been before the first.
        settling.quiet(stack, since=time.monotonic(), with_clock=True, say=_say)
        outcome = Campaign(stack, results, seed=seed, seconds=60.0 * minutes, say=_say).run()
        stack.keeps_data = not outcome.is_whole
        shutil.copytree(stack.data_dir / "logs", results / "logs")
        return outcome


def _keep(outcome: Outcome, results: Path) -> None:
    kept = {
        "seed": outcome.seed, "seconds": outcome.seconds, "quiet_after": outcome.quiet_after,
        "hurried": outcome.hurried,
        "found_at_night": outcome.found_at_night, "work": outcome.work, "figures": outcome.figures,
        "answers": outcome.answers,
        "faults": outcome.faults, "missed": outcome.missed, "breaches": [str(breach) for breach in outcome.breaches],
    }  # fmt: skip
    (results / "outcome.json").write_text(json.dumps(kept, indent=1))


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
